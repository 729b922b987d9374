//! An entry as `ledger show --json` and the admin page print it.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::value::RawValue;

use super::entry::{Acted, Kept, points_json};

#[derive(Serialize)]
struct Shown<'a> {
    receipt: &'a str,
    time: Timestamp,
    account: &'a str,
    caller: &'a str,
    line_item: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    submission: Option<&'a RawValue>,
    digest: &'a str,
    decision: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'a str>,
    rules: &'a [Acted],
    #[serde(skip_serializing_if = "Option::is_none")]
    judged: Option<Box<RawValue>>,
    policy_generation: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    sent: Option<&'a RawValue>,
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

impl Serialize for Kept {
    /// Numbers stay exact, absent members are left out.
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let entry = &self.entry;
        let judged = entry.judged.as_ref().map(points_json);
        let shown = Shown {
            receipt: entry.receipt.text(),
            time: entry.time,
            account: &entry.account,
            caller: &entry.caller,
            line_item: &entry.line_item,
            user: self.user(),
            submission: entry.submission.as_deref(),
            digest: &self.digest,
            decision: entry.decision.as_str(),
            code: entry.code.as_deref(),
            rules: &entry.rules,
            judged: judged.and_then(|json| RawValue::from_string(json).ok()),
            policy_generation: entry.policy_generation,
            sent: entry.sent.as_deref(),
            upstream: entry.upstream.map(|status| Upstream { status }),
            duration_ms: entry.duration_ms,
            prev_hash: &self.prev_hash,
            hash: &self.hash,
        };
        shown.serialize(serializer)
    }
}
