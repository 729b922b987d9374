//! Whether the record is whole: every entry has the hash of what it says, follows the one before,
//! and was sealed by the key of the learner it names; and the last is the one that the head knows.

use super::chain::{Hash, hash};
use super::fault::Fault;
use super::filter::Filter;
use super::found::{Found, Read};
use super::head::Head;
use super::reader::Reader;
use super::seal::SealKey;

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    pub entries: i64,
    pub broken: Option<Break>,
    /// The end of the chain, to be kept elsewhere from time to time.
    pub last_hash: String,
}

/// Where the record first is not whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Break {
    /// The first entry that doesn't fit; the last there is, if what followed it is missing.
    pub receipt: Option<String>,
    pub reason: Reason,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// An entry was removed, added or moved: this one doesn't follow the one before.
    Link,
    /// What the entry says was changed.
    Hash,
    /// What is sealed is another learner's, or its key was changed; or the cell is another account's, line
    /// item's or learner's.
    Seal,
}

impl Reason {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Link => "link",
            Self::Hash => "hash",
            Self::Seal => "seal",
        }
    }
}

impl Reader {
    /// Walks the whole chain, up to where it was when this began.
    pub fn verify(&mut self) -> Result<Verdict, Fault> {
        let head = Head::read(self.database.as_mut())?;
        self.verify_up_to(head)
    }

    pub(super) fn verify_up_to(&mut self, mut head: Head) -> Result<Verdict, Fault> {
        let broken = loop {
            let Some((broken, whole_up_to)) = self.first_break(&head)? else {
                break None;
            };
            // The retention may have taken meanwhile what was to follow.
            let newer = Head::read(self.database.as_mut())?;
            if newer.anchor_sequence <= whole_up_to {
                break Some(broken);
            }
            head = newer;
        };
        Ok(Verdict {
            entries: self.count()?,
            broken,
            last_hash: head.hash.to_string(),
        })
    }

    /// With the sequence of the last entry before it.
    fn first_break(&mut self, head: &Head) -> Result<Option<(Break, i64)>, Fault> {
        let mut walk = Walk {
            sequence: head.anchor_sequence,
            hash: head.anchor_hash,
            receipt: None,
        };
        // From the very start: an entry before the anchor was put there.
        let mut after = i64::MIN;
        loop {
            let page = self.page(&Filter::default(), after)?;
            let Some(last) = page.last() else {
                return Ok(walk.end(head).map(|broken| (broken, walk.sequence)));
            };
            after = last.sequence;
            for found in page {
                if walk.sequence >= head.sequence && found.sequence > head.sequence {
                    // Written meanwhile, or added behind the head's back: it must follow too.
                    let broken = self.after_the_head(&walk, head)?;
                    return Ok(broken.map(|broken| (broken, walk.sequence)));
                }
                if let Some(broken) = walk.step(&found, &head.key) {
                    return Ok(Some((broken, walk.sequence)));
                }
            }
        }
    }

    /// What stands after the head that was read: the head must have moved there.
    fn after_the_head(&mut self, walk: &Walk, head: &Head) -> Result<Option<Break>, Fault> {
        if let Some(found) = walk.end(head) {
            return Ok(Some(found));
        }
        let newer = Head::read(self.database.as_mut())?;
        if newer.sequence > head.sequence {
            return Ok(None);
        }
        let added = self.page(&Filter::default(), head.sequence)?;
        let receipt = added.into_iter().next().map(|found| found.receipt);
        Ok(Some(Break {
            receipt,
            reason: Reason::Link,
        }))
    }
}

/// How far the chain is known to be whole.
struct Walk {
    sequence: i64,
    hash: Hash,
    receipt: Option<String>,
}

impl Walk {
    fn step(&mut self, found: &Found, of_nobody: &SealKey) -> Option<Break> {
        let receipt = Some(found.receipt.clone());
        let reason = match &found.read {
            Some(read) => self.fault(read, of_nobody),
            None => Some(Reason::Hash),
        };
        if let Some(reason) = reason {
            return Some(Break { receipt, reason });
        }
        self.sequence = found.sequence;
        self.hash = found.read.as_ref()?.row.hash;
        self.receipt = receipt;
        None
    }

    fn fault(&self, read: &Read, of_nobody: &SealKey) -> Option<Reason> {
        let row = &read.row;
        if row.sequence != self.sequence + 1 || row.prev_hash != self.hash {
            return Some(Reason::Link);
        }
        if hash(row.sequence, &row.prev_hash, &row.plain, &row.sealed) != row.hash {
            return Some(Reason::Hash);
        }
        (!read.is_sealed_well(of_nobody)).then_some(Reason::Seal)
    }

    /// The last entry must be the one that the head knows.
    fn end(&self, head: &Head) -> Option<Break> {
        let is_whole = self.sequence == head.sequence && self.hash == head.hash;
        (!is_whole).then(|| Break {
            receipt: self.receipt.clone(),
            reason: Reason::Link,
        })
    }
}
