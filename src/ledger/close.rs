//! The end of a ledger: what waits is written and the database closed, so that a gateway that
//! was told to stop leaves nothing to recover. Bounded: the end of the process waits for it.

use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use tokio::time::{sleep, timeout_at};

use super::fault::Unavailable;
use super::handle::Ledger;
use super::job::{Closing, Job, Write};
use super::writer::{RETRY, Writer};

/// Between tries to reach a writer whose queue is full.
const FULL: Duration = Duration::from_millis(5);

impl Ledger {
    /// Writes what waits, for better times too, and closes the database. Whatever comes later is
    /// refused. What is not done by `until` is given up, and the log says so.
    pub async fn close(&self, until: Instant) {
        let closed = timeout_at(until.into(), self.closed(until)).await;
        if !matches!(closed, Ok(Ok(()))) {
            tracing::error!(target: "scoregate::ledger", "the ledger could not be closed in time");
        }
    }

    async fn closed(&self, until: Instant) -> Result<(), Unavailable> {
        loop {
            let (reply, answer) = oneshot::channel();
            match self.send(Job::Close(Closing { until, reply })) {
                Ok(()) => return answer.await.unwrap_or(Err(Unavailable::Failing)),
                Err(Unavailable::QueueFull) => sleep(FULL).await,
                Err(unavailable) => return Err(unavailable),
            }
        }
    }
}

impl Writer {
    pub fn close(mut self, Closing { until, reply }: Closing) {
        while let Ok(job) = self.jobs.try_recv() {
            let batch = self.gather(job);
            self.serve(batch);
        }
        let written = self.write_backlog(until);
        // Before the queue is gone: nothing may be sent that can no longer be recorded.
        self.health.is_good.store(false, Ordering::Release);
        self.leave();
        let _ = reply.send(written);
    }

    fn write_backlog(&mut self, until: Instant) -> Result<(), Unavailable> {
        while self.backlog.iter().any(is_needed) {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(Unavailable::Late);
            }
            match self.is_usable() {
                true => self.flush(),
                false => thread::sleep(left.min(RETRY)),
            }
        }
        Ok(())
    }
}

/// A lease frees itself.
fn is_needed(write: &Write) -> bool {
    match write {
        Write::Record(_) | Write::Withdraw(_) => true,
        Write::Intend(_) | Write::Free(_) => false,
    }
}
