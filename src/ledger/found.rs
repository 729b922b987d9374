//! An entry as it was found, with what its cell says; or that it can't be read, since somebody changed it. One
//! that can't be read hides no other.

use super::cell::Fingerprint;
use super::database::Cursor;
use super::entry::Kept;
use super::fault::Fault;
use super::row::Row;
use super::seal::SealKey;

/// An entry's columns, in the order of `Found::read`.
macro_rules! columns {
    () => {
        "sequence, receipt, time, entries.account, caller, entries.line_item, cell, in_history, \
         decision, code, rules, judged, policy_generation, upstream_status, duration_ms, digest, \
         sealed, prev_hash, hash, cells.id, learner, cells.account, cells.line_item, fingerprint, \
         seal_key"
    };
}
pub(super) use columns;

pub(super) struct Found {
    pub sequence: i64,
    pub receipt: String,
    /// `None` where a column has another type than was written.
    pub read: Option<Read>,
}

/// A row, and whose it is.
pub(super) struct Read {
    pub row: Row<'static>,
    pub whose: Whose,
}

pub(super) enum Whose {
    /// Of no learner, or of an erased one.
    Gone,
    Cell(OfCell),
    /// Its cell was changed.
    Unreadable,
}

/// What stands of a cell beside its number.
pub(super) struct OfCell {
    pub learner: String,
    pub account: String,
    pub line_item: String,
    pub fingerprint: Vec<u8>,
    pub key: SealKey,
}

impl Found {
    pub fn read(mut cursor: Cursor) -> Result<Self, Fault> {
        let sequence = cursor.integer()?;
        let Ok(receipt) = cursor.text() else {
            return Ok(Self {
                sequence,
                receipt: format!("entry {sequence}"),
                read: None,
            });
        };
        let row = Row::read(sequence, receipt.clone(), &mut cursor).ok();
        Ok(Self {
            sequence,
            receipt,
            read: row.map(|row| Read {
                row,
                whose: Whose::read(&mut cursor),
            }),
        })
    }

    /// `None` where it can't be read.
    pub fn unseal(self, of_nobody: &SealKey) -> Option<Kept> {
        self.read?.unseal(of_nobody).ok()
    }
}

impl Read {
    pub fn learner(&self) -> Option<&str> {
        match &self.whose {
            Whose::Cell(cell) => Some(&cell.learner),
            Whose::Gone | Whose::Unreadable => None,
        }
    }

    fn unseal(self, of_nobody: &SealKey) -> Result<Kept, Fault> {
        let unusable = SealKey::unusable();
        let key = match (self.row.plain.cell, &self.whose) {
            (None, _) => Some(of_nobody),
            (Some(_), Whose::Gone) => None,
            (Some(_), Whose::Cell(cell)) => Some(&cell.key),
            (Some(_), Whose::Unreadable) => Some(&unusable),
        };
        self.row.unseal(key)
    }

    /// Whether what is sealed is of the cell that the entry names, and that cell of the entry's account and line
    /// item. Of an erased learner's nobody can tell any more.
    pub fn is_sealed_well(&self, of_nobody: &SealKey) -> bool {
        let plain = &self.row.plain;
        let key = match (plain.cell, &self.whose) {
            (None, _) => of_nobody,
            (Some(_), Whose::Gone) => return true,
            (Some(_), Whose::Unreadable) => return false,
            (Some(_), Whose::Cell(cell)) => &cell.key,
        };
        let Some(content) = self.row.open(key) else {
            return false;
        };
        match (content.user, &self.whose) {
            (None, Whose::Gone) => true,
            (Some(user), Whose::Cell(cell)) => cell.is_of(&plain.account, &plain.line_item, &user),
            (None | Some(_), _) => false,
        }
    }
}

impl Whose {
    fn read(cursor: &mut Cursor) -> Self {
        match cursor.optional_integer() {
            Ok(None) => Self::Gone,
            Ok(Some(_)) => OfCell::read(cursor).map_or(Self::Unreadable, Self::Cell),
            Err(_) => Self::Unreadable,
        }
    }
}

impl OfCell {
    fn read(cursor: &mut Cursor) -> Result<Self, Fault> {
        Ok(Self {
            learner: cursor.text()?,
            account: cursor.text()?,
            line_item: cursor.text()?,
            fingerprint: cursor.bytes()?,
            key: SealKey::from_bytes(&cursor.bytes()?)?,
        })
    }

    fn is_of(&self, account: &str, line_item: &str, user: &str) -> bool {
        let fingerprint = Fingerprint::of(account, line_item, user);
        self.account == account
            && self.line_item == line_item
            && self.learner == user.replace('\0', "\u{fffd}")
            && self.fingerprint == fingerprint.0
    }
}
