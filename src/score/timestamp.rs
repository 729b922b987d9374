//! Points in time, as the wire spells them: RFC 3339 with seconds and a zone.

use jiff::fmt::temporal::DateTimeParser;

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
        has_rfc3339_shape(&text).then_some(())?;
        let instant = PARSER.parse_timestamp(&text).ok()?;
        Some(Self { text, instant })
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    pub fn instant(&self) -> jiff::Timestamp {
        self.instant
    }
}

/// jiff reads more forms than RFC 3339 has: those without seconds, with a week, with `[zone]`.
fn has_rfc3339_shape(text: &str) -> bool {
    let Some((date_time, rest)) = text.split_at_checked(19) else {
        return false;
    };
    let (fraction, zone) = rest.split_at(rest.find(['Z', '+', '-']).unwrap_or(rest.len()));
    let fraction_digits = fraction.strip_prefix('.').unwrap_or("0");
    fits(date_time, "0000-00-00T00:00:00")
        && (fraction.is_empty() || fraction.starts_with('.'))
        && !fraction_digits.is_empty()
        && fraction_digits.bytes().all(|byte| byte.is_ascii_digit())
        && (zone == "Z" || fits(zone, "+00:00") || fits(zone, "-00:00"))
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
            "+002017-04-16T18:54:36Z",
            "2017-04-16T18:54:36,5Z",
        ] {
            assert!(Timestamp::parse(text).is_none(), "{text}");
        }
    }
}
