//! Counts what happens on a connection, without looking at a clock.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

/// What happens on one connection.
#[derive(Debug, Default)]
pub struct Activity {
    /// Requests that have begun, in total.
    begun: AtomicU64,
    /// Answers whose head was ready, in total.
    answered: AtomicU64,
    /// Requests being served now.
    serving: AtomicUsize,
    /// Whether bytes have come since the last request began.
    head_begun: AtomicBool,
    /// Whether bytes wait that the caller doesn't take.
    blocked: AtomicBool,
    http2: AtomicBool,
    /// Whether its caller is asked to connect anew, since the gateway will end.
    leaving: AtomicBool,
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

    /// Bytes were read.
    pub fn read(&self) {
        if self.serving.load(Ordering::Relaxed) == 0 {
            self.head_begun.store(true, Ordering::Relaxed);
        }
    }

    /// Bytes could be written, or could not.
    pub fn wrote(&self, blocked: bool) {
        // Nearly always the same as before.
        if self.is_blocked() != blocked {
            self.blocked.store(blocked, Ordering::Relaxed);
        }
    }

    pub fn is_blocked(&self) -> bool {
        self.blocked.load(Ordering::Relaxed)
    }

    pub fn answered(&self) -> u64 {
        self.answered.load(Ordering::Relaxed)
    }

    pub fn begun(&self) -> u64 {
        self.begun.load(Ordering::Relaxed)
    }

    pub fn serving(&self) -> usize {
        self.serving.load(Ordering::Relaxed)
    }

    /// The gateway will end: answers ask the caller to connect anew.
    pub fn leave(&self) {
        self.leaving.store(true, Ordering::Relaxed);
    }

    /// Whether a request has come, over HTTP/2.
    pub fn is_http2(&self) -> bool {
        self.http2.load(Ordering::Relaxed)
    }

    /// HTTP/2 sends frames that belong to no request, so bytes alone start no head there.
    pub fn head_begun(&self) -> bool {
        self.head_begun.load(Ordering::Relaxed) && !self.is_http2()
    }
}

impl Serving {
    /// The head of the answer is ready.
    pub fn answer(&self) {
        self.0.answered.fetch_add(1, Ordering::Relaxed);
    }

    /// Whether the answer should be the last on its connection.
    pub fn is_last(&self) -> bool {
        self.0.leaving.load(Ordering::Relaxed)
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.0.serving.fetch_sub(1, Ordering::Relaxed);
    }
}
