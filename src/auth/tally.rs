//! How an issuer's keys are, and how the reads of them went: for the metrics.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// How an issuer's keys are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeySetState {
    pub issuer: String,
    /// Keys that can be used; `None` while none have loaded.
    pub keys: Option<usize>,
    /// The reads so far, where the keys are fetched.
    pub reads: Option<Reads>,
}

/// Reads that have ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reads {
    pub good: u64,
    pub failed: u64,
    /// Since the last good one.
    pub age: Option<Duration>,
}

/// Counts reads as they end.
#[derive(Debug, Default)]
pub struct Tally(Mutex<Counts>);

#[derive(Clone, Debug, Default)]
struct Counts {
    good: u64,
    failed: u64,
    last_good: Option<Instant>,
}

impl Clone for Tally {
    fn clone(&self) -> Self {
        Self(Mutex::new(self.counts().clone()))
    }
}

impl Tally {
    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn good(&self) {
        let mut counts = self.counts();
        counts.good += 1;
        counts.last_good = Some(Instant::now());
    }

    pub fn failed(&self) {
        let mut counts = self.counts();
        counts.failed += 1;
    }

    pub fn reads(&self) -> Reads {
        let counts = self.counts();
        Reads {
            good: counts.good,
            failed: counts.failed,
            age: counts.last_good.map(|at| at.elapsed()),
        }
    }
}
