//! A score in its canonical form, and how it is written.

use std::fmt;

use super::json::write_text;
use super::{ActivityProgress, Decimal, GradingProgress, Timestamp};

/// A score without faults (AGS 2.0, "Score publish service").
#[derive(Clone, PartialEq, Eq)]
pub struct Score {
    pub user: String,
    pub activity: ActivityProgress,
    pub grading: GradingProgress,
    /// Absent: the platform clears what it shows.
    pub points: Option<Points>,
    /// A `scoreGiven` that came without a `scoreMaximum`, until policy fills it. Recorded, never sent.
    pub given_alone: Option<Decimal>,
    pub comment: Option<String>,
    pub timestamp: Option<Timestamp>,
    pub submission: Submission,
    pub scoring_user: Option<String>,
    pub extensions: Vec<Extension>,
}

/// What was reached, and of how much. More than the maximum is legal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Points {
    pub given: Decimal,
    pub maximum: Decimal,
}

/// When the learner began and submitted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Submission {
    pub started_at: Option<Timestamp>,
    pub submitted_at: Option<Timestamp>,
}

/// A member named by a full URL, with its value as compact JSON.
#[derive(Clone, PartialEq, Eq)]
pub struct Extension {
    pub name: String,
    pub value: Vec<u8>,
}

impl Score {
    /// The body that is sent: compact JSON in one fixed order, numbers in plain digits.
    pub fn write(&self) -> Vec<u8> {
        self.write_into(Vec::with_capacity(256))
    }

    /// The same, at the end of `out`.
    pub fn write_into(&self, mut out: Vec<u8>) -> Vec<u8> {
        out.extend_from_slice(b"{\"userId\":");
        write_text(&self.user, &mut out);
        push_word("activityProgress", self.activity.as_str(), &mut out);
        push_word("gradingProgress", self.grading.as_str(), &mut out);
        if let Some(Points { given, maximum }) = &self.points {
            push_number("scoreGiven", given, &mut out);
            push_number("scoreMaximum", maximum, &mut out);
        }
        if let Some(given) = &self.given_alone {
            push_number("scoreGiven", given, &mut out);
        }
        push_optional("comment", self.comment.as_deref(), &mut out);
        push_time("timestamp", self.timestamp.as_ref(), &mut out);
        self.submission.write(&mut out);
        push_optional("scoringUserId", self.scoring_user.as_deref(), &mut out);
        for Extension { name, value } in &self.extensions {
            out.push(b',');
            write_text(name, &mut out);
            out.push(b':');
            out.extend_from_slice(value);
        }
        out.push(b'}');
        out
    }
}

impl Submission {
    fn write(&self, out: &mut Vec<u8>) {
        let start = out.len();
        push_time("startedAt", self.started_at.as_ref(), out);
        push_time("submittedAt", self.submitted_at.as_ref(), out);
        if out.len() > start {
            // The comma that `push_optional` put first separates this member instead.
            out.splice(start..=start, *b",\"submission\":{");
            out.push(b'}');
        }
    }
}

/// Names of ours need no escapes.
fn push_name(name: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(b",\"");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":");
}

fn push_text(name: &str, text: &str, out: &mut Vec<u8>) {
    push_name(name, out);
    write_text(text, out);
}

/// Canonical words need no escapes.
fn push_word(name: &str, word: &str, out: &mut Vec<u8>) {
    push_name(name, out);
    out.push(b'"');
    out.extend_from_slice(word.as_bytes());
    out.push(b'"');
}

/// Digits and signs need no escapes.
fn push_time(name: &str, time: Option<&Timestamp>, out: &mut Vec<u8>) {
    if let Some(time) = time {
        push_word(name, time.text(), out);
    }
}

fn push_optional(name: &str, text: Option<&str>, out: &mut Vec<u8>) {
    if let Some(text) = text {
        push_text(name, text, out);
    }
}

fn push_number(name: &str, number: &Decimal, out: &mut Vec<u8>) {
    push_name(name, out);
    number.write(out);
}

/// Learner ids and comments stay out of whatever prints a score.
impl fmt::Debug for Score {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Score")
            .field("activity", &self.activity)
            .field("grading", &self.grading)
            .field("points", &self.points)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Extension {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Extension").finish_non_exhaustive()
    }
}
