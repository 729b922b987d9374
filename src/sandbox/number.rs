//! A JSON number that keeps its text, and the exact arithmetic of a platform that rescales it.

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{Signed, Zero};
use serde::Serialize;
use serde_json::value::RawValue;

/// A number that JavaScript would call finite.
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
pub struct Number {
    text: Box<RawValue>,
    #[serde(skip)]
    value: BigRational,
}

impl Number {
    /// Reads a JSON number. `None` for any other value and, as `JSON.parse` makes infinity of
    /// them, for numbers beyond a double.
    pub fn read(text: &RawValue) -> Option<Self> {
        let approximate: f64 = serde_json::from_str(text.get()).ok()?;
        // Only below a double's range can an exponent be so small that expanding it would hurt.
        let value = match approximate == 0.0 {
            true => BigRational::zero(),
            false => exact(text.get())?,
        };
        Some(Self {
            text: text.to_owned(),
            value,
        })
    }

    fn of(value: BigRational, digits: u32) -> Option<Self> {
        let text = RawValue::from_string(written(&value, digits)).ok()?;
        Some(Self { text, value })
    }

    pub fn is_positive(&self) -> bool {
        self.value.is_positive()
    }

    pub fn is_negative(&self) -> bool {
        self.value.is_negative()
    }

    /// This score of `from` points as a score of `to` points; its own text where they are equal.
    pub fn rescaled(&self, from: &Self, to: &Self, digits: u32) -> Option<Self> {
        if from.value == to.value {
            return Some(self.clone());
        }
        if from.value.is_zero() {
            return None;
        }
        Self::of(&self.value * &to.value / &from.value, digits)
    }
}

/// The exact value of a JSON number's text.
fn exact(text: &str) -> Option<BigRational> {
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits: BigInt = format!("{whole}{fraction}").parse().ok()?;
    let shift = exponent.parse::<i64>().ok()? - i64::try_from(fraction.len()).ok()?;
    let power = BigRational::from(BigInt::from(10)).pow(i32::try_from(shift).ok()?);
    Some(BigRational::from(digits) * power)
}

/// A decimal of at most `digits` after the point, rounded half away from zero.
fn written(value: &BigRational, digits: u32) -> String {
    let scale = BigRational::from(BigInt::from(10).pow(digits));
    let scaled = (value * scale).round().to_integer();
    let width = usize::try_from(digits).unwrap_or(0);
    let text = format!("{:0>width$}", scaled.abs().to_string(), width = width + 1);
    let (whole, fraction) = text.split_at(text.len() - width);
    let sign = if scaled.is_negative() { "-" } else { "" };
    match fraction.trim_end_matches('0') {
        "" => format!("{sign}{whole}"),
        fraction => format!("{sign}{whole}.{fraction}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Option<Number> {
        Number::read(&RawValue::from_string(text.into()).unwrap())
    }

    fn text(number: &Number) -> &str {
        number.text.get()
    }

    #[test]
    fn keeps_its_text_where_nothing_is_rescaled() {
        let (given, hundred, same) = (number("83.10"), number("100"), number("1e2"));
        let scaled = given
            .unwrap()
            .rescaled(&hundred.unwrap(), &same.unwrap(), 20);
        assert_eq!(text(&scaled.unwrap()), "83.10");
    }

    #[test]
    fn rescales_exactly_where_a_decimal_can() {
        for (given, from, to, expected) in [
            ("8.5", "10", "100", "85"),
            ("0.1", "0.3", "3", "1"),
            ("1", "3", "1", "0.33333333333333333333"),
            ("2", "3", "1", "0.66666666666666666667"),
            ("0", "7", "100", "0"),
            ("105", "100", "80", "84"),
            ("0.07", "10", "1", "0.007"),
        ] {
            let [given, from, to] = [given, from, to].map(|text| number(text).unwrap());
            assert_eq!(text(&given.rescaled(&from, &to, 20).unwrap()), expected);
        }
    }

    #[test]
    fn what_is_no_finite_number_is_none() {
        for bad in ["1e400", "\"5\"", "null", "true", "[1]"] {
            assert!(number(bad).is_none(), "{bad}");
        }
        assert!(!number("1e-999999999").unwrap().is_positive());
        assert!(number("-0.5").unwrap().is_negative());
    }
}
