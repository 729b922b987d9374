//! Keys that can't both be meant, of one policy or of several that are merged, and keys that need what
//! is not there.

mod shares;
mod times;

use self::times::opens_after_closes;
use crate::config::findings::At;
use crate::policy::{Effective, Keys, Mode, Set};

/// Two keys in force that contradict each other.
pub(super) struct Contradiction<'a> {
    /// The one that is reported.
    pub way: Way,
    pub policy: &'a str,
    /// What it does to the other, `is after`.
    relation: &'static str,
    pub other: &'static str,
    pub of: &'a str,
    consequence: &'static str,
    /// Other keys that have a say in it.
    pub by: &'static [&'static str],
}

/// The way to a value: a key, and what of it.
#[derive(Clone, Copy)]
pub(super) struct Way {
    pub key: &'static str,
    entry: Option<usize>,
    member: Option<&'static str>,
}

impl Way {
    const fn to(key: &'static str) -> Self {
        Self {
            key,
            entry: None,
            member: None,
        }
    }

    const fn to_percent(key: &'static str) -> Self {
        Self {
            member: Some("percent"),
            ..Self::to(key)
        }
    }

    const fn to_extension(entry: usize) -> Self {
        Self {
            entry: Some(entry),
            member: Some("due"),
            ..Self::to("extensions")
        }
    }

    /// The place of the value in a policy's.
    pub fn in_policy<'a>(&self, at: &At<'a>) -> At<'a> {
        let at = at.key(self.key);
        let at = self.entry.map_or(at.clone(), |entry| at.index(entry));
        self.member.map_or(at.clone(), |member| at.key(member))
    }
}

impl Contradiction<'_> {
    const fn by(self, keys: &'static [&'static str]) -> Self {
        Self { by: keys, ..self }
    }

    /// Within one policy.
    pub fn message(&self) -> String {
        format!("{} `{}`{}", self.relation, self.other, self.consequence)
    }

    /// Between two that are merged for what `narrow` matches.
    pub fn message_of_two(&self, narrow: &str) -> String {
        format!(
            "{} `{}` of policy `{}`{}; both hold for what policy `{narrow}` matches, so change one",
            self.relation, self.other, self.of, self.consequence
        )
    }
}

pub(super) fn check(at: &At<'_>, keys: &Keys, records: bool) -> Option<()> {
    if keys.names().is_empty() && !at.is_unread() {
        at.warn("this policy sets no rule, so it does nothing");
    }
    let window = check_window(at, keys);
    let history = check_history(at, keys, records);
    window.and(history)
}

/// Of one policy, all submissions are refused for a mistake.
fn check_window(at: &At<'_>, keys: &Keys) -> Option<()> {
    match opens_after_closes(&alone(keys)) {
        Some(found) => at.key("opens").problem(found.message()),
        None => Some(()),
    }
}

fn check_history(at: &At<'_>, keys: &Keys, records: bool) -> Option<()> {
    let needing = keys.that_need_history();
    if records || needing.is_empty() {
        return Some(());
    }
    for key in needing {
        at.key(key)
            .problem::<()>("needs a record of earlier submissions, but `ledger.url` is \"none\"");
    }
    None
}

pub(super) fn alone(keys: &Keys) -> Effective {
    let mut effective = Effective::default();
    effective.overlay(&"".into(), Mode::Enforce, keys);
    effective
}

/// All that the keys in force have.
pub(super) fn all(effective: &Effective) -> impl Iterator<Item = Contradiction<'_>> {
    opens_after_closes(effective)
        .into_iter()
        .chain(times::all(effective))
        .chain(shares::all(effective))
}

/// The one that is reported, and the one it is set against.
fn between<'a, T, U>(
    (way, set): (Way, &'a Set<T>),
    relation: &'static str,
    (other, of): (&'static str, &'a Set<U>),
    consequence: &'static str,
) -> Contradiction<'a> {
    Contradiction {
        way,
        policy: &set.policy,
        relation,
        other,
        of: &of.policy,
        consequence,
        by: &[],
    }
}
