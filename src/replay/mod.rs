//! A candidate policy over recorded submissions: cell by cell, each submission judged anew in the
//! order in which it was recorded. Keeps of a cell what its next judgement needs, and nothing of an
//! entry otherwise.

mod outcome;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::error::Code;
use crate::explanation::{MaximumAlone, read_recorded};
use crate::ledger::{Cell, Entry};
use crate::policy::{
    ConditionFailed, ConditionKey, Effective, EvaluationFailed, Fate, Mode, Needs, Past, Policies,
    Policy, Shown, Subject, Submission, judge,
};
use crate::score::{Decimal, Points, Score};

pub use outcome::{Change, FailedCondition, OfLineItem, Outcome};

pub struct Replay {
    policies: Policies,
    /// What any key of the candidate looks at.
    needs: Needs,
    places: HashMap<Place, OfPlace>,
    skipped: Skipped,
    failed: Failed,
}

/// Conditions that could not be evaluated: the first cause, and for how many submissions.
type Failed = BTreeMap<(Arc<str>, ConditionKey), (EvaluationFailed, u64)>;

/// A line item of an account.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    pub account: String,
    pub line_item: String,
}

#[derive(Default)]
struct OfPlace {
    /// The line item's own, as it was last read.
    maximum: Option<Decimal>,
    /// By learner.
    cells: HashMap<String, CellState>,
}

#[derive(Default)]
struct CellState {
    history: Vec<Past>,
    before: Option<Points>,
    after: Option<Points>,
    /// What would stand can't be told: the line item's own maximum is not on record.
    lacks_maximum: bool,
}

/// What could not be replayed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Skipped {
    /// The learner was erased, and with them what they submitted.
    pub erased: u64,
    /// What was recorded is no score that this version reads.
    pub unreadable: u64,
    /// Cells of which the line item's own maximum is not on record.
    pub without_maximum: u64,
}

impl Replay {
    /// Replays a candidate as it would be enforced, whatever its modes: merged in the order of the file.
    pub fn new(mut candidate: Vec<Policy>) -> Self {
        for policy in &mut candidate {
            policy.mode = Mode::Enforce;
        }
        let needs = candidate
            .iter()
            .map(needs)
            .fold(Needs::default(), Needs::and);
        Self {
            policies: Policies::new(candidate),
            needs,
            places: HashMap::new(),
            skipped: Skipped::default(),
            failed: Failed::new(),
        }
    }

    /// Takes the next entry. `earlier` answers, once for each cell, with what took effect in it
    /// before the first entry.
    pub fn take<E>(
        &mut self,
        entry: &Entry,
        earlier: impl FnOnce(&Cell) -> Result<Vec<Past>, E>,
    ) -> Result<(), E> {
        if !is_replayed(entry) {
            return Ok(());
        }
        let (Some(user), Some(submission)) = (&entry.user, &entry.submission) else {
            self.skipped.erased += 1;
            return Ok(());
        };
        let Some(score) = read_recorded(submission.bytes()) else {
            self.skipped.unreadable += 1;
            return Ok(());
        };
        if self.cell(entry, user).is_none() {
            let cell = Cell {
                account: entry.account.clone(),
                line_item: entry.line_item.clone(),
                user: user.clone(),
            };
            self.meet(cell, earlier)?;
        }
        self.note_maximum(entry);
        self.judge(entry, &score);
        Ok(())
    }

    fn meet<E>(
        &mut self,
        cell: Cell,
        earlier: impl FnOnce(&Cell) -> Result<Vec<Past>, E>,
    ) -> Result<(), E> {
        let history = earlier(&cell)?;
        let stands = history.iter().rev().find(|past| past.takes_effect());
        let stands = stands.and_then(|past| past.stands);
        let state = CellState {
            history,
            before: stands,
            after: stands,
            lacks_maximum: false,
        };
        let place = self.places.entry(Place {
            account: cell.account,
            line_item: cell.line_item,
        });
        place.or_default().cells.insert(cell.user, state);
        Ok(())
    }

    fn place(&mut self, entry: &Entry) -> Option<&mut OfPlace> {
        self.places.get_mut(&Place {
            account: entry.account.clone(),
            line_item: entry.line_item.clone(),
        })
    }

    fn cell(&mut self, entry: &Entry, user: &str) -> Option<&mut CellState> {
        self.place(entry)?.cells.get_mut(user)
    }

    /// The record has the line item's own maximum where the policy of then asked for it.
    fn note_maximum(&mut self, entry: &Entry) {
        if !self.needs.line_item_maximum {
            return;
        }
        let explanation = entry.explanation.as_ref();
        let recorded = explanation.map(|json| serde_json::from_slice::<MaximumAlone>(json.bytes()));
        let recorded = recorded.and_then(Result::ok);
        let maximum = recorded.and_then(|recorded| recorded.line_item_maximum);
        if let (Some(maximum), Some(place)) = (maximum, self.place(entry)) {
            place.maximum = Some(maximum);
        }
    }

    fn judge(&mut self, entry: &Entry, score: &Score) {
        let subject = Subject {
            caller: &entry.caller,
            account: &entry.account,
            line_item: &entry.line_item,
            score,
            now: entry.time,
        };
        let in_force = self.policies.effective(&subject);
        let effective = in_force.enforced;
        for failed in in_force.failures {
            note_failed(&mut self.failed, failed);
        }
        let needs_history = self.needs.history;
        let Some(place) = self.place(entry) else {
            return;
        };
        let line_item_maximum = place.maximum;
        let Some(state) = place.cells.get_mut(&score.user) else {
            return;
        };
        let submission = Submission {
            subject,
            line_item_maximum,
            // As though no person had edited what the LMS shows.
            shown: Shown::Unread,
        };
        let lacked = state.lacks_maximum;
        let failed = state.take(entry, &submission, &effective, needs_history);
        let is_new = state.lacks_maximum && !lacked;
        if let Some(failed) = failed {
            note_failed(&mut self.failed, failed);
        }
        self.skipped.without_maximum += u64::from(is_new);
    }

    pub fn skipped(&self) -> Skipped {
        self.skipped
    }

    pub fn outcome(self) -> Outcome {
        Outcome::of(self.places, self.failed)
    }
}

fn note_failed(all: &mut Failed, failed: ConditionFailed) {
    let ConditionFailed {
        policy,
        key,
        failure,
    } = failed;
    let (_, submissions) = all.entry((policy, key)).or_insert((failure, 0));
    *submissions += 1;
}

impl CellState {
    /// Answers with a `require` that could not be evaluated.
    fn take(
        &mut self,
        entry: &Entry,
        submission: &Submission<'_>,
        effective: &Effective,
        keeps_history: bool,
    ) -> Option<ConditionFailed> {
        let recorded = entry.past.as_ref();
        if let Some(past) = recorded.filter(|past| past.takes_effect()) {
            self.before = past.stands;
        }
        let mut judgement = judge(submission, &self.history, effective);
        let failed = judgement.failed.take();
        let asks = effective.asks_line_item(submission.subject.score);
        self.lacks_maximum |= asks && judgement.lacks_maximum();
        // What policy refused had no fate; it is taken to have arrived.
        let fate = recorded.map_or(Fate::Confirmed, |past| past.fate);
        let Some(past) = judgement.past(submission.subject.score, entry.time, fate) else {
            return failed;
        };
        if past.takes_effect() {
            self.after = past.stands;
        }
        if keeps_history {
            self.history.push(past);
        }
        failed
    }
}

fn needs(policy: &Policy) -> Needs {
    let mut effective = Effective::default();
    effective.overlay(&policy.name, policy.mode, &policy.keys);
    effective.needs()
}

/// What took effect, and what only the policy of then stopped. What LTIAAS surely did not take is
/// left out, as is what was no score.
fn is_replayed(entry: &Entry) -> bool {
    let by_policy = [Code::PolicyRefused.name(), Code::StaleScore.name()];
    let refused_by_policy = entry
        .code
        .as_deref()
        .is_some_and(|code| by_policy.contains(&code));
    entry.past.is_some() || refused_by_policy || is_erased(entry)
}

/// An erasure takes the past too; the rest of the entry says that there was one.
fn is_erased(entry: &Entry) -> bool {
    entry.user.is_none() && entry.judged.is_some()
}
