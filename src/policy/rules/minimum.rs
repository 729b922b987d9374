//! `minimum = { percent = 50 }`: the least a score may be, as a share of its own maximum.
//!
//! Formula: `given = max(given, percent / 100 × maximum)`.
//! Boundaries: a score exactly at the floor stays; "no score" stays no score, since a floor must
//! not invent one; a floor above 100 % is allowed and lifts above the maximum.
//! Example:
//!
//! ```text
//! minimum = { percent = 50 }
//!
//! 30 of 100 → adjusted by minimum: 50 of 100
//! 50 of 100 → forwarded: 50 of 100
//! no score → forwarded: no score
//! ```

use serde::Serialize;

use super::{Circumstances, Effect, Rule};
use crate::policy::worth::Worth;
use crate::score::Decimal;

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Minimum {
    /// Of `scoreMaximum`; 0 or more.
    pub percent: Decimal,
}

impl Rule for Minimum {
    fn apply(&self, worth: &Worth, _: &Circumstances<'_>) -> Effect {
        let given = worth.given.clone().max(worth.share(self.percent));
        Effect::of_given(worth, given, |given| {
            let percent = self.percent;
            format!(
                "The score was raised to {given}, which is {percent} % of its maximum and the least it may be."
            )
        })
    }
}
