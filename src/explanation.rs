//! What became of a submission, or would become of it, rule by rule: what `explain` prints, and the
//! part of it that an entry of the ledger keeps. Secrets are masked.

mod of_entry;

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::authorization::LTIK_SCHEME;
use crate::error::{Fault, Refusal};
use crate::handoff::{Credentialed, UpstreamLaunch};
use crate::ledger::{Json, Kept};
use crate::line_item::{LineItem, encode_component};
use crate::policy::{Acted, Judgement, KeyInForce, Marks, Reasons, ReasonsOf, Reported};
use crate::routing::Operation;
use crate::score::{Decimal, Fill, Score, UnknownMembers, read_for};

pub use of_entry::{Answered, OfEntry, Taken, upstream_code};

/// The whole explanation, in the order in which it is written. What there is not is left out.
#[derive(Debug, Serialize)]
pub struct Explanation {
    /// Of a recorded submission alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entry: Option<OfEntry>,
    pub decision: String,
    /// The refusal's `details.message`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<Fault>,
    /// What came, canonical, before any rule.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub score: Option<Box<RawValue>>,
    #[serde(rename = "lineItemMaximum", skip_serializing_if = "Option::is_none")]
    pub line_item_maximum: Option<Decimal>,
    pub effective: BTreeMap<String, KeyInForce>,
    pub rules: Vec<Acted<'static>>,
    /// Those that left the value as it was, where one would wonder why.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub spared: Vec<Acted<'static>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub judged: Option<Marks>,
    pub report: Reported<'static>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<Request>,
}

/// The upstream request.
#[derive(Debug, Serialize)]
pub struct Request {
    pub method: String,
    pub target: String,
    pub headers: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<Box<RawValue>>,
}

/// What an entry keeps: all that it doesn't say elsewhere.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Recorded {
    #[serde(default)]
    pub reasons: Reasons,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line_item_maximum: Option<Decimal>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The first of them, of a score that was none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<Fault>,
    /// LTIAAS's own code of an error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upstream_code: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<SentTo>,
}

/// What an entry keeps of the upstream request: the rest of `Request` is the same for all submissions.
#[derive(Debug, Serialize, Deserialize)]
pub struct SentTo {
    /// Of its launch credential. Entries of older versions have it elsewhere, and are shown without.
    #[serde(default)]
    scheme: Cow<'static, str>,
    /// `None` for the line item's scores as they are mostly spelt: a sixth of an entry otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    target: Option<String>,
}

/// Only the line item's own maximum of what an entry keeps.
#[derive(Deserialize)]
pub struct MaximumAlone {
    #[serde(default)]
    pub line_item_maximum: Option<Decimal>,
}

/// `Recorded` as it is written, of what is there already.
#[derive(Serialize)]
pub struct RecordedAs<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reasons: Option<ReasonsOf<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line_item_maximum: Option<Decimal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<&'a Fault>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upstream_code: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<&'a SentTo>,
}

impl RecordedAs<'_> {
    pub fn json(&self) -> Option<Json> {
        // Texts and numbers in structs of ours, which are always JSON.
        serde_json::to_vec(self).ok().map(Json::written)
    }
}

impl SentTo {
    pub fn of(credentialed: &Credentialed) -> Self {
        let scheme = match &credentialed.launch {
            UpstreamLaunch::With(launch) => launch.scheme(),
            // The scores route always has a launch.
            UpstreamLaunch::None => LTIK_SCHEME,
        };
        let target = &credentialed.routed.target;
        // All targets are written by the gateway, from the id as it came.
        let is_usual = |item: &LineItem| item.text() == item.normalized();
        let is_usual = target.line_item.as_ref().is_some_and(is_usual);
        let is_usual = is_usual && target.upstream.query().is_none();
        Self::new(scheme, (!is_usual).then(|| target.upstream.to_string()))
    }

    pub fn new(scheme: &'static str, target: Option<String>) -> Self {
        Self {
            scheme: scheme.into(),
            target,
        }
    }
}

/// Where a line item's scores are submitted, by its normalized id.
fn usual_target(line_item: &str) -> String {
    let mut target = String::with_capacity(2 * line_item.len());
    target.push_str("/api/lineitems/");
    encode_component(line_item, &mut target);
    target.push_str("/scores");
    target
}

impl Request {
    /// A submission for the line item, secrets masked.
    pub fn of(sent_to: SentTo, line_item: &str, body: Option<Box<RawValue>>) -> Self {
        let SentTo { scheme, target } = sent_to;
        let credential = format!("{scheme} ***:***");
        let headers = [
            ("authorization", credential.trim_start().to_owned()),
            ("content-type", "application/json".to_owned()),
        ];
        let headers = headers.map(|(name, value)| (name.to_owned(), value));
        Self {
            method: Operation::SubmitScore.method().to_string(),
            target: target.unwrap_or_else(|| usual_target(line_item)),
            headers: headers.into(),
            body,
        }
    }
}

impl Explanation {
    /// Of a submission that was judged.
    pub fn of(score: &Score, judgement: &Judgement, reasons: Reasons) -> Self {
        let mut explanation = Self::empty(judgement.decision.as_str(), reasons);
        explanation.score = json(score.write());
        explanation.judged = judgement.judged().map(Marks::from);
        explanation
    }

    /// Of a submission that is refused before it is judged.
    pub fn refused(refusal: &Refusal) -> Self {
        let mut explanation = Self::empty("refused", Reasons::default());
        explanation.refuse(refusal);
        explanation
    }

    pub fn refuse(&mut self, refusal: &Refusal) {
        self.code = Some(refusal.code().name().to_owned());
        self.description = Some(refusal.description().to_owned());
        self.errors = refusal.faults().to_vec();
    }

    /// Of what was recorded; nothing is judged again.
    pub fn recorded(kept: &Kept) -> Self {
        let entry = &kept.entry;
        let recorded = entry
            .explanation
            .as_ref()
            .map(|json| serde_json::from_slice(json.bytes()));
        let recorded: Recorded = recorded.and_then(Result::ok).unwrap_or_default();
        let mut explanation = Self::empty(entry.decision.as_str(), recorded.reasons);
        explanation.entry = Some(OfEntry::new(kept, recorded.upstream_code));
        explanation.code = entry.code.clone();
        explanation.description = recorded.description;
        explanation.errors = recorded.errors;
        let raw = |json: &Option<Json>| json.as_ref().and_then(Json::raw).map(RawValue::to_owned);
        explanation.score = raw(&entry.submission);
        explanation.line_item_maximum = recorded.line_item_maximum;
        explanation.judged = entry.judged.map(Marks::from);
        let request = |sent_to| Request::of(sent_to, &entry.line_item, raw(&entry.sent));
        explanation.request = recorded.request.map(request);
        explanation
    }

    fn empty(decision: &str, reasons: Reasons) -> Self {
        let Reasons {
            effective,
            rules,
            spared,
            report,
        } = reasons;
        Self {
            entry: None,
            decision: decision.to_owned(),
            code: None,
            description: None,
            errors: Vec::new(),
            score: None,
            line_item_maximum: None,
            effective,
            rules,
            spared,
            judged: None,
            report: report.unwrap_or_default(),
            request: None,
        }
    }
}

/// A score as the ledger has it: canonical, thus without faults.
pub fn read_recorded(submission: &[u8]) -> Option<Score> {
    read_for(submission, UnknownMembers::Refuse, Fill::Possibly).ok()
}

/// JSON that we wrote.
pub fn json(written: Vec<u8>) -> Option<Box<RawValue>> {
    RawValue::from_string(String::from_utf8(written).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_older_version_recorded_is_read() {
        let recorded = r#"{"reasons":{},"description":"Too late.","request":{"method":"POST","target":"/api/lineitems/x/scores","headers":{"authorization":"LTIK-AUTH-V2 ***:***","content-type":"application/json"}}}"#;
        let recorded: Recorded = serde_json::from_str(recorded).unwrap();
        assert_eq!(recorded.description.as_deref(), Some("Too late."));
        let request = Request::of(recorded.request.unwrap(), "y", None);
        assert_eq!(request.target, "/api/lineitems/x/scores");
        assert_eq!(request.headers["authorization"], "***:***");
    }

    #[test]
    fn a_target_that_is_not_kept_is_shown_as_it_was_written() {
        for item in [
            "https://canvas.example.edu/line_items/7?a=b",
            "https://x.example/é~!*'()",
        ] {
            let item = LineItem::parse(item).unwrap();
            let target = crate::routing::scores_target(&item).unwrap();
            let sent_to = SentTo::new("LTIK-AUTH-V2", None);
            let json = serde_json::to_string(&sent_to).unwrap();
            assert_eq!(json, r#"{"scheme":"LTIK-AUTH-V2"}"#);
            let read = serde_json::from_str(&json).unwrap();
            let shown = Request::of(read, item.text(), None).target;
            assert_eq!(shown, target.upstream.as_str());
        }
    }
}
