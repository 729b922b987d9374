//! `maximum = { percent = 100, over = "cap" }`: the most a score may be, as a share of its own
//! maximum. AGS lets a score exceed its maximum and platforms differ in what they do with it: edX
//! caps, Coursera refuses, Brightspace hides the excess.
//!
//! Formula: above `limit = percent / 100 × maximum`, `cap` (unless set) makes it `limit`, `refuse`
//! answers POLICY_REFUSED, `allow` leaves it.
//! Boundaries: a score exactly at the limit stays; what is refused is no attempt and changes nothing.
//! Unless `order` says otherwise `late` acts before: its deduction comes off the bonus first, and a
//! score that is far enough above full marks loses nothing for being late.
//! Example:
//!
//! ```text
//! maximum = { percent = 100 }
//!
//! 110 of 100 → adjusted by maximum: 100 of 100
//! 100 of 100 → forwarded: 100 of 100
//! ```
//!
//! ```text
//! due = "2026-03-01T12:00:00Z"
//! late = { kind = "flat", points = 10 }
//! maximum = { percent = 100 }
//!
//! 110 of 100, submitted 18:00:00 → adjusted by late: 100 of 100
//! ```
//!
//! ```text
//! order = ["maximum", "late"]
//! due = "2026-03-01T12:00:00Z"
//! late = { kind = "flat", points = 10 }
//! maximum = { percent = 100 }
//!
//! 110 of 100, submitted 18:00:00 → adjusted by maximum, late: 90 of 100
//! ```

use serde::Serialize;

use super::{Circumstances, Effect, Rule};
use crate::policy::worth::Worth;
use crate::score::Decimal;

/// The rule's values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Maximum {
    /// Of `scoreMaximum`; 0 or more.
    pub percent: Decimal,
    pub over: Over,
}

/// What becomes of a score above the limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Over {
    /// It is lowered to the limit.
    #[default]
    Cap,
    /// It is refused.
    Refuse,
    /// It stays, which lifts a limit that an earlier policy set.
    Allow,
}

impl Rule for Maximum {
    fn apply(&self, worth: &Worth, _: &Circumstances<'_>) -> Effect {
        let percent = self.percent;
        let limit = worth.share(percent);
        if worth.given <= limit {
            return Effect::Unchanged;
        }
        match self.over {
            Over::Allow => Effect::Unchanged,
            Over::Refuse => Effect::Refused {
                reason: format!(
                    "The score is above {percent} % of its maximum, which is the most it may be."
                ),
            },
            Over::Cap => Effect::of_given(worth, limit, |limit| {
                format!(
                    "The score was lowered to {limit}, which is {percent} % of its maximum and the most it may be."
                )
            }),
        }
    }
}
