//! Why a submission was judged as it was, in a form that can be shown and kept: the keys in force,
//! each with its origin, and what each rule did.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{Act, Effective, Judgement, Marks, Mode};
use crate::score::Points;

/// All that was decided by.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Reasons {
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub effective: BTreeMap<String, KeyInForce>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<Acted>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub report: Option<Reported>,
}

/// A key in force: whose it is, and its value as it was set.
#[derive(Debug, Serialize, Deserialize)]
pub struct KeyInForce {
    pub policy: String,
    pub value: Box<RawValue>,
}

/// What one rule did. Without `output` it refused.
#[derive(Debug, Serialize, Deserialize)]
pub struct Acted {
    pub rule: String,
    pub policy: String,
    pub input: Marks,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<Marks>,
    pub reason: String,
}

/// What the report policies would have done.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Reported {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub judged: Option<Marks>,
    /// What their own rules did.
    pub rules: Vec<Acted>,
}

impl Reasons {
    pub fn of(effective: &Effective, judgement: &Judgement, reported: Option<&Judgement>) -> Self {
        let keys = effective.in_force().into_iter().map(|key| {
            let in_force = KeyInForce {
                policy: key.policy.to_string(),
                value: key.value,
            };
            (key.key.to_owned(), in_force)
        });
        Self {
            effective: keys.collect(),
            rules: judgement.acts.iter().map(Acted::from).collect(),
            report: reported.map(Reported::of),
        }
    }
}

impl Reported {
    fn of(judgement: &Judgement) -> Self {
        let acts = judgement.acts.iter();
        let own = acts.filter(|act| act.mode == Mode::Report);
        Self {
            decision: Some(judgement.decision.as_str().to_owned()),
            judged: judgement.judged().map(Marks::from),
            rules: own.map(Acted::from).collect(),
        }
    }
}

impl From<&Act> for Acted {
    fn from(act: &Act) -> Self {
        let Act {
            rule,
            policy,
            mode: _,
            input,
            output,
            reason,
        } = act;
        Self {
            rule: (*rule).to_owned(),
            policy: policy.to_string(),
            input: *input,
            output: *output,
            reason: reason.clone(),
        }
    }
}

impl Judgement {
    /// What stands once this takes effect; nothing where it was refused.
    pub fn judged(&self) -> Option<Points> {
        self.role.and(self.stands)
    }
}
