//! Points in time, as the wire spells them: RFC 3339 with seconds and a zone.

use jiff::fmt::temporal::DateTimeParser;
use serde::{Serialize, Serializer};

/// The digits of a fraction that an instant has room for.
const NANOSECONDS: usize = 9;

const PARSER: DateTimeParser = DateTimeParser::new();

/// A timestamp: the caller's own digits and zone, so that the instant is the same to the last
/// fraction, and the instant itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timestamp {
    text: String,
    instant: jiff::Timestamp,
}

impl Timestamp {
    /// `2017-04-16T18:54:36.736+00:00`; `t` and `z` may be in lower case (RFC 3339 section 5.6).
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.to_ascii_uppercase();
        let shape = Shape::of(&text)?;
        let instant = match shape.fraction.len() <= NANOSECONDS {
            true => PARSER.parse_timestamp(&text),
            false => PARSER.parse_timestamp(shape.to_nanoseconds()),
        };
        let instant = instant.ok()?;
        // jiff takes a leap second for the second before it.
        let is_leap = text.get(17..19) == Some("60");
        if is_leap && instant.as_second().rem_euclid(86_400) != 86_399 {
            return None;
        }
        Some(Self { text, instant })
    }

    /// An instant of our own.
    pub fn at(instant: jiff::Timestamp) -> Self {
        Self {
            text: instant.to_string(),
            instant,
        }
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    pub fn instant(&self) -> jiff::Timestamp {
        self.instant
    }
}

/// The parts of a timestamp. jiff reads more forms than RFC 3339 has: those without seconds, with
/// a week, with `[zone]`.
struct Shape<'a> {
    date_time: &'a str,
    /// Digits alone, as many as there are.
    fraction: &'a str,
    zone: &'a str,
}

impl<'a> Shape<'a> {
    fn of(text: &'a str) -> Option<Self> {
        let (date_time, rest) = text.split_at_checked(19)?;
        let (fraction, zone) = rest.split_at(rest.find(['Z', '+', '-']).unwrap_or(rest.len()));
        let fraction = match fraction.is_empty() {
            true => "0",
            false => fraction.strip_prefix('.')?,
        };
        let all_digits = fraction.bytes().all(|byte| byte.is_ascii_digit());
        let is_whole = fits(date_time, "0000-00-00T00:00:00") && is_zone(zone);
        (is_whole && all_digits && !fraction.is_empty()).then_some(Self {
            date_time,
            fraction,
            zone,
        })
    }

    /// Digits behind the nanoseconds don't fit into an instant; they change no order that matters.
    fn to_nanoseconds(&self) -> String {
        let digits = self.fraction.get(..NANOSECONDS).unwrap_or(self.fraction);
        format!("{}.{digits}{}", self.date_time, self.zone)
    }
}

/// `Z`, or an offset within a day (RFC 3339 section 5.6, `time-numoffset`).
fn is_zone(zone: &str) -> bool {
    let within_a_day = || zone.get(1..3) < Some("24") && zone.get(4..6) < Some("60");
    zone == "Z" || ((fits(zone, "+00:00") || fits(zone, "-00:00")) && within_a_day())
}

/// As it was written.
impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

/// Whether a text has a digit for each `0`, and otherwise the same characters.
fn fits(text: &str, shape: &str) -> bool {
    let same = |(byte, shape): (u8, u8)| match shape {
        b'0' => byte.is_ascii_digit(),
        other => byte == other,
    };
    text.len() == shape.len() && text.bytes().zip(shape.bytes()).all(same)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_rfc_3339_with_seconds_and_zone() {
        for text in [
            "2017-04-16T18:54:36Z",
            "2017-04-16T18:54:36.736+00:00",
            "2017-04-16T18:54:36.736123456-07:30",
            "2016-12-31T23:59:60Z",
            "2017-01-01T05:29:60+05:30",
            "2017-04-16T18:54:36.1234567890123456789Z",
            "0001-01-01T00:00:00Z",
        ] {
            assert_eq!(Timestamp::parse(text).unwrap().text(), text);
        }
        assert_eq!(
            Timestamp::parse("2017-04-16t18:54:36z").unwrap().text(),
            "2017-04-16T18:54:36Z"
        );
    }

    #[test]
    fn refuses_everything_else() {
        for text in [
            "",
            "a",
            "2017-04-16",
            "2017-04-16T18:54Z",
            "2017-04-16T18:54:36",
            "2017-04-16 18:54:36Z",
            "2017-04-16T18:54:36+0000",
            "2017-04-16T18:54:36.Z",
            "2017-02-30T18:54:36Z",
            "2017-04-16T25:54:36Z",
            "2017-04-16T18:54:36Z[UTC]",
            "1492368876",
            "20170416T185436Z",
            "2017-04-16T18:54:36+99:00",
            "2017-04-16T18:54:36+24:00",
            "2017-04-16T18:54:36+05:60",
            "2017-04-16T18:54:60Z",
            "+002017-04-16T18:54:36Z",
            "2017-04-16T18:54:36,5Z",
        ] {
            assert!(Timestamp::parse(text).is_none(), "{text}");
        }
    }
}
