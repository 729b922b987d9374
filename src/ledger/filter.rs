//! Which entries: what commands and the admin listener can be asked for, read in one place.

use jiff::Timestamp;
use thiserror::Error;

use super::found::Found;
use crate::line_item::{BadPattern, Pattern};
use crate::policy::Decision;

/// Which entries. All that is `None` matches everything.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub since: Option<Timestamp>,
    pub decision: Option<Decision>,
    pub code: Option<String>,
    pub account: Option<String>,
    pub caller: Option<String>,
    pub user: Option<String>,
    pub line_items: Option<Pattern>,
    /// Only entries after this one.
    pub after: i64,
}

/// Why a filter can't be used. Repeats no value: it may be a learner's id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum BadFilter {
    #[error("is no filter")]
    Unknown,
    #[error("must be such as 2026-01-31T12:00:00Z or 2026-01-31")]
    Time,
    #[error("must be one of {}", Decision::words())]
    Decision,
    #[error("{0}")]
    LineItem(BadPattern),
    #[error("must be a text without NUL")]
    Text,
}

impl Filter {
    /// What can be asked for: parameters of a query, and with `-` for `_` options of commands.
    pub const NAMES: [&str; 7] = [
        "decision",
        "code",
        "user",
        "account",
        "caller",
        "line_item",
        "since",
    ];

    /// Asks for one of `NAMES`.
    pub fn narrow(&mut self, name: &str, text: &str) -> Result<(), BadFilter> {
        match name {
            "since" => self.since = Some(read_time(text)?),
            "decision" => self.decision = Some(read_decision(text)?),
            "line_item" => {
                self.line_items = Some(Pattern::parse(text).map_err(BadFilter::LineItem)?);
            }
            "code" => self.code = Some(storable(text)?),
            "account" => self.account = Some(storable(text)?),
            "caller" => self.caller = Some(storable(text)?),
            "user" => self.user = Some(storable(text)?),
            _ => return Err(BadFilter::Unknown),
        }
        Ok(())
    }

    /// What no statement looks at.
    pub(super) fn covers(&self, found: &Found) -> bool {
        let (Some(pattern), Some(read)) = (&self.line_items, &found.read) else {
            return true;
        };
        pattern.matches(&read.row.plain.line_item)
    }
}

pub fn read_decision(text: &str) -> Result<Decision, BadFilter> {
    Decision::parse(text).ok_or(BadFilter::Decision)
}

/// An RFC 3339 time, or a date, which begins at midnight UTC.
pub fn read_time(text: &str) -> Result<Timestamp, BadFilter> {
    let midnight = || format!("{text}T00:00:00Z").parse().ok();
    text.parse().ok().or_else(midnight).ok_or(BadFilter::Time)
}

/// PostgreSQL refuses NUL, and no entry has one.
fn storable(text: &str) -> Result<String, BadFilter> {
    match text.contains('\0') {
        true => Err(BadFilter::Text),
        false => Ok(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_name_and_no_other() {
        for name in Filter::NAMES {
            let (good, bad) = match name {
                "since" => ("2026-01-31", "yesterday"),
                "decision" => ("kept", "lost"),
                "line_item" => ("https://canvas.example.edu/**", "http://canvas.example.edu"),
                _ => ("a text", "a\0text"),
            };
            assert_eq!(Filter::default().narrow(name, good), Ok(()), "{name}");
            assert!(Filter::default().narrow(name, bad).is_err(), "{name}");
        }
        let unknown = Filter::default().narrow("users", "a");
        assert_eq!(unknown, Err(BadFilter::Unknown));
    }

    #[test]
    fn a_date_begins_at_midnight() {
        let midnight: Timestamp = "2026-01-31T00:00:00Z".parse().unwrap();
        assert_eq!(read_time("2026-01-31"), Ok(midnight));
        assert_eq!(read_time("2026-01-31T01:00:00+01:00"), Ok(midnight));
    }
}
