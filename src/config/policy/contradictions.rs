//! Keys that can't both be meant, of one policy or of several that are merged, and keys that need what
//! is not there.

use crate::config::findings::At;
use crate::policy::{Effective, Extension, Keys, Late, Mode, Over, Set};
use crate::score::Timestamp;

/// Two keys in force that contradict each other.
pub(super) struct Contradiction<'a> {
    /// The one that is reported, by its name and the way to the value in it.
    pub key: &'static [&'static str],
    pub policy: &'a str,
    /// What it does to the other, `is after`.
    relation: &'static str,
    pub other: &'static str,
    pub of: &'a str,
    consequence: &'static str,
}

impl Contradiction<'_> {
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
    warn(at, keys);
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

fn warn(at: &At<'_>, keys: &Keys) {
    if keys.names().is_empty() && !at.is_unread() {
        at.warn("this policy sets no rule, so it does nothing");
    }
    for found in risky(&alone(keys)) {
        let at = found.key.iter().fold(at.clone(), |at, key| at.key(key));
        at.warn(found.message());
    }
}

fn alone(keys: &Keys) -> Effective {
    let mut effective = Effective::default();
    effective.overlay(&"".into(), Mode::Enforce, keys);
    effective
}

/// All that the keys in force have.
pub(super) fn all(effective: &Effective) -> impl Iterator<Item = Contradiction<'_>> {
    opens_after_closes(effective)
        .into_iter()
        .chain(risky(effective))
}

fn risky(effective: &Effective) -> impl Iterator<Item = Contradiction<'_>> {
    let found = [
        due_after_closes(effective),
        cap_below_floor(effective),
        grace_over_interval(effective),
    ];
    found.into_iter().flatten()
}

/// The one that is reported, and the one it is set against.
fn between<'a, T, U>(
    (key, set): (&'static [&'static str], &'a Set<T>),
    relation: &'static str,
    (other, of): (&'static str, &'a Set<U>),
    consequence: &'static str,
) -> Contradiction<'a> {
    Contradiction {
        key,
        policy: &set.policy,
        relation,
        other,
        of: &of.policy,
        consequence,
    }
}

fn opens_after_closes(effective: &Effective) -> Option<Contradiction<'_>> {
    let (opens, closes) = (effective.opens.as_ref()?, effective.closes.as_ref()?);
    let is_after = opens.value.instant() > closes.value.instant();
    is_after.then(|| {
        let so = ", so that every submission is refused";
        between((&["opens"], opens), "is after", ("closes", closes), so)
    })
}

fn due_after_closes(effective: &Effective) -> Option<Contradiction<'_>> {
    let (due, closes) = (effective.due.as_ref()?, effective.closes.as_ref()?);
    let is_after = due.value.instant() > closes.value.instant();
    is_after.then(|| {
        let so = match has_extension_before(effective, closes) {
            true => ", so that nobody without an extension is ever late",
            false => ", so that nothing is ever late",
        };
        between((&["due"], due), "is after", ("closes", closes), so)
    })
}

fn has_extension_before(effective: &Effective, closes: &Set<Timestamp>) -> bool {
    let is_before = |extension: &Extension| extension.due.instant() < closes.value.instant();
    let extensions = effective.extensions.as_ref();
    extensions.is_some_and(|set| set.value.0.iter().any(is_before))
}

fn cap_below_floor(effective: &Effective) -> Option<Contradiction<'_>> {
    let (minimum, maximum) = (effective.minimum.as_ref()?, effective.maximum.as_ref()?);
    let limit = &maximum.value;
    let is_below = limit.over != Over::Allow && limit.percent < minimum.value.percent;
    is_below.then(|| {
        let key: &[_] = &["maximum", "percent"];
        let so = ", which no score can satisfy";
        between((key, maximum), "is below", ("minimum", minimum), so)
    })
}

fn grace_over_interval(effective: &Effective) -> Option<Contradiction<'_>> {
    let (grace, late) = (effective.grace.as_ref()?, effective.late.as_ref()?);
    let Late::PerInterval { interval, .. } = &late.value else {
        return None;
    };
    (grace.value.seconds > interval.seconds).then(|| {
        let longer = "is longer than the interval of";
        let so = ": the first second beyond it costs more than one interval";
        between((&["grace"], grace), longer, ("late", late), so)
    })
}
