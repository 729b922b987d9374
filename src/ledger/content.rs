//! What is sealed of an entry: all that says who the learner is or what they did. JSON, so that
//! numbers stay exact and a later version reads what this one wrote.

use jiff::Timestamp as Instant;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::entry::points_json;
use crate::policy::{Fate, Past, Role, Sent};
use crate::score::{Decimal, Points, Timestamp};

#[derive(Serialize, Deserialize)]
pub struct Content {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub submission: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sent: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub explanation: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub past: Option<PastContent>,
}

/// Only the past of an entry: a history needs no more.
#[derive(Deserialize)]
pub struct PastAlone {
    pub past: Option<PastContent>,
}

#[derive(Serialize, Deserialize)]
pub struct PastContent {
    #[serde(skip_serializing_if = "Option::is_none")]
    points: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timestamp: Option<String>,
    /// Entries of older versions don't say, and count as the caller's own.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    is_stamped: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    submitted_at: Option<String>,
    arrived: Instant,
    role: RoleContent,
    fate: FateContent,
    #[serde(skip_serializing_if = "Option::is_none")]
    stands: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sent: Option<SentContent>,
}

#[derive(Serialize, Deserialize)]
struct SentContent {
    #[serde(skip_serializing_if = "Option::is_none")]
    points: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    comment: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum RoleContent {
    Attempt,
    Clear,
    Aside,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum FateContent {
    Confirmed,
    Unknown,
}

impl From<&Past> for PastContent {
    fn from(past: &Past) -> Self {
        let text = |timestamp: &Timestamp| timestamp.text().to_owned();
        Self {
            points: past.points.as_ref().and_then(write_points),
            timestamp: past.timestamp.as_ref().map(text),
            is_stamped: past.is_stamped,
            submitted_at: past.submitted_at.as_ref().map(text),
            arrived: past.arrived,
            role: match past.role {
                Role::Attempt => RoleContent::Attempt,
                Role::Clear => RoleContent::Clear,
                Role::Aside => RoleContent::Aside,
            },
            fate: match past.fate {
                Fate::Confirmed => FateContent::Confirmed,
                Fate::Unknown => FateContent::Unknown,
            },
            stands: past.stands.as_ref().and_then(write_points),
            sent: past.sent.as_ref().map(|sent| SentContent {
                points: sent.points.as_ref().and_then(write_points),
                comment: sent.comment.clone(),
            }),
        }
    }
}

impl PastContent {
    /// `None` where a value can't be what this or an older version wrote.
    pub fn read(self) -> Option<Past> {
        Some(Past {
            points: read_optional(self.points.as_deref())?,
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
            stands: read_optional(self.stands.as_deref())?,
            sent: match self.sent {
                None => None,
                Some(SentContent { points, comment }) => Some(Sent {
                    points: read_optional(points.as_deref())?,
                    comment,
                }),
            },
        })
    }
}

fn write_points(points: &Points) -> Option<Box<RawValue>> {
    // Two decimals between braces of ours always are JSON.
    RawValue::from_string(points_json(points)).ok()
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
