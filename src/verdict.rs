//! What was decided on one submission, as far as it came: for its answer's headers and its entry.

use std::sync::Arc;

use http::{HeaderName, HeaderValue, Response};

use crate::body::Body;
use crate::error::Refusal;
use crate::policy::{Decision, Effective, Judgement};
use crate::score::Decimal;
use crate::telemetry::Trail;

const DECISION: HeaderName = HeaderName::from_static("scoregate-decision");
const RULES: HeaderName = HeaderName::from_static("scoregate-rules");
const REPORT: HeaderName = HeaderName::from_static("scoregate-report");
const RECEIPT: HeaderName = HeaderName::from_static("scoregate-receipt");

/// What was decided on one submission, as far as it came.
pub struct Verdict {
    pub judgement: Option<Judgement>,
    /// What would have happened, were the report policies in force.
    pub reported: Option<Box<Judgement>>,
    /// What it was judged by.
    pub effective: Option<Arc<Effective>>,
    pub line_item_maximum: Option<Decimal>,
    /// Whether it was refused whatever the policy said, with nothing sent: it could not be recorded.
    pub is_unrecorded: bool,
    /// Of the entry, once there is one.
    pub receipt: Option<String>,
    pub trail: Arc<Trail>,
}

impl Verdict {
    pub fn new(trail: Arc<Trail>) -> Self {
        Self {
            judgement: None,
            reported: None,
            effective: None,
            line_item_maximum: None,
            is_unrecorded: false,
            receipt: None,
            trail,
        }
    }

    /// A submission is refused until the policy has said otherwise.
    pub fn decision(&self) -> Decision {
        match &self.judgement {
            Some(judgement) if !self.is_unrecorded => judgement.decision,
            Some(_) | None => Decision::Refused,
        }
    }

    pub fn leaves(&self) -> bool {
        let judgement = self.judgement.as_ref();
        judgement.is_some_and(|judgement| judgement.leaves.is_some())
    }

    /// Says on the answer, good or bad, what was decided.
    pub fn label(self, answer: Result<Response<Body>, Refusal>) -> Result<Response<Body>, Refusal> {
        let decision = self.decision();
        let _ = self.trail.decision.set(decision);
        let rules = self.judgement.as_ref().and_then(Judgement::rules);
        let reported = self.reported.as_deref().zip(self.judgement.as_ref());
        let report = reported.and_then(|(reported, enforced)| reported.report(enforced));
        // Rules and receipts have names of ours, and those of policies are plain: header values.
        let value = |text: Option<String>| text.and_then(|text| HeaderValue::try_from(text).ok());
        let labels = [
            (DECISION, Some(HeaderValue::from_static(decision.as_str()))),
            (RULES, value(rules)),
            (REPORT, value(report)),
            (RECEIPT, value(self.receipt)),
        ];
        let labels = labels
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)));
        match answer {
            Ok(mut answer) => {
                for (name, value) in labels {
                    answer.headers_mut().insert(name, value);
                }
                Ok(answer)
            }
            Err(refusal) => Err(labels.fold(refusal, |refusal, (name, value)| {
                refusal.with_header(name, value)
            })),
        }
    }
}
