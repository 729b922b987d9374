//! Exact decimal numbers, as they stand on the wire. No float is ever formed.

use std::cmp::Ordering;
use std::fmt;

use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
use thiserror::Error;

/// The most significant digits a number may have.
const MOST_DIGITS: usize = 28;

/// The powers of ten between which a number other than zero must lie.
const MOST_POWER: i64 = 28;

/// A decimal number: `digits × 10^power`, without trailing zeros in its digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Decimal {
    negative: bool,
    digits: Digits,
    power: i16,
}

/// A `u128` without its alignment, which would double the size of a decimal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Digits {
    high: u64,
    low: u64,
}

impl Digits {
    const fn new(number: u128) -> Self {
        Self {
            high: (number >> 64) as u64,
            low: number as u64,
        }
    }

    const fn get(self) -> u128 {
        (self.high as u128) << 64 | self.low as u128
    }
}

/// Why a text is no number that can be kept exactly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum NotADecimal {
    #[error("it is not a decimal number")]
    Form,
    #[error("it has more than 28 significant digits, or lies beyond 10^28 or under 10^-28")]
    Range,
}

impl Decimal {
    pub const ZERO: Self = Self {
        negative: false,
        digits: Digits::new(0),
        power: 0,
    };

    /// Nothing beyond it can be kept.
    pub const LARGEST: Self = Self {
        negative: false,
        digits: Digits::new(1),
        power: MOST_POWER as i16,
    };

    pub const ONE: Self = Self {
        negative: false,
        digits: Digits::new(1),
        power: 0,
    };

    /// Reads a JSON number, exponent and all.
    pub fn from_json(text: &str) -> Result<Self, NotADecimal> {
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, read_exponent(exponent)?),
            None => (text, 0),
        };
        read(mantissa, exponent)
    }

    /// Reads a plain decimal without an exponent, as people and forms write it.
    pub fn from_plain(text: &str) -> Result<Self, NotADecimal> {
        read(text, 0)
    }

    pub fn is_zero(self) -> bool {
        self.digits.get() == 0
    }

    pub fn is_negative(self) -> bool {
        self.negative
    }

    /// The number as an integer and the power of ten it is to be multiplied by.
    pub fn parts(self) -> (i128, i32) {
        // 28 digits always fit.
        let digits = i128::try_from(self.digits.get()).unwrap_or(i128::MAX);
        (
            if self.negative { -digits } else { digits },
            i32::from(self.power),
        )
    }

    /// From an integer and a power of ten.
    pub fn from_parts(integer: i128, power: i32) -> Result<Self, NotADecimal> {
        normalize(integer < 0, integer.unsigned_abs(), i64::from(power))
    }

    /// The power of ten of the first digit.
    fn magnitude(self) -> i64 {
        i64::from(self.power) + digits_of(self.digits.get()) as i64
    }
}

/// Exponents that no permitted number has are cut short, so that `1e99999999999` is a range fault.
fn read_exponent(text: &str) -> Result<i64, NotADecimal> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(NotADecimal::Form);
    }
    let value = digits.trim_start_matches('0');
    let value = if value.len() > 8 {
        99_999_999
    } else {
        value.parse().unwrap_or(0)
    };
    Ok(if negative { -value } else { value })
}

/// `-?(0|[1-9]\d*)(\.\d+)?`
fn read(text: &str, exponent: i64) -> Result<Decimal, NotADecimal> {
    let (negative, text) = match text.strip_prefix('-') {
        Some(text) => (true, text),
        None => (false, text),
    };
    let (whole, fraction) = match text.split_once('.') {
        Some((_, "")) => return Err(NotADecimal::Form),
        Some((whole, fraction)) => (whole, fraction),
        None => (text, ""),
    };
    let leading_zero = whole.len() > 1 && whole.starts_with('0');
    let all_digits = whole
        .bytes()
        .chain(fraction.bytes())
        .all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || leading_zero || !all_digits {
        return Err(NotADecimal::Form);
    }
    let trimmed = fraction.trim_end_matches('0');
    let digits = whole.bytes().chain(trimmed.bytes());
    collect(negative, digits, exponent - trimmed.len() as i64)
}

/// Adds up digits; zeros behind the last other digit only raise the power.
fn collect(
    negative: bool,
    digits: impl Iterator<Item = u8>,
    power: i64,
) -> Result<Decimal, NotADecimal> {
    let (mut value, mut zeros) = (0_u128, 0_i64);
    for digit in digits.map(|byte| u128::from(byte.wrapping_sub(b'0'))) {
        if digit == 0 && value != 0 {
            zeros += 1;
            continue;
        }
        let shift = u32::try_from(zeros + 1).map_err(|_| NotADecimal::Range)?;
        let shifted = 10_u128
            .checked_pow(shift)
            .and_then(|factor| value.checked_mul(factor));
        value = shifted
            .and_then(|value| value.checked_add(digit))
            .ok_or(NotADecimal::Range)?;
        zeros = 0;
    }
    normalize(negative, value, power + zeros)
}

fn normalize(negative: bool, mut digits: u128, mut power: i64) -> Result<Decimal, NotADecimal> {
    if digits == 0 {
        return Ok(Decimal::ZERO);
    }
    while digits.is_multiple_of(10) {
        digits /= 10;
        power += 1;
    }
    let count = digits_of(digits);
    // The value is at least 10^(power + count - 1).
    let magnitude = power + count as i64 - 1;
    let is_limit = digits == 1 && magnitude == MOST_POWER;
    let too_large = magnitude >= MOST_POWER && !is_limit;
    if count > MOST_DIGITS || too_large || magnitude < -MOST_POWER {
        return Err(NotADecimal::Range);
    }
    let power = i16::try_from(power).map_err(|_| NotADecimal::Range)?;
    Ok(Decimal {
        negative,
        digits: Digits::new(digits),
        power,
    })
}

fn digits_of(number: u128) -> usize {
    number
        .checked_ilog10()
        .map_or(0, |digits| digits as usize + 1)
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        let sign = |number: &Self| match (number.digits.get(), number.negative) {
            (0, _) => 0,
            (_, true) => -1,
            (_, false) => 1,
        };
        let size = || match self.negative {
            false => compare_sizes(*self, *other),
            true => compare_sizes(*other, *self),
        };
        sign(self).cmp(&sign(other)).then_with(size)
    }
}

/// Numbers of one magnitude differ in power by less than 29, so aligning them fits in 128 bits
/// only for 28 digits by 10^9; beyond that the longer one is compared digit by digit.
fn compare_sizes(one: Decimal, other: Decimal) -> Ordering {
    one.magnitude().cmp(&other.magnitude()).then_with(|| {
        let digits = |number: Decimal| number.digits.get().to_string();
        // Same magnitude: the digits compare like fractions behind a common point.
        digits(one)
            .trim_end_matches('0')
            .cmp(digits(other).trim_end_matches('0'))
    })
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Plain digits: no exponent, no trailing zeros, no negative zero.
impl Decimal {
    pub fn write(&self, out: &mut Vec<u8>) {
        if self.negative {
            out.push(b'-');
        }
        let mut buffer = [0; 40];
        let digits = digits(self.digits.get(), &mut buffer);
        let power = i32::from(self.power);
        // The digits before the point; none or fewer where the number is below 1.
        let before = digits.len() as i32 + power;
        match usize::try_from(before) {
            Ok(point @ 1..) if point < digits.len() => {
                let (whole, fraction) = digits.split_at(point);
                out.extend_from_slice(whole);
                out.push(b'.');
                out.extend_from_slice(fraction);
            }
            Ok(1..) => {
                out.extend_from_slice(digits);
                push_zeros(power, out);
            }
            _ => {
                out.extend_from_slice(b"0.");
                push_zeros(-before, out);
                out.extend_from_slice(digits);
            }
        }
    }
}

fn push_zeros(count: i32, out: &mut Vec<u8>) {
    out.extend(std::iter::repeat_n(
        b'0',
        usize::try_from(count).unwrap_or_default(),
    ));
}

/// The digits of a number, most significant first, at the end of the buffer.
fn digits(mut number: u128, buffer: &mut [u8; 40]) -> &[u8] {
    let mut start = buffer.len();
    for place in buffer.iter_mut().rev() {
        *place = b'0' + u8::try_from(number % 10).unwrap_or_default();
        number /= 10;
        start -= 1;
        if number == 0 {
            break;
        }
    }
    buffer.get(start..).unwrap_or_default()
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = Vec::with_capacity(32);
        self.write(&mut text);
        f.write_str(std::str::from_utf8(&text).unwrap_or_default())
    }
}

/// An exact JSON number.
impl Serialize for Decimal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let raw = RawValue::from_string(self.to_string()).map_err(S::Error::custom)?;
        raw.serialize(serializer)
    }
}

/// From JSON alone: other formats have no exact numbers.
impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        Self::from_json(raw.get()).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn json(text: &str) -> Result<String, NotADecimal> {
        Decimal::from_json(text).map(|number| number.to_string())
    }

    #[test]
    fn is_written_in_plain_digits_and_the_shortest_form() {
        for (given, written) in [
            ("83.0", "83"),
            ("0", "0"),
            ("-0.0", "0"),
            ("0e9", "0"),
            ("0.30000000000000004", "0.30000000000000004"),
            ("1e-2", "0.01"),
            ("1.50E+1", "15"),
            ("1.2345678901234567e+19", "12345678901234567000"),
            ("1e+21", "1000000000000000000000"),
            ("-12.340", "-12.34"),
            ("9007199254740993", "9007199254740993"),
            ("1e28", "10000000000000000000000000000"),
            ("1e-28", "0.0000000000000000000000000001"),
            (
                "1234567890123456789012345678",
                "1234567890123456789012345678",
            ),
            (
                "0.001234567890123456789012345678",
                "0.001234567890123456789012345678",
            ),
        ] {
            assert_eq!(json(given).as_deref(), Ok(written), "{given}");
        }
    }

    #[test]
    fn refuses_what_it_cannot_keep_exactly() {
        for text in [
            "1e400",
            "1e99999999999999999999",
            "1e29",
            "10000000000000000000000000001",
            "1e-29",
            "1e-99999999999999999999",
            "12345678901234567890123456789",
            "0.12345678901234567890123456789",
            &format!("1{}1", "0".repeat(60_000)),
            &format!("0.{}1", "0".repeat(60_000)),
        ] {
            assert_eq!(
                json(text),
                Err(NotADecimal::Range),
                "{}",
                text.get(..20).unwrap_or(text)
            );
        }
    }

    #[test]
    fn plain_text_is_a_number_without_an_exponent() {
        for text in ["83", "8.50", "-1", "0", "0.5"] {
            assert!(Decimal::from_plain(text).is_ok(), "{text}");
        }
        for text in [
            "", " 83", "83 ", "+83", "8,5", "1e2", ".5", "5.", "083", "N/A", "--1", "-", "0x1",
            "\u{664}", "NaN", "1_000",
        ] {
            assert_eq!(Decimal::from_plain(text), Err(NotADecimal::Form), "{text}");
        }
    }

    fn decimal() -> impl Strategy<Value = Decimal> {
        let digits = 10_i128.pow(28) - 1;
        (-digits..=digits, -28_i32..=0).prop_filter_map("in range", |(digits, power)| {
            Decimal::from_parts(digits, power).ok()
        })
    }

    fn exact(number: Decimal) -> num_rational::BigRational {
        let (digits, power) = number.parts();
        let ten = num_rational::BigRational::from_integer(10.into());
        num_rational::BigRational::from_integer(digits.into()) * num_traits::Pow::pow(&ten, power)
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_as_the_same(number in decimal()) {
            prop_assert_eq!(Decimal::from_plain(&number.to_string()), Ok(number));
        }

        #[test]
        fn the_order_is_that_of_the_numbers(one in decimal(), other in decimal()) {
            prop_assert_eq!(one.cmp(&other), exact(one).cmp(&exact(other)));
        }

        #[test]
        fn no_text_panics(text in "[-+0-9.eE]{0,60}") {
            let _ = Decimal::from_json(&text);
            let _ = Decimal::from_plain(&text);
        }
    }
}
