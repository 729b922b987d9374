//! A score while rules work on it: exact, and rounded by nothing but the rules themselves.

use super::exact::{Exact, to_decimal};
use crate::score::{Decimal, Points};

/// What was given, and of how much.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Worth {
    pub given: Exact,
    /// Above zero.
    pub maximum: Exact,
}

impl From<Points> for Worth {
    fn from(Points { given, maximum }: Points) -> Self {
        Self {
            given: given.into(),
            maximum: maximum.into(),
        }
    }
}

impl Worth {
    /// As it is sent: half-up to 28 significant digits where it has more.
    pub fn points(&self) -> Points {
        Points {
            given: to_decimal(&self.given),
            maximum: to_decimal(&self.maximum),
        }
    }

    /// The share of the maximum; what attempts are compared by, since their maxima may differ.
    pub fn ratio(&self) -> Exact {
        self.given.clone() / self.maximum.clone()
    }

    /// `percent` hundredths of the maximum.
    pub fn share(&self, percent: Decimal) -> Exact {
        self.maximum.clone().percent(percent)
    }

    /// Whether it can be written at all: beyond the largest number there is nothing to round it to.
    pub fn can_be_written(&self) -> bool {
        let largest = Exact::from(Decimal::LARGEST);
        self.given <= largest && self.maximum <= largest
    }

    pub fn with_given(&self, given: Exact) -> Self {
        Self {
            given,
            maximum: self.maximum.clone(),
        }
    }
}
