//! An entry on its way to the writer: encoded by whoever records it, so that the writer's one thread
//! has less to do, and not yet sealed, since only the writer knows the key.

use jiff::Timestamp;

use super::entry::{Acted, BodyDigest, Entry, points_json};
use super::receipt::Receipt;
use super::written;
use crate::policy::{Decision, Fate, Past, Role};

pub struct Draft {
    pub receipt: Receipt,
    pub time: Timestamp,
    pub account: String,
    pub caller: String,
    pub line_item: String,
    pub user: Option<String>,
    pub body: BodyDigest,
    pub decision: Decision,
    pub code: Option<String>,
    /// JSON.
    pub rules: String,
    /// JSON.
    pub judged: Option<String>,
    pub policy_generation: i64,
    pub upstream: Option<u16>,
    pub duration_ms: i64,
    /// What will be sealed.
    pub content: Vec<u8>,
    /// Where in it the past begins.
    past_at: usize,
    pub past: Option<Past>,
    /// Whether it was sent to the upstream.
    pub was_sent: bool,
}

impl Draft {
    pub fn of(entry: Entry) -> Self {
        let (content, past_at) = written::content(&entry);
        // Destructured, so that no new member is forgotten.
        let Entry {
            receipt,
            time,
            account,
            caller,
            line_item,
            user,
            submission: _,
            score: _,
            body,
            decision,
            code,
            rules,
            judged,
            policy_generation,
            sent,
            upstream,
            duration_ms,
            explanation: _,
            past,
        } = entry;
        Self {
            receipt,
            time,
            account: storable(account),
            caller: storable(caller),
            line_item: storable(line_item),
            user: user.map(storable),
            body,
            decision,
            code: code.map(storable),
            rules: rules_json(&rules),
            judged: judged.as_ref().map(points_json),
            policy_generation,
            upstream,
            duration_ms,
            content,
            past_at,
            past,
            was_sent: sent.is_some(),
        }
    }

    /// What is sealed in place of `content` where nobody can say whether it was the last that left for its cell.
    pub fn content_of_unknown_fate(&self) -> Vec<u8> {
        let mut past = self.past.clone();
        if let Some(past) = &mut past {
            past.fate = Fate::Unknown;
        }
        let before = self.content.get(..self.past_at).unwrap_or_default();
        written::with_past(before.to_vec(), past.as_ref())
    }

    /// Where nothing tells its attempt from others it would be one more of them: what was sent counts, and no
    /// attempt.
    pub fn put_aside(&mut self) {
        let is_attempt_alone = |past: &Past| past.is_stamped && past.submitted_at.is_none();
        let Some(past) = self.past.as_mut().filter(|past| is_attempt_alone(past)) else {
            return;
        };
        past.role = Role::Aside;
        self.content.truncate(self.past_at);
        let before = std::mem::take(&mut self.content);
        self.content = written::with_past(before, self.past.as_ref());
    }

    /// As it shall be read if nothing more is heard of it: its fate is unknown.
    pub fn of_intent(mut entry: Entry) -> Self {
        entry.upstream = None;
        if let Some(past) = &mut entry.past {
            past.fate = Fate::Unknown;
        }
        Self::of(entry)
    }
}

/// PostgreSQL's texts hold no NUL, and both databases shall keep the same.
fn storable(text: String) -> String {
    match text.contains('\0') {
        true => text.replace('\0', "\u{fffd}"),
        false => text,
    }
}

fn rules_json(acted: &[Acted]) -> String {
    // Texts, which are always JSON.
    match acted {
        [] => "[]".to_owned(),
        acted => serde_json::to_string(acted).unwrap_or_default(),
    }
}
