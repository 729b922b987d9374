//! Line items' own maxima, kept for a while: one changes when a teacher edits the column.

use std::time::Duration;

use quick_cache::sync::Cache;
use tokio::time::Instant;

use crate::score::Decimal;

/// Line items whose maximum is kept.
const ITEMS: usize = 10_000;

/// How long a maximum is believed.
const FRESH: Duration = Duration::from_secs(60);

/// Maxima read before, by account and normalized line item. Shared by all workers.
pub struct Maxima(Cache<Key, Kept>);

pub type Key = (Box<str>, Box<str>);

#[derive(Clone, Copy)]
struct Kept {
    read: Read,
    until: Instant,
}

#[derive(Clone, Copy)]
pub enum Read {
    Maximum(Option<Decimal>),
    /// It could not be read in passing.
    Failed,
}

impl Default for Maxima {
    fn default() -> Self {
        Self(Cache::new(ITEMS))
    }
}

impl Maxima {
    pub fn get(&self, key: &Key) -> Option<Read> {
        let kept = self.0.get(key)?;
        (Instant::now() < kept.until).then_some(kept.read)
    }

    pub fn keep(&self, key: Key, read: Read) {
        let until = Instant::now() + FRESH;
        self.0.insert(key, Kept { read, until });
    }
}
