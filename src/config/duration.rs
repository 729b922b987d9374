//! Durations as they are written: `"250ms"`, `"2s"`, `"15m"`, `"1h"`, `"7d"`.

use std::borrow::Cow;
use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;
use serde::de::{Deserialize, Deserializer, Visitor};

use super::findings::At;

const UNITS: &[(&str, u64)] = &[
    // `ms` before `m` and `s`, because it ends like the one and starts like the other.
    ("ms", 1),
    ("s", 1_000),
    ("m", 60_000),
    ("h", 3_600_000),
    ("d", 86_400_000),
];

/// A whole number and its unit: `ms`, `s`, `m`, `h` or `d`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DurationText(String);

/// What a time limit of a request may be.
pub(super) const LIMIT: RangeInclusive<Duration> =
    Duration::from_millis(1)..=Duration::from_secs(3_600);

/// What a wait that may be none can be.
pub(super) const DELAY: RangeInclusive<Duration> = Duration::ZERO..=Duration::from_secs(3_600);

impl DurationText {
    pub(super) fn new(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// As it was written.
    pub(super) fn text(&self) -> &str {
        &self.0
    }

    pub(super) fn check(&self, at: &At<'_>, allowed: RangeInclusive<Duration>) -> Option<Duration> {
        match parse(&self.0) {
            None => at.problem(format_args!(
                "must be a whole number and `ms`, `s`, `m`, `h` or `d`, from {} to {}",
                Written(*allowed.start()),
                Written(*allowed.end())
            )),
            Some(duration) if allowed.contains(&duration) => Some(duration),
            Some(_) => at.problem(format_args!(
                "must be from {} to {}",
                Written(*allowed.start()),
                Written(*allowed.end())
            )),
        }
    }

    /// The same of whole seconds alone.
    pub(super) fn check_seconds(
        &self,
        at: &At<'_>,
        allowed: RangeInclusive<Duration>,
    ) -> Option<Duration> {
        match parse(&self.0) {
            None => at.problem("must be a whole number and `s`, `m`, `h` or `d`, such as \"15m\""),
            Some(_) if self.0.ends_with("ms") => {
                at.problem("must be in whole `s`, `m`, `h` or `d`")
            }
            Some(_) => self.check(at, allowed),
        }
    }
}

/// Reads a time limit that is given on the command line.
pub fn read_limit(text: &str) -> Result<Duration, String> {
    let limit = parse(text).filter(|limit| LIMIT.contains(limit));
    limit.ok_or_else(|| {
        let (least, most) = (Written(*LIMIT.start()), Written(*LIMIT.end()));
        format!("must be from {least} to {most}, such as \"2s\"")
    })
}

fn parse(text: &str) -> Option<Duration> {
    let (number, unit) = UNITS
        .iter()
        .find_map(|(name, unit)| Some((text.strip_suffix(name)?, unit)))?;
    let is_plain = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    let number: u64 = is_plain.then(|| number.parse().ok()).flatten()?;
    Some(Duration::from_millis(number.checked_mul(*unit)?))
}

/// A duration in the largest unit that it is a whole number of.
struct Written(Duration);

impl fmt::Display for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = self.0.as_millis();
        let mut units = UNITS.iter().rev();
        let fits = |(_, unit): &&(&str, u64)| millis.is_multiple_of(u128::from(*unit));
        let (name, unit) = units.find(fits).unwrap_or(&("ms", 1));
        write!(f, "\"{}{name}\"", millis / u128::from(*unit))
    }
}

impl<'de> Deserialize<'de> for DurationText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = DurationText;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a duration in quotes, such as \"2s\"")
            }

            fn visit_str<E>(self, text: &str) -> Result<DurationText, E> {
                Ok(DurationText::new(text))
            }
        }
        deserializer.deserialize_str(Text)
    }
}

impl JsonSchema for DurationText {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Duration".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^[0-9]+(ms|s|m|h|d)$" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_each_unit_and_nothing_else() {
        for (text, millis) in [
            ("250ms", 250),
            ("2s", 2_000),
            ("15m", 900_000),
            ("1h", 3_600_000),
            ("7d", 604_800_000),
        ] {
            assert_eq!(parse(text), Some(Duration::from_millis(millis)), "{text}");
        }
        for text in [
            "",
            "2",
            "s",
            "2 s",
            "-2s",
            "+2s",
            "1.5s",
            "2S",
            "2sec",
            "99999999999999999999s",
            "18446744073709551615d",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn is_written_in_its_largest_unit() {
        for text in ["1ms", "30s", "1h", "1d", "90s"] {
            assert_eq!(
                Written(parse(text).unwrap()).to_string(),
                format!("\"{text}\"")
            );
        }
    }
}
