//! Points in time, as the wire spells them: RFC 3339 with seconds and a zone.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use jiff::civil::DateTime;
use jiff::tz::Offset;
use serde::{Serialize, Serializer};

/// The digits of a fraction that an instant has room for.
const NANOSECONDS: usize = 9;

/// A timestamp: the caller's own digits and zone, so that the instant is the same to the last
/// fraction, and the instant itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timestamp {
    /// Shared: judging copies timestamps many times.
    text: Arc<str>,
    instant: jiff::Timestamp,
}

impl Timestamp {
    /// `2017-04-16T18:54:36.736+00:00`; `t` and `z` may be in lower case (RFC 3339 section 5.6).
    pub fn parse(text: &str) -> Option<Self> {
        let text = match text.bytes().any(|byte| byte.is_ascii_lowercase()) {
            true => Cow::Owned(text.to_ascii_uppercase()),
            false => Cow::Borrowed(text),
        };
        let instant = Shape::of(&text)?.instant()?;
        Some(Self {
            text: text.into(),
            instant,
        })
    }

    /// An instant of our own.
    pub fn at(instant: jiff::Timestamp) -> Self {
        Self {
            text: instant.to_string().into(),
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

/// The parts of a timestamp, in the one form that RFC 3339 has. jiff's own parser reads others too
/// (without seconds, with a week, with `[zone]`) and takes four times as long.
struct Shape<'a> {
    /// `0000-00-00T00:00:00`
    date_time: &'a str,
    /// Digits alone, as many as there are.
    fraction: &'a str,
    /// `Z`, `+00:00` or `-00:00`
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

    fn instant(&self) -> Option<jiff::Timestamp> {
        let part = |range| number(self.date_time, range);
        let small = |range| i8::try_from(part(range)?).ok();
        let year = i16::try_from(part(0..4)?).ok()?;
        let second = small(17..19)?;
        let date_time = DateTime::new(
            year,
            small(5..7)?,
            small(8..10)?,
            small(11..13)?,
            small(14..16)?,
            // A leap second counts as the second before it.
            if second == 60 { 59 } else { second },
            self.nanoseconds()?,
        );
        let (date_time, offset) = (date_time.ok()?, self.offset()?);
        // Leap seconds end a day of UTC.
        let minute = part(11..13)? * 60 + part(14..16)? - offset.seconds() / 60;
        let is_possible = second < 60 || minute.rem_euclid(1_440) == 1_439;
        // Of all that four digits of a year can write, an instant has no room for the last day: it is
        // later than all else, too.
        let instant = offset.to_timestamp(date_time);
        is_possible.then(|| instant.unwrap_or(jiff::Timestamp::MAX))
    }

    /// Digits behind them don't fit into an instant; they change no order that matters.
    fn nanoseconds(&self) -> Option<i32> {
        let digits = self.fraction.len().min(NANOSECONDS);
        let missing = u32::try_from(NANOSECONDS - digits).ok()?;
        Some(number(self.fraction, 0..digits)? * 10_i32.pow(missing))
    }

    fn offset(&self) -> Option<Offset> {
        if self.zone == "Z" {
            return Some(Offset::UTC);
        }
        let part = |range| number(self.zone, range);
        let seconds = part(1..3)? * 3_600 + part(4..6)? * 60;
        let is_west = self.zone.starts_with('-');
        Offset::from_seconds(if is_west { -seconds } else { seconds }).ok()
    }
}

/// Of nine digits at most.
fn number(text: &str, range: Range<usize>) -> Option<i32> {
    let digits = text.as_bytes().get(range)?;
    Some(
        digits
            .iter()
            .fold(0, |number, digit| number * 10 + i32::from(digit & 0xF)),
    )
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
    use proptest::prelude::*;

    proptest! {
        /// Of what both read. jiff has no more than nine digits of a fraction.
        #[test]
        fn an_instant_is_the_one_that_jiff_reads(
            (year, month, day) in (0..=9_999, 0..=13, 0..=32),
            (hour, minute, second) in (0..=24, 0..=60, 0..=61),
            fraction in "(\\.[0-9]{1,9})?",
            zone in "Z|[+-](0[0-9]|1[0-9]|2[0-3]):([0-4][0-9]|5[0-9])",
        ) {
            let text = format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{fraction}{zone}");
            let own = Timestamp::parse(&text).map(|time| time.instant());
            if own == Some(jiff::Timestamp::MAX) {
                // The last hours that four digits can write.
                prop_assert!(text.starts_with("9999-12-"), "{}", text);
            // Where it stands alone: not every 60th second is a leap second.
            } else if second != 60 {
                prop_assert_eq!(own, text.parse().ok(), "{}", text);
            } else if let Some(own) = own {
                prop_assert_eq!(Some(own), text.parse().ok(), "{}", text);
            }
        }
    }

    /// At the end of a day of UTC alone, and with the fraction it has.
    #[test]
    fn a_leap_second_is_the_one_before_it() {
        for (text, instant) in [
            ("2016-12-31T23:59:60Z", "2016-12-31T23:59:59Z"),
            ("2016-12-31T23:59:60.25Z", "2016-12-31T23:59:59.25Z"),
            ("2017-01-01T05:29:60.5+05:30", "2016-12-31T23:59:59.5Z"),
        ] {
            let read = Timestamp::parse(text).map(|time| time.instant());
            assert_eq!(read, instant.parse().ok(), "{text}");
            assert_eq!(read, text.parse().ok(), "{text}");
        }
    }

    /// What means never, mostly: it is later than all else.
    #[test]
    fn what_is_later_than_any_instant_is_the_last_one() {
        let last = jiff::Timestamp::MAX;
        let before = |nanoseconds| last - jiff::SignedDuration::from_nanos(nanoseconds);
        for (text, instant) in [
            ("9999-12-30T22:00:00Z", before(999_999_999)),
            ("9999-12-30T22:00:00.999999998Z", before(1)),
            ("9999-12-30T22:00:00.999999999Z", last),
            ("9999-12-30T22:00:01Z", last),
            ("9999-12-31T23:59:59Z", last),
            ("9999-12-31T23:59:59.999999999-23:59", last),
            ("9999-12-31T21:58:59.5+23:59", before(1_499_999_999)),
            ("9999-12-31T23:59:60Z", last),
        ] {
            let read = Timestamp::parse(text).unwrap();
            assert_eq!((read.text(), read.instant()), (text, instant));
        }
        for text in ["9999-12-31T23:58:60Z", "9999-12-32T00:00:00Z"] {
            assert!(Timestamp::parse(text).is_none(), "{text}");
        }
    }

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
