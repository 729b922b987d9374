//! A normalized score → with all that the policy must know of it: the keys in force, the line item's
//! own maximum, and the cell, held, with its history. Reads nothing that no key in force asks for.
//! Refuses with LEDGER_UNAVAILABLE, OVERLOADED and UPSTREAM_*.

use std::sync::Arc;

use crate::error::Refusal;
use crate::gateway::Worker;
use crate::handoff::{Consulted, Normalized};
use crate::lookup::line_item_maximum;
use crate::policy::{ConditionFailed, InForceFor, Past, Subject};
use crate::record::Record;
use crate::score::Decimal;

pub async fn consult<'a>(
    normalized: &'a Normalized,
    worker: &Worker,
    record: &mut Record,
) -> Result<Consulted<'a>, Refusal> {
    let in_force = worker.shared.policies.effective(&subject(normalized));
    in_force.failures.iter().for_each(warn);
    // Before the cell is held, so that it is held for no longer than it must be.
    let line_item_maximum = maximum(normalized, &in_force, worker).await?;
    let history = history(normalized, &in_force, record).await?;
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

fn warn(failed: &ConditionFailed) {
    let (policy, cause) = (&*failed.policy, &failed.failure);
    tracing::warn!(target: "scoregate::policy", policy, %cause, "a policy's `when` can't be evaluated, so the policy does not match");
}

/// What only a report policy asks for holds up nothing: where it can't be had, the report does
/// without.
async fn maximum(
    normalized: &Normalized,
    in_force: &InForceFor,
    worker: &Worker,
) -> Result<Option<Decimal>, Refusal> {
    let credentialed = &normalized.submitted.credentialed;
    let item = credentialed.routed.target.line_item.as_ref();
    let Some(item) = item.filter(|_| in_force.needs().line_item_maximum) else {
        return Ok(None);
    };
    // Boxed: rare, and large.
    let read = Box::pin(line_item_maximum(credentialed, item, worker)).await;
    match in_force.enforced.needs().line_item_maximum {
        true => read.map(Some),
        false => Ok(read.ok()),
    }
}

async fn history(
    normalized: &Normalized,
    in_force: &InForceFor,
    record: &mut Record,
) -> Result<Arc<Vec<Past>>, Refusal> {
    if !in_force.needs().history {
        return record.check().map(|()| Arc::default());
    }
    let deadline = normalized.submitted.credentialed.routed.traced.deadline;
    record.hold(&normalized.score.user, deadline).await
}
