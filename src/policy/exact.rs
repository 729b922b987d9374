//! Exact arithmetic on scores: rationals, turned into a decimal once, at the end. In machine integers
//! as long as they suffice; in integers of any size, with the same results, beyond that.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::VecDeque;
use std::ops::{Add, Div, Mul, Sub};

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{One, Pow, Signed, ToPrimitive, Zero};

use serde::Serialize;

use super::fraction::{Fraction, power_of_ten};
use crate::score::Decimal;

/// The significant digits that a result without a finite decimal is sent with.
const DIGITS: u32 = 28;

/// An exact number. Short ones are kept short, so that equal numbers are equal in form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exact(Number);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Number {
    Short(Fraction),
    /// What fits into no `Fraction`.
    Long(Box<BigRational>),
}

impl Exact {
    fn short(fraction: Fraction) -> Self {
        Self(Number::Short(fraction))
    }

    /// `digits × 10^power`.
    fn of_power(digits: i128, power: i32) -> Self {
        let scale = power_of_ten(power.unsigned_abs());
        let short = scale.and_then(|scale| match power < 0 {
            true => Fraction::new(digits, scale),
            false => Fraction::new(digits.checked_mul(scale)?, 1),
        });
        short.map_or_else(|| Self::long(scaled(digits.into(), power)), Self::short)
    }

    fn long(number: BigRational) -> Self {
        let (numerator, denominator) = (number.numer().to_i128(), number.denom().to_i128());
        let parts = numerator.zip(denominator);
        match parts.and_then(|(above, below)| Fraction::new(above, below)) {
            Some(fraction) => Self::short(fraction),
            None => Self(Number::Long(number.into())),
        }
    }

    fn big(&self) -> Cow<'_, BigRational> {
        match &self.0 {
            Number::Long(number) => Cow::Borrowed(number),
            Number::Short(fraction) => {
                let (numerator, denominator) = fraction.parts();
                Cow::Owned(BigRational::new_raw(numerator.into(), denominator.into()))
            }
        }
    }

    fn as_short(&self) -> Option<Fraction> {
        match self.0 {
            Number::Short(fraction) => Some(fraction),
            Number::Long(_) => None,
        }
    }

    /// The short way as far as it goes, or the long one.
    fn with(
        &self,
        other: &Self,
        short: impl FnOnce(Fraction, Fraction) -> Option<Fraction>,
        long: impl FnOnce(&BigRational, &BigRational) -> BigRational,
    ) -> Self {
        let both = self.as_short().zip(other.as_short());
        match both.and_then(|(one, other)| short(one, other)) {
            Some(fraction) => Self::short(fraction),
            None => Self::long(long(&self.big(), &other.big())),
        }
    }
}

impl Ord for Exact {
    fn cmp(&self, other: &Self) -> Ordering {
        let both = self.as_short().zip(other.as_short());
        let short = both.and_then(|(one, other)| one.compare(other));
        short.unwrap_or_else(|| self.big().cmp(&other.big()))
    }
}

impl PartialOrd for Exact {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl From<Decimal> for Exact {
    fn from(decimal: Decimal) -> Self {
        let (digits, power) = decimal.parts();
        Self::of_power(digits, power)
    }
}

/// `integer × 10^power`.
fn scaled(integer: BigInt, power: i32) -> BigRational {
    let scale = Pow::pow(BigInt::from(10), power.unsigned_abs());
    match power < 0 {
        true => BigRational::new(integer, scale),
        false => BigRational::from_integer(integer * scale),
    }
}

impl From<u64> for Exact {
    fn from(integer: u64) -> Self {
        match i64::try_from(integer) {
            Ok(integer) => integer.into(),
            Err(_) => Self::long(BigRational::from_integer(integer.into())),
        }
    }
}

impl From<i64> for Exact {
    fn from(integer: i64) -> Self {
        Self::short(Fraction::whole(integer))
    }
}

impl Add for Exact {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        self.with(&other, Fraction::plus, |one, other| one + other)
    }
}

impl Sub for Exact {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        let short = |one: Fraction, other: Fraction| one.plus(other.opposite());
        self.with(&other, short, |one, other| one - other)
    }
}

impl std::iter::Sum for Exact {
    /// Two by two, then those sums: one after another, numbers without a common denominator would make a
    /// sum that grows and is reduced with each of them.
    fn sum<I: Iterator<Item = Self>>(numbers: I) -> Self {
        let mut sums: VecDeque<_> = numbers.collect();
        while let Some(one) = sums.pop_front() {
            match sums.pop_front() {
                Some(other) => sums.push_back(one + other),
                None => return one,
            }
        }
        Self::zero()
    }
}

impl Mul for Exact {
    type Output = Self;

    fn mul(self, other: Self) -> Self {
        self.with(&other, Fraction::times, |one, other| one * other)
    }
}

impl Div for Exact {
    type Output = Self;

    /// Divisors are maxima and constants, which are never zero.
    fn div(self, other: Self) -> Self {
        let short = |one: Fraction, other: Fraction| one.times(other.inverse()?);
        self.with(&other, short, |one, other| one / other)
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
        Self::short(Fraction::ZERO)
    }

    /// `percent` hundredths of it.
    pub fn percent(self, percent: Decimal) -> Self {
        let (digits, power) = percent.parts();
        self * Self::of_power(digits, power - 2)
    }

    pub fn not_below_zero(self) -> Self {
        self.max(Self::zero())
    }

    /// How far it is from another.
    pub fn distance(self, other: Self) -> Self {
        let apart = self - other;
        match apart.as_short() {
            Some(fraction) => Self::short(fraction.size()),
            None => Self::long(apart.big().abs()),
        }
    }

    /// The number with `digits` digits behind the point.
    pub fn rounded(&self, digits: u32, rounding: Rounding) -> Self {
        let short = self.as_short();
        match short.and_then(|fraction| fraction.rounded(digits, rounding)) {
            Some(fraction) => Self::short(fraction),
            None => Self::long(long_rounded(&self.big(), digits, rounding)),
        }
    }

    /// For conditions alone, which know no exact numbers.
    pub fn to_float(&self) -> f64 {
        self.big().to_f64().unwrap_or(f64::NAN)
    }
}

fn long_rounded(number: &BigRational, digits: u32, rounding: Rounding) -> BigRational {
    let scale = BigRational::from_integer(Pow::pow(BigInt::from(10), digits));
    whole(&(number * &scale), rounding) / scale
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
pub fn to_decimal(number: &Exact) -> Decimal {
    let short = number.as_short();
    let parts = short.and_then(|fraction| fraction.decimal(DIGITS));
    let (digits, power) = parts.unwrap_or_else(|| long_decimal(&number.big()));
    Decimal::from_parts(digits, power).unwrap_or(Decimal::ZERO)
}

fn long_decimal(number: &BigRational) -> (i128, i32) {
    if number.is_zero() {
        return (0, 0);
    }
    // The places behind the point that leave 28 digits, at most one off at first.
    let size = |integer: &BigInt| integer.magnitude().to_string().len() as i32;
    let mut places = DIGITS as i32 - (size(number.numer()) - size(number.denom()));
    while size(&rounded(number, places)) > DIGITS as i32 {
        places -= 1;
    }
    let digits = i128::try_from(rounded(number, places)).unwrap_or_default();
    (digits, -places)
}

/// `number × 10^places`, half away from zero. In integers, since a product of rationals is reduced, which
/// takes long where they are.
fn rounded(number: &BigRational, places: i32) -> BigInt {
    let scale: BigInt = Pow::pow(BigInt::from(10), places.unsigned_abs());
    let (above, below) = match places < 0 {
        true => (number.numer().clone(), number.denom() * scale),
        false => (number.numer() * scale, number.denom().clone()),
    };
    let halves = above.abs() * 2 + &below;
    halves / (below * 2) * above.signum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

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

    /// Digits and a power of ten, from everyday scores to the most that there can be, and numbers
    /// around what an `i128` holds.
    fn numbers() -> impl Strategy<Value = Exact> {
        let most = 9_999_999_999_999_999_999_999_999_999_i128;
        let digits = prop_oneof![-200..200_i128, -most..=most, Just(most), Just(-1)];
        let decimals = (digits, -28..=28_i32).prop_filter_map("a decimal", |(digits, power)| {
            Decimal::from_parts(digits, power).ok().map(Exact::from)
        });
        let quotients = (-500..500_i64, 1..500_i64)
            .prop_map(|(above, below)| Exact::from(above) / Exact::from(below));
        let edges = prop_oneof![Just(i128::MAX), Just(i128::MIN), Just(i128::MIN + 1)];
        let edges = (edges, prop_oneof![Just(1_i128), Just(3), Just(i128::MAX)])
            .prop_map(|(above, below)| Exact::long(BigRational::new(above.into(), below.into())));
        prop_oneof![4 => decimals, 4 => quotients, 1 => edges]
    }

    fn roundings() -> impl Strategy<Value = Rounding> {
        use Rounding::{Down, HalfEven, HalfUp, Up};
        prop_oneof![Just(HalfUp), Just(HalfEven), Just(Down), Just(Up)]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_000))]
        #[test]
        fn short_numbers_come_to_what_long_ones_come_to(one in numbers(), other in numbers(), digits in 0..12_u32, rounding in roundings()) {
            let (x, y) = (one.big().into_owned(), other.big().into_owned());
            prop_assert_eq!(one.clone() + other.clone(), Exact::long(&x + &y));
            prop_assert_eq!(one.clone() - other.clone(), Exact::long(&x - &y));
            prop_assert_eq!(one.clone() * other.clone(), Exact::long(&x * &y));
            if !y.is_zero() {
                prop_assert_eq!(one.clone() / other.clone(), Exact::long(&x / &y));
            }
            prop_assert_eq!(one.cmp(&other), x.cmp(&y));
            prop_assert_eq!(one == other, x == y);
            prop_assert_eq!(one.clone().distance(other.clone()), Exact::long((&x - &y).abs()));
            prop_assert_eq!(one.rounded(digits, rounding), Exact::long(long_rounded(&x, digits, rounding)));
            let (integer, power) = long_decimal(&x);
            prop_assert_eq!(to_decimal(&one), Decimal::from_parts(integer, power).unwrap_or(Decimal::ZERO));
        }
    }

    #[test]
    fn a_sum_is_the_same_however_many_there_are() {
        for count in 0..40 {
            let unit = |below: i64| Exact::from(1_i64) / Exact::from(below);
            let sum: Exact = (1..=count).map(unit).sum();
            let one_by_one = (1..=count).map(unit).fold(Exact::zero(), Add::add);
            assert_eq!(sum, one_by_one, "{count}");
        }
    }

    #[test]
    fn a_number_that_fits_is_short_again() {
        let long = Exact::from(i64::MAX) * Exact::from(i64::MAX) * Exact::from(i64::MAX);
        assert!(long.as_short().is_none());
        let short = long / (Exact::from(i64::MAX) * Exact::from(i64::MAX));
        assert_eq!(short, Exact::from(i64::MAX));
    }
}
