//! Cells: one square of a grade book. Submissions for one cell are judged one after another, so
//! whoever judges holds it: against its own process by a lock, against others by a lease.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use aws_lc_rs::digest::{SHA256, digest};
use tokio::sync::{Mutex as Lock, OwnedMutexGuard};
use tokio::time::timeout_at;

use super::entry::Entry;
use super::fault::Unavailable;
use super::handle::Ledger;
use super::health::Grip;
use super::histories::History;
use super::meter::{LedgerMeter, Wait};
use crate::policy::Past;

/// Which square: an account's line item (normalized) and a learner.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Cell {
    pub account: String,
    pub line_item: String,
    pub user: String,
}

/// A cell, in one length, where a line item's id may have thousands of bytes: eight bytes of the line
/// item's SHA-256, then 24 of the cell's. So the cells of a class stand together in the database's index,
/// and a new one changes a page that the one before it has changed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint(pub(super) [u8; 32]);

/// How much of it is the line item's.
const OF_LINE_ITEM: usize = 8;

impl Cell {
    pub(super) fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(&self.account, &self.line_item, &self.user)
    }
}

impl Fingerprint {
    pub(super) fn of(account: &str, line_item: &str, user: &str) -> Self {
        let mut texts = in_one(&[account, line_item]);
        let of_line_item = digested(&texts);
        put(&mut texts, user);
        let mut fingerprint = digested(&texts);
        for (byte, of_line_item) in fingerprint.iter_mut().zip(of_line_item).take(OF_LINE_ITEM) {
            *byte = of_line_item;
        }
        Self(fingerprint)
    }

    /// That of an entry's cell; `None` where it is of no learner.
    pub(super) fn of_entry(entry: &Entry) -> Option<Self> {
        let user = entry.user.as_deref()?;
        Some(Self::of(&entry.account, &entry.line_item, user))
    }
}

/// SHA-256 of texts and their lengths.
pub(super) fn sum(parts: &[&str]) -> [u8; 32] {
    digested(&in_one(parts))
}

/// About what the texts of a cell take.
const USUAL: usize = 256;

/// In one piece, because hashing several small ones costs more than to copy them.
fn in_one(parts: &[&str]) -> Vec<u8> {
    let mut texts = Vec::with_capacity(USUAL);
    parts.iter().for_each(|part| put(&mut texts, part));
    texts
}

fn put(texts: &mut Vec<u8>, text: &str) {
    texts.extend_from_slice(&(text.len() as u64).to_be_bytes());
    texts.extend_from_slice(text.as_bytes());
}

fn digested(texts: &[u8]) -> [u8; 32] {
    digest(&SHA256, texts)
        .as_ref()
        .try_into()
        .unwrap_or_default()
}

/// The learner's id stays out of whatever prints a cell.
impl fmt::Debug for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cell")
            .field("account", &self.account)
            .field("line_item", &self.line_item)
            .finish_non_exhaustive()
    }
}

/// A cell that nobody else judges for. Dropped: free again, with nothing recorded.
pub struct Held {
    pub(super) fingerprint: Fingerprint,
    pub(super) history: History,
    pub(super) since: Since,
    pub(super) ledger: Ledger,
    /// Whether the database knows of it; it then must be freed there too.
    pub(super) is_leased: bool,
    // Last, so that the cell is freed in the database before anyone here takes it.
    pub(super) _lock: CellLock,
}

/// When a cell was taken, as counts of what may have happened to it since.
#[derive(Clone, Copy)]
pub struct Since {
    /// Of all leases of this process.
    pub(super) lapses: u64,
    /// Of histories, past those who hold their cells.
    pub(super) changes: u64,
}

impl Held {
    /// What was recorded of the cell and took effect, in order.
    pub fn history(&self) -> &Arc<Vec<Past>> {
        &self.history.pasts
    }

    /// How surely the cell is still held. A lease runs out when the database was out of reach
    /// for long, or this process stood still: ask before anything is sent.
    pub fn grip(&self) -> Grip {
        match self.is_leased {
            true => self.ledger.grip(&self.since),
            false => Grip::Firm,
        }
    }

    #[cfg(test)]
    pub fn is_still_held(&self) -> bool {
        self.grip() == Grip::Firm
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if self.is_leased {
            self.ledger.free(self.fingerprint);
        }
    }
}

/// The locks of this process: one for each cell that is held or waited for, thus no more than
/// there are requests in flight.
#[derive(Default)]
pub struct CellLocks(Mutex<HashMap<Fingerprint, Arc<Lock<()>>>>);

/// A cell's lock, taken.
pub struct CellLock {
    guard: Option<OwnedMutexGuard<()>>,
    fingerprint: Fingerprint,
    locks: Arc<CellLocks>,
}

impl CellLocks {
    /// Waits in line until `deadline`.
    pub async fn take(
        self: &Arc<Self>,
        fingerprint: Fingerprint,
        deadline: Instant,
        meter: &LedgerMeter,
    ) -> Result<CellLock, Unavailable> {
        let lock = self.entry(fingerprint);
        // From here on dropped also where the wait is given up, so that the map keeps no lock.
        let mut taken = CellLock {
            guard: None,
            fingerprint,
            locks: self.clone(),
        };
        if let Ok(guard) = lock.clone().try_lock_owned() {
            taken.guard = Some(guard);
            return Ok(taken);
        }
        let guard = timeout_at(deadline.into(), lock.lock_owned()).await;
        meter.waited(Wait::of(guard.is_ok()));
        taken.guard = Some(guard.map_err(|_| Unavailable::CellBusy)?);
        Ok(taken)
    }

    fn entry(&self, fingerprint: Fingerprint) -> Arc<Lock<()>> {
        let mut locks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        locks.entry(fingerprint).or_default().clone()
    }

    /// Whether somebody holds the cell, or waits for it.
    pub fn has(&self, fingerprint: &Fingerprint) -> bool {
        let locks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        locks.contains_key(fingerprint)
    }

    /// Cells that are held, and submissions that wait for one.
    pub fn look(&self) -> (usize, usize) {
        let locks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // The map has one, who holds it another.
        let waiting = |lock: &Arc<Lock<()>>| Arc::strong_count(lock).saturating_sub(2);
        (locks.len(), locks.values().map(waiting).sum())
    }

    #[cfg(test)]
    pub fn count(&self) -> usize {
        self.look().0
    }
}

impl Drop for CellLock {
    fn drop(&mut self) {
        self.guard = None;
        let mut locks = self.locks.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Nobody else holds or waits for it: only the map has it.
        let is_unused = |lock: &Arc<Lock<()>>| Arc::strong_count(lock) == 1;
        if locks.get(&self.fingerprint).is_some_and(is_unused) {
            locks.remove(&self.fingerprint);
        }
    }
}
