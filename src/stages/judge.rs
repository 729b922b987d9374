//! A normalized score → what the grading policy makes of it, written for LTIAAS.
//! Refuses with POLICY_REFUSED, STALE_SCORE and INVALID_SCORE (a `scoreGiven` without a
//! `scoreMaximum` that no policy fills).

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response};
use jiff::Timestamp;

use crate::body::Body;
use crate::error::{Code, Refusal};
use crate::handoff::{Judged, Normalized, Outgoing};
use crate::meter::{Act, Effect, Mode};
use crate::policy::{
    self, Decision, Effective, InForceFor, Judgement, Policies, RefusedBy, Shown, Subject,
    Submission,
};
use crate::score::maximum_missing;
use crate::stages::normalize::invalid;
use crate::telemetry::Trail;

const DECISION: HeaderName = HeaderName::from_static("scoregate-decision");
const RULES: HeaderName = HeaderName::from_static("scoregate-rules");
const REPORT: HeaderName = HeaderName::from_static("scoregate-report");

/// Asks the policy. What it decided is noted in `verdict`, for the answer's headers.
pub fn judge(
    normalized: Normalized,
    policies: &Policies,
    verdict: &mut Verdict,
) -> Result<Judged, Refusal> {
    let subject = subject(&normalized);
    let InForceFor {
        enforced,
        reported,
        failures,
    } = policies.effective(&subject);
    for failed in &failures {
        tracing::warn!(policy = %failed.policy, reason = %failed.failure, "condition not evaluated");
    }
    let judgement = judge_by(&enforced, subject);
    verdict.decision = judgement.decision;
    verdict.rules = judgement.rules();
    count(&judgement, &verdict.trail);
    if let Some(reported) = reported {
        let hypothetical = judge_by(&reported, subject);
        verdict.report = hypothetical.report();
        count_reported(&hypothetical, &verdict.trail);
    }
    match judgement.refused_by {
        Some(refused_by) => Err(refuse(refused_by)),
        None => Ok(Judged {
            normalized,
            judgement,
        }),
    }
}

/// Without a ledger there is no history, and `check` refuses the keys that need one.
fn judge_by(effective: &Effective, subject: Subject<'_>) -> Judgement {
    let submission = Submission {
        subject,
        line_item_maximum: None,
        shown: Shown::Unread,
    };
    policy::judge(&submission, &[], effective)
}

fn count(judgement: &Judgement, trail: &Trail) {
    judgement.acts.iter().for_each(|act| count_act(act, trail));
}

/// What report policies themselves would have done.
fn count_reported(judgement: &Judgement, trail: &Trail) {
    let acts = judgement.acts.iter();
    let reported = acts.filter(|act| act.mode == policy::Mode::Report);
    reported.for_each(|act| count_act(act, trail));
}

fn count_act(act: &policy::Act, trail: &Trail) {
    let effect = match act.output {
        Some(_) => Effect::Changed,
        None => Effect::Refused,
    };
    let mode = match act.mode {
        policy::Mode::Enforce => Mode::Enforce,
        policy::Mode::Report => Mode::Report,
    };
    trail.acted(Act {
        policy: act.policy.clone(),
        rule: act.rule,
        mode,
        effect,
    });
}

fn subject(normalized: &Normalized) -> Subject<'_> {
    let caller = &normalized.credentialed.caller;
    let item = &normalized.credentialed.routed.target.line_item;
    Subject {
        caller: &caller.name,
        account: &caller.account.name,
        line_item: item.as_ref().map_or("", |item| item.normalized()),
        score: &normalized.score,
        now: Timestamp::now(),
    }
}

fn refuse(by: RefusedBy) -> Refusal {
    match by {
        RefusedBy::Policy { owner, reason } => {
            Refusal::new(Code::PolicyRefused, reason).with_owner(owner)
        }
        RefusedBy::Stale { owner, reason } => {
            Refusal::new(Code::StaleScore, reason).with_owner(owner)
        }
        RefusedBy::MaximumMissing => invalid(1, vec![maximum_missing()]),
    }
}

/// Writes the judged score: what leaves is what the policy has seen. `None` where nothing does.
pub fn write_score(judged: Judged) -> Option<Outgoing> {
    let Judged {
        normalized,
        judgement,
    } = judged;
    let Normalized {
        credentialed,
        score,
    } = normalized;
    let score = judgement.score_to_send(&score)?;
    let body = Bytes::from(score.write());
    Some(Outgoing {
        credentialed,
        body: Some(body),
        score: Some(score),
    })
}

/// What was decided on one submission, as far as it came.
pub struct Verdict {
    decision: Decision,
    rules: Option<String>,
    report: Option<String>,
    trail: Arc<Trail>,
}

impl Verdict {
    /// A submission is refused until the policy has said otherwise.
    pub fn new(trail: Arc<Trail>) -> Self {
        Self {
            decision: Decision::Refused,
            rules: None,
            report: None,
            trail,
        }
    }

    /// Says on the answer, good or bad, what was decided.
    pub fn label(self, answer: Result<Response<Body>, Refusal>) -> Result<Response<Body>, Refusal> {
        let decision = HeaderValue::from_static(self.decision.as_str());
        let _ = self.trail.decision.set(self.decision.as_str());
        // Rules have names of ours, and those of policies are plain, so both are header values.
        let value = |text: Option<String>| text.and_then(|text| HeaderValue::try_from(text).ok());
        let (rules, report) = (value(self.rules), value(self.report));
        let labels = [
            Some((DECISION, decision)),
            rules.map(|rules| (RULES, rules)),
            report.map(|report| (REPORT, report)),
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
