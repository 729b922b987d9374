//! What only shows when policies are merged: one that does nothing, since later ones set all of its
//! keys again, a list that takes the place of another one, keys that need another one, and keys of two
//! that contradict each other. Says nothing where a score might be judged by other keys.

use std::collections::HashSet;

use super::{contradictions, idle};
use crate::config::findings::At;
use crate::policy::{Condition, Effective, Keys, Mode, Policy};

/// Each policy is compared with each, and a reload should not wait for more.
const MOST: usize = 2_000;

pub(in crate::config) fn warn(at: &At<'_>, policies: &[Policy]) {
    if policies.len() > MOST {
        return warn_of_each_alone(at, policies);
    }
    for (index, policy) in policies.iter().enumerate() {
        let later = policies.get(index + 1..).unwrap_or_default();
        warn_of_overridden(&at.index(index), policy, later);
        let earlier = policies.get(..index).unwrap_or_default();
        warn_of_replaced(&at.index(index), policy, earlier);
        warn_of_contradictions(at, policy, policies);
        idle::warn(&at.index(index), policy, policies);
    }
}

fn warn_of_each_alone(at: &At<'_>, policies: &[Policy]) {
    for (index, policy) in policies.iter().enumerate() {
        for found in contradictions::all(&contradictions::alone(&policy.keys)) {
            found.way.in_policy(&at.index(index)).warn(found.message());
        }
    }
}

fn warn_of_overridden(at: &At<'_>, policy: &Policy, later: &[Policy]) {
    let mut left = policy.keys.names();
    if left.is_empty() {
        return; // which is told of already
    }
    let mut by = Vec::new();
    let wider =
        |later: &&Policy| later.mode == policy.mode && later.matching.includes(&policy.matching);
    for later in later.iter().filter(wider) {
        let (set, before) = (later.keys.names(), left.len());
        left.retain(|key| !set.contains(key));
        if left.len() < before {
            by.push(format!("`{}`", later.name));
        }
    }
    if left.is_empty() {
        at.warn(format_args!(
            "does nothing: each of its keys is set again by {} further down, for all that it matches; remove it, or move it behind",
            by.join(" and ")
        ));
    }
}

/// A person who writes a second list may think that both count. An empty one is there to end the first.
fn warn_of_replaced(at: &At<'_>, policy: &Policy, earlier: &[Policy]) {
    let meets =
        |other: &&Policy| other.mode == policy.mode && other.matching.may_meet(&policy.matching);
    for (key, drops) in LISTS {
        let mut before = earlier.iter().rev().filter(meets);
        let Some(other) = before.find(|other| drops(&other.keys, &policy.keys)) else {
            continue;
        };
        let takes = match have_other_conditions(policy, other) {
            true => "may take",
            false => "takes",
        };
        at.key(key).warn(format_args!(
            "{takes} the place of the whole list of policy `{}` for what both match; repeat here what of it is to hold too",
            other.name
        ));
    }
}

/// Whether no score, perhaps, is for both.
fn have_other_conditions(one: &Policy, other: &Policy) -> bool {
    let both = one.matching.when.as_ref().zip(other.matching.when.as_ref());
    both.is_some_and(|(one, other)| one != other)
}

/// Whether the second of two lists lacks some of the first.
type Drops = fn(&Keys, &Keys) -> bool;

const LISTS: [(&str, Drops); 2] = [
    ("extensions", |one, other| {
        let lists = users(one).zip(users(other));
        lists.is_some_and(|(one, other)| !other.is_empty() && !one.is_subset(&other))
    }),
    ("require", |one, other| {
        let lists = conditions(one).zip(conditions(other));
        lists.is_some_and(|(one, other)| {
            !other.is_empty() && !one.iter().all(|condition| other.contains(condition))
        })
    }),
];

/// Those with an extension, whatever it is.
fn users(keys: &Keys) -> Option<HashSet<&String>> {
    let all = keys.extensions.as_ref()?.0.iter();
    Some(all.flat_map(|extension| &extension.users).collect())
}

/// What must hold, whatever is said where it does not.
fn conditions(keys: &Keys) -> Option<Vec<&Condition>> {
    let all = keys.require.as_ref()?.0.iter();
    Some(all.map(|requirement| &requirement.when).collect())
}

/// Contradictions of what surely holds wherever `policy` matches, as far as it has a part in them.
fn warn_of_contradictions(at: &At<'_>, policy: &Policy, all: &[Policy]) {
    let merged = merged(policy, all);
    for found in contradictions::all(&merged) {
        let owners = [found.policy, found.of];
        let keys = [&[found.way.key, found.other], found.by].concat();
        if !owners.contains(&&*policy.name)
            || all.iter().any(|other| may_change(other, policy, &keys))
        {
            continue;
        }
        let owner = all.iter().position(|owner| &*owner.name == found.policy);
        let Some(index) = owner else { continue };
        let at = found.way.in_policy(&at.index(index));
        if found.policy == found.of {
            at.warn(found.message());
        } else if !is_told_by(all.get(index), policy) {
            at.warn(found.message_of_two(&policy.name));
        }
    }
}

/// Of two that match the same, the one whose key is reported tells of it.
fn is_told_by(owner: Option<&Policy>, policy: &Policy) -> bool {
    owner.is_some_and(|owner| {
        owner.name != policy.name
            && owner.matching.includes(&policy.matching)
            && policy.matching.includes(&owner.matching)
    })
}

/// The keys of all that match whatever `policy` matches, in the order in which they are merged.
fn merged(policy: &Policy, all: &[Policy]) -> Effective {
    let mut effective = Effective::default();
    for mode in [Mode::Enforce, Mode::Report] {
        let hold = |other: &&Policy| {
            other.mode == mode
                && takes_part(other, policy)
                && other.matching.includes(&policy.matching)
        };
        for other in all.iter().filter(hold) {
            effective.overlay(&other.name, mode, &other.keys);
        }
    }
    effective
}

/// Policies in report mode take no part in what is enforced.
fn takes_part(other: &Policy, policy: &Policy) -> bool {
    other.mode == Mode::Enforce || policy.mode == Mode::Report
}

/// Whether some scores that `policy` matches may be judged by other values of these keys.
fn may_change(other: &Policy, policy: &Policy, keys: &[&str]) -> bool {
    takes_part(other, policy)
        && other.keys.names().iter().any(|name| keys.contains(name))
        && !other.matching.includes(&policy.matching)
        && other.matching.may_meet(&policy.matching)
}
