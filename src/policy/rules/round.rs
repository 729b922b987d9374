//! `round = { digits = 2, mode = "half_up" }`: how many digits behind the point a score keeps.
//!
//! Formula: `scoreGiven` to `digits` digits, once; `scoreMaximum` stays.
//! Boundaries: `half_up` (unless set) takes a half away from zero, `half_even` to the even digit, `up`
//! goes away from zero, `down` towards it. Rounding after `maximum` may lift a score above the cap:
//! order it before where that matters. It acts before `keep`, on each attempt: with `keep = "average"`
//! or `"total"` set `order = ["keep", "round"]`, or more digits are sent.
//! Example:
//!
//! ```text
//! round = { digits = 1 }
//!
//! 89.45 of 100 → adjusted by round: 89.5 of 100
//! 89.4 of 100 → forwarded: 89.4 of 100
//! ```

use serde::Serialize;

use super::{Circumstances, Effect, Rule};
use crate::count::Count;
use crate::policy::exact::{Rounding, to_decimal};
use crate::policy::worth::Worth;

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Round {
    pub digits: u32,
    pub mode: Rounding,
}

impl Rule for Round {
    fn apply(&self, worth: &Worth, _: &Circumstances<'_>) -> Effect {
        let given = worth.given.rounded(self.digits, self.mode);
        // With all the digits that were asked for.
        let shown = to_decimal(&given);
        Effect::of_given(worth, given, |_| match self.digits {
            0 => format!("Rounded to a whole number: {shown}."),
            digits => format!("Rounded to {}: {shown}.", Count(digits, "decimal")),
        })
    }
}
