//! `require = [{ when = "!has(score.percent) || score.percent >= 10.0", message = "…" }]`: what must hold
//! for a score to be taken.
//!
//! Formula: the first whose `when` is false, or can't be evaluated, refuses with its `message`
//! (POLICY_REFUSED).
//! Boundaries: all must hold; an absent member can't be evaluated unless guarded by `has()`, an absent
//! extension unless by `"https://…" in score && …`. The list of a later policy takes the place of the whole
//! one of an earlier. The caller is told the `message` alone; that a `when` could not be evaluated, and why,
//! stands in the explanation and in the log. An explanation has `***` for each `when`, which may name
//! learners.
//! Example:
//!
//! ```text
//! require = [{ when = "has(score.comment)", message = "Say why." }]
//!
//! 90 of 100 → refused by require: POLICY_REFUSED
//! 90 of 100, comment Well done → forwarded: 90 of 100, comment Well done
//! ```

use std::sync::Arc;

use serde::Serialize;

use super::Subject;
use super::condition::{Condition, EvaluationFailed};
use crate::score::Points;

/// One condition that must hold.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Requirement {
    pub when: Condition,
    /// For the caller.
    pub message: String,
}

/// The first that does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unmet<'a> {
    pub message: &'a str,
    /// Why it could not be evaluated, where it could not.
    pub failure: Option<EvaluationFailed>,
}

/// All that must hold.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Requirements(pub Arc<[Requirement]>);

impl Requirements {
    /// As they may be told of any learner's submission: a condition may name another, and what is kept of it
    /// would outlive the erasure of that one.
    pub fn untold(&self) -> Self {
        let untold = |requirement: &Requirement| Requirement {
            when: requirement.when.untold(),
            message: requirement.message.clone(),
        };
        Self(self.0.iter().map(untold).collect())
    }

    /// The first that does not hold for a submission of these points, completed.
    pub fn unmet(&self, subject: &Subject<'_>, points: Option<Points>) -> Option<Unmet<'_>> {
        self.0.iter().find_map(|requirement| {
            let failure = match requirement.when.holds_for(subject, points) {
                Ok(true) => return None,
                Ok(false) => None,
                Err(failure) => Some(failure),
            };
            Some(Unmet {
                message: &requirement.message,
                failure,
            })
        })
    }
}
