//! What each caller's requests came to. A caller holds its meter, so a request looks nothing up;
//! a count that nobody needs yet takes no memory.

use std::array;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::Outcome;
use crate::policy::Decision;
use crate::routing::Operation;

/// The label of whoever is not known, and of what was not routed.
pub const NONE: &str = "none";

/// Operations, and the requests that are for none.
const OPERATIONS: usize = Operation::ALL.len() + 1;

/// One caller's counts, apart for each worker.
#[derive(Debug)]
pub struct CallerMeter {
    label: Arc<str>,
    workers: Box<[OnceLock<Box<Counts>>]>,
}

#[derive(Debug)]
struct Counts {
    operations: [OnceLock<Box<[AtomicU64; Outcome::COUNT]>>; OPERATIONS],
    decisions: [AtomicU64; Decision::ALL.len()],
}

/// A caller's place for its meter, filled by its first request.
#[derive(Debug, Default)]
pub struct CallerHandle(OnceLock<Arc<CallerMeter>>);

/// Every caller that ever made a request.
#[derive(Debug)]
pub struct Callers {
    workers: usize,
    meters: Mutex<BTreeMap<Arc<str>, Arc<CallerMeter>>>,
}

impl CallerHandle {
    pub fn get(&self, callers: &Callers, label: &Arc<str>) -> &CallerMeter {
        self.0.get_or_init(|| callers.meter(label))
    }
}

impl Callers {
    pub fn new(workers: usize) -> Self {
        Self {
            workers,
            meters: Mutex::default(),
        }
    }

    /// The meter of a label: one for all who share it, across reloads too.
    pub fn meter(&self, label: &Arc<str>) -> Arc<CallerMeter> {
        let mut meters = self.meters.lock().unwrap_or_else(PoisonError::into_inner);
        let meter = meters.entry(label.clone());
        meter
            .or_insert_with(|| Arc::new(CallerMeter::new(label.clone(), self.workers)))
            .clone()
    }

    pub fn all(&self) -> Vec<Arc<CallerMeter>> {
        let meters = self.meters.lock().unwrap_or_else(PoisonError::into_inner);
        meters.values().cloned().collect()
    }
}

impl CallerMeter {
    fn new(label: Arc<str>, workers: usize) -> Self {
        Self {
            label,
            workers: (0..workers).map(|_| OnceLock::new()).collect(),
        }
    }

    pub fn label(&self) -> &str {
        &self.label
    }

    /// Counts a request that is over.
    pub fn count(&self, worker: usize, operation: Option<Operation>, outcome: Outcome) {
        let outcomes = self
            .counts(worker)
            .map(|counts| counts.operation(operation));
        if let Some(count) = outcomes.and_then(|outcomes| outcomes?.get(outcome.place())) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Counts a decision on a submission.
    pub fn decided(&self, worker: usize, decision: Decision) {
        let counts = self.counts(worker);
        if let Some(count) = counts.and_then(|counts| counts.decisions.get(decision as usize)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn counts(&self, worker: usize) -> Option<&Counts> {
        let counts = self.workers.get(worker)?;
        Some(counts.get_or_init(Box::default))
    }

    /// Operation, outcome and count of what happened at least once.
    pub fn requests(&self) -> Vec<(&'static str, Outcome, u64)> {
        let mut requests = Vec::new();
        for place in 0..OPERATIONS {
            let operation = Operation::ALL.get(place).map_or(NONE, |one| one.name());
            let counts = Outcome::all().map(|outcome| (outcome, self.sum(place, outcome)));
            let counts = counts.filter(|(_, count)| *count > 0);
            requests.extend(counts.map(|(outcome, count)| (operation, outcome, count)));
        }
        requests
    }

    fn sum(&self, operation: usize, outcome: Outcome) -> u64 {
        let counts = self.workers.iter().filter_map(OnceLock::get);
        let outcomes = counts.filter_map(|counts| counts.operations.get(operation)?.get());
        let counts = outcomes.filter_map(|outcomes| outcomes.get(outcome.place()));
        counts.map(|count| count.load(Ordering::Relaxed)).sum()
    }

    /// Decision and count, of what was decided at least once.
    pub fn decisions(&self) -> Vec<(&'static str, u64)> {
        let counts = Decision::ALL.map(|one| (one.as_str(), self.sum_of_decisions(one)));
        counts.into_iter().filter(|(_, count)| *count > 0).collect()
    }

    fn sum_of_decisions(&self, decision: Decision) -> u64 {
        let counts = self.workers.iter().filter_map(OnceLock::get);
        let counts = counts.filter_map(|counts| counts.decisions.get(decision as usize));
        counts.map(|count| count.load(Ordering::Relaxed)).sum()
    }
}

impl Default for Counts {
    fn default() -> Self {
        Self {
            operations: array::from_fn(|_| OnceLock::new()),
            decisions: array::from_fn(|_| AtomicU64::new(0)),
        }
    }
}

impl Counts {
    fn operation(&self, operation: Option<Operation>) -> Option<&[AtomicU64; Outcome::COUNT]> {
        let place = operation.map_or(Operation::ALL.len(), |operation| operation as usize);
        let outcomes = self.operations.get(place)?;
        Some(outcomes.get_or_init(|| Box::new(array::from_fn(|_| AtomicU64::new(0)))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;

    #[test]
    fn counts_of_all_workers_are_added_up_by_operation_and_outcome() {
        let callers = Callers::new(2);
        let meter = callers.meter(&"quiz".into());
        let refused = Outcome::Refused(Code::InvalidScore);
        for worker in [0, 1, 1] {
            meter.count(worker, Some(Operation::SubmitScore), refused);
        }
        meter.count(0, None, Outcome::Aborted);
        let counted = [("submit_score", refused, 3), ("none", Outcome::Aborted, 1)];
        assert_eq!(meter.requests(), counted);
    }

    #[test]
    fn whoever_shares_a_label_shares_a_meter() {
        let callers = Callers::new(1);
        let (one, other) = (CallerHandle::default(), CallerHandle::default());
        for handle in [&one, &other] {
            handle
                .get(&callers, &"idp".into())
                .decided(0, Decision::Adjusted);
        }
        assert_eq!(callers.all().len(), 1);
        assert_eq!(callers.all()[0].decisions(), [("adjusted", 2)]);
    }
}
