//! `pass = { percent = 60 }`: full marks or none.
//!
//! Formula: `given = maximum` where `given ≥ percent / 100 × maximum`, else 0.
//! Boundaries: exactly `percent` passes (3 of 5 is exactly 60 %); more than full marks becomes full.
//! Example:
//!
//! ```text
//! pass = { percent = 60 }
//!
//! 3 of 5 → adjusted by pass: 5 of 5
//! 59.99 of 100 → adjusted by pass: 0 of 100
//! ```

use serde::Serialize;

use super::{Circumstances, Effect, Rule};
use crate::policy::exact::Exact;
use crate::policy::worth::Worth;
use crate::score::Decimal;

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Pass {
    /// Of `scoreMaximum`; 0 or more.
    pub percent: Decimal,
}

impl Rule for Pass {
    fn apply(&self, worth: &Worth, _: &Circumstances<'_>) -> Effect {
        let percent = self.percent;
        match worth.given >= worth.share(percent) {
            true => Effect::of_given(worth, worth.maximum.clone(), |_| {
                format!("Passed with {percent} % or more, which counts as full marks.")
            }),
            false => Effect::of_given(worth, Exact::zero(), |_| {
                format!("Not passed: under {percent} %, which counts as zero.")
            }),
        }
    }
}
