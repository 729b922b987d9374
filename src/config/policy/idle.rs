//! Keys that do nothing for want of another one, whoever's scores they match.

use crate::config::findings::At;
use crate::policy::{Keys, Policy, Step, Unchanged};

/// A key, and what it needs.
struct Need {
    key: &'static str,
    is_set: fn(&Policy) -> bool,
    is_met: fn(&Policy) -> bool,
    consequence: &'static str,
}

const NEEDS: [Need; 6] = [
    Need {
        key: "due",
        is_set: |policy| policy.keys.due.is_some(),
        is_met: has_late,
        consequence: "costs nothing: no policy for the same scores sets `late`",
    },
    Need {
        key: "grace",
        is_set: |policy| policy.keys.grace.is_some(),
        is_met: has_late,
        consequence: "does nothing: no policy for the same scores sets `late`",
    },
    Need {
        key: "extensions",
        is_set: |policy| policy.keys.extensions.is_some(),
        is_met: has_late,
        consequence: "does nothing: no policy for the same scores sets `late`",
    },
    Need {
        key: "order",
        is_set: |policy| policy.keys.order.is_some(),
        is_met: |policy| has_rule(&policy.keys),
        consequence: "orders nothing: no policy for the same scores sets a rule that it is about",
    },
    Need {
        key: "late",
        is_set: |policy| policy.keys.late.is_some(),
        is_met: |policy| policy.keys.due.is_some() || policy.keys.extensions.is_some(),
        consequence: "nothing is ever late: no policy for the same scores sets `due` or `extensions`",
    },
    Need {
        key: "tolerance",
        is_set: |policy| policy.keys.tolerance.is_some(),
        is_met: |policy| policy.keys.unchanged == Some(Unchanged::Skip),
        consequence: "does nothing: no policy for the same scores sets `unchanged = \"skip\"`",
    },
];

fn has_late(policy: &Policy) -> bool {
    policy.keys.late.is_some()
}

/// One that stands in an `order`.
fn has_rule(keys: &Keys) -> bool {
    let names = keys.names();
    Step::ALL.iter().any(|step| names.contains(&step.name()))
}

/// What another policy has counts where both may match one score, in whatever mode.
pub(super) fn warn(at: &At<'_>, policy: &Policy, all: &[Policy]) {
    for need in NEEDS.iter().filter(|need| (need.is_set)(policy)) {
        let meets_it = |other: &Policy| {
            (need.is_met)(other)
                && (std::ptr::eq(other, policy) || other.matching.may_meet(&policy.matching))
        };
        if !all.iter().any(meets_it) {
            at.key(need.key).warn(need.consequence);
        }
    }
}
