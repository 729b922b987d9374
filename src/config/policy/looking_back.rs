//! Rules that look back, over a ledger that forgets, or that may be done without.

use std::time::Duration;

use crate::config::findings::At;
use crate::ledger::{OnFailure, Settings};
use crate::policy::{Mode, Policy};

/// What is forgotten sooner may still be worked on: a course lasts for weeks.
const SOON: Duration = Duration::from_secs(30 * 86_400);

/// `at` is the ledger's section.
pub(in crate::config) fn warn(at: &At<'_>, policies: &[Policy], settings: Option<&Settings>) {
    let enforced = policies
        .iter()
        .filter(|policy| policy.mode == Mode::Enforce);
    let mut looking_back = enforced.filter(|policy| !policy.keys.that_need_history().is_empty());
    let (Some(policy), Some(settings)) = (looking_back.next(), settings) else {
        return;
    };
    let keys = policy.keys.that_need_history().join("`, `");
    let name = &policy.name;
    if settings.on_failure == OnFailure::Forward {
        at.key("on_failure").warn(format_args!(
            "under policy `{name}`, which looks back (`{keys}`), what comes while the ledger fails is judged as if nothing had come before: it may take the place of a higher grade, and is no attempt"
        ));
    }
    if settings.retention.is_some_and(|retention| retention < SOON) {
        at.key("retention").warn(format_args!(
            "is under 30 days, and policy `{name}` looks back (`{keys}`): attempts and grades that are forgotten no longer count"
        ));
    }
}
