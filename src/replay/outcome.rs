//! What a replay comes to: the cells that would change, and a summary of each line item.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};

use serde::Serialize;

use super::{CellState, Failed, OfPlace, Place};
use crate::policy::{Difference, Marks};
use crate::score::Decimal;

/// In the order of account, line item and learner.
#[derive(Debug, Serialize)]
pub struct Outcome {
    #[serde(flatten)]
    pub all: Tally,
    pub line_items: Vec<OfLineItem>,
    /// Without the cells that stay.
    pub changes: Vec<Change>,
    /// Conditions that could not be evaluated, if any.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub failed_conditions: Vec<FailedCondition>,
}

/// A condition that could not be evaluated.
#[derive(Debug, Serialize)]
pub struct FailedCondition {
    pub policy: String,
    /// `match.when` or `require`.
    pub key: &'static str,
    /// For how many of the replayed ones.
    pub submissions: u64,
    /// Of the first of them.
    pub cause: &'static str,
}

/// Of how many cells the score would go up, down, or stay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    pub cells: u64,
    pub up: u64,
    pub down: u64,
    pub unchanged: u64,
}

#[derive(Debug, Serialize)]
pub struct OfLineItem {
    pub account: String,
    pub line_item: String,
    #[serde(flatten)]
    pub tally: Tally,
    /// Of the cell that would change most; nothing where none would.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub largest_percent: Option<Decimal>,
}

/// A cell that would show another score.
#[derive(Serialize)]
pub struct Change {
    pub account: String,
    pub line_item: String,
    pub user: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Marks>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Marks>,
    pub difference_percent: Decimal,
}

/// Learner ids stay out of whatever prints an outcome by accident.
impl std::fmt::Debug for Change {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Change")
            .field("before", &self.before)
            .field("after", &self.after)
            .finish_non_exhaustive()
    }
}

impl Outcome {
    pub(super) fn of(places: HashMap<Place, OfPlace>, failed: Failed) -> Self {
        let failed = failed
            .into_iter()
            .map(|((policy, key), (cause, submissions))| FailedCondition {
                policy: policy.to_string(),
                key: key.name(),
                submissions,
                cause: cause.0,
            });
        let mut outcome = Self {
            all: Tally::default(),
            line_items: Vec::new(),
            changes: Vec::new(),
            failed_conditions: failed.collect(),
        };
        for (place, of_place) in BTreeMap::from_iter(places) {
            outcome.add(&place, of_place);
        }
        outcome
    }

    fn add(&mut self, place: &Place, of_place: OfPlace) {
        let mut tally = Tally::default();
        let mut largest: Option<Difference> = None;
        let cells = of_place.cells.into_iter();
        let told = cells.filter(|(_, state)| !state.lacks_maximum);
        for (user, state) in BTreeMap::from_iter(told) {
            let difference = Difference::between(state.before, state.after);
            tally.count(difference.direction);
            if difference.direction == Ordering::Equal {
                continue;
            }
            self.changes.push(change(place, user, &state, &difference));
            largest = Some(match largest {
                Some(largest) => largest.larger(difference),
                None => difference,
            });
        }
        if tally == Tally::default() {
            return;
        }
        self.all.add(tally);
        self.line_items.push(OfLineItem {
            account: place.account.clone(),
            line_item: place.line_item.clone(),
            tally,
            largest_percent: largest.as_ref().map(Difference::percent),
        });
    }
}

fn change(place: &Place, user: String, state: &CellState, difference: &Difference) -> Change {
    Change {
        account: place.account.clone(),
        line_item: place.line_item.clone(),
        user,
        before: state.before.map(Marks::from),
        after: state.after.map(Marks::from),
        difference_percent: difference.percent(),
    }
}

impl Tally {
    fn count(&mut self, direction: Ordering) {
        self.cells += 1;
        match direction {
            Ordering::Less => self.down += 1,
            Ordering::Equal => self.unchanged += 1,
            Ordering::Greater => self.up += 1,
        }
    }

    fn add(&mut self, other: Self) {
        let Self {
            cells,
            up,
            down,
            unchanged,
        } = other;
        self.cells += cells;
        self.up += up;
        self.down += down;
        self.unchanged += unchanged;
    }
}
