//! The rules that make one value of another. A new one is a file beside this, and a line in
//! `step.rs`.

pub mod comment;
mod keep;
mod late;
mod maximum;
mod minimum;
mod pass;
mod rescale;
mod round;

pub use comment::{Comment, Html};
pub use keep::{Candidate, Keep};
pub use late::{Late, LateStep, Of, Taken};
pub use maximum::{Maximum, Over};
pub use minimum::Minimum;
pub use pass::Pass;
pub use rescale::{Rescale, Target};
pub use round::Round;

use super::exact::Exact;
use super::figure::Figure;
use super::window::Lateness;
use super::worth::Worth;
use crate::score::Decimal;

/// One rule, with the values that a policy gave it.
pub trait Rule {
    /// What it makes of one value.
    fn apply(&self, worth: &Worth, circumstances: &Circumstances<'_>) -> Effect;
}

/// What a rule may look at beside the value.
pub struct Circumstances<'a> {
    pub lateness: Lateness,
    /// The line item's own, where it is known.
    pub line_item_maximum: Option<Decimal>,
    /// The highest ratio among the attempts that were on time. Worked out only for who asks.
    pub best_on_time: &'a dyn Fn() -> Option<Exact>,
}

/// What a rule makes of a value. Reasons are one plain sentence for an instructor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    Unchanged,
    /// As `Unchanged`, where one would wonder why.
    Spared {
        reason: String,
    },
    Changed {
        worth: Worth,
        reason: String,
    },
    Refused {
        reason: String,
    },
}

impl Effect {
    /// `given` in place of what was given, unless that is what it was.
    fn of_given(worth: &Worth, given: Exact, reason: impl FnOnce(Figure) -> String) -> Self {
        if given == worth.given {
            return Self::Unchanged;
        }
        let worth = worth.with_given(given.clone());
        let reason = reason(Figure::of(given));
        Self::Changed { worth, reason }
    }
}
