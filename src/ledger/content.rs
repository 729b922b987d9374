//! What is sealed of an entry: all that says who the learner is or what they did. JSON, so that
//! numbers stay exact and a later version reads what this one wrote. Read here, written in `written`.

use jiff::Timestamp as Instant;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::gains::{Came, Gains};
use crate::policy::{Fate, Past, Role, Sent};
use crate::score::{Decimal, Points, Timestamp};

#[derive(Deserialize)]
pub struct Content {
    pub user: Option<String>,
    pub submission: Option<Box<RawValue>>,
    sent: Option<Box<RawValue>>,
    /// It is the submission then.
    #[serde(default, alias = "sent_as_it_came")]
    same: bool,
    pub explanation: Option<Box<RawValue>>,
    past: Option<PastContent>,
    gains: Option<Gains>,
}

impl Content {
    pub const NONE: Self = Self {
        user: None,
        submission: None,
        sent: None,
        same: false,
        explanation: None,
        past: None,
        gains: None,
    };

    pub fn read(content: &[u8]) -> Option<Self> {
        let mut content: Self = serde_json::from_slice(content).ok()?;
        if content.user.is_none() {
            let whose = |submission: &RawValue| serde_json::from_str(submission.get()).ok();
            let whose: Option<Whose> = content.submission.as_deref().and_then(whose);
            content.user = whose.map(|whose| whose.user);
        }
        Some(content)
    }

    /// What its cell's history gained by it, which arrived at `time`.
    pub fn past(&self, time: Instant) -> Option<Past> {
        past(
            self.past.as_ref(),
            self.gains.as_ref(),
            self.submission.as_deref(),
            time,
        )
    }

    /// The body that left.
    pub fn take_sent(&mut self) -> Option<Box<RawValue>> {
        match self.same {
            true => self.submission.clone(),
            false => self.sent.take(),
        }
    }
}

/// A score says whose it is; whoever writes a score doesn't say it again.
#[derive(Deserialize)]
struct Whose {
    #[serde(rename = "userId")]
    user: String,
}

/// Only what a history needs of an entry.
#[derive(Deserialize)]
pub struct PastAlone<'a> {
    past: Option<PastContent>,
    gains: Option<Gains>,
    #[serde(borrow)]
    submission: Option<&'a RawValue>,
}

impl PastAlone<'_> {
    pub fn past(&self, time: Instant) -> Option<Past> {
        past(
            self.past.as_ref(),
            self.gains.as_ref(),
            self.submission,
            time,
        )
    }
}

fn past(
    whole: Option<&PastContent>,
    gains: Option<&Gains>,
    submission: Option<&RawValue>,
    time: Instant,
) -> Option<Past> {
    match (whole, gains) {
        (Some(whole), _) => whole.read(),
        (None, Some(gains)) => gains.read(&Came::read(submission?, time)?),
        (None, None) => None,
    }
}

#[derive(Deserialize)]
pub struct PastContent {
    points: Option<Box<RawValue>>,
    timestamp: Option<String>,
    /// Entries of older versions don't say, and count as the caller's own.
    #[serde(default)]
    is_stamped: bool,
    submitted_at: Option<String>,
    arrived: Instant,
    role: RoleContent,
    fate: FateContent,
    stands: Option<Box<RawValue>>,
    sent: Option<SentContent>,
}

#[derive(Deserialize)]
struct SentContent {
    points: Option<Box<RawValue>>,
    comment: Option<String>,
    /// Entries of older versions don't say, and count as final.
    #[serde(default)]
    not_final: bool,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RoleContent {
    Attempt,
    Clear,
    Aside,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FateContent {
    Confirmed,
    Unknown,
}

impl From<RoleContent> for Role {
    fn from(role: RoleContent) -> Self {
        match role {
            RoleContent::Attempt => Self::Attempt,
            RoleContent::Clear => Self::Clear,
            RoleContent::Aside => Self::Aside,
        }
    }
}

impl From<FateContent> for Fate {
    fn from(fate: FateContent) -> Self {
        match fate {
            FateContent::Confirmed => Self::Confirmed,
            FateContent::Unknown => Self::Unknown,
        }
    }
}

pub fn role_word(role: Role) -> &'static str {
    match role {
        Role::Attempt => "attempt",
        Role::Clear => "clear",
        Role::Aside => "aside",
    }
}

pub fn fate_word(fate: Fate) -> &'static str {
    match fate {
        Fate::Confirmed => "confirmed",
        Fate::Unknown => "unknown",
    }
}

impl PastContent {
    /// `None` where a value can't be what this or an older version wrote.
    fn read(&self) -> Option<Past> {
        let points = read_optional(self.points.as_deref())?;
        // `true` for those of the attempt; older versions wrote them again.
        let or_same = |json: &Option<Box<RawValue>>| match json.as_deref().map(RawValue::get) {
            Some("true") => points.map(Some),
            _ => read_optional(json.as_deref()),
        };
        Some(Past {
            points,
            timestamp: read_timestamp(self.timestamp.as_deref())?,
            is_stamped: self.is_stamped,
            submitted_at: read_timestamp(self.submitted_at.as_deref())?,
            arrived: self.arrived,
            role: self.role.into(),
            fate: self.fate.into(),
            stands: or_same(&self.stands)?,
            sent: match &self.sent {
                None => None,
                Some(SentContent {
                    points,
                    comment,
                    not_final,
                }) => Some(Sent {
                    points: or_same(points)?,
                    comment: comment.clone(),
                    is_final: !not_final,
                }),
            },
        })
    }
}

pub fn read_timestamp(text: Option<&str>) -> Option<Option<Timestamp>> {
    text.map_or(Some(None), |text| Timestamp::parse(text).map(Some))
}

pub fn read_optional(json: Option<&RawValue>) -> Option<Option<Points>> {
    json.map_or(Some(None), |json| read_points(json.get()).map(Some))
}

#[derive(Deserialize)]
struct Numbers<'a> {
    #[serde(borrow, rename = "scoreGiven")]
    given: &'a RawValue,
    #[serde(borrow, rename = "scoreMaximum")]
    maximum: &'a RawValue,
}

/// Points from the JSON that `points_json` wrote.
pub fn read_points(json: &str) -> Option<Points> {
    let Numbers { given, maximum } = serde_json::from_str(json).ok()?;
    read_numbers(given, maximum)
}

pub fn read_numbers(given: &RawValue, maximum: &RawValue) -> Option<Points> {
    Some(Points {
        given: Decimal::from_json(given.get()).ok()?,
        maximum: Decimal::from_json(maximum.get()).ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As versions before the fifth schema wrote it.
    #[test]
    fn what_was_written_in_full_is_read() {
        let content = br#"{"user":"u","submission":{"userId":"u","scoreGiven":7,"scoreMaximum":10,"comment":"c"},"sent_as_it_came":true,"past":{"points":{"scoreGiven":7,"scoreMaximum":10},"arrived":"2026-01-01T00:00:00.123456789Z","role":"attempt","fate":"confirmed","stands":true,"sent":{"points":true}}}"#;
        let mut read = Content::read(content).unwrap();
        let past = read.past(Instant::UNIX_EPOCH).unwrap();
        assert_eq!(past.arrived.to_string(), "2026-01-01T00:00:00.123456789Z");
        assert_eq!(past.stands, past.points);
        let sent = past.sent.unwrap();
        // Absent there, it is not what came.
        assert_eq!((sent.points, sent.comment), (past.points, None));
        let submission = read.submission.clone().unwrap();
        assert_eq!(read.take_sent().unwrap().get(), submission.get());
        let alone: PastAlone = serde_json::from_slice(content).unwrap();
        assert!(alone.past(Instant::UNIX_EPOCH).is_some());
    }
}
