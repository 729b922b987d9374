//! Maxima that a policy names: `fill_maximum` and `rescale`.
//!
//! ### fill_maximum
//!
//! `fill_maximum = 100` or `fill_maximum = "line_item"`: what a `scoreGiven` without `scoreMaximum` is
//! of. Without this key such a score is INVALID_SCORE.
//!
//! Formula: `maximum = fill_maximum`, before anything else looks at the score.
//! Boundaries: a score that has a maximum keeps it; "no score" stays none; a line item whose own
//! maximum is unknown or zero fills nothing, and the score is refused (INVALID_SCORE). What was
//! filled stays so when the policy changes.
//! Example:
//!
//! ```text
//! fill_maximum = 20
//!
//! 15 → adjusted by fill_maximum: 15 of 20
//! 15 of 30 → forwarded: 15 of 30
//! ```
//!
//! ### rescale
//!
//! `rescale = { to = 100 }` or `{ to = "line_item" }`: the same share of another maximum.
//!
//! Formula: `given = given × to / maximum`, `maximum = to`; exact, rounded by nothing.
//! Boundaries: a score that has that maximum stays; a line item whose own maximum is zero is no
//! scale, so the score stays; one whose maximum is unknown refuses it (POLICY_REFUSED).
//! Example:
//!
//! ```text
//! rescale = { to = 100 }
//!
//! 0.825 of 1 → adjusted by rescale: 82.5 of 100
//! 7 of 100 → forwarded: 7 of 100
//! ```

use serde::{Serialize, Serializer};

use super::{Circumstances, Effect, Rule};
use crate::policy::exact::Exact;
use crate::policy::figure::Figure;
use crate::policy::worth::Worth;
use crate::score::Decimal;

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Rescale {
    pub to: Target,
}

/// A maximum that a policy names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// Above zero.
    Number(Decimal),
    /// The line item's own.
    LineItem,
}

impl Target {
    pub fn value(self, line_item_maximum: Option<Decimal>) -> Option<Decimal> {
        match self {
            Self::Number(number) => Some(number),
            Self::LineItem => line_item_maximum,
        }
    }
}

impl Serialize for Target {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Number(number) => number.serialize(serializer),
            Self::LineItem => serializer.serialize_str("line_item"),
        }
    }
}

impl Rule for Rescale {
    fn apply(&self, worth: &Worth, circumstances: &Circumstances<'_>) -> Effect {
        let Some(to) = self.to.value(circumstances.line_item_maximum) else {
            // Sending it as it is would show another share of the line item than was reached.
            let reason = "The line item's own maximum is not known, so the score could not be put on its scale.";
            return Effect::Refused {
                reason: reason.to_owned(),
            };
        };
        let maximum = Exact::from(to);
        if maximum <= Exact::zero() || maximum == worth.maximum {
            return Effect::Unchanged;
        }
        let given = worth.ratio() * maximum.clone();
        let shown = Figure::of(given.clone());
        Effect::Changed {
            worth: Worth { given, maximum },
            reason: format!("Put on the scale of {to}: {shown} of {to}."),
        }
    }
}
