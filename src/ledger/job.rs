//! What waits for the writer.

use std::collections::HashSet;
use std::time::Instant;

use tokio::sync::oneshot;

use super::cell::{Cell, Fingerprint};
use super::draft::Draft;
use super::entry::Entry;
use super::fault::Unavailable;
use super::histories::History;
use super::receipt::Receipt;
use super::waiter::Waiter;
use crate::policy::{Fate, Past};

pub type Reply<T> = oneshot::Sender<Result<T, Unavailable>>;

pub enum Job {
    Write(Write, Waiter),
    /// The cell's history, and on PostgreSQL its lease.
    Open(Cell, Reply<Opened>),
    /// The number of the policies with this hash.
    Generation([u8; 32], Reply<i64>),
    /// Nobody waits for these.
    Free(Fingerprint),
    Withdraw(Receipt),
    Close(Closing),
}

/// The last job there is.
pub struct Closing {
    /// When what can't be written is given up.
    pub until: Instant,
    pub reply: Reply<()>,
}

pub enum Write {
    /// Before anything is forwarded: should the process end now, it becomes an entry of unknown
    /// fate.
    Intend(Placed),
    Record(Record),
    Free(Fingerprint),
    Withdraw(Receipt),
}

/// An entry, and the cell it belongs to, if it is of a learner. Boxed, because the queue has room for
/// thousands from the start.
pub struct Placed {
    pub draft: Box<Draft>,
    pub cell: Option<Fingerprint>,
}

impl Placed {
    pub fn new(entry: Entry) -> Self {
        Self {
            cell: Fingerprint::of_entry(&entry),
            draft: Box::new(Draft::of(entry)),
        }
    }

    pub fn intent(entry: Entry) -> Self {
        Self {
            cell: Fingerprint::of_entry(&entry),
            draft: Box::new(Draft::of_intent(entry)),
        }
    }
}

pub struct Record {
    pub placed: Placed,
    /// The intent with this receipt is settled by it.
    pub is_intended: bool,
    /// The cell that is freed with it.
    pub held: Option<HeldCell>,
}

impl Record {
    /// Whether what arrived may not have been the last that did: its cell is one of these, which were lost
    /// meanwhile.
    pub fn is_uncertain(&self, lost: &HashSet<Fingerprint>) -> bool {
        let Draft { past, was_sent, .. } = &*self.placed.draft;
        let is_lost = self.held.as_ref().is_some_and(|held| held.is_of(lost));
        let is_certain = |past: &Past| past.fate == Fate::Confirmed;
        is_lost && *was_sent && past.as_ref().is_some_and(is_certain)
    }
}

pub struct HeldCell {
    pub fingerprint: Fingerprint,
    pub is_leased: bool,
    pub history: History,
    /// As counted when it was taken.
    pub changes: u64,
}

impl HeldCell {
    /// Whether it is leased, and one of these.
    pub fn is_of(&self, cells: &HashSet<Fingerprint>) -> bool {
        self.is_leased && cells.contains(&self.fingerprint)
    }
}

#[derive(Clone)]
pub enum Opened {
    /// Another gateway holds it.
    Busy,
    History(History),
}

impl Write {
    /// Whether it must be written sooner or later: what has left can't be taken back.
    pub fn must_not_be_lost(&self) -> bool {
        match self {
            Self::Record(record) => record.placed.draft.was_sent,
            Self::Free(_) | Self::Withdraw(_) => true,
            Self::Intend(_) => false,
        }
    }

    /// What another gateway has made an entry of, as an entry of its own: what was on its way arrived after all,
    /// nobody knows when. Under the same receipt where there is no other.
    pub fn beside_the_adopted(self) -> Self {
        let Self::Record(mut record) = self else {
            return self;
        };
        if let Ok(receipt) = Receipt::mint(jiff::Timestamp::now()) {
            record.placed.draft.receipt = receipt;
        }
        record.placed.draft.put_aside();
        record.is_intended = false;
        Self::Record(record)
    }

    pub fn needs_head(&self) -> bool {
        match self {
            Self::Record(_) | Self::Intend(_) => true,
            Self::Free(_) | Self::Withdraw(_) => false,
        }
    }

    pub fn placed(&self) -> Option<&Placed> {
        match self {
            Self::Record(record) => Some(&record.placed),
            Self::Intend(placed) => Some(placed),
            Self::Free(_) | Self::Withdraw(_) => None,
        }
    }

    /// What undoes an intent, where nothing will be sent.
    pub fn withdrawal(&self) -> Option<Self> {
        match self {
            Self::Intend(placed) => Some(Self::Withdraw(placed.draft.receipt.clone())),
            Self::Record(_) | Self::Free(_) | Self::Withdraw(_) => None,
        }
    }

    /// The lease that would stay if it were forgotten.
    pub fn lease(&self) -> Option<Fingerprint> {
        match self {
            Self::Record(record) => record
                .held
                .as_ref()
                .and_then(|held| held.is_leased.then_some(held.fingerprint)),
            Self::Free(fingerprint) => Some(*fingerprint),
            Self::Intend(_) | Self::Withdraw(_) => None,
        }
    }
}
