//! How long a submission waits for the ledger, in all: for its cell, for what is written down before it is
//! sent, for its entry. LEDGER_UNAVAILABLE comes within ten seconds.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The longest that one waits.
const PATIENCE: Duration = Duration::from_secs(9);

/// What is left of it.
#[derive(Debug, Default)]
pub struct Patience {
    /// In microseconds.
    waited: AtomicU64,
}

impl Patience {
    pub fn left(&self) -> Duration {
        PATIENCE.saturating_sub(Duration::from_micros(self.waited.load(Ordering::Relaxed)))
    }

    pub fn spend(&self, waited: Duration) {
        let waited = u64::try_from(waited.as_micros()).unwrap_or(u64::MAX);
        self.waited.fetch_add(waited, Ordering::Relaxed);
    }
}
