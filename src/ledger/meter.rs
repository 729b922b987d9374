//! What is counted of the ledger, by whoever does it: one set, held by the port and by the writer.

use std::array;
use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Instant;

use super::book::Book;
use super::cell::Fingerprint;
use super::fault::Fault;
use super::job::Write;
use crate::meter::{Histogram, Page, list};
use crate::policy::Decision;

/// Shared by the port and its writer.
#[derive(Debug)]
pub struct LedgerMeter {
    entries: [AtomicU64; Decision::ALL.len()],
    commits: Histogram,
    failures: [AtomicU64; Failure::ALL.len()],
    waits: [AtomicU64; Wait::ALL.len()],
    unrecorded: AtomicU64,
    dropped: AtomicU64,
    erasures: AtomicU64,
    /// What waits for the writer.
    pub(super) queue: AtomicUsize,
    /// What the writer keeps for better times.
    pub(super) backlog: AtomicUsize,
}

/// What went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The database can't be used; counted once until it can.
    Lost,
    /// The database refused an entry.
    Refused,
    /// Too much waits for the writer.
    QueueFull,
    /// The writer did not answer in time.
    Late,
    /// The backlog is full: an entry is lost.
    BacklogFull,
    /// Too much waits for the writer: the entry of what has left is lost.
    QueueLost,
}

/// How a wait for a cell that others held came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    Held,
    Busy,
}

impl Failure {
    const ALL: [Self; 6] = [
        Self::Lost,
        Self::Refused,
        Self::QueueFull,
        Self::Late,
        Self::BacklogFull,
        Self::QueueLost,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::Lost => "lost",
            Self::Refused => "refused",
            Self::QueueFull => "queue_full",
            Self::Late => "late",
            Self::BacklogFull => "backlog_full",
            Self::QueueLost => "queue_lost",
        }
    }
}

impl Wait {
    const ALL: [Self; 2] = [Self::Held, Self::Busy];

    pub fn of(is_held: bool) -> Self {
        match is_held {
            true => Self::Held,
            false => Self::Busy,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Busy => "busy",
        }
    }
}

impl Default for LedgerMeter {
    fn default() -> Self {
        Self {
            entries: array::from_fn(|_| AtomicU64::default()),
            commits: Histogram::of_waits(),
            failures: array::from_fn(|_| AtomicU64::default()),
            waits: array::from_fn(|_| AtomicU64::default()),
            unrecorded: AtomicU64::default(),
            dropped: AtomicU64::default(),
            erasures: AtomicU64::default(),
            queue: AtomicUsize::default(),
            backlog: AtomicUsize::default(),
        }
    }
}

impl LedgerMeter {
    /// Writes, and counts the entries that are in the chain then.
    pub(super) fn watch(
        &self,
        book: &mut Book,
        writes: &[Write],
    ) -> Result<HashSet<Fingerprint>, Fault> {
        let began = Instant::now();
        let lost = book.write(writes)?;
        if writes.iter().any(Write::needs_head) {
            self.commits.observe(began.elapsed());
        }
        for write in writes {
            if let Write::Record(record) = write {
                add(&self.entries, record.placed.draft.decision as usize, 1);
            }
        }
        Ok(lost)
    }

    pub(super) fn failed(&self, failure: Failure) {
        add(&self.failures, failure as usize, 1);
    }

    pub(super) fn waited(&self, wait: Wait) {
        add(&self.waits, wait as usize, 1);
    }

    /// Entries grew older than the retention.
    pub(super) fn dropped(&self, entries: u64) {
        self.dropped.fetch_add(entries, Ordering::Relaxed);
    }

    /// Others erased learners.
    pub(super) fn erased(&self, erasures: u64) {
        self.erasures.fetch_add(erasures, Ordering::Relaxed);
    }

    /// A submission goes on though it can't be recorded.
    pub fn unrecorded(&self) {
        self.unrecorded.fetch_add(1, Ordering::Relaxed);
    }

    /// Writes what is counted here.
    pub fn write(&self, page: &mut Page) {
        let mut family = page.family(&list::LEDGER_ENTRIES);
        for (decision, count) in Decision::ALL.iter().zip(&self.entries) {
            family.sample(&[decision.as_str()], read(count));
        }
        page.family(&list::LEDGER_COMMIT_DURATION)
            .histogram(&[], &self.commits.snapshot());
        let mut family = page.family(&list::LEDGER_FAILURES);
        for (failure, count) in Failure::ALL.iter().zip(&self.failures) {
            family.sample(&[failure.name()], read(count));
        }
        let mut family = page.family(&list::LEDGER_CELL_WAITS);
        for (wait, count) in Wait::ALL.iter().zip(&self.waits) {
            family.sample(&[wait.name()], read(count));
        }
        page.family(&list::LEDGER_UNRECORDED)
            .sample(&[], read(&self.unrecorded));
        page.family(&list::LEDGER_DROPPED)
            .sample(&[], read(&self.dropped));
        page.family(&list::LEDGER_ERASURES)
            .sample(&[], read(&self.erasures));
    }
}

fn add(counts: &[AtomicU64], place: usize, more: u64) {
    if let Some(count) = counts.get(place) {
        count.fetch_add(more, Ordering::Relaxed);
    }
}

fn read(count: &AtomicU64) -> u64 {
    count.load(Ordering::Relaxed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_counted_at_the_place_it_is_listed_at() {
        for (place, decision) in Decision::ALL.into_iter().enumerate() {
            assert_eq!(decision as usize, place);
        }
        for (place, failure) in Failure::ALL.into_iter().enumerate() {
            assert_eq!(failure as usize, place);
        }
        for (place, wait) in Wait::ALL.into_iter().enumerate() {
            assert_eq!(wait as usize, place);
        }
    }
}
