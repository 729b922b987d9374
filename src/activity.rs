//! Counts what happens on a connection, without looking at a clock.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

/// What happens on one connection.
#[derive(Debug, Default)]
pub struct Activity {
    /// Reads and writes that moved bytes.
    moves: AtomicU64,
    /// Requests that have begun, in total.
    begun: AtomicU64,
    /// Requests being served now.
    serving: AtomicUsize,
    /// Whether bytes have come since the last request began.
    head_begun: AtomicBool,
    http2: AtomicBool,
}

/// Counts one request as being served until it is dropped.
pub struct Serving(Arc<Activity>);

impl Activity {
    pub fn begin(self: &Arc<Self>, http2: bool) -> Serving {
        self.begun.fetch_add(1, Ordering::Relaxed);
        self.serving.fetch_add(1, Ordering::Relaxed);
        self.head_begun.store(false, Ordering::Relaxed);
        self.http2.store(http2, Ordering::Relaxed);
        Serving(self.clone())
    }

    /// Bytes were read or written.
    pub fn moved(&self, read: bool) {
        self.moves.fetch_add(1, Ordering::Relaxed);
        if read && self.serving.load(Ordering::Relaxed) == 0 {
            self.head_begun.store(true, Ordering::Relaxed);
        }
    }

    pub fn moves(&self) -> u64 {
        self.moves.load(Ordering::Relaxed)
    }

    pub fn begun(&self) -> u64 {
        self.begun.load(Ordering::Relaxed)
    }

    pub fn serving(&self) -> usize {
        self.serving.load(Ordering::Relaxed)
    }

    /// HTTP/2 sends frames that belong to no request, so bytes alone start no head there.
    pub fn head_begun(&self) -> bool {
        self.head_begun.load(Ordering::Relaxed) && !self.http2.load(Ordering::Relaxed)
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.0.serving.fetch_sub(1, Ordering::Relaxed);
    }
}
