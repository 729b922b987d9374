//! Conditions of policies that can't be evaluated. One that fails for a score mostly fails for the next
//! one too, so each is told once a minute at most.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use crate::policy::{ConditionFailed, ConditionKey, Policy};
use crate::request_id::RequestId;
use crate::seldom::Seldom;

/// What was told, by policy and key. Made anew with each configuration, whose conditions may be others.
#[derive(Debug, Default)]
pub struct FailedConditions(HashMap<Arc<str>, OfPolicy>);

#[derive(Debug, Default)]
struct OfPolicy {
    when: Seldom,
    require: Seldom,
}

impl FailedConditions {
    pub fn new(policies: &[Policy]) -> Self {
        let untold = |policy: &Policy| (policy.name.clone(), OfPolicy::default());
        Self(policies.iter().map(untold).collect())
    }

    /// Says so of one that failed for this request, with how many did since it was said last.
    pub fn tell(&self, failed: &ConditionFailed, request_id: &RequestId) {
        let ConditionFailed {
            policy,
            key,
            failure: cause,
        } = failed;
        let seldom = self.0.get(policy).map(|of_policy| of_policy.of(*key));
        let Some(submissions) = seldom.and_then(|seldom| seldom.note(Instant::now())) else {
            return;
        };
        let (policy, request_id) = (&**policy, request_id.as_str());
        match key {
            ConditionKey::When => {
                tracing::warn!(target: "scoregate::policy", policy, request_id, submissions, %cause, "a policy's `when` can't be evaluated, so the policy does not match");
            }
            ConditionKey::Require => {
                tracing::warn!(target: "scoregate::policy", policy, request_id, submissions, %cause, "a policy's `require` can't be evaluated, so it counts as unmet");
            }
        }
    }
}

impl OfPolicy {
    fn of(&self, key: ConditionKey) -> &Seldom {
        match key {
            ConditionKey::When => &self.when,
            ConditionKey::Require => &self.require,
        }
    }
}
