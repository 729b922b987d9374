//! `require = [{ when = "score.percent >= 10.0", message = "…" }]`: what must hold for a score to be
//! taken.
//!
//! Formula: the first whose `when` is false, or can't be evaluated, refuses with its `message`
//! (POLICY_REFUSED).
//! Boundaries: all must hold; an absent member can't be evaluated unless guarded by `has()`, an absent
//! extension unless by `"https://…" in score && …`. An explanation has `***` for each `when`, which may
//! name learners.
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
use super::condition::Condition;
use crate::score::Points;

/// One condition that must hold.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Requirement {
    pub when: Condition,
    /// For the caller.
    pub message: String,
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

    /// The message of the first that does not hold for a submission of these points, completed.
    pub fn unmet(&self, subject: &Subject<'_>, points: Option<Points>) -> Option<&str> {
        let holds = |requirement: &Requirement| {
            let holds = requirement.when.holds_for(subject, points);
            holds.unwrap_or(false)
        };
        let unmet = self.0.iter().find(|requirement| !holds(requirement))?;
        Some(&unmet.message)
    }
}
