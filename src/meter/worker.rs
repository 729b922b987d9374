//! What one worker counts of the requests it serves.

use std::array;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use super::callers::{CallerMeter, Callers};
use super::rules::{Act, RuleMeter};
use super::{CallerHandle, Histogram, Outcome, Snapshot};
use crate::policy::Decision;
use crate::routing::Operation;

/// Operations, and the requests that are for none.
const OPERATIONS: usize = Operation::ALL.len() + 1;

type Times = [OnceLock<Histogram>; OPERATIONS];

/// Held by everything that counts on one worker.
#[derive(Debug)]
pub struct WorkerMeter {
    number: usize,
    callers: Arc<Callers>,
    nobody: Arc<CallerMeter>,
    whole: Times,
    own: Times,
    pub(super) rules: RuleMeter,
}

impl WorkerMeter {
    pub(super) fn new(number: usize, callers: &Arc<Callers>) -> Self {
        Self {
            number,
            callers: callers.clone(),
            nobody: callers.meter(&super::callers::NONE.into()),
            whole: array::from_fn(|_| OnceLock::new()),
            own: array::from_fn(|_| OnceLock::new()),
            rules: RuleMeter::default(),
        }
    }

    pub fn number(&self) -> usize {
        self.number
    }

    /// A caller's meter; everybody's who is not known where there is no caller.
    pub fn caller<'a>(&'a self, caller: Option<(&'a CallerHandle, &Arc<str>)>) -> &'a CallerMeter {
        match caller {
            Some((handle, label)) => handle.get(&self.callers, label),
            None => &self.nobody,
        }
    }

    /// Counts a request that is over, its whole time, and the gateway's part where it answered.
    pub fn count(
        &self,
        caller: &CallerMeter,
        operation: Option<Operation>,
        outcome: Outcome,
        whole: Duration,
        own: Option<Duration>,
    ) {
        caller.count(self.number, operation, outcome);
        let place = operation.map_or(Operation::ALL.len(), |operation| operation as usize);
        if let Some(times) = self.whole.get(place) {
            times.get_or_init(Histogram::of_waits).observe(whole);
        }
        if let Some((times, own)) = self.own.get(place).zip(own) {
            times.get_or_init(Histogram::of_own_time).observe(own);
        }
    }

    /// Counts a decision on a submission.
    pub fn decided(&self, caller: &CallerMeter, decision: Decision) {
        caller.decided(self.number, decision);
    }

    /// Counts what a rule did.
    pub fn acted(&self, act: Act) {
        self.rules.count(act);
    }

    pub(super) fn whole(&self, operation: usize) -> Option<Snapshot> {
        Some(self.whole.get(operation)?.get()?.snapshot())
    }

    pub(super) fn own(&self, operation: usize) -> Option<Snapshot> {
        Some(self.own.get(operation)?.get()?.snapshot())
    }
}
