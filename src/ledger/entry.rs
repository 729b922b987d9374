//! What is recorded of one submission, and what is read back.

use super::json::Json;
use super::receipt::Receipt;
use crate::policy::{Decision, Past};
use crate::score::{Points, Score};
use jiff::Timestamp;

/// One submission to the scores route, with all that became of it.
#[derive(Clone)]
pub struct Entry {
    pub receipt: Receipt,
    /// When it arrived. Kept to the microsecond.
    pub time: Timestamp,
    pub account: String,
    pub caller: String,
    /// Normalized.
    pub line_item: String,
    /// Absent where the body could not be read that far.
    pub user: Option<String>,
    /// The score that came, where it is one, for whoever records it.
    pub score: Option<Score>,
    /// The same, canonical, where it is read back.
    pub submission: Option<Json>,
    pub body: BodyDigest,
    pub decision: Decision,
    /// The refusal's `details.message`.
    pub code: Option<String>,
    /// The rules that changed or refused it, in order.
    pub rules: Vec<Acted>,
    pub judged: Option<Points>,
    /// From `Ledger::generation`.
    pub policy_generation: i64,
    /// The body that left.
    pub sent: Option<Json>,
    /// The status that the upstream answered with.
    pub upstream: Option<u16>,
    pub duration_ms: i64,
    /// What `explain --receipt` prints.
    pub explanation: Option<Json>,
    /// What the cell's history gains; `None` for what changes nothing, such as a refusal.
    pub past: Option<Past>,
}

impl Entry {
    /// When it arrived, as it is kept.
    pub fn kept_time(&self) -> Timestamp {
        to_the_microsecond(self.time)
    }
}

/// Timestamps of the ledger are no finer.
pub fn to_the_microsecond(time: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(time.as_microsecond()).unwrap_or(time)
}

/// SHA-256 of the bytes that came. What is kept of it is keyed with the cell's key.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct BodyDigest(pub(super) [u8; 32]);

impl BodyDigest {
    pub fn of(body: &[u8]) -> Self {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, body);
        let digest = digest.as_ref().first_chunk();
        Self(digest.copied().unwrap_or_default())
    }
}

/// A rule that changed or refused a score, and the policy it is from.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Acted {
    pub rule: String,
    pub policy: String,
}

/// An entry as it was read back.
pub struct Kept {
    /// Its place in the chain, from 1.
    pub sequence: i64,
    /// Without what an erasure took.
    pub entry: Entry,
    pub learner: Learner,
    /// `hmac-sha256:` and hexadecimal digits.
    pub digest: String,
    pub prev_hash: String,
    pub hash: String,
}

/// Whether it is known whose an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Learner {
    Known,
    /// Their key was dropped.
    Erased,
    /// What was sealed doesn't open with their key: one of the two was changed.
    Unreadable,
    /// The body could not be read that far.
    Absent,
}

impl Kept {
    /// The learner's id, or what stands in its place.
    pub fn user(&self) -> Option<&str> {
        match self.learner {
            Learner::Known => self.entry.user.as_deref(),
            Learner::Erased => Some("erased"),
            Learner::Unreadable => Some("unreadable"),
            Learner::Absent => None,
        }
    }
}

/// Points as exact JSON numbers.
pub fn points_json(points: &Points) -> String {
    let mut json = Vec::with_capacity(64);
    write_points(points, &mut json);
    // Names of ours and digits, which are always text.
    String::from_utf8(json).unwrap_or_default()
}

pub(super) fn write_points(points: &Points, out: &mut Vec<u8>) {
    let Points { given, maximum } = points;
    out.extend_from_slice(b"{\"scoreGiven\":");
    given.write(out);
    out.extend_from_slice(b",\"scoreMaximum\":");
    maximum.write(out);
    out.push(b'}');
}
