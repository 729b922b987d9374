//! Instants and lengths of time that can't all be meant.

use std::time::Duration;

use jiff::SignedDuration;

use super::{Contradiction, Way, between};
use crate::policy::{Effective, Extension, Extensions, Late, Set};
use crate::score::Timestamp;

pub(super) fn all(effective: &Effective) -> impl Iterator<Item = Contradiction<'_>> {
    let found = [
        opens_after_due(effective),
        due_after_closes(effective),
        grace_over_interval(effective),
        grace_over_step(effective),
    ];
    let of_extensions = extensions_after_closes(effective)
        .chain(extensions_before_due(effective))
        .chain(extensions_at_due(effective));
    found.into_iter().flatten().chain(of_extensions)
}

/// By which every submission is refused.
pub(super) fn opens_after_closes(effective: &Effective) -> Option<Contradiction<'_>> {
    let (opens, closes) = (effective.opens.as_ref()?, effective.closes.as_ref()?);
    let is_after = opens.value.instant() > closes.value.instant();
    is_after.then(|| {
        let so = ", so that every submission is refused";
        between(
            (Way::to("opens"), opens),
            "is after",
            ("closes", closes),
            so,
        )
    })
}

/// Without `late`, nothing is.
fn opens_after_due(effective: &Effective) -> Option<Contradiction<'_>> {
    let (opens, due) = (effective.opens.as_ref()?, effective.due.as_ref()?);
    effective.late.as_ref()?;
    let grace = effective.grace.as_ref().map_or(0, |set| set.value.seconds);
    let grace = SignedDuration::try_from(Duration::from_secs(grace)).ok()?;
    let end = due.value.instant().saturating_add(grace).ok()?;
    (opens.value.instant() > end).then(|| {
        let is_later = |extension: &Extension| extension.due.instant() >= opens.value.instant();
        let so = match extensions(effective).any(is_later) {
            true => ", so that nobody without an extension is ever on time",
            false => ", so that nothing is ever on time",
        };
        let found = between((Way::to("opens"), opens), "is after", ("due", due), so);
        found.by(&["grace", "extensions"])
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
        between((Way::to("due"), due), "is after", ("closes", closes), so)
    })
}

fn has_extension_before(effective: &Effective, closes: &Set<Timestamp>) -> bool {
    let is_before = |extension: &Extension| extension.due.instant() < closes.value.instant();
    extensions(effective).any(is_before)
}

fn extensions_after_closes(effective: &Effective) -> impl Iterator<Item = Contradiction<'_>> {
    of_extensions(
        effective,
        ("closes", effective.closes.as_ref()),
        |extension, closes| extension.due.instant() > closes.instant(),
        (
            "is after",
            ", which no extension moves: what these learners submit after it is refused",
        ),
    )
}

fn extensions_before_due(effective: &Effective) -> impl Iterator<Item = Contradiction<'_>> {
    of_extensions(
        effective,
        ("due", effective.due.as_ref()),
        |extension, due| extension.due.instant() < due.instant(),
        (
            "is before",
            ", so that these learners are late sooner than all others",
        ),
    )
}

fn extensions_at_due(effective: &Effective) -> impl Iterator<Item = Contradiction<'_>> {
    of_extensions(
        effective,
        ("due", effective.due.as_ref()),
        |extension, due| extension.due.instant() == due.instant(),
        ("is no later than", ", so that it extends nothing"),
    )
}

/// Each extension for which `is_odd` holds.
fn of_extensions<'a>(
    effective: &'a Effective,
    other: (&'static str, Option<&'a Set<Timestamp>>),
    is_odd: impl Fn(&Extension, &Timestamp) -> bool,
    (relation, so): (&'static str, &'static str),
) -> impl Iterator<Item = Contradiction<'a>> {
    let (name, other) = other;
    let both = effective.extensions.as_ref().zip(other);
    both.into_iter().flat_map(move |(set, other)| {
        let Extensions(all) = &set.value;
        let odd = all.iter().map(|extension| is_odd(extension, &other.value));
        let odd = odd.enumerate().filter(|(_, is_odd)| *is_odd);
        let told = odd.map(|(entry, _)| {
            let way = Way::to_extension(entry);
            between((way, set), relation, (name, other), so)
        });
        told.collect::<Vec<_>>()
    })
}

fn extensions(effective: &Effective) -> impl Iterator<Item = &Extension> {
    let set = effective.extensions.iter();
    set.flat_map(|set| set.value.0.iter())
}

fn grace_over_interval(effective: &Effective) -> Option<Contradiction<'_>> {
    let (grace, late) = (effective.grace.as_ref()?, effective.late.as_ref()?);
    let Late::PerInterval { interval, .. } = &late.value else {
        return None;
    };
    (grace.value.seconds > interval.seconds).then(|| {
        let longer = "is longer than the interval of";
        let so = ": the first second beyond it costs more than one interval";
        between((Way::to("grace"), grace), longer, ("late", late), so)
    })
}

fn grace_over_step(effective: &Effective) -> Option<Contradiction<'_>> {
    let (grace, late) = (effective.grace.as_ref()?, effective.late.as_ref()?);
    let Late::Steps { steps, .. } = &late.value else {
        return None;
    };
    let first = steps.first()?;
    (grace.value.seconds >= first.up_to.seconds).then(|| {
        let longer = "is no shorter than the first row's `up_to` in";
        let so = ", so that this row never counts";
        between((Way::to("grace"), grace), longer, ("late", late), so)
    })
}
