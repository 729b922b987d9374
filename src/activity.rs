//! Counts what happens on a connection, without looking at a clock.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

/// What happens on one connection.
#[derive(Debug)]
pub struct Activity {
    /// Requests that have begun, in total.
    begun: AtomicU64,
    /// Of these, the ones whose answer's head was ready, or is waited for no more.
    answered: AtomicU64,
    /// Requests being served now.
    serving: AtomicUsize,
    /// How long a request whose answer is ready may be served, in milliseconds.
    limit: AtomicU64,
    /// Whether bytes have come since the last request began.
    head_begun: AtomicBool,
    /// Whether bytes wait that the caller doesn't take.
    blocked: AtomicBool,
    /// Whether the last request came over HTTP/2, or before any, whether the next is known to.
    http2: AtomicBool,
    /// Whether its caller is asked to connect anew, since the gateway will end.
    leaving: AtomicBool,
}

/// Counts one request as being served until it is dropped.
pub struct Serving {
    activity: Arc<Activity>,
    is_answered: bool,
}

impl Activity {
    /// `limit` is for what is served before any request has brought its own.
    pub fn new(limit: Duration, http2: bool) -> Self {
        Self {
            begun: AtomicU64::new(0),
            answered: AtomicU64::new(0),
            serving: AtomicUsize::new(0),
            limit: AtomicU64::new(milliseconds(limit)),
            head_begun: AtomicBool::new(false),
            blocked: AtomicBool::new(false),
            http2: AtomicBool::new(http2),
            leaving: AtomicBool::new(false),
        }
    }

    pub fn begin(self: &Arc<Self>, http2: bool) -> Serving {
        self.begun.fetch_add(1, Ordering::Relaxed);
        self.serving.fetch_add(1, Ordering::Relaxed);
        self.head_begun.store(false, Ordering::Relaxed);
        self.http2.store(http2, Ordering::Relaxed);
        Serving {
            activity: self.clone(),
            is_answered: false,
        }
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

    /// Whether a request waits for its answer.
    pub fn is_awaited(&self) -> bool {
        self.begun() != self.answered()
    }

    /// From a request's head until its caller has to have taken the answer: the longest that one of
    /// those being served now may.
    pub fn limit(&self) -> Duration {
        Duration::from_millis(self.limit.load(Ordering::Relaxed))
    }

    fn answered_within(&self, limit: Duration) {
        let limit = milliseconds(limit);
        // Others, under another configuration, may have longer.
        match self.serving() {
            0 | 1 => self.limit.store(limit, Ordering::Relaxed),
            _ => drop(self.limit.fetch_max(limit, Ordering::Relaxed)),
        }
    }

    /// The gateway will end: answers ask the caller to connect anew.
    pub fn leave(&self) {
        self.leaving.store(true, Ordering::Relaxed);
    }

    pub fn is_http2(&self) -> bool {
        self.http2.load(Ordering::Relaxed)
    }

    /// Whether a request has come, over HTTP/2.
    pub fn has_used_http2(&self) -> bool {
        self.is_http2() && self.begun() > 0
    }

    /// Whether nothing is under way, neither way.
    pub fn is_silent(&self) -> bool {
        self.serving() == 0 && !self.is_blocked()
    }

    /// HTTP/2 sends frames that belong to no request, so bytes alone start no head there.
    pub fn head_begun(&self) -> bool {
        self.head_begun.load(Ordering::Relaxed) && !self.is_http2()
    }
}

impl Serving {
    /// The head of the answer is ready. `limit` is this request's own.
    pub fn answer(&mut self, limit: Option<Duration>) {
        if let Some(limit) = limit {
            self.activity.answered_within(limit);
        }
        self.is_answered = true;
        self.activity.answered.fetch_add(1, Ordering::Relaxed);
    }

    /// Whether the answer should be the last on its connection.
    pub fn is_last(&self) -> bool {
        self.activity.leaving.load(Ordering::Relaxed)
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        if !self.is_answered {
            self.activity.answered.fetch_add(1, Ordering::Relaxed);
        }
        self.activity.serving.fetch_sub(1, Ordering::Relaxed);
    }
}

fn milliseconds(limit: Duration) -> u64 {
    u64::try_from(limit.as_millis()).unwrap_or(u64::MAX)
}
