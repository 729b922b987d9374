//! Taking a cell: in line in this process, then from the database, where other gateways may have it.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use tokio::time::sleep_until;

use super::cell::{Cell, Fingerprint, Held, Since};
use super::fault::Unavailable;
use super::handle::Ledger;
use super::health::Grip;
use super::histories::History;
use super::job::{Job, Opened};
use super::looks::Looks;
use super::meter::Wait;
use super::place::OnFailure;

/// How long a history is waited for however little time is left: one that comes in time costs far less.
const AT_LEAST: Duration = Duration::from_secs(1);

impl Ledger {
    /// Waits in line for a cell, and reads its history. Hold it until its submission is settled.
    pub async fn hold(&self, cell: Cell, deadline: Instant) -> Result<Held, Unavailable> {
        let fingerprint = cell.fingerprint();
        let meter = &self.inner.meter;
        let lock = self.inner.locks.take(fingerprint, deadline, meter).await?;
        // Who stood in line was let in before.
        if self.inner.health.is_late() && self.on_failure() == OnFailure::Refuse {
            return Err(Unavailable::Late);
        }
        // Before the history: whatever happens from now on counts.
        let since = Since {
            lapses: self.inner.health.lapses.load(Ordering::Acquire),
            changes: self.inner.histories.changes(&fingerprint),
        };
        let history = match self.cached(&fingerprint)? {
            Some(history) => history,
            None => self.open_cell(cell, deadline).await?,
        };
        Ok(Held {
            fingerprint,
            history,
            since,
            ledger: self.clone(),
            is_leased: self.is_shared(),
            _lock: lock,
        })
    }

    /// Only where nobody else writes is what was read before still true.
    fn cached(&self, fingerprint: &Fingerprint) -> Result<Option<History>, Unavailable> {
        if !self.inner.health.is_good.load(Ordering::Acquire) {
            // What is in the backlog is not in the cache.
            return Err(Unavailable::Failing);
        }
        if self.is_shared() {
            return Ok(None);
        }
        Ok(self.inner.histories.get(fingerprint))
    }

    async fn open_cell(&self, cell: Cell, deadline: Instant) -> Result<History, Unavailable> {
        let mut looks = Looks::default();
        let mut was_busy = false;
        loop {
            let until = deadline.max(Instant::now() + AT_LEAST);
            let asked = self.ask_until(until, |reply| Job::Open(cell.clone(), reply));
            match asked.await? {
                Opened::History(history) => {
                    if was_busy {
                        self.inner.meter.waited(Wait::Held);
                    }
                    return Ok(history);
                }
                Opened::Busy if Instant::now() >= deadline => {
                    self.inner.meter.waited(Wait::Busy);
                    return Err(Unavailable::CellBusy);
                }
                Opened::Busy => was_busy = true,
            }
            let next = Instant::now() + looks.wait();
            sleep_until(next.min(deadline).into()).await;
        }
    }

    pub(super) fn free(&self, fingerprint: Fingerprint) {
        // Where the queue is full the lease stays ours, and the next who takes the cell frees it.
        let _ = self.put(Job::Free(fingerprint));
    }

    pub(super) fn grip(&self, since: &Since) -> Grip {
        self.inner.health.grip(since.lapses)
    }
}
