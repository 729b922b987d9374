//! The histories of hot cells, so that judging reads nothing from the database. Bounded by size.

use std::sync::Arc;

use quick_cache::Weighter;
use quick_cache::sync::Cache;

use super::cell::Fingerprint;
use crate::policy::Past;

/// About as many bytes as all cached histories have together.
const ROOM: u64 = 64 * 1024 * 1024;

/// What a past takes beside its comment.
const PAST_SIZE: usize = 320;

#[derive(Clone)]
pub struct History {
    /// The sequence of its last entry; 0 without any.
    pub version: i64,
    pub pasts: Arc<Vec<Past>>,
}

pub struct Histories(Cache<Fingerprint, History, Size>);

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
        Self(Cache::with_weighter(16_384, ROOM, Size))
    }
}

impl Histories {
    pub fn get(&self, fingerprint: &Fingerprint) -> Option<History> {
        self.0.get(fingerprint)
    }

    pub fn put(&self, fingerprint: Fingerprint, history: History) {
        self.0.insert(fingerprint, history);
    }

    pub fn remove(&self, fingerprint: &Fingerprint) {
        self.0.remove(fingerprint);
    }

    pub fn clear(&self) {
        self.0.clear();
    }
}
