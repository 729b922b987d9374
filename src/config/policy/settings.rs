//! `round`, `attempts`, `require`, and conditions.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::findings::At;
use crate::config::range;
use crate::config::words::words;
use crate::policy::{Attempts, Condition, OverLimit, Requirement, Requirements, Round, Rounding};

/// How many digits a score keeps.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, expecting = "a table, `{ digits = 2 }`")]
#[schemars(deny_unknown_fields)]
pub struct RoundSection {
    /// Behind the point, 0 to 28.
    #[schemars(required)]
    pub digits: Option<u64>,
    /// `half_up` (a half goes away from zero), `half_even`, `down` or `up`.
    pub mode: RoundingText,
}

/// How many attempts count.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, expecting = "a table, `{ max = 3 }`")]
#[schemars(deny_unknown_fields)]
pub struct AttemptsSection {
    /// 1 or more.
    #[schemars(required)]
    pub max: Option<u64>,
    /// What becomes of one over the limit: `refuse` answers POLICY_REFUSED, `ignore` records it.
    pub over: OverLimitText,
}

/// What must hold for a score to be taken.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, expecting = "a table, `{ when = \"…\", message = \"…\" }`")]
#[schemars(deny_unknown_fields)]
pub struct RequireSection {
    /// A condition in CEL; where it is false or can't be evaluated, the score is refused.
    #[schemars(required)]
    pub when: Option<String>,
    /// What the caller is told then.
    #[schemars(required)]
    pub message: Option<String>,
}

words! {
    #[derive(Default)]
    RoundingText is Rounding { #[default] HalfUp, HalfEven, Down, Up }
    #[derive(Default)]
    OverLimitText is OverLimit { #[default] Refuse, Ignore }
}

impl RoundSection {
    pub(super) fn check(&self, at: &At<'_>) -> Option<Round> {
        let at = at.key("digits");
        let digits = range::check(&at, *at.required(&self.digits)?, 0..=28)?;
        Some(Round {
            digits: u32::try_from(digits).ok()?,
            mode: self.mode.into(),
        })
    }
}

impl AttemptsSection {
    pub(super) fn check(&self, at: &At<'_>) -> Option<Attempts> {
        let at = at.key("max");
        let max = range::check(&at, *at.required(&self.max)?, 1..=1_000_000)?;
        Some(Attempts {
            max,
            over: self.over.into(),
        })
    }
}

pub(super) fn requirements(list: &[RequireSection], at: &At<'_>) -> Option<Requirements> {
    let all = at.each(list, |at, requirement| requirement.check(at))?;
    Some(Requirements(all.into()))
}

impl RequireSection {
    fn check(&self, at: &At<'_>) -> Option<Requirement> {
        let when_at = at.key("when");
        let when = when_at
            .required(&self.when)
            .and_then(|text| condition(text, &when_at));
        let message = at.key("message").required(&self.message).cloned();
        Some(Requirement {
            when: when?,
            message: message?,
        })
    }
}

pub(super) fn condition(text: &str, at: &At<'_>) -> Option<Condition> {
    let condition = match Condition::compile(text) {
        Ok(condition) => condition,
        Err(fault) => return at.problem(format_args!("is no condition: {fault}")),
    };
    if condition.compares_times_as_texts() {
        at.warn("compares a time as a text, letter by letter, whatever the offsets from UTC; write `timestamp(score.timestamp) > timestamp(\"2026-03-01T12:00:00Z\")`");
    }
    Some(condition)
}
