//! The histories of hot cells, so that judging reads nothing from the database. Bounded by size.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use quick_cache::Weighter;
use quick_cache::sync::Cache;

use super::cell::Fingerprint;
use super::open::MOST_PASTS;
use crate::policy::Past;

/// About as many bytes as all cached histories have together.
const ROOM: u64 = 64 * 1024 * 1024;

/// What a past takes beside its comment.
const PAST_SIZE: usize = 320;

#[derive(Clone, Default)]
pub struct History {
    /// The sequence of its last entry; 0 without any.
    pub version: i64,
    pub pasts: Arc<Vec<Past>>,
}

impl History {
    /// With one more past, of the entry with this sequence. `None` where it would be too long to judge by.
    pub fn with(&self, past: &Past, version: i64) -> Option<Self> {
        if self.pasts.len() >= MOST_PASTS {
            return None;
        }
        let mut pasts = Vec::with_capacity(self.pasts.len() + 1);
        pasts.extend_from_slice(&self.pasts);
        append(&mut pasts, past.clone());
        Some(Self {
            version,
            pasts: pasts.into(),
        })
    }
}

pub struct Histories {
    cached: Cache<Fingerprint, History, Size>,
    /// Counts what changed histories past whoever held their cells. Several cells share a count,
    /// which costs a read now and then.
    changes: [AtomicU64; 256],
}

/// Adds what came last. Of what left, only the last one's comment is ever looked at (`unchanged`): no other
/// is kept, since a history may be long.
pub fn append(pasts: &mut Vec<Past>, past: Past) {
    let before = match past.sent {
        Some(_) => pasts.iter_mut().rev().find_map(|past| past.sent.as_mut()),
        None => None,
    };
    if let Some(sent) = before {
        sent.comment = None;
    }
    pasts.push(past);
}

#[derive(Clone)]
struct Size;

impl Weighter<Fingerprint, History> for Size {
    fn weight(&self, _: &Fingerprint, history: &History) -> u64 {
        let comment = |past: &Past| past.sent.as_ref()?.comment.as_ref().map(String::len);
        let size = |past| PAST_SIZE + comment(past).unwrap_or(0);
        let sum: usize = history.pasts.iter().map(size).sum();
        (PAST_SIZE + sum) as u64
    }
}

impl Default for Histories {
    fn default() -> Self {
        Self {
            cached: Cache::with_weighter(16_384, ROOM, Size),
            changes: [const { AtomicU64::new(0) }; 256],
        }
    }
}

impl Histories {
    pub fn get(&self, fingerprint: &Fingerprint) -> Option<History> {
        self.cached.get(fingerprint)
    }

    pub fn put(&self, fingerprint: Fingerprint, history: History) {
        self.cached.insert(fingerprint, history);
    }

    pub fn remove(&self, fingerprint: &Fingerprint) {
        self.cached.remove(fingerprint);
    }

    pub fn clear(&self) {
        // Before the counts: whoever takes a cell reads its count, then what is cached, and must not find with the
        // new one what was so before.
        self.cached.clear();
        // Who holds a cell now knows a history of before.
        for count in &self.changes {
            count.fetch_add(1, Ordering::AcqRel);
        }
    }

    /// An entry was recorded by someone who did not hold the cell: what its holder knows of it is
    /// no longer its whole history.
    pub fn bypass(&self, fingerprint: &Fingerprint) {
        // Before the count, as in `clear`.
        self.remove(fingerprint);
        self.count(fingerprint).fetch_add(1, Ordering::AcqRel);
    }

    pub fn changes(&self, fingerprint: &Fingerprint) -> u64 {
        self.count(fingerprint).load(Ordering::Acquire)
    }

    fn count(&self, fingerprint: &Fingerprint) -> &AtomicU64 {
        // Cells of one line item begin alike.
        let [.., last] = fingerprint.0;
        let [zeroth, ..] = &self.changes;
        self.changes.get(usize::from(last)).unwrap_or(zeroth)
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    const CELL: Fingerprint = Fingerprint([7; 32]);

    /// Whoever knows the count of now must not find what was so before it.
    #[test]
    fn what_is_found_is_never_older_than_what_was_counted() {
        for change in [
            (|histories| histories.bypass(&CELL)) as fn(&Histories),
            Histories::clear,
        ] {
            let histories = Histories::default();
            // Each history's version is the count that it was put at.
            let change_all = || {
                for version in 0..20_000 {
                    let pasts = Arc::default();
                    histories.put(CELL, History { version, pasts });
                    change(&histories);
                }
            };
            thread::scope(|scope| {
                let changing = scope.spawn(change_all);
                while !changing.is_finished() {
                    let count = histories.changes(&CELL);
                    let found = histories.get(&CELL).map(|history| history.version);
                    let count = i64::try_from(count).unwrap();
                    let is_old = found.is_some_and(|version| version < count);
                    assert!(!is_old, "{found:?} at {count}");
                }
            });
        }
    }
}
