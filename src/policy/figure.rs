//! Numbers in sentences for people, who read no 28 digits.

use std::fmt;

use super::exact::{Exact, Rounding, to_decimal};
use super::judgement::Marks;

/// With more decimals a number is cut.
const MOST_DECIMALS: i32 = 4;

/// What is left of one that is cut: so many significant digits, and decimals at least.
const SIGNIFICANT: i32 = 4;
const LEAST_DECIMALS: i32 = 2;

/// A number as a sentence shows it: `83.5`, or `about 33.33` where it has more digits than that.
#[derive(Clone, Debug)]
pub struct Figure(Exact);

impl Figure {
    pub fn of(number: impl Into<Exact>) -> Self {
        Self(number.into())
    }

    pub fn is_one(&self) -> bool {
        self.0 == Exact::from(1_i64)
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = to_decimal(&self.0);
        let (digits, power) = whole.parts();
        let shown = match power >= -MOST_DECIMALS {
            true => whole,
            false => to_decimal(&self.0.rounded(decimals(digits, power), Rounding::HalfUp)),
        };
        let about = match Exact::from(shown) == self.0 {
            true => "",
            false => "about ",
        };
        write!(f, "{about}{shown}")
    }
}

impl Marks {
    /// As a sentence shows them: `about 33.33 of 100`, or `no score`.
    pub fn in_figures(&self) -> String {
        match (self.given.map(Figure::of), self.maximum.map(Figure::of)) {
            (None, _) => "no score".to_owned(),
            (Some(given), None) => given.to_string(),
            (Some(given), Some(maximum)) => format!("{given} of {maximum}"),
        }
    }
}

/// How many decimals are left of `digits × 10^power`.
fn decimals(digits: i128, power: i32) -> u32 {
    let size = digits.unsigned_abs().checked_ilog10().unwrap_or(0) as i32 + 1;
    let before_the_point = size + power;
    (SIGNIFICANT - before_the_point)
        .max(LEAST_DECIMALS)
        .unsigned_abs()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::score::Decimal;

    fn decimal(text: &str) -> Exact {
        Decimal::from_json(text).unwrap().into()
    }

    fn ratio(above: i64, below: i64) -> Exact {
        Exact::from(above) / Exact::from(below)
    }

    #[test]
    fn only_what_was_rounded_is_about() {
        for (number, shown) in [
            (decimal("0"), "0"),
            (decimal("83.5"), "83.5"),
            (decimal("27.1428"), "27.1428"),
            (decimal("27.14281"), "about 27.14"),
            (decimal("-27.14281"), "about -27.14"),
            (decimal("0.00001"), "0.00001"),
            (decimal("1e28"), "10000000000000000000000000000"),
            (ratio(500, 7), "about 71.43"),
            (ratio(5, 7), "about 0.7143"),
            (ratio(50_000, 7), "about 7142.86"),
            (ratio(1, 30_000), "about 0.00003333"),
            (ratio(299_999, 3_000), "about 100"),
            // Under what can be written.
            (decimal("1e-28") * ratio(1, 100), "about 0"),
        ] {
            assert_eq!(Figure::of(number).to_string(), shown);
        }
    }
}
