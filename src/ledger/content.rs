//! What is sealed of an entry: all that says who the learner is or what they did. JSON, so that
//! numbers stay exact and a later version reads what this one wrote. Read here, written in `written`.

use jiff::Timestamp as Instant;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::policy::{Fate, Past, Role, Sent};
use crate::score::{Decimal, Points, Timestamp};

#[derive(Deserialize)]
pub struct Content {
    pub user: Option<String>,
    pub submission: Option<Box<RawValue>>,
    sent: Option<Box<RawValue>>,
    /// It is the submission then.
    #[serde(default)]
    sent_as_it_came: bool,
    pub explanation: Option<Box<RawValue>>,
    pub past: Option<PastContent>,
}

impl Content {
    pub const NONE: Self = Self {
        user: None,
        submission: None,
        sent: None,
        sent_as_it_came: false,
        explanation: None,
        past: None,
    };

    /// The body that left.
    pub fn take_sent(&mut self) -> Option<Box<RawValue>> {
        match self.sent_as_it_came {
            true => self.submission.clone(),
            false => self.sent.take(),
        }
    }
}

/// Only the past of an entry: a history needs no more.
#[derive(Deserialize)]
pub struct PastAlone {
    pub past: Option<PastContent>,
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

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum RoleContent {
    Attempt,
    Clear,
    Aside,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum FateContent {
    Confirmed,
    Unknown,
}

impl PastContent {
    /// `None` where a value can't be what this or an older version wrote.
    pub fn read(self) -> Option<Past> {
        let points = read_optional(self.points.as_deref())?;
        // `true` for those of the attempt; older versions wrote them again.
        let or_same = |json: Option<Box<RawValue>>| match json.as_deref().map(RawValue::get) {
            Some("true") => points.map(Some),
            _ => read_optional(json.as_deref()),
        };
        Some(Past {
            points,
            timestamp: read_timestamp(self.timestamp.as_deref())?,
            is_stamped: self.is_stamped,
            submitted_at: read_timestamp(self.submitted_at.as_deref())?,
            arrived: self.arrived,
            role: match self.role {
                RoleContent::Attempt => Role::Attempt,
                RoleContent::Clear => Role::Clear,
                RoleContent::Aside => Role::Aside,
            },
            fate: match self.fate {
                FateContent::Confirmed => Fate::Confirmed,
                FateContent::Unknown => Fate::Unknown,
            },
            stands: or_same(self.stands)?,
            sent: match self.sent {
                None => None,
                Some(SentContent {
                    points,
                    comment,
                    not_final,
                }) => Some(Sent {
                    points: or_same(points)?,
                    comment,
                    is_final: !not_final,
                }),
            },
        })
    }
}

fn read_timestamp(text: Option<&str>) -> Option<Option<Timestamp>> {
    text.map_or(Some(None), |text| Timestamp::parse(text).map(Some))
}

fn read_optional(json: Option<&RawValue>) -> Option<Option<Points>> {
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
    Some(Points {
        given: Decimal::from_json(given.get()).ok()?,
        maximum: Decimal::from_json(maximum.get()).ok()?,
    })
}
