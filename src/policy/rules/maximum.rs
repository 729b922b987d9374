//! `maximum = { percent = 100, over = "cap" }`: the most a score may be, as a share of its own
//! maximum. AGS lets a score exceed its maximum and platforms differ in what they do with it: edX
//! caps, Coursera refuses, Brightspace hides the excess.

use super::{Effect, Rule};
use crate::policy::exact::{Exact, to_decimal};
use crate::score::{Decimal, Points};

/// The rule's values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Maximum {
    /// Of `scoreMaximum`; 0 or more.
    pub percent: Decimal,
    pub over: Over,
}

/// What becomes of a score above the limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
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
    fn apply(&self, points: Points) -> Effect {
        let Some(limit) = self.limit_below(points) else {
            return Effect::Unchanged;
        };
        let percent = self.percent;
        match self.over {
            Over::Allow => Effect::Unchanged,
            Over::Refuse => Effect::Refused {
                reason: format!(
                    "The score is above {percent} % of its maximum, which is the most it may be."
                ),
            },
            Over::Cap => Effect::Changed {
                points: Points {
                    given: limit,
                    ..points
                },
                reason: format!(
                    "The score was lowered to {limit}, which is {percent} % of its maximum and the most it may be."
                ),
            },
        }
    }
}

impl Maximum {
    /// The limit, where the score is above it.
    fn limit_below(&self, points: Points) -> Option<Decimal> {
        let Points { given, maximum } = points;
        // Full marks as the limit is what most policies say, and needs no arithmetic.
        if self.percent.parts() == (1, 2) {
            return (given > maximum).then_some(maximum);
        }
        let limit = Exact::from(maximum) * Exact::from(self.percent) / Exact::from(100);
        (Exact::from(given) > limit).then(|| to_decimal(&limit))
    }
}
