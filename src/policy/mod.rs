//! Grading policy: what should stand in a cell of the grade book, and why. Pure: a score and the
//! policies that match it go in, a judgement comes out; nothing here waits, logs or reads a clock.

mod exact;
mod history;
mod judge;
mod matching;
mod rules;

use std::sync::Arc;

pub use history::{Fate, Past, Role, Sent};
pub use judge::{Act, Decision, Judgement, RefusedBy, judge};
pub use matching::{Match, Subject};
pub use rules::{Effect, Effective, Keys, Maximum, Over, Rule, Set};

/// One `[[policy]]`: for which scores, and the keys it sets.
#[derive(Clone, Debug)]
pub struct Policy {
    pub name: Arc<str>,
    pub matching: Match,
    pub keys: Keys,
}

/// All policies, in the order of the file.
#[derive(Clone, Debug, Default)]
pub struct Policies(Vec<Policy>);

impl Policies {
    pub fn new(policies: Vec<Policy>) -> Self {
        Self(policies)
    }

    /// What is left for one score when all matching policies are merged key by key: a later one
    /// wins, and each key remembers whose it is.
    pub fn effective(&self, subject: &Subject<'_>) -> Effective {
        let mut effective = Effective::default();
        for policy in self
            .0
            .iter()
            .filter(|policy| policy.matching.covers(subject))
        {
            effective.overlay(&policy.name, &policy.keys);
        }
        effective
    }
}

#[cfg(test)]
mod tests;
