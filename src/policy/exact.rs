//! Exact arithmetic on scores: rationals, turned into a decimal once, at the end.

use std::ops::{Add, Div, Mul, Sub};

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{One, Pow, Signed, ToPrimitive, Zero};

use serde::Serialize;

use crate::score::Decimal;

/// The significant digits that a result without a finite decimal is sent with.
const DIGITS: u32 = 28;

/// An exact number.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Exact(BigRational);

impl From<Decimal> for Exact {
    fn from(decimal: Decimal) -> Self {
        let (digits, power) = decimal.parts();
        let scale = Pow::pow(BigInt::from(10), power.unsigned_abs());
        Self(match power < 0 {
            true => BigRational::new(digits.into(), scale),
            false => BigRational::from_integer(BigInt::from(digits) * scale),
        })
    }
}

impl From<u64> for Exact {
    fn from(integer: u64) -> Self {
        Self(BigRational::from_integer(integer.into()))
    }
}

impl From<i64> for Exact {
    fn from(integer: i64) -> Self {
        Self(BigRational::from_integer(integer.into()))
    }
}

impl Add for Exact {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl Sub for Exact {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
}

impl std::iter::Sum for Exact {
    fn sum<I: Iterator<Item = Self>>(numbers: I) -> Self {
        numbers.fold(Self::zero(), Add::add)
    }
}

impl Mul for Exact {
    type Output = Self;

    fn mul(self, other: Self) -> Self {
        Self(self.0 * other.0)
    }
}

impl Div for Exact {
    type Output = Self;

    /// Divisors are maxima and constants, which are never zero.
    fn div(self, other: Self) -> Self {
        Self(self.0 / other.0)
    }
}

/// Which way a number that lies between two goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Rounding {
    /// To the nearer; half-way away from zero.
    #[default]
    HalfUp,
    /// To the nearer; half-way to the even digit.
    HalfEven,
    /// Towards zero.
    Down,
    /// Away from zero.
    Up,
}

impl Exact {
    pub fn zero() -> Self {
        Self(BigRational::zero())
    }

    /// `percent` hundredths of it.
    pub fn percent(self, percent: Decimal) -> Self {
        self * Self::from(percent) / Self::from(100_i64)
    }

    pub fn not_below_zero(self) -> Self {
        self.max(Self::zero())
    }

    /// How far it is from another.
    pub fn distance(self, other: Self) -> Self {
        Self((self.0 - other.0).abs())
    }

    /// The number with `digits` digits behind the point.
    pub fn rounded(&self, digits: u32, rounding: Rounding) -> Self {
        let scale = BigRational::from_integer(Pow::pow(BigInt::from(10), digits));
        Self(whole(&(&self.0 * &scale), rounding) / scale)
    }

    /// For conditions alone, which know no exact numbers.
    pub fn to_float(&self) -> f64 {
        self.0.to_f64().unwrap_or(f64::NAN)
    }
}

fn whole(number: &BigRational, rounding: Rounding) -> BigRational {
    match rounding {
        Rounding::HalfUp => number.round(),
        Rounding::HalfEven => half_even(number),
        Rounding::Down => number.trunc(),
        Rounding::Up if number.is_negative() => number.floor(),
        Rounding::Up => number.ceil(),
    }
}

fn half_even(number: &BigRational) -> BigRational {
    let half = BigRational::new(BigInt::one(), BigInt::from(2));
    let below = number.floor();
    let is_half_way = number - &below == half;
    match is_half_way && (below.numer() % BigInt::from(2)).is_zero() {
        true => below,
        false if is_half_way => number.ceil(),
        false => number.round(),
    }
}

/// The number, half-up to 28 significant digits where it has more. Numbers too near zero to be
/// written become zero.
pub fn to_decimal(Exact(number): &Exact) -> Decimal {
    if number.is_zero() {
        return Decimal::ZERO;
    }
    // The places behind the point that leave 28 digits, at most one off at first.
    let size = |integer: &BigInt| integer.magnitude().to_string().len() as i32;
    let mut places = DIGITS as i32 - (size(number.numer()) - size(number.denom()));
    while size(&rounded(number, places)) > DIGITS as i32 {
        places -= 1;
    }
    let digits = i128::try_from(rounded(number, places)).unwrap_or_default();
    Decimal::from_parts(digits, -places).unwrap_or(Decimal::ZERO)
}

/// `number × 10^places`, half away from zero.
fn rounded(number: &BigRational, places: i32) -> BigInt {
    let scale = Pow::pow(BigInt::from(10), places.unsigned_abs());
    let scale = match places < 0 {
        true => BigRational::new(BigInt::one(), scale),
        false => BigRational::from_integer(scale),
    };
    (number * scale).round().to_integer()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quotient(numerator: i64, denominator: i64) -> String {
        to_decimal(&(Exact::from(numerator) / Exact::from(denominator))).to_string()
    }

    #[test]
    fn a_finite_decimal_stays_exact() {
        for (numerator, denominator, written) in [
            (0, 1, "0"),
            (1, 8, "0.125"),
            (100, 1, "100"),
            (-7, 2, "-3.5"),
            (1, 1_000_000_000, "0.000000001"),
        ] {
            assert_eq!(quotient(numerator, denominator), written);
        }
    }

    #[test]
    fn others_have_28_digits_rounded_half_up() {
        assert_eq!(quotient(100, 3), "33.33333333333333333333333333");
        assert_eq!(quotient(200, 3), "66.66666666666666666666666667");
        assert_eq!(quotient(-2, 3), "-0.6666666666666666666666666667");
        assert_eq!(
            quotient(1, 7_000_000),
            "0.0000001428571428571428571428571429"
        );
    }
}
