//! The one place where a refusal becomes an answer. Everything below fails with `Refusal`, also
//! by panicking; nothing above ever fails. Answers INTERNAL for a panic.
//!
//! Not tower-http's `CatchPanic`: its handler sees neither the request's id, which the envelope
//! names, nor its trail (docs/decisions/0002).

use std::any::Any;
use std::convert::Infallible;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::header::{CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, Method, Response, StatusCode};
use pin_project_lite::pin_project;
use serde::Serialize;
use serde_json::{Map, Value};
use tower::{Layer, Service};

use super::Arrived;
use crate::body::Body;
use crate::error::{Code, Fault, Refusal, UpstreamAnswer, chain};
use crate::telemetry::Trail;

/// What `retry-after` says where the upstream said nothing, in seconds.
const RETRY_SECONDS: HeaderValue = HeaderValue::from_static("5");

/// The contract's limit. An upstream's envelope beyond it, which takes texts of nothing but
/// escapes, is replaced by ours.
const MOST_ENVELOPE_BYTES: usize = 128 * 1024;

/// The most faults of a score that the log names.
const MOST_TOLD: usize = 16;

#[derive(Clone)]
pub struct EnvelopeLayer;

#[derive(Clone)]
pub struct Envelope<S> {
    inner: S,
}

impl<S> Layer<S> for EnvelopeLayer {
    type Service = Envelope<S>;

    fn layer(&self, inner: S) -> Envelope<S> {
        Envelope { inner }
    }
}

impl<S> Service<Arrived> for Envelope<S>
where
    S: Service<Arrived, Response = Response<Body>, Error = Refusal>,
{
    type Response = S::Response;
    type Error = Infallible;
    type Future = Answering<S::Future>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        // Admission refuses instead of waiting, so the path is always ready.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Arrived) -> Self::Future {
        Answering {
            trail: request.traced.trail.clone(),
            is_head: request.traced.head.method == Method::HEAD,
            answer: self.inner.call(request),
        }
    }
}

pin_project! {
    /// Turns a refusal, or a panic, into an answer.
    pub struct Answering<F> {
        trail: Arc<Trail>,
        is_head: bool,
        #[pin]
        answer: F,
    }
}

impl<F> Future for Answering<F>
where
    F: Future<Output = Result<Response<Body>, Refusal>>,
{
    type Output = Result<Response<Body>, Infallible>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        // A future that panicked is not polled again: the answer below ends it.
        let polled = catch_unwind(AssertUnwindSafe(|| this.answer.poll(context)));
        let answer = match polled {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(answer)) => answer,
            Err(panic) => Err(defect(panic)),
        };
        let answer = answer.unwrap_or_else(|refusal| answer_refusal(&refusal, this.trail));
        Poll::Ready(Ok(match this.is_head {
            true => without_body(answer),
            false => answer,
        }))
    }
}

/// The panic's own text may hold what the caller sent: it is dropped here, and the log has its
/// place.
fn defect(_: Box<dyn Any + Send>) -> Refusal {
    Refusal::new(
        Code::Internal,
        "The gateway has a defect; its log has more under this request id.",
    )
}

fn answer_refusal(refusal: &Refusal, trail: &Trail) -> Response<Body> {
    report(refusal, trail);
    let _ = trail.answer.set((refusal.status(), Some(refusal.code())));
    let body = envelope_bytes(refusal, trail.id.as_str());
    let mut answer = Response::new(Body::whole(body));
    *answer.status_mut() = refusal.status();
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    for (name, value) in refusal.headers() {
        headers.insert(name, value.clone());
    }
    if refusal.status() == StatusCode::UNAUTHORIZED {
        headers.insert(WWW_AUTHENTICATE, challenge(refusal.code()));
    }
    if must_say_when(refusal.status()) {
        headers.entry(RETRY_AFTER).or_insert(RETRY_SECONDS);
    }
    answer
}

/// The answer to HEAD says how long the body would be. Over HTTP/2, hyper would send it too.
fn without_body(mut answer: Response<Body>) -> Response<Body> {
    if let Some(length) = http_body::Body::size_hint(answer.body()).exact() {
        answer.headers_mut().insert(CONTENT_LENGTH, length.into());
    }
    answer.map(|_| Body::empty())
}

/// A caller's mistake is the caller's to read; what the operator can mend is logged above INFO.
fn report(refusal: &Refusal, trail: &Trail) {
    let (code, request_id) = (refusal.code().name(), trail.id.as_str());
    let cause = refusal.cause().map(|cause| chain(&**cause));
    let cause = cause.as_deref();
    // LTIAAS's own texts may repeat what it was sent.
    let description = refusal.upstream().is_none().then(|| refusal.description());
    match refusal.code() {
        Code::Internal => {
            tracing::error!(target: "scoregate::request", code, request_id, cause, "a request met a defect");
        }
        Code::UpstreamUnreachable | Code::UpstreamInvalidResponse | Code::UpstreamTimeout => {
            tracing::warn!(target: "scoregate::request", code, request_id, cause, "LTIAAS could not be used");
        }
        Code::Overloaded => {
            tracing::warn!(target: "scoregate::request", code, request_id, cause, "a request was turned away");
        }
        _ => {
            let owner = refusal.owner();
            let (policy, rule) = (
                owner.map(|owner| &*owner.policy),
                owner.map(|owner| owner.rule),
            );
            tracing::debug!(target: "scoregate::request", code, request_id, description, faults = faults(refusal), policy, rule, cause, "a request was refused");
        }
    }
}

/// What is wrong with a score; of members that a caller made up not their names.
fn faults(refusal: &Refusal) -> Option<String> {
    let told = |fault: &Fault| match fault.is_of_known_member() {
        true => format!("{} {}", fault.field, fault.code),
        false => fault.code.to_string(),
    };
    let told: Vec<_> = refusal.faults().iter().take(MOST_TOLD).map(told).collect();
    (!told.is_empty()).then(|| told.join(", "))
}

/// One text for every cause of a 401: which scheme a caller may use, never what was wrong.
fn challenge(code: Code) -> HeaderValue {
    HeaderValue::from_static(match code {
        Code::InvalidServiceAuthorization => "SERVICE-AUTH-V1 realm=\"scoregate\"",
        Code::InvalidBearerAuthorization => "Bearer realm=\"scoregate\"",
        Code::InvalidLtikAuthorization => "LTIK-AUTH-V2 realm=\"scoregate\"",
        // Nobody named a scheme, or it was LTIAAS that refused.
        _ => {
            "LTIK-AUTH-V2 realm=\"scoregate\", SERVICE-AUTH-V1 realm=\"scoregate\", Bearer realm=\"scoregate\""
        }
    })
}

fn must_say_when(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE
    )
}

/// The contract's error body.
pub fn envelope_bytes(refusal: &Refusal, request_id: &str) -> Vec<u8> {
    let own = || to_bytes(&OwnEnvelope::of(refusal, request_id));
    let Some(answer) = refusal.upstream() else {
        return own();
    };
    let bytes = to_bytes(&upstream_envelope(answer, request_id));
    match bytes.len() > MOST_ENVELOPE_BYTES {
        true => own(),
        false => bytes,
    }
}

fn to_bytes(envelope: &impl Serialize) -> Vec<u8> {
    // Plain data into a growing buffer: this can't fail.
    serde_json::to_vec(envelope).unwrap_or_default()
}

/// An error of ours, in the order in which a person reads it.
#[derive(Serialize)]
struct OwnEnvelope<'a> {
    status: u16,
    error: &'static str,
    details: OwnDetails<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct OwnDetails<'a> {
    message: &'static str,
    description: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    policy: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<&'static str>,
    #[serde(skip_serializing_if = "<[Fault]>::is_empty")]
    errors: &'a [Fault],
    retryable: bool,
    request_id: &'a str,
}

impl<'a> OwnEnvelope<'a> {
    fn of(refusal: &'a Refusal, request_id: &'a str) -> Self {
        let (status, code) = (refusal.status(), refusal.code());
        let owner = refusal.owner();
        Self {
            status: status.as_u16(),
            error: reason(status),
            details: OwnDetails {
                message: code.name(),
                description: refusal.description(),
                policy: owner.map(|owner| &*owner.policy),
                rule: owner.map(|owner| owner.rule),
                errors: refusal.faults(),
                retryable: refusal
                    .upstream()
                    .map_or(code.retryable(), may_succeed_later),
                request_id,
            },
        }
    }
}

/// The upstream's own members, with what the contract wants beside them.
fn upstream_envelope(answer: &UpstreamAnswer, request_id: &str) -> Map<String, Value> {
    let mut envelope = answer.envelope.clone();
    envelope.insert("status".into(), answer.status.as_u16().into());
    envelope
        .entry("error")
        .or_insert_with(|| reason(answer.status).into());
    if let Some(Value::Object(details)) = envelope.get_mut("details") {
        details.insert("retryable".into(), may_succeed_later(answer).into());
        details.insert("requestId".into(), request_id.into());
    }
    envelope
}

fn may_succeed_later(answer: &UpstreamAnswer) -> bool {
    matches!(answer.status.as_u16(), 429 | 502 | 503 | 504)
}

fn reason(status: StatusCode) -> &'static str {
    status.canonical_reason().unwrap_or("Error")
}
