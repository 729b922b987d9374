//! Why a submission was judged as it was, in a form that can be shown and kept: the keys in force,
//! each with its origin, and what each rule did.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;

use super::keys::Each;
use super::{Act, Effective, Judgement, Marks};
use crate::score::Points;

/// All that was decided by.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Reasons {
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub effective: BTreeMap<String, KeyInForce>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<Acted<'static>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub spared: Vec<Acted<'static>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub report: Option<Reported<'static>>,
}

/// A key in force: whose it is, and its value as it was set.
#[derive(Debug, Serialize, Deserialize)]
pub struct KeyInForce {
    pub policy: String,
    pub value: Box<RawValue>,
}

/// What one rule did. Without `output` it refused.
#[derive(Debug, Serialize, Deserialize)]
pub struct Acted<'a> {
    pub rule: Cow<'a, str>,
    pub policy: Cow<'a, str>,
    pub input: Marks,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<Marks>,
    pub reason: Cow<'a, str>,
}

/// What the report policies would have done.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Reported<'a> {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub judged: Option<Marks>,
    /// What their rules did.
    pub rules: Vec<Acted<'a>>,
}

/// `Reasons` as they are written, without a copy of anything: every entry of the ledger has them.
#[derive(Serialize)]
pub struct ReasonsOf<'a> {
    #[serde(serialize_with = "write_keys", skip_serializing_if = "is_empty")]
    effective: Cow<'a, Effective>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    rules: Vec<Acted<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    spared: Vec<Acted<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    report: Option<Reported<'a>>,
}

#[derive(Serialize)]
struct KeyInForceAs<'a, T> {
    policy: &'a str,
    value: &'a T,
}

impl<'a> ReasonsOf<'a> {
    /// `user` is whose submission it is.
    pub fn new(
        effective: &'a Effective,
        judgement: &'a Judgement,
        reported: Option<&'a Judgement>,
        user: &str,
    ) -> Self {
        Self {
            effective: effective.told_of(user),
            rules: judgement.acts.iter().map(Acted::from).collect(),
            spared: judgement.spared.iter().map(Acted::from).collect(),
            report: reported.map(|reported| Reported::of(reported, judgement)),
        }
    }
}

impl<'a> Reported<'a> {
    fn of(judgement: &'a Judgement, enforced: &'a Judgement) -> Self {
        Self {
            decision: Some(judgement.decision.as_str().into()),
            judged: judgement.judged().map(Marks::from),
            rules: judgement.beside(enforced).map(Acted::from).collect(),
        }
    }
}

impl<'a> From<&'a Act> for Acted<'a> {
    fn from(act: &'a Act) -> Self {
        let Act {
            rule,
            policy,
            mode: _,
            input,
            output,
            reason,
        } = act;
        Self {
            rule: Cow::Borrowed(rule),
            policy: Cow::Borrowed(policy),
            input: *input,
            output: *output,
            reason: Cow::Borrowed(reason),
        }
    }
}

fn is_empty(effective: &Effective) -> bool {
    *effective == Effective::default()
}

fn write_keys<S: Serializer>(effective: &Effective, serializer: S) -> Result<S::Ok, S::Error> {
    struct Members<M>(M);
    impl<M: SerializeMap> Each for Members<M> {
        type Error = M::Error;

        fn take(
            &mut self,
            key: &'static str,
            policy: &str,
            value: &impl Serialize,
        ) -> Result<(), M::Error> {
            self.0.serialize_entry(key, &KeyInForceAs { policy, value })
        }
    }
    let mut members = Members(serializer.serialize_map(None)?);
    effective.each_in_force(&mut members)?;
    members.0.end()
}

impl Reasons {
    /// As they would be read back from an entry.
    pub fn of(
        effective: &Effective,
        judgement: &Judgement,
        reported: Option<&Judgement>,
        user: &str,
    ) -> serde_json::Result<Self> {
        let written = ReasonsOf::new(effective, judgement, reported, user);
        serde_json::from_str(&serde_json::to_string(&written)?)
    }
}

impl Judgement {
    /// What stands once this takes effect; nothing where it was refused.
    pub fn judged(&self) -> Option<Points> {
        self.role.and(self.stands)
    }
}
