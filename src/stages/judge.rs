//! A score and what is known of its cell → what the grading policy makes of it, written for LTIAAS.
//! Refuses with POLICY_REFUSED, STALE_SCORE, INVALID_SCORE (a `scoreGiven` without a `scoreMaximum`
//! that no policy fills) and, where the LMS's result has to be read, UPSTREAM_*.

use bytes::Bytes;

use super::consult::subject;
use super::normalize::invalid;
use crate::error::{Code, Refusal};
use crate::gateway::Worker;
use crate::handoff::{Consulted, Judged, Normalized, Outgoing, Unread};
use crate::lookup::shown_result;
use crate::meter::{Act, Effect, Mode};
use crate::policy::{self, Effective, Judgement, Past, RefusedBy, Shown, Submission};
use crate::score::{Decimal, maximum_missing};
use crate::telemetry::Trail;
use crate::verdict::Verdict;

/// Asks the policy. What it decided is noted in `verdict`, for the answer and the ledger.
pub async fn judge<'a>(
    consulted: Consulted<'_>,
    worker: &Worker,
    verdict: &'a mut Verdict,
) -> Result<Judged<'a>, Refusal> {
    let (maximum, unread) = match consulted.line_item_maximum {
        Ok(maximum) => (maximum, None),
        Err(unread) => (None, Some(unread)),
    };
    let case = Case {
        normalized: consulted.normalized,
        history: &consulted.history,
        line_item_maximum: maximum,
    };
    let enforced = &consulted.in_force.enforced;
    let mut shown = Shown::Unread;
    let judgement = case.judge_by(enforced, shown);
    let is_unread = unread.is_some();
    // What is refused for another reason is refused whatever the line item says.
    if let Some(Unread(Some(refusal))) = unread.filter(|_| judgement.lacks_maximum()) {
        return Err(refusal);
    }
    verdict.effective = Some(enforced.clone());
    verdict.line_item_maximum = maximum;
    verdict.judgement = Some(judgement);
    if verdict.leaves() && enforced.needs().result {
        // What a person has edited is looked at last, so that nothing comes in between. Boxed:
        // rare, and large.
        shown = Box::pin(case.look(worker)).await?;
        verdict.judgement = Some(case.judge_by(enforced, shown));
    }
    let reported = consulted.in_force.reported.as_ref();
    let reported = reported.map(|effective| Box::new(case.judge_by(effective, shown)));
    // Where it lacks what could not be read, there is nothing to say.
    verdict.reported = reported.filter(|reported| !(is_unread && reported.lacks_maximum()));
    count(verdict);
    tell_failures(verdict, worker);
    let judgement = verdict.judgement.as_ref();
    if let Some(by) = judgement.and_then(|judgement| judgement.refused_by.as_ref()) {
        return Err(refuse(by));
    }
    Ok(Judged(
        judgement.and_then(|judgement| judgement.leaves.as_ref()),
    ))
}

/// What is judged, under whatever keys.
struct Case<'a> {
    normalized: &'a Normalized,
    history: &'a [Past],
    line_item_maximum: Option<Decimal>,
}

impl Case<'_> {
    fn judge_by(&self, effective: &Effective, shown: Shown) -> Judgement {
        let submission = Submission {
            subject: subject(self.normalized),
            line_item_maximum: self.line_item_maximum,
            shown,
        };
        policy::judge(&submission, self.history, effective)
    }

    async fn look(&self, worker: &Worker) -> Result<Shown, Refusal> {
        let Normalized { submitted, score } = self.normalized;
        let credentialed = &submitted.credentialed;
        let Some(item) = &credentialed.routed.target.line_item else {
            return Ok(Shown::Unread);
        };
        let result = shown_result(credentialed, item, &score.user, worker).await?;
        Ok(result.map_or(Shown::Nothing, Shown::Result))
    }
}

/// A report policy's too, unless it is what was enforced.
fn tell_failures(verdict: &Verdict, worker: &Worker) {
    let judgement = verdict.judgement.as_ref();
    let enforced = judgement.and_then(|judgement| judgement.failed.as_ref());
    let reported = verdict.reported.as_ref();
    let reported = reported.and_then(|reported| reported.failed.as_ref());
    let reported = reported.filter(|failed| Some(*failed) != enforced);
    for failed in enforced.into_iter().chain(reported) {
        worker
            .shared
            .failed_conditions
            .tell(failed, &verdict.trail.id);
    }
}

fn count(verdict: &Verdict) {
    let Some(enforced) = &verdict.judgement else {
        return;
    };
    let trail = &verdict.trail;
    for act in &enforced.acts {
        count_act(act, Mode::Enforce, trail);
    }
    if let Some(reported) = &verdict.reported {
        for act in reported.beside(enforced) {
            count_act(act, Mode::Report, trail);
        }
    }
}

fn count_act(act: &policy::Act, mode: Mode, trail: &Trail) {
    let effect = match act.output {
        Some(_) => Effect::Changed,
        None => Effect::Refused,
    };
    trail.acted(Act {
        policy: act.policy.clone(),
        rule: act.rule,
        mode,
        effect,
    });
}

/// What a caller is told whose submission the policy refuses.
pub fn refuse(by: &RefusedBy) -> Refusal {
    match by {
        RefusedBy::Policy { owner, reason } => {
            Refusal::new(Code::PolicyRefused, reason.clone()).with_owner(owner.clone())
        }
        RefusedBy::Stale { owner, reason } => {
            Refusal::new(Code::StaleScore, reason.clone()).with_owner(owner.clone())
        }
        RefusedBy::MaximumMissing => invalid(1, vec![maximum_missing()]),
    }
}

/// Writes the judged score: what leaves is what the policy has seen. `None` where nothing does.
pub fn write_score(normalized: Normalized, judged: Judged<'_>) -> Option<Outgoing> {
    let Normalized { submitted, score } = normalized;
    let score = judged.0?.put_into(score);
    let body = Bytes::from(score.write());
    Some(Outgoing {
        credentialed: submitted.credentialed,
        body: Some(body),
        score: Some(score),
    })
}
