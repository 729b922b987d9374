//! The port: what the request path knows of the ledger. Cheap to clone, shared by all workers and
//! their runtimes. Every wait ends: with an answer, or with `Unavailable` within ten seconds.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::time::{Duration, Instant};

use aws_lc_rs::digest::{SHA256, digest};
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::backlog::MOST_KEPT;
use super::cell::{CellLocks, Held};
use super::entry::Entry;
use super::fault::{CannotOpen, Unavailable};
use super::health::Health;
use super::histories::Histories;
use super::job::{HeldCell, Job, Placed, Record, Reply, Write};
use super::meter::{Failure, LedgerMeter};
use super::patience::Patience;
use super::place::{Durability, OnFailure, Place, Settings};
use super::receipt::Receipt;
use super::start::{Whereabouts, opener, start_writer};
use super::waiter::{News, Waiter};
use crate::meter::Fill;

/// What may wait for the writer. More than may be in flight by default.
const QUEUE: usize = 8_192;

/// The ledger of a running gateway.
#[derive(Clone)]
pub struct Ledger {
    pub(super) inner: Arc<Inner>,
    /// Of the submission that has this handle; without one each wait has all of it.
    patience: Option<Arc<Patience>>,
}

pub(super) struct Inner {
    jobs: SyncSender<Job>,
    pub(super) health: Arc<Health>,
    pub(super) meter: Arc<LedgerMeter>,
    pub(super) locks: Arc<CellLocks>,
    pub(super) histories: Arc<Histories>,
    durability: Durability,
    on_failure: OnFailure,
    /// With it cells are leased, because other gateways may write.
    postgres: Option<Whereabouts>,
}

impl Ledger {
    /// Opens and migrates the database and starts the writer. Intents that another run left become
    /// entries of unknown fate. Fails where another gateway has the SQLite file open.
    pub fn open(settings: &Settings) -> Result<Self, CannotOpen> {
        let histories = Arc::new(Histories::default());
        let health = Arc::<Health>::default();
        let (open, postgres) = opener(settings, (histories.clone(), health.clone()))?;
        let (jobs, waiting) = sync_channel(QUEUE);
        let meter = Arc::<LedgerMeter>::default();
        let locks = Arc::<CellLocks>::default();
        let watched = (health.clone(), meter.clone(), locks.clone());
        start_writer(open, waiting, watched, settings)?;
        let inner = Arc::new(Inner {
            jobs,
            health,
            meter,
            locks,
            histories,
            durability: settings.durability,
            on_failure: settings.on_failure,
            postgres,
        });
        Ok(Self {
            inner,
            patience: None,
        })
    }

    /// For one submission, whose waits count together.
    pub fn for_submission(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            patience: Some(Arc::default()),
        }
    }

    /// The password may be another one from now on: a connection that is open is kept, the next is
    /// made with it.
    pub fn renew(&self, place: &Place) {
        if let (Some(postgres), Place::Postgres(place)) = (&self.inner.postgres, place) {
            postgres.store(Arc::new(place.clone()));
        }
    }

    pub(super) fn is_shared(&self) -> bool {
        self.inner.postgres.is_some()
    }

    /// Whether the last thing that was asked of the database was done, and lately in time.
    pub fn is_healthy(&self) -> bool {
        self.check().is_ok()
    }

    /// Whether it is worth the wait.
    pub fn check(&self) -> Result<(), Unavailable> {
        let health = &self.inner.health;
        match health.is_good.load(Ordering::Acquire) {
            false => Err(Unavailable::Failing),
            true if health.is_late() => Err(Unavailable::Late),
            true => Ok(()),
        }
    }

    /// How many transactions have written entries so far: fewer than entries, since what waits
    /// shares one.
    pub fn commits(&self) -> u64 {
        self.inner.health.commits.load(Ordering::Relaxed)
    }

    pub fn meter(&self) -> &LedgerMeter {
        &self.inner.meter
    }

    /// Cells that are held here, and submissions that wait for one.
    pub fn cells(&self) -> (usize, usize) {
        self.inner.locks.look()
    }

    /// How full its queues are.
    pub fn fills(&self) -> [(&'static str, Fill); 2] {
        let LedgerMeter { queue, backlog, .. } = &*self.inner.meter;
        let used = |count: &AtomicUsize| count.load(Ordering::Relaxed);
        [
            ("ledger_queue", Fill::new(used(queue), QUEUE)),
            ("ledger_backlog", Fill::new(used(backlog), MOST_KEPT)),
        ]
    }

    /// With `Always`, `intend` before anything is forwarded.
    pub fn durability(&self) -> Durability {
        self.inner.durability
    }

    pub fn on_failure(&self) -> OnFailure {
        self.inner.on_failure
    }

    /// Writes down, on disk under `durability = "always"`, what is about to be forwarded. Settle
    /// or `withdraw` it; what is neither when the process ends becomes an entry of unknown fate.
    /// If this future is dropped nothing remains.
    pub async fn intend(&self, entry: Entry) -> Result<(), Unavailable> {
        self.write(Write::Intend(Placed::intent(entry))).await
    }

    /// Nothing was forwarded after all, and there is no entry to settle it with.
    pub fn withdraw(&self, receipt: Receipt) {
        let _ = self.put(Job::Withdraw(receipt));
    }

    /// Records a submission whose cell was not held: refused, or judged without history. Also
    /// done if this future is dropped. With `Failing`, what was sent is written later.
    pub async fn record(&self, entry: Entry) -> Result<(), Unavailable> {
        let placed = Placed::new(entry);
        // Until it is written a reader must not find the history without it.
        if let (Some(cell), Some(_)) = (&placed.cell, &placed.draft.past) {
            self.inner.histories.remove(cell);
        }
        self.write(self.settled(placed, None)).await
    }

    /// Records a submission and frees its cell. Also done if this future is dropped.
    pub async fn settle(&self, mut held: Held, entry: Entry) -> Result<(), Unavailable> {
        let cell = HeldCell {
            fingerprint: held.fingerprint,
            is_leased: held.is_leased,
            history: held.history.clone(),
            changes: held.since.changes,
        };
        // The writer puts it back; until then a reader must not find it without this entry.
        self.inner.histories.remove(&held.fingerprint);
        let written = self.put_write(self.settled(Placed::new(entry), Some(cell)))?;
        // The writer frees it, with the entry.
        held.is_leased = false;
        self.wait(written).await?.told()
    }

    /// The number of these policies (their canonical text): the same after every restart.
    /// For the start and a reload.
    pub async fn generation(&self, policies: &str) -> Result<i64, Unavailable> {
        let hash = digest(&SHA256, policies.as_bytes());
        let hash = hash.as_ref().try_into().unwrap_or_default();
        self.ask(|reply| Job::Generation(hash, reply)).await
    }

    fn settled(&self, placed: Placed, held: Option<HeldCell>) -> Write {
        Write::Record(Record {
            placed,
            is_intended: self.inner.durability == Durability::Always,
            held,
        })
    }

    async fn write(&self, write: Write) -> Result<(), Unavailable> {
        let written = self.put_write(write)?;
        self.wait(written).await?.told()
    }

    fn put_write(&self, write: Write) -> Result<oneshot::Receiver<News>, Unavailable> {
        let (waiter, written) = Waiter::new();
        let has_left = write.must_not_be_lost();
        let sent = self.send(Job::Write(write, waiter));
        if has_left && sent == Err(Unavailable::QueueFull) {
            self.inner.meter.failed(Failure::QueueLost);
            tracing::error!(target: "scoregate::ledger", "too much waits to be recorded: an entry is lost");
        }
        sent.map(|()| written)
    }

    async fn ask<T>(&self, job: impl FnOnce(Reply<T>) -> Job) -> Result<T, Unavailable> {
        let (reply, answer) = oneshot::channel();
        self.send(job(reply))?;
        self.wait(answer).await?
    }

    pub(super) async fn ask_until<T>(
        &self,
        until: Instant,
        job: impl FnOnce(Reply<T>) -> Job,
    ) -> Result<T, Unavailable> {
        let (reply, answer) = oneshot::channel();
        self.send(job(reply))?;
        let left = until.saturating_duration_since(Instant::now());
        self.wait_for(left, answer).await?
    }

    pub(super) fn send(&self, job: Job) -> Result<(), Unavailable> {
        self.put(job).inspect_err(|why| {
            if *why == Unavailable::QueueFull {
                self.inner.meter.failed(Failure::QueueFull);
            }
        })
    }

    /// Counted before it can be taken, so that the count never falls below nothing.
    pub(super) fn put(&self, job: Job) -> Result<(), Unavailable> {
        let waiting = &self.inner.meter.queue;
        waiting.fetch_add(1, Ordering::Relaxed);
        self.inner.jobs.try_send(job).map_err(|refused| {
            waiting.fetch_sub(1, Ordering::Relaxed);
            match refused {
                TrySendError::Full(_) => Unavailable::QueueFull,
                TrySendError::Disconnected(_) => Unavailable::Failing,
            }
        })
    }

    async fn wait<T>(&self, answer: oneshot::Receiver<T>) -> Result<T, Unavailable> {
        self.wait_for(Duration::MAX, answer).await
    }

    /// At most for so long, or for as long as there is patience.
    async fn wait_for<T>(
        &self,
        at_most: Duration,
        answer: oneshot::Receiver<T>,
    ) -> Result<T, Unavailable> {
        let whole = Patience::default();
        let patience = self.patience.as_deref().unwrap_or(&whole);
        let began = Instant::now();
        let answer = timeout(at_most.min(patience.left()), answer).await;
        patience.spend(began.elapsed());
        match answer {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(_)) => Err(Unavailable::Failing),
            Err(_) => {
                self.inner.meter.failed(Failure::Late);
                // It may not be the ledger that is slow where a request had little time left.
                if patience.left().is_zero() {
                    self.inner.health.was_late();
                }
                Err(Unavailable::Late)
            }
        }
    }

    /// For one submission, which has waited for all but a second of its time already.
    #[cfg(test)]
    pub(super) fn hurried(&self) -> Self {
        let hurried = self.for_submission();
        if let Some(patience) = &hurried.patience {
            patience.spend(patience.left() - Duration::from_secs(1));
        }
        hurried
    }

    #[cfg(test)]
    pub(super) fn locks(&self) -> &CellLocks {
        &self.inner.locks
    }
}
