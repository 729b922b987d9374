//! An entry as `ledger show --json` and the admin page print it.

use std::borrow::Cow;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::value::RawValue;

use super::entry::{Acted, Kept, points_json};
use super::json::Json;

/// The contract's members. Numbers stay exact, absent members are left out.
#[derive(Serialize)]
pub struct Shown<'a> {
    receipt: &'a str,
    time: Timestamp,
    account: &'a str,
    caller: &'a str,
    line_item: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub submission: Option<Cow<'a, RawValue>>,
    digest: &'a str,
    decision: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'a str>,
    rules: &'a [Acted],
    #[serde(skip_serializing_if = "Option::is_none")]
    judged: Option<Box<RawValue>>,
    policy_generation: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sent: Option<Cow<'a, RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    upstream: Option<Upstream>,
    duration_ms: i64,
    prev_hash: &'a str,
    hash: &'a str,
}

#[derive(Serialize)]
struct Upstream {
    status: u16,
}

impl Kept {
    /// All that was recorded, the learner's id and words included.
    pub fn shown(&self) -> Shown<'_> {
        let entry = &self.entry;
        let judged = entry.judged.as_ref().map(points_json);
        Shown {
            receipt: entry.receipt.text(),
            time: entry.time,
            account: &entry.account,
            caller: &entry.caller,
            line_item: &entry.line_item,
            user: self.user().map(Cow::Borrowed),
            submission: entry
                .submission
                .as_ref()
                .and_then(Json::raw)
                .map(Cow::Borrowed),
            digest: &self.digest,
            decision: entry.decision.as_str(),
            code: entry.code.as_deref(),
            rules: &entry.rules,
            judged: judged.and_then(|json| RawValue::from_string(json).ok()),
            policy_generation: entry.policy_generation,
            sent: entry.sent.as_ref().and_then(Json::raw).map(Cow::Borrowed),
            upstream: entry.upstream.map(|status| Upstream { status }),
            duration_ms: entry.duration_ms,
            prev_hash: &self.prev_hash,
            hash: &self.hash,
        }
    }
}

impl Serialize for Kept {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.shown().serialize(serializer)
    }
}
