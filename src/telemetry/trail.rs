//! What is known of one request, for its access line. Stages add facts as they learn them; the
//! line is written when the last holder lets go, so an aborted request has one too.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use http::{Method, StatusCode, Version};
use tokio::time::Instant;

use super::AccessLog;
use crate::auth::Caller;
use crate::error::Code;
use crate::request_id::RequestId;
use crate::routing::Operation;
use std::sync::Arc;

/// The facts of one request. Never a key, a token, a learner id or a comment.
#[derive(Debug)]
pub struct Trail {
    pub id: RequestId,
    pub started: Instant,
    pub method: Method,
    pub version: Version,
    pub operation: OnceLock<Operation>,
    pub caller: OnceLock<Arc<Caller>>,
    pub decision: OnceLock<&'static str>,
    pub answer: OnceLock<(StatusCode, Option<Code>)>,
    /// How long the upstream took to answer, connecting included.
    pub upstream: OnceLock<Duration>,
    bytes: AtomicU64,
    cut_short: AtomicBool,
    log: AccessLog,
}

impl Trail {
    pub fn new(id: RequestId, method: Method, version: Version, log: AccessLog) -> Self {
        Self {
            id,
            started: Instant::now(),
            method,
            version,
            operation: OnceLock::new(),
            caller: OnceLock::new(),
            decision: OnceLock::new(),
            answer: OnceLock::new(),
            upstream: OnceLock::new(),
            bytes: AtomicU64::new(0),
            cut_short: AtomicBool::new(false),
            log,
        }
    }

    /// Counts bytes of the answer's body.
    pub fn sent(&self, bytes: usize) {
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// The answer's body broke off.
    pub fn cut_short(&self) {
        self.cut_short.store(true, Ordering::Relaxed);
    }

    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    pub fn was_cut_short(&self) -> bool {
        self.cut_short.load(Ordering::Relaxed)
    }
}

impl Drop for Trail {
    fn drop(&mut self) {
        self.log.write(self);
    }
}
