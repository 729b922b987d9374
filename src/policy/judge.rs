//! Judging: the score and the keys in force → what should stand in the cell, and why, rule by rule.

use std::sync::Arc;

use super::{Effect, Effective};
use crate::error::Owner;
use crate::score::Points;

/// The policy's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// What should stand in the cell.
    pub points: Option<Points>,
    /// The rules that changed or refused the score, in the order in which they acted.
    pub acts: Vec<Act>,
    pub decision: Decision,
    pub refused_by: Option<RefusedBy>,
}

/// What becomes of a submission: the value of `scoregate-decision`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// What leaves equals what came, as numbers.
    Forwarded,
    /// The value that leaves differs.
    Adjusted,
    /// Nothing is sent.
    Refused,
}

/// A rule that changed or refused a score.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Act {
    pub rule: &'static str,
    pub policy: Arc<str>,
    pub input: Points,
    /// Absent where the rule refused.
    pub output: Option<Points>,
    /// One plain sentence for an instructor.
    pub reason: String,
}

/// Who refused, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedBy {
    pub owner: Owner,
    pub reason: String,
}

impl Decision {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Forwarded => "forwarded",
            Self::Adjusted => "adjusted",
            Self::Refused => "refused",
        }
    }
}

impl Judgement {
    /// The value of `scoregate-rules`; `None` when no rule acted.
    pub fn rules(&self) -> Option<String> {
        let names: Vec<_> = self.acts.iter().map(|act| act.rule).collect();
        (!names.is_empty()).then(|| names.join(", "))
    }
}

/// Applies the rules in force, one after another. A score without points has nothing that a rule
/// could act on.
pub fn judge(given: Option<Points>, effective: &Effective) -> Judgement {
    let mut judgement = Judgement {
        points: given,
        acts: Vec::new(),
        decision: Decision::Forwarded,
        refused_by: None,
    };
    let Some(mut points) = given else {
        return judgement;
    };
    for (rule, policy, effect) in effective.rules() {
        let (output, reason) = match effect.apply(points) {
            Effect::Unchanged => continue,
            Effect::Changed { points, reason } => (Some(points), reason),
            Effect::Refused { reason } => (None, reason),
        };
        judgement.acts.push(Act {
            rule,
            policy: policy.clone(),
            input: points,
            output,
            reason: reason.clone(),
        });
        match output {
            Some(changed) => points = changed,
            None => {
                judgement.decision = Decision::Refused;
                judgement.refused_by = Some(RefusedBy {
                    owner: Owner {
                        policy: policy.clone(),
                        rule,
                    },
                    reason,
                });
                return judgement;
            }
        }
    }
    if Some(points) != given {
        judgement.decision = Decision::Adjusted;
    }
    judgement.points = Some(points);
    judgement
}
