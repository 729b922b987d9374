//! The writer: one thread that has the database. It takes whatever waits, writes it in one
//! transaction, and answers all. While the database can't be used it refuses at once, tries again
//! twice a second at most, and keeps in a bounded backlog what must not be lost.

use std::collections::{HashSet, VecDeque};
use std::iter;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use super::batch::Batch;
use super::book::Book;
use super::cell::{CellLocks, Fingerprint};
use super::fault::{CannotOpen, Fault, Unavailable};
use super::head::End;
use super::health::Health;
use super::job::{Closing, Job, Write};
use super::meter::{Failure, LedgerMeter};
use super::strays::Strays;
use super::waiter::{Waiter, tell_all};
use crate::error::chain;

/// The most that is written in one transaction.
pub(super) const MOST_AT_ONCE: usize = 512;

/// How long the writer lets more come, where the last transaction had company: to write an entry of
/// a transaction that is there anyway costs a fraction of what one of its own costs. A lone entry
/// waits for nobody.
const COMPANY: Duration = Duration::from_micros(500);

/// Between looks at what is to be done without being asked.
pub(super) const TICK: Duration = Duration::from_secs(1);

/// Between tries to reach a database that can't be used.
pub const RETRY: Duration = Duration::from_millis(500);

/// The most causes that are told of one time that the database can't be used.
const MOST_TOLD: usize = 8;

pub type Opener = Box<dyn FnMut() -> Result<Book, CannotOpen> + Send>;

pub struct Writer {
    pub book: Option<Book>,
    pub open: Opener,
    pub jobs: Receiver<Job>,
    pub health: Arc<Health>,
    pub meter: Arc<LedgerMeter>,
    pub retention: Option<Duration>,
    /// Whether cells are leased, because other gateways may write.
    pub is_shared: bool,
    pub locks: Arc<CellLocks>,
    pub strays: Strays,
    /// How many jobs it has taken.
    pub served: u64,
    /// Whether it may let entries wait for company. Not where each transaction waits for the disk, which
    /// takes long enough for more to come.
    pub is_patient: bool,
    pub has_company: bool,
    pub backlog: VecDeque<Write>,
    /// The end of the chain when the database could last be used.
    pub end: Option<End>,
    pub retry_at: Instant,
    pub tick_at: Instant,
    /// Why the database can't be used, since it last could.
    pub told: Vec<String>,
}

impl Writer {
    /// Until it is closed, or every handle is gone.
    pub fn run(mut self) {
        loop {
            let wait = self.tick_at.saturating_duration_since(Instant::now());
            match self.jobs.recv_timeout(wait) {
                Ok(job) => {
                    if self.has_company {
                        thread::sleep(COMPANY);
                    }
                    let batch = self.gather(job);
                    self.has_company = self.is_patient && batch.writes.len() > 1;
                    if let Some(closing) = self.serve(batch) {
                        return self.close(closing);
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return self.leave(),
            }
            self.tick_if_due();
            self.meter
                .backlog
                .store(self.backlog.len(), Ordering::Relaxed);
        }
    }

    pub fn gather(&mut self, first: Job) -> Batch {
        let mut batch = Batch::default();
        let mut taken = 0;
        let waiting = self.jobs.try_iter().take(MOST_AT_ONCE - 1);
        for job in iter::once(first).chain(waiting) {
            batch.add(job);
            taken += 1;
        }
        self.meter.queue.fetch_sub(taken, Ordering::Relaxed);
        self.served += taken as u64;
        batch
    }

    /// Serves all of it but its end.
    pub fn serve(&mut self, batch: Batch) -> Option<Closing> {
        let Batch {
            writes,
            waiters,
            opens,
            generations,
            closing,
        } = batch;
        self.write(writes, waiters);
        self.open_cells(opens);
        for (hash, reply) in generations {
            let number = self.with_book(|book| book.generation(&hash));
            let _ = reply.send(number);
        }
        closing
    }

    fn write(&mut self, writes: Vec<Write>, waiters: Vec<Option<Waiter>>) {
        if writes.is_empty() {
            return;
        }
        let meter = self.meter.clone();
        match self.with_book_raw(|book| meter.watch(book, &writes)) {
            Some(Ok(lost)) => {
                self.health.commits.fetch_add(1, Ordering::Relaxed);
                self.answer(writes, waiters, &lost);
            }
            // One of them is at fault: each alone, so that the others are written.
            Some(Err(Fault::Refused(_))) if writes.len() > 1 => {
                for (write, waiter) in writes.into_iter().zip(waiters) {
                    self.write(vec![write], vec![waiter]);
                }
            }
            Some(Err(Fault::Refused(_))) if self.was_adopted(&writes) == Ok(true) => {
                let beside = writes.into_iter().map(Write::beside_the_adopted).collect();
                self.write(beside, waiters);
            }
            // The database was lost when it was asked.
            Some(Err(Fault::Refused(_))) if !self.health.is_good.load(Ordering::Acquire) => {
                writes.into_iter().for_each(|write| self.keep(write));
                refuse(waiters);
            }
            Some(Err(Fault::Refused(_))) => {
                writes.iter().for_each(|write| self.refuse_write(write));
                refuse(waiters);
                self.flush();
            }
            Some(Err(Fault::Lost(_))) => {
                // The answer to the commit may have been lost, and not the commit.
                let withdrawn = writes
                    .iter()
                    .filter_map(Write::withdrawal)
                    .collect::<Vec<_>>();
                writes
                    .into_iter()
                    .chain(withdrawn)
                    .for_each(|write| self.keep(write));
                refuse(waiters);
            }
            None => {
                writes.into_iter().for_each(|write| self.keep(write));
                refuse(waiters);
            }
        }
    }

    /// Whether another gateway, to which this one was silent for too long, has made an entry of unknown fate
    /// of its intent.
    fn was_adopted(&mut self, writes: &[Write]) -> Result<bool, Unavailable> {
        match writes {
            [Write::Record(record)] if record.is_intended => {
                self.with_book(|book| book.has(&record.placed.draft.receipt))
            }
            _ => Ok(false),
        }
    }

    fn answer(
        &mut self,
        writes: Vec<Write>,
        waiters: Vec<Option<Waiter>>,
        lost: &HashSet<Fingerprint>,
    ) {
        let mut recorded = Vec::with_capacity(waiters.len());
        let mut overtaken = Vec::new();
        for (write, waiter) in writes.iter().zip(waiters) {
            match write {
                Write::Intend(_) => {
                    let is_told = waiter.is_none_or(|waiter| waiter.tell(Ok(())));
                    // Who asked has given up, so nothing will be sent.
                    let withdrawn = write.withdrawal().filter(|_| !is_told);
                    withdrawn.into_iter().for_each(|write| self.keep(write));
                }
                Write::Record(record) if record.is_uncertain(lost) => overtaken.extend(waiter),
                Write::Record(_) | Write::Free(_) | Write::Withdraw(_) => recorded.extend(waiter),
            }
        }
        tell_all(recorded, Ok(()));
        tell_all(overtaken, Err(Unavailable::Overtaken));
        self.flush();
    }

    /// The database takes it never. The lease that it would have freed is freed without it.
    pub(super) fn refuse_write(&mut self, write: &Write) {
        self.meter.failed(Failure::Refused);
        tracing::error!(target: "scoregate::ledger", "the ledger refuses an entry");
        if let (Write::Record(_), Some(lease)) = (write, write.lease()) {
            self.keep(Write::Free(lease));
        }
    }

    /// Runs `work`, after what waits for better times; `None` where the database can't be used.
    pub(super) fn with_book_raw<T>(
        &mut self,
        work: impl FnOnce(&mut Book) -> Result<T, Fault>,
    ) -> Option<Result<T, Fault>> {
        if !self.is_usable() {
            return None;
        }
        let done = work(self.book.as_mut()?);
        if let Err(fault) = &done {
            self.note(fault);
        }
        Some(done)
    }

    fn with_book<T>(
        &mut self,
        work: impl FnOnce(&mut Book) -> Result<T, Fault>,
    ) -> Result<T, Unavailable> {
        match self.with_book_raw(work) {
            Some(Ok(value)) => Ok(value),
            Some(Err(_)) | None => Err(Unavailable::Failing),
        }
    }

    pub(super) fn note(&mut self, fault: &Fault) {
        match fault {
            Fault::Refused(_) => tell_of_refusal(fault),
            Fault::Lost(_) => self.lose(&chain(fault)),
        }
    }

    fn lose(&mut self, cause: &str) {
        if let Some(book) = self.book.take() {
            self.end = book.end.or(self.end);
        }
        self.retry_at = Instant::now() + RETRY;
        if self.health.is_good.swap(false, Ordering::AcqRel) {
            self.meter.failed(Failure::Lost);
            self.told.clear();
        }
        // What keeps it away is often another thing than what took it away: a refused password.
        if self.told.len() < MOST_TOLD && !self.told.iter().any(|told| told == cause) {
            self.told.push(cause.to_owned());
            tracing::error!(target: "scoregate::ledger", cause, "the ledger can't be used");
        }
    }

    /// Whether the database answers and nothing is left to be written first.
    pub fn is_usable(&mut self) -> bool {
        if self.book.is_some() && self.health.is_good.load(Ordering::Acquire) {
            return true;
        }
        if Instant::now() < self.retry_at {
            return false;
        }
        match self.reopen() {
            Ok(()) => true,
            Err(cause) => {
                self.lose(&chain(&cause));
                false
            }
        }
    }

    fn reopen(&mut self) -> Result<(), CannotOpen> {
        let mut book = (self.open)()?;
        self.end.map_or(Ok(()), |end| book.require(end))?;
        book.stay_alive()?;
        // First: on PostgreSQL it waits for whoever is adopting what this process intended.
        book.try_to_write()?;
        self.drop_written(&mut book)?;
        self.book = Some(book);
        self.try_flush()?;
        self.health.is_good.store(true, Ordering::Release);
        tracing::info!(target: "scoregate::ledger", "the ledger can be used again");
        Ok(())
    }

    pub(super) fn tick_if_due(&mut self) {
        if Instant::now() >= self.tick_at {
            self.tick();
        }
    }

    fn tick(&mut self) {
        self.tick_at = Instant::now() + TICK;
        let retention = self.retention;
        let done = self.with_book_raw(|book| {
            book.stay_alive()?;
            book.open(&[])?;
            book.adopt_orphans()?;
            let dropped = retention.map_or(Ok(0), |age| book.retain(age))?;
            Ok((dropped, book.take_heeded()))
        });
        if let Some(Ok((dropped, erasures))) = done {
            self.meter.dropped(dropped);
            self.meter.erased(erasures);
        }
        self.free_strays();
    }

    pub fn leave(mut self) {
        self.flush();
        if let Some(book) = &mut self.book {
            // Not done: the leases free themselves.
            let _ = book.leave();
        }
    }
}

pub(super) fn tell_of_refusal(fault: &Fault) {
    tracing::warn!(target: "scoregate::ledger", cause = chain(fault), "the ledger's database refuses");
}

fn refuse(waiters: Vec<Option<Waiter>>) {
    let waiters = waiters.into_iter().flatten().collect();
    tell_all(waiters, Err(Unavailable::Failing));
}
