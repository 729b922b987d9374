//! What could not be written and must not be lost: it waits, in bounds, and is written first when the
//! database can be used again.

use std::collections::VecDeque;

use super::book::{Book, Found};
use super::fault::Fault;
use super::job::Write;
use super::meter::Failure;
use super::writer::Writer;

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
        let mut left = VecDeque::new();
        while let Some(write) = self.backlog.pop_front() {
            let found = match &write {
                Write::Record(record) => book.found(record),
                Write::Intend(_) | Write::Free(_) | Write::Withdraw(_) => Ok(Found::Nothing),
            };
            match found {
                Ok(Found::Ours) => left.extend(write.lease().map(Write::Free)),
                Ok(Found::Adopted) => left.push_back(write.beside_the_adopted()),
                Ok(Found::Nothing) => left.push_back(write),
                Err(fault) => {
                    left.push_back(write);
                    left.append(&mut self.backlog);
                    self.backlog = left;
                    return Err(fault);
                }
            }
        }
        self.backlog = left;
        Ok(())
    }

    pub fn flush(&mut self) {
        if let Err(fault) = self.try_flush() {
            self.note(&fault);
        }
    }

    pub(super) fn try_flush(&mut self) -> Result<(), Fault> {
        let Some(book) = &mut self.book else {
            return Ok(());
        };
        if self.backlog.is_empty() {
            return Ok(());
        }
        match self.meter.watch(book, self.backlog.make_contiguous()) {
            Ok(_) => self.backlog.clear(),
            Err(Fault::Refused(_)) => self.flush_one_by_one()?,
            Err(fault) => return Err(fault),
        }
        Ok(())
    }

    fn flush_one_by_one(&mut self) -> Result<(), Fault> {
        while let (Some(write), Some(book)) = (self.backlog.pop_front(), &mut self.book) {
            let alone = [write];
            match self.meter.watch(book, &alone) {
                Ok(_) => {}
                Err(Fault::Refused(_)) => alone.iter().for_each(|write| self.refuse_write(write)),
                Err(fault) => {
                    let [write] = alone;
                    // In its place: a cell's history is in the order of the chain.
                    self.backlog.push_front(write);
                    return Err(fault);
                }
            }
        }
        Ok(())
    }
}
