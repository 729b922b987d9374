//! The rules that work on the value, and the order they act in.
//!
//! ### order
//!
//! `order = ["round", "maximum"]`: which rule acts before which.
//!
//! Formula: `rescale, late, minimum, maximum, pass, round, keep` unless set. Rules before `keep` act on
//! each attempt, those after it on what it made of them. `fill_maximum` always acts first.
//! Boundaries: a rule that an `order` leaves out follows the one it follows by default; none may stand
//! in it twice.
//! Example:
//!
//! ```text
//! order = ["round", "maximum"]
//! round = { digits = 0, mode = "up" }
//! maximum = { percent = 99.5 }
//!
//! 99.2 of 100 → adjusted by round, maximum: 99.5 of 100
//! ```

use std::sync::Arc;

use serde::Serialize;

use super::keys::{Effective, Set};
use super::rules::Rule;

/// One place in the order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    Rescale,
    Late,
    Minimum,
    Maximum,
    Pass,
    Round,
    /// Those before it act on each attempt, those after it on what it made of them.
    Keep,
}

/// All steps, each once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Order(Arc<[Step]>);

/// A rule in force.
#[derive(Clone, Copy)]
pub struct RuleInForce<'a> {
    pub name: &'static str,
    pub policy: &'a Arc<str>,
    pub mode: super::Mode,
    pub rule: &'a dyn Rule,
}

impl Step {
    pub const ALL: [Self; 7] = [
        Self::Rescale,
        Self::Late,
        Self::Minimum,
        Self::Maximum,
        Self::Pass,
        Self::Round,
        Self::Keep,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Rescale => "rescale",
            Self::Late => "late",
            Self::Minimum => "minimum",
            Self::Maximum => "maximum",
            Self::Pass => "pass",
            Self::Round => "round",
            Self::Keep => "keep",
        }
    }

    /// The rule at this place, where it is in force. `keep` is a fold and no rule of one value.
    pub fn rule(self, effective: &Effective) -> Option<RuleInForce<'_>> {
        let name = self.name();
        match self {
            Self::Rescale => in_force(name, &effective.rescale),
            Self::Late => in_force(name, &effective.late),
            Self::Minimum => in_force(name, &effective.minimum),
            Self::Maximum => in_force(name, &effective.maximum),
            Self::Pass => in_force(name, &effective.pass),
            Self::Round => in_force(name, &effective.round),
            Self::Keep => None,
        }
    }
}

fn in_force<'a, R: Rule>(name: &'static str, set: &'a Option<Set<R>>) -> Option<RuleInForce<'a>> {
    let set = set.as_ref()?;
    Some(RuleInForce {
        name,
        policy: &set.policy,
        mode: set.mode,
        rule: &set.value,
    })
}

impl Order {
    /// Completes what was listed: each of the others follows the one it follows by default.
    pub fn complete(listed: &[Step]) -> Self {
        let mut order = listed.to_vec();
        let mut before = None;
        for step in Step::ALL {
            if !order.contains(&step) {
                let place = |before| order.iter().position(|known| *known == before);
                let at = before.and_then(place).map_or(0, |at| at + 1);
                order.insert(at, step);
            }
            before = Some(step);
        }
        Self(order.into())
    }

    pub fn steps(&self) -> &[Step] {
        &self.0
    }
}

impl Effective {
    /// The steps before `keep`, and those after it.
    pub fn steps(&self) -> (&[Step], &[Step]) {
        let order = self.order.as_ref();
        let steps = order.map_or(&Step::ALL[..], |set| set.value.steps());
        let at = steps.iter().position(|step| *step == Step::Keep);
        let (before, after) = steps.split_at(at.unwrap_or(steps.len()));
        (before, after.get(1..).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_follows_the_one_it_follows_by_default() {
        use Step::{Keep, Late, Maximum, Minimum, Pass, Rescale, Round};
        for (listed, order) in [
            (vec![], Step::ALL),
            (
                vec![Keep, Late],
                [Rescale, Keep, Late, Minimum, Maximum, Pass, Round],
            ),
            (
                vec![Rescale, Late, Minimum, Round, Maximum, Keep],
                [Rescale, Late, Minimum, Round, Maximum, Pass, Keep],
            ),
            (
                vec![Maximum, Late],
                [Rescale, Maximum, Pass, Round, Keep, Late, Minimum],
            ),
        ] {
            assert_eq!(Order::complete(&listed).steps(), order, "{listed:?}");
        }
    }
}
