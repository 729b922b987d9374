//! What an entry of the ledger says beside its explanation: which one it is, and what LTIAAS made of
//! the score.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use crate::error::{Code, Refusal};
use crate::ledger::{Decision, Kept, Learner};
use crate::policy::Fate;

/// The longest that an error code of LTIAAS may be. What is longer is a sentence.
const LONGEST_CODE: usize = 64;

#[derive(Debug, Serialize)]
pub struct OfEntry {
    pub receipt: String,
    pub time: Timestamp,
    pub account: String,
    pub caller: String,
    pub line_item: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upstream: Option<Answered>,
    /// Nothing where policy sent no score, or where it isn't known any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub taken: Option<Taken>,
}

/// What LTIAAS answered.
#[derive(Debug, Serialize)]
pub struct Answered {
    pub status: u16,
    /// Its own `details.message`, where that is a code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// Whether LTIAAS took a score that policy let pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Taken {
    Yes,
    No,
    Unknown,
}

impl OfEntry {
    pub fn new(kept: &Kept, message: Option<String>) -> Self {
        let entry = &kept.entry;
        Self {
            receipt: entry.receipt.text().to_owned(),
            time: entry.time,
            account: entry.account.clone(),
            caller: entry.caller.clone(),
            line_item: entry.line_item.clone(),
            upstream: entry.upstream.map(|status| Answered { status, message }),
            taken: Taken::of(kept),
        }
    }
}

impl Taken {
    fn of(kept: &Kept) -> Option<Self> {
        let entry = &kept.entry;
        match entry.decision {
            Decision::Forwarded | Decision::Adjusted => {}
            Decision::Kept | Decision::Held | Decision::Queued | Decision::Refused => return None,
        }
        if entry.code.is_none() && entry.upstream.is_some() {
            return Some(Self::Yes);
        }
        match (kept.learner, entry.past.as_ref().map(|past| past.fate)) {
            // Whether it counts is sealed.
            (Learner::Erased | Learner::Unreadable, _) => None,
            (_, Some(Fate::Unknown | Fate::Confirmed)) => Some(Self::Unknown),
            (_, None) => Some(Self::No),
        }
    }
}

/// LTIAAS's own code of an error. Any other text than a code may speak of the learner.
pub fn upstream_code(refusal: &Refusal) -> Option<&str> {
    let details = refusal.upstream()?.envelope.get("details")?;
    let message = details.get("message").and_then(Value::as_str)?;
    is_code(message).then_some(message)
}

fn is_code(text: &str) -> bool {
    let is_of_code = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    // Of what was no envelope this is ours.
    text != Code::UpstreamError.name()
        && (1..=LONGEST_CODE).contains(&text.len())
        && text.bytes().all(is_of_code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_code_of_ltiaas_is_kept() {
        for code in ["RESOURCE_NOT_FOUND", "E42", &"A".repeat(LONGEST_CODE)] {
            assert!(is_code(code), "{code}");
        }
        let long = "A".repeat(LONGEST_CODE + 1);
        for other in [
            "",
            "Not found",
            "jane.doe",
            "not_found",
            "É",
            &long,
            "UPSTREAM_ERROR",
        ] {
            assert!(!is_code(other), "{other}");
        }
    }
}
