//! What is known of one request, for its access line and the metrics. Stages add facts as they learn them; the
//! line is written when the last holder lets go, so an aborted request has one too.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use http::request::Parts;
use http::{Method, StatusCode, Version};
use tokio::time::Instant;

use super::{AccessLog, IdHash, Recorder, Wait};
use crate::auth::{Caller, Place};
use crate::error::Code;
use crate::meter::Act;
use crate::policy::Decision;
use crate::request_id::RequestId;
use crate::routing::{Operation, Target};
use crate::trace_context::TraceContext;

/// The facts of one request. Never a key, a token, a learner id or a comment.
#[derive(Debug)]
pub struct Trail {
    pub id: RequestId,
    pub started: Instant,
    pub method: Method,
    pub version: Version,
    /// The trace it belongs to, as LTIAAS is told of it.
    pub trace: Option<TraceContext>,
    pub operation: OnceLock<Operation>,
    pub line_item: OnceLock<IdHash>,
    pub user: OnceLock<IdHash>,
    pub caller: OnceLock<Arc<Caller>>,
    /// Its caller's place, given back with the trail's end.
    pub place: OnceLock<Place>,
    /// Why its caller was not let in, which the caller is not told.
    pub reason: OnceLock<String>,
    pub decision: OnceLock<Decision>,
    pub answer: OnceLock<(StatusCode, Option<Code>)>,
    /// For the upstream's answers, connecting included.
    pub upstream: Wait,
    /// For the caller's body.
    pub upload: Wait,
    /// When the answer's head was ready, from the start.
    answered: OnceLock<Duration>,
    bytes: AtomicU64,
    cut_short: AtomicBool,
    /// The caller left within its own body: what is answered then reaches nobody.
    has_left: AtomicBool,
    #[cfg(feature = "otlp")]
    span: Option<super::OpenSpan>,
    recorder: Arc<Recorder>,
}

impl Trail {
    pub fn new(id: RequestId, head: &Parts, recorder: Arc<Recorder>) -> Self {
        let trace = TraceContext::read(&head.headers);
        #[cfg(feature = "otlp")]
        let (trace, span) = match &recorder.traces {
            Some(traces) => traces.begin(trace),
            None => (trace, None),
        };
        Self {
            id,
            started: Instant::now(),
            method: head.method.clone(),
            version: head.version,
            trace,
            operation: OnceLock::new(),
            line_item: OnceLock::new(),
            user: OnceLock::new(),
            caller: OnceLock::new(),
            place: OnceLock::new(),
            reason: OnceLock::new(),
            decision: OnceLock::new(),
            answer: OnceLock::new(),
            upstream: Wait::default(),
            upload: Wait::default(),
            answered: OnceLock::new(),
            bytes: AtomicU64::new(0),
            cut_short: AtomicBool::new(false),
            has_left: AtomicBool::new(false),
            #[cfg(feature = "otlp")]
            span,
            recorder,
        }
    }

    /// What the request is for is known.
    pub fn targets(&self, target: &Target) {
        let _ = self.operation.set(target.operation);
        if let Some(item) = &target.line_item {
            self.note_id(&self.line_item, item.normalized());
        }
    }

    /// Whose score it is is known.
    pub fn is_about(&self, user: &str) {
        self.note_id(&self.user, user);
    }

    /// A hash that no line shows isn't made.
    fn note_id(&self, place: &OnceLock<IdHash>, id: &str) {
        match self.recorder.access {
            AccessLog::Off => {}
            AccessLog::On(_) => {
                let _ = place.set(self.recorder.ids.hash(id));
            }
        }
    }

    /// The head of the answer is ready.
    pub fn answered(&self, status: StatusCode) {
        // An error's answer has been noted with its code already.
        self.answer.get_or_init(|| (status, None));
        let _ = self.answered.set(self.started.elapsed());
    }

    /// The answer that the caller was there for.
    pub fn given(&self) -> Option<&(StatusCode, Option<Code>)> {
        self.answer.get().filter(|_| !self.has_left())
    }

    /// From the request's head to the answer's, without the waits for others. None where there
    /// was no answer.
    pub fn own_time(&self) -> Option<Duration> {
        if self.has_left() {
            return None;
        }
        let waits = [&self.upstream, &self.upload].map(|wait| wait.total().unwrap_or_default());
        let waits = waits.iter().sum();
        Some(self.answered.get()?.saturating_sub(waits))
    }

    /// A policy's rule did something.
    pub fn acted(&self, act: Act) {
        self.recorder.meter.acted(act);
    }

    /// Counts bytes of the answer's body.
    pub fn sent(&self, bytes: usize) {
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// The answer's body broke off.
    pub fn cut_short(&self) {
        self.cut_short.store(true, Ordering::Relaxed);
    }

    /// The caller left within its body.
    pub fn left(&self) {
        self.has_left.store(true, Ordering::Relaxed);
    }

    fn has_left(&self) -> bool {
        self.has_left.load(Ordering::Relaxed)
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
        self.recorder.record(self);
        #[cfg(feature = "otlp")]
        if let Some(span) = self.span.take() {
            span.end(self);
        }
    }
}
