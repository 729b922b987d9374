//! A normalized score → with all that the policy must know of it: the keys in force, the line item's
//! own maximum, and the cell, held, with its history. Reads nothing that no key in force asks for.
//! Refuses with LEDGER_UNAVAILABLE, OVERLOADED and UPSTREAM_*.

use std::sync::Arc;

use crate::error::Refusal;
use crate::gateway::Worker;
use crate::handoff::{Consulted, Normalized, Unread};
use crate::lookup::{line_item_maximum, maximum_in_passing};
use crate::maxima::Read;
use crate::policy::{InForceFor, Past, Subject};
use crate::record::Record;
use crate::score::Decimal;

pub async fn consult<'a>(
    normalized: &'a Normalized,
    worker: &Worker,
    record: &mut Record,
) -> Result<Consulted<'a>, Refusal> {
    let mut in_force = worker.shared.policies.effective(&subject(normalized));
    tell_failures(normalized, &in_force, worker);
    // Before the cell is held, so that it is held for no longer than it must be.
    let line_item_maximum = maximum(normalized, &in_force, worker).await;
    let history = history(normalized, &mut in_force, record).await?;
    Ok(Consulted {
        normalized,
        in_force,
        history,
        line_item_maximum,
    })
}

/// What policy calls a submission.
pub fn subject(normalized: &Normalized) -> Subject<'_> {
    let credentialed = &normalized.submitted.credentialed;
    let item = &credentialed.routed.target.line_item;
    Subject {
        caller: &credentialed.caller.name,
        account: &credentialed.caller.account.name,
        line_item: item.as_ref().map_or("", |item| item.normalized()),
        score: &normalized.score,
        now: normalized.submitted.arrived,
    }
}

fn tell_failures(normalized: &Normalized, in_force: &InForceFor, worker: &Worker) {
    let trail = &normalized.submitted.credentialed.routed.traced.trail;
    for failed in &in_force.failures {
        worker.shared.failed_conditions.tell(failed, &trail.id);
    }
}

/// The line item's own maximum, where a key in force asks for it. A report policy alone gets it from
/// memory, or within half a second, or not at all.
async fn maximum(
    normalized: &Normalized,
    in_force: &InForceFor,
    worker: &Worker,
) -> Result<Option<Decimal>, Unread> {
    let Normalized { submitted, score } = normalized;
    let credentialed = &submitted.credentialed;
    let Some(item) = &credentialed.routed.target.line_item else {
        return Ok(None);
    };
    let reported = in_force.reported.as_ref();
    match in_force.enforced.asks_line_item(score) {
        // Boxed: rare, and large.
        true => {
            let read = Box::pin(line_item_maximum(credentialed, item, worker)).await;
            read.map_err(|refusal| Unread(Some(refusal)))
        }
        false if reported.is_some_and(|effective| effective.asks_line_item(score)) => {
            match Box::pin(maximum_in_passing(credentialed, item, worker)).await {
                Read::Maximum(maximum) => Ok(maximum),
                Read::Failed => Err(Unread(None)),
            }
        }
        false => Ok(None),
    }
}

/// The cell's history, where a key in force needs it. For a report policy alone nobody waits in line:
/// where the cell is busy, there is no report of this submission.
async fn history(
    normalized: &Normalized,
    in_force: &mut InForceFor,
    record: &mut Record,
) -> Result<Arc<Vec<Past>>, Refusal> {
    let user = &normalized.score.user;
    let deadline = normalized.submitted.credentialed.routed.traced.deadline;
    record.check()?;
    if in_force.enforced.needs().history {
        return record.hold(user, deadline).await;
    }
    let reported = in_force.reported.as_ref();
    if !reported.is_some_and(|effective| effective.needs().history) {
        return Ok(Arc::default());
    }
    let history = record.hold_if_free(user).await;
    if history.is_none() {
        in_force.reported = None;
    }
    Ok(history.unwrap_or_default())
}
