//! What could not be written and must not be lost: it waits, in bounds, and is written first when the
//! database can be used again.

use std::slice;

use super::book::{Book, Found};
use super::fault::Fault;
use super::job::Write;
use super::meter::Failure;
use super::writer::{MOST_AT_ONCE, Writer};

/// The most that is kept for better times.
pub const MOST_KEPT: usize = 4_096;

impl Writer {
    /// Keeps what must not be lost; of the rest, the lease that it would have freed.
    pub(super) fn keep(&mut self, write: Write) {
        let kept = match write.must_not_be_lost() {
            true => Some(write),
            false => write.lease().map(Write::Free),
        };
        let Some(kept) = kept else {
            return;
        };
        if self.backlog.len() >= MOST_KEPT {
            self.meter.failed(Failure::BacklogFull);
            tracing::error!(target: "scoregate::ledger", "the ledger's backlog is full: an entry is lost");
            return;
        }
        self.backlog.push_back(kept);
    }

    /// The answer to a commit may have been lost, and not the commit.
    pub(super) fn drop_written(&mut self, book: &mut Book) -> Result<(), Fault> {
        let mut found = Vec::with_capacity(self.backlog.len());
        for writes in self.backlog.make_contiguous().chunks(MOST_AT_ONCE) {
            found.extend(book.found(writes)?);
            book.stay_alive_if_due()?;
        }
        // From here on nothing fails.
        let all = std::mem::take(&mut self.backlog).into_iter().zip(found);
        let left = all.filter_map(|(write, found)| match found {
            Found::Ours => write.lease().map(Write::Free),
            Found::Adopted => Some(write.beside_the_adopted()),
            Found::Nothing => Some(write),
        });
        self.backlog = left.collect();
        Ok(())
    }

    pub fn flush(&mut self) {
        if let Err(fault) = self.try_flush() {
            self.note(&fault);
        }
    }

    /// Bit by bit: what is long on its way must not cost this process its leases.
    pub(super) fn try_flush(&mut self) -> Result<(), Fault> {
        while let Some(book) = &mut self.book
            && !self.backlog.is_empty()
        {
            let count = self.backlog.len().min(MOST_AT_ONCE);
            let first = self.backlog.make_contiguous().get(..count);
            match self.meter.watch(book, first.unwrap_or_default()) {
                Ok(_) => drop(self.backlog.drain(..count)),
                Err(Fault::Refused(_)) => self.flush_one_by_one(count)?,
                Err(fault) => return Err(fault),
            }
            self.stay_alive_if_due()?;
        }
        Ok(())
    }

    fn flush_one_by_one(&mut self, count: usize) -> Result<(), Fault> {
        for _ in 0..count {
            let (Some(book), Some(first)) = (&mut self.book, self.backlog.front()) else {
                return Ok(());
            };
            // It stays in its place until it is written: a cell's history is in the order of the chain.
            match self.meter.watch(book, slice::from_ref(first)) {
                Ok(_) => drop(self.backlog.pop_front()),
                Err(Fault::Refused(_)) => self.put_right_first()?,
                Err(fault) => return Err(fault),
            }
            self.stay_alive_if_due()?;
        }
        Ok(())
    }

    /// The database refuses the first of the backlog: because it stands there already, or for good.
    fn put_right_first(&mut self) -> Result<(), Fault> {
        let (Some(book), Some(first)) = (&mut self.book, self.backlog.front()) else {
            return Ok(());
        };
        let found = match book.found(slice::from_ref(first)) {
            Ok(mut found) => found.pop(),
            // What stands there can't be read.
            Err(Fault::Refused(_)) => None,
            Err(fault) => return Err(fault),
        };
        let Some(first) = self.backlog.pop_front() else {
            return Ok(());
        };
        match found {
            Some(Found::Adopted) => self.backlog.push_front(first.beside_the_adopted()),
            Some(Found::Ours) => self.keep_lease_of(&first),
            Some(Found::Nothing) | None => self.refuse_write(&first),
        }
        Ok(())
    }

    fn keep_lease_of(&mut self, write: &Write) {
        if let Some(lease) = write.lease() {
            self.keep(Write::Free(lease));
        }
    }

    fn stay_alive_if_due(&mut self) -> Result<(), Fault> {
        let book = self.book.as_mut();
        book.map_or(Ok(()), Book::stay_alive_if_due)
    }
}
