//! Limits that leave nothing to decide, by the order in which the rules act.

use super::{Contradiction, Way, between};
use crate::policy::{Effective, Over, Step};
use crate::score::Decimal;

pub(super) fn all(effective: &Effective) -> impl Iterator<Item = Contradiction<'_>> {
    let found = [
        cap_below_floor(effective),
        cap_below_pass(effective),
        floor_over_pass(effective),
    ];
    found.into_iter().flatten()
}

fn cap_below_floor(effective: &Effective) -> Option<Contradiction<'_>> {
    let (minimum, maximum) = (effective.minimum.as_ref()?, effective.maximum.as_ref()?);
    caps_below(effective, minimum.value.percent).then(|| {
        let way = Way::to_percent("maximum");
        let so = ", which no score can satisfy";
        between((way, maximum), "is below", ("minimum", minimum), so)
    })
}

fn cap_below_pass(effective: &Effective) -> Option<Contradiction<'_>> {
    let (maximum, pass) = (effective.maximum.as_ref()?, effective.pass.as_ref()?);
    let share = pass.value.percent;
    let is_below = caps_below(effective, share);
    (is_below && decides(effective, Step::Maximum, share)).then(|| {
        let way = Way::to_percent("maximum");
        let so = ", so that no score passes";
        between((way, maximum), "is below", ("pass", pass), so).by(DECIDING)
    })
}

fn floor_over_pass(effective: &Effective) -> Option<Contradiction<'_>> {
    let (minimum, pass) = (effective.minimum.as_ref()?, effective.pass.as_ref()?);
    let share = pass.value.percent;
    let is_over = lifts_to(effective, share);
    (is_over && decides(effective, Step::Minimum, share)).then(|| {
        let way = Way::to_percent("minimum");
        let so = ", so that every score passes";
        between((way, minimum), "is no less than", ("pass", pass), so).by(DECIDING)
    })
}

fn caps_below(effective: &Effective, share: Decimal) -> bool {
    let limit = effective.maximum.as_ref().map(|set| &set.value);
    limit.is_some_and(|limit| limit.over != Over::Allow && limit.percent < share)
}

fn lifts_to(effective: &Effective, share: Decimal) -> bool {
    let floor = effective.minimum.as_ref().map(|set| &set.value);
    floor.is_some_and(|floor| floor.percent >= share)
}

/// The keys that `decides` looks at.
const DECIDING: &[&str] = &["order", "late", "round", "minimum", "maximum"];

/// Whether what `pass` makes of a score is settled by `step`: it acts before, and no rule between them
/// may bring a score to the other side of the share.
fn decides(effective: &Effective, step: Step, share: Decimal) -> bool {
    let (before, after) = effective.steps();
    let steps = before.iter().chain(after);
    let mut up_to_pass = steps.take_while(|known| **known != Step::Pass);
    let is_before = up_to_pass.any(|known| *known == step);
    let changes = |step: &Step| match step {
        Step::Late => effective.late.is_some(),
        Step::Round => effective.round.is_some(),
        Step::Minimum => lifts_to(effective, share),
        Step::Maximum => caps_below(effective, share),
        Step::Rescale | Step::Pass | Step::Keep => false,
    };
    is_before && !up_to_pass.any(changes)
}
