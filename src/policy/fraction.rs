//! Fractions of machine integers: what nearly all numbers of a score are. What would not fit is
//! `None`, and `exact` goes on with integers of any size.

use std::cmp::Ordering;

use super::exact::Rounding;

/// A fraction in lowest terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fraction {
    /// Never the lowest number there is, which has no opposite.
    numerator: i128,
    /// Above zero.
    denominator: i128,
}

/// `None` beyond about 38 digits.
pub fn power_of_ten(power: u32) -> Option<i128> {
    10_i128.checked_pow(power)
}

impl Fraction {
    pub const ZERO: Self = Self::whole(0);

    pub const fn whole(integer: i64) -> Self {
        Self {
            numerator: integer as i128,
            denominator: 1,
        }
    }

    /// `denominator` is above zero.
    pub fn new(numerator: i128, denominator: i128) -> Option<Self> {
        if numerator == i128::MIN || denominator <= 0 {
            return None;
        }
        let common = common(numerator, denominator);
        Some(Self {
            numerator: over(numerator, common),
            denominator: over(denominator, common),
        })
    }

    pub fn parts(self) -> (i128, i128) {
        (self.numerator, self.denominator)
    }

    pub fn plus(self, other: Self) -> Option<Self> {
        let common = common(self.denominator, other.denominator);
        let (own, others) = (self.denominator / common, other.denominator / common);
        let left = self.numerator.checked_mul(others)?;
        let right = other.numerator.checked_mul(own)?;
        let denominator = self.denominator.checked_mul(others)?;
        Self::new(left.checked_add(right)?, denominator)
    }

    pub fn times(self, other: Self) -> Option<Self> {
        // Each against the other's, so that the product is in lowest terms.
        let left = common(self.numerator, other.denominator);
        let right = common(other.numerator, self.denominator);
        let numerator = over(self.numerator, left).checked_mul(over(other.numerator, right))?;
        let denominator =
            over(self.denominator, right).checked_mul(over(other.denominator, left))?;
        (numerator != i128::MIN).then_some(Self {
            numerator,
            denominator,
        })
    }

    /// `None` for zero.
    pub fn inverse(self) -> Option<Self> {
        (self.numerator != 0).then(|| Self {
            numerator: self.denominator * self.numerator.signum(),
            denominator: self.numerator.abs(),
        })
    }

    pub fn opposite(self) -> Self {
        Self {
            numerator: -self.numerator,
            ..self
        }
    }

    pub fn size(self) -> Self {
        Self {
            numerator: self.numerator.abs(),
            ..self
        }
    }

    pub fn compare(self, other: Self) -> Option<Ordering> {
        let left = self.numerator.checked_mul(other.denominator)?;
        let right = other.numerator.checked_mul(self.denominator)?;
        Some(left.cmp(&right))
    }

    /// With `digits` digits behind the point.
    pub fn rounded(self, digits: u32, rounding: Rounding) -> Option<Self> {
        let scale = power_of_ten(digits)?;
        let scaled = self.numerator.checked_mul(scale)?;
        Self::new(whole(scaled, self.denominator, rounding), scale)
    }

    /// An integer and the power of ten to multiply it by: exact, or half-up to `digits` digits where
    /// it has more.
    pub fn decimal(self, digits: u32) -> Option<(i128, i32)> {
        match self.finite(digits) {
            Some(exact) => Some(exact),
            None => self.cut(digits),
        }
    }

    /// Of a denominator of twos and fives alone.
    fn finite(self, digits: u32) -> Option<(i128, i32)> {
        let twos = self.denominator.trailing_zeros();
        let (mut rest, mut fives) = (self.denominator >> twos, 0);
        while rest % 5 == 0 {
            (rest, fives) = (rest / 5, fives + 1);
        }
        let places = twos.max(fives);
        let scale = (rest == 1).then(|| power_of_ten(places)).flatten()?;
        let integer = self.numerator.checked_mul(scale / self.denominator)?;
        (size(integer) <= digits).then_some((integer, -(places as i32)))
    }

    fn cut(self, digits: u32) -> Option<(i128, i32)> {
        let (above, below) = (size(self.numerator), size(self.denominator));
        // The places behind the point that leave so many digits, at most one off at first.
        let mut places = digits as i32 - (above as i32 - below as i32);
        loop {
            let integer = self.at(places)?;
            if size(integer) <= digits {
                return Some((integer, -places));
            }
            places -= 1;
        }
    }

    /// `self × 10^places`, half away from zero.
    fn at(self, places: i32) -> Option<i128> {
        let scale = power_of_ten(places.unsigned_abs())?;
        let (numerator, denominator) = match places < 0 {
            true => (self.numerator, self.denominator.checked_mul(scale)?),
            false => (self.numerator.checked_mul(scale)?, self.denominator),
        };
        Some(whole(numerator, denominator, Rounding::HalfUp))
    }
}

/// How many digits an integer has; one for zero.
fn size(integer: i128) -> u32 {
    integer
        .unsigned_abs()
        .checked_ilog10()
        .map_or(1, |log| log + 1)
}

fn whole(numerator: i128, denominator: i128, rounding: Rounding) -> i128 {
    let below = numerator.div_euclid(denominator);
    let rest = numerator.rem_euclid(denominator);
    if rest == 0 {
        return below;
    }
    let is_negative = numerator < 0;
    let half = rest.cmp(&(denominator - rest));
    let is_up = match rounding {
        Rounding::Down => is_negative,
        Rounding::Up => !is_negative,
        Rounding::HalfUp => half
            .then_with(|| {
                if is_negative {
                    Ordering::Less
                } else {
                    Ordering::Greater
                }
            })
            .is_gt(),
        Rounding::HalfEven => half
            .then_with(|| {
                if below % 2 == 0 {
                    Ordering::Less
                } else {
                    Ordering::Greater
                }
            })
            .is_gt(),
    };
    below + i128::from(is_up)
}

/// The greatest common divisor; at least 1.
fn common(one: i128, other: i128) -> i128 {
    if one == 1 || other == 1 {
        return 1;
    }
    let (one, other) = (one.unsigned_abs(), other.unsigned_abs());
    let common = match (u64::try_from(one), u64::try_from(other)) {
        (Ok(one), Ok(other)) => common_of_short(one, other).into(),
        _ => common_of_long(one, other),
    };
    // Only two zeros, or two of the lowest number, have another.
    i128::try_from(common).unwrap_or(1).max(1)
}

/// Most often by one, which takes no division.
fn over(number: i128, divisor: i128) -> i128 {
    match divisor {
        1 => number,
        _ => number / divisor,
    }
}

fn common_of_short(mut one: u64, mut other: u64) -> u64 {
    while other != 0 {
        (one, other) = (other, one % other);
    }
    one
}

fn common_of_long(mut one: u128, mut other: u128) -> u128 {
    while other != 0 {
        (one, other) = (other, one % other);
    }
    one
}
