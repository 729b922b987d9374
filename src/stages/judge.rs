//! A normalized score → what the grading policy makes of it, written for LTIAAS.
//! Refuses with POLICY_REFUSED.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response};

use crate::body::Body;
use crate::error::{Code, Refusal};
use crate::handoff::{Judged, Normalized, Outgoing};
use crate::meter::{Act, Effect, Mode};
use crate::policy::{self, Decision, Judgement, Policies, RefusedBy, Subject};
use crate::telemetry::Trail;

const DECISION: HeaderName = HeaderName::from_static("scoregate-decision");
const RULES: HeaderName = HeaderName::from_static("scoregate-rules");

/// Asks the policy. What it decided is noted in `verdict`, for the answer's headers.
pub fn judge(
    normalized: Normalized,
    policies: &Policies,
    verdict: &mut Verdict,
) -> Result<Judged, Refusal> {
    let judgement = policy::judge(
        normalized.score.points,
        &policies.effective(&subject(&normalized)),
    );
    verdict.decision = judgement.decision;
    verdict.rules = judgement.rules();
    count(&judgement, &verdict.trail);
    match judgement.refused_by {
        Some(refused_by) => Err(refuse(refused_by)),
        None => Ok(Judged {
            normalized,
            judgement,
        }),
    }
}

fn count(judgement: &Judgement, trail: &Trail) {
    for act in &judgement.acts {
        let effect = match act.output {
            Some(_) => Effect::Changed,
            None => Effect::Refused,
        };
        trail.acted(Act {
            policy: act.policy.clone(),
            rule: act.rule,
            mode: Mode::Enforce,
            effect,
        });
    }
}

fn subject(normalized: &Normalized) -> Subject<'_> {
    let caller = &normalized.credentialed.caller;
    let item = &normalized.credentialed.routed.target.line_item;
    Subject {
        caller: &caller.name,
        account: &caller.account.name,
        line_item: item.as_ref().map_or("", |item| item.normalized()),
    }
}

fn refuse(RefusedBy { owner, reason }: RefusedBy) -> Refusal {
    Refusal::new(Code::PolicyRefused, reason).with_owner(owner)
}

/// Writes the judged score: what leaves is what the policy has seen.
pub fn write_score(judged: Judged) -> Outgoing {
    let Judged {
        normalized,
        judgement,
    } = judged;
    let Normalized {
        credentialed,
        mut score,
    } = normalized;
    score.points = judgement.points;
    let body = Bytes::from(score.write());
    Outgoing {
        credentialed,
        body: Some(body),
        score: Some(score),
    }
}

/// What was decided on one submission, as far as it came.
pub struct Verdict {
    decision: Decision,
    rules: Option<String>,
    trail: Arc<Trail>,
}

impl Verdict {
    /// A submission is refused until the policy has said otherwise.
    pub fn new(trail: Arc<Trail>) -> Self {
        Self {
            decision: Decision::Refused,
            rules: None,
            trail,
        }
    }

    /// Says on the answer, good or bad, what was decided.
    pub fn label(self, answer: Result<Response<Body>, Refusal>) -> Result<Response<Body>, Refusal> {
        let decision = HeaderValue::from_static(self.decision.as_str());
        let _ = self.trail.decision.set(self.decision.as_str());
        // Rules have names of ours, which are always a header value.
        let rules = self
            .rules
            .and_then(|rules| HeaderValue::try_from(rules).ok());
        let labels = [
            Some((DECISION, decision)),
            rules.map(|rules| (RULES, rules)),
        ];
        let labels = labels.into_iter().flatten();
        match answer {
            Ok(mut answer) => {
                answer.headers_mut().extend(labels);
                Ok(answer)
            }
            Err(refusal) => Err(labels.fold(refusal, |refusal, (name, value)| {
                refusal.with_header(name, value)
            })),
        }
    }
}
