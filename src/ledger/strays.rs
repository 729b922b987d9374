//! Leases that this process has in the database, and nobody in it: what was on its way over a connection that
//! was given up may arrive late, and take a cell after all. Nobody else could judge it as long as this process
//! lives.

use std::collections::HashSet;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::book::Book;
use super::cell::Fingerprint;
use super::database::{Cursor, Input};
use super::fault::Fault;
use super::job::Write;
use super::writer::Writer;

/// Between two looks. What both find is stray.
pub const LOOK: Duration = Duration::from_secs(3);

/// What the last look found.
pub struct Strays {
    next: Instant,
    /// How much is to be served before: all that waited at the last look.
    after: u64,
    found: HashSet<Fingerprint>,
}

impl Default for Strays {
    fn default() -> Self {
        Self {
            next: Instant::now(),
            after: 0,
            found: HashSet::new(),
        }
    }
}

impl Writer {
    pub(super) fn free_strays(&mut self) {
        let is_due = Instant::now() >= self.strays.next && self.served >= self.strays.after;
        if !self.is_shared || !is_due {
            return;
        }
        let Some(Ok(leases)) = self.with_book_raw(Book::leases) else {
            return;
        };
        let waiting: HashSet<_> = self.backlog.iter().filter_map(Write::lease).collect();
        let is_stray = |lease: &Fingerprint| !self.locks.has(lease) && !waiting.contains(lease);
        let found: HashSet<_> = leases.into_iter().filter(is_stray).collect();
        let again: Vec<_> = found.intersection(&self.strays.found).copied().collect();
        // What waits now may free them, with what is to be written first.
        let waiting = self.meter.queue.load(Ordering::Relaxed) as u64;
        self.strays = Strays {
            next: Instant::now() + LOOK,
            after: self.served + waiting,
            found,
        };
        again
            .into_iter()
            .for_each(|lease| self.keep(Write::Free(lease)));
        self.flush();
    }
}

impl Book {
    /// Of this process.
    fn leases(&mut self) -> Result<Vec<Fingerprint>, Fault> {
        let find = "SELECT fingerprint FROM leases WHERE LTRIM(holder, '-') = $1";
        let rows = self.database.query(find, &[Input::Text(&self.holder)])?;
        let read = |mut row: Cursor| {
            let bytes = row.bytes()?.try_into();
            bytes
                .map(Fingerprint)
                .map_err(|_| Fault::refused("a lease names no cell"))
        };
        rows.into_iter().map(read).collect()
    }
}
