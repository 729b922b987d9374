//! How far one score of a cell is from another, as a share of the maximum.

use std::cmp::Ordering;

use super::exact::{Exact, Rounding, to_decimal};
use super::worth::Worth;
use crate::score::{Decimal, Points};

/// Scores are kept with 28 digits, so the shares of two that were rounded tell the first 24 decimals apart for certain.
const DECIMALS: u32 = 24;

/// From what stood to what would stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// `Greater`: up. No score is less than a score of zero.
    pub direction: Ordering,
    change: Exact,
}

impl Difference {
    pub fn between(before: Option<Points>, after: Option<Points>) -> Self {
        let ratio = |points: Option<Points>| {
            points.map_or(Exact::zero(), |points| Worth::from(points).ratio())
        };
        let change = (ratio(after) - ratio(before)).rounded(DECIMALS, Rounding::HalfUp);
        let presence = after.is_some().cmp(&before.is_some());
        Self {
            direction: presence.then_with(|| change.cmp(&Exact::zero())),
            change: change * Exact::from(100_i64),
        }
    }

    /// In percentage points of the maximum.
    pub fn percent(&self) -> Decimal {
        to_decimal(&self.change)
    }

    /// The one that changes more; the first of equals.
    #[must_use]
    pub fn larger(self, other: Self) -> Self {
        let size = |one: &Self| one.change.clone().distance(Exact::zero());
        match size(&other) > size(&self) {
            true => other,
            false => self,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(given: &str, maximum: &str) -> Option<Points> {
        let read = |text| Decimal::from_json(text).unwrap();
        Some(Points {
            given: read(given),
            maximum: read(maximum),
        })
    }

    #[test]
    fn ratios_are_compared_and_no_score_is_less_than_zero() {
        for (before, after, direction, percent) in [
            (
                points("80.5", "100"),
                points("70", "100"),
                Ordering::Less,
                "-10.5",
            ),
            (
                points("40", "50"),
                points("80", "100"),
                Ordering::Equal,
                "0",
            ),
            (
                points("1", "3"),
                points("2", "3"),
                Ordering::Greater,
                "33.3333333333333333333333",
            ),
            // A share that was rounded to 28 digits.
            (
                points("1", "3"),
                points("33.33333333333333333333333333", "100"),
                Ordering::Equal,
                "0",
            ),
            (
                points("0.7", "3"),
                points("33.33333333333333333333333333", "100"),
                Ordering::Greater,
                "10",
            ),
            (
                points("50", "100"),
                points("50.00000000000000000001", "100"),
                Ordering::Greater,
                "0.00000000000000000001",
            ),
            (None, points("0", "10"), Ordering::Greater, "0"),
            (points("5", "10"), None, Ordering::Less, "-50"),
            (None, None, Ordering::Equal, "0"),
        ] {
            let difference = Difference::between(before, after);
            assert_eq!(difference.direction, direction, "{before:?} {after:?}");
            assert_eq!(difference.percent().to_string(), percent);
        }
    }

    #[test]
    fn the_larger_is_the_one_further_from_zero() {
        let down = Difference::between(points("9", "10"), points("1", "10"));
        let up = Difference::between(points("1", "10"), points("5", "10"));
        assert_eq!(up.clone().larger(down.clone()), down);
        assert_eq!(down.clone().larger(up), down);
    }
}
