//! `opens`, `due`, `grace`, `closes`, `extensions`: when a submission is taken, and when it is late.
//!
//! Its time is `submission.submittedAt`, else `timestamp`, else its arrival.
//! Formula: lateness is that time minus `due` in whole elapsed seconds, rounded down.
//! Boundaries: up to and including `grace` counts as none, beyond it lateness counts from `due`;
//! `extensions` put another `due` in place for the learners they name, and `grace` applies to it
//! too; `opens` and `closes` include their instant, to the millisecond, and extensions don't move
//! them; outside, the answer is POLICY_REFUSED.
//! Example: `due = "2025-03-10T12:00:00Z"`, `grace = "60s"`: 12:01:00 is on time, 12:01:01 is 61
//! seconds late.

use std::sync::Arc;

use jiff::Timestamp as Instant;
use serde::Serialize;

use super::keys::{Effective, Set};
use crate::score::Timestamp;

/// A later `due` for some learners.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Extension {
    /// LTI user ids.
    pub users: Vec<String>,
    pub due: Timestamp,
}

/// All extensions of a policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Extensions(pub Arc<[Extension]>);

impl Extensions {
    fn due_of(&self, user: &str) -> Option<&Timestamp> {
        let is_for = |extension: &&Extension| extension.users.iter().any(|known| known == user);
        self.0.iter().find(is_for).map(|extension| &extension.due)
    }
}

impl Effective {
    /// The seconds that count as late.
    pub fn lateness(&self, user: &str, time: Instant) -> u64 {
        let extended = self.extensions.as_ref();
        let due = extended
            .and_then(|set| set.value.due_of(user))
            .or(self.due.as_ref().map(|set| &set.value));
        let Some(due) = due else {
            return 0;
        };
        let late = time.as_nanosecond() - due.instant().as_nanosecond();
        let late = u64::try_from(late.div_euclid(1_000_000_000)).unwrap_or(0);
        let grace = self.grace.as_ref().map_or(0, |set| set.value.seconds);
        if late <= grace { 0 } else { late }
    }

    /// The bound that a time is outside of: the key, its value and why.
    pub fn outside(&self, time: Instant) -> Option<(&'static str, &Set<Timestamp>, String)> {
        let millisecond = |instant: Instant| instant.as_nanosecond().div_euclid(1_000_000);
        let at = |set: &Set<Timestamp>| millisecond(set.value.instant());
        let opens = self.opens.as_ref();
        if let Some(set) = opens.filter(|set| millisecond(time) < at(set)) {
            let reason = format!("Submitted before it opened at {}.", set.value.text());
            return Some(("opens", set, reason));
        }
        let closes = self.closes.as_ref();
        let set = closes.filter(|set| millisecond(time) > at(set))?;
        let reason = format!("Submitted after it closed at {}.", set.value.text());
        Some(("closes", set, reason))
    }
}
