//! What becomes of the upstream's answer: a success passes as it is, an error in LTIAAS's own
//! envelope passes completed, and anything else is put into one.

mod repair;

use std::borrow::Cow;

use bytes::Bytes;
use http::header::{
    CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_TYPE, ETAG, LAST_MODIFIED,
    RETRY_AFTER,
};
use http::response::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use http_body_util::{BodyExt, Collected, LengthLimitError, Limited};
use serde_json::{Map, Value};

use crate::body::Body;
use crate::deadline::Deadline;
use crate::error::{Cause, Code, Refusal, UpstreamAnswer};
use crate::redact::Redactor;
use crate::routing::LaunchKind;
use crate::upstream::{Reply, ReplyBody, Unanswered};

/// The most that is read of an upstream's error, in bytes: a comment of full length in each of
/// several members, every character escaped.
const MOST_READ: usize = 512 * 1024;

/// The most that is held of a success, in bytes, where it can't be streamed.
const MOST_WHOLE: usize = 4 * 1024 * 1024;

/// What passes from upstream to the caller. Framing is ours, and so is every header not listed.
const PASSED: [HeaderName; 6] = [
    CACHE_CONTROL,
    CONTENT_ENCODING,
    CONTENT_LANGUAGE,
    CONTENT_TYPE,
    ETAG,
    LAST_MODIFIED,
];

/// Why an answer is no success.
pub enum Unsuccessful {
    /// LTIAAS rejects the account's key, not the caller's launch.
    KeyRejected,
    Refused(Refusal),
}

impl From<Refusal> for Unsuccessful {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// An error of the upstream, as far as it may be shown.
struct Failure {
    status: StatusCode,
    retry_after: Option<HeaderValue>,
    envelope: Map<String, Value>,
}

/// An error as it came.
enum Content<'a> {
    /// An object whose `details.message` is a text.
    Envelope(Map<String, Value>),
    /// Any other text, empty where there is none to read.
    Foreign(Cow<'a, str>),
}

/// Reads an answer that is no success, and sorts it.
pub async fn weigh(
    reply: Reply,
    launch: LaunchKind,
    deadline: Deadline,
    redactor: impl FnOnce() -> Redactor,
) -> Unsuccessful {
    let status = reply.head.status;
    if !(400..600).contains(&status.as_u16()) {
        return refuse_unanswered(Unanswered::Status(status)).into();
    }
    let Reply { head, body } = reply;
    let bytes = match read_error(body, deadline).await {
        Ok(bytes) => bytes,
        Err(refusal) => return with_fate_of(status, refusal).into(),
    };
    let content = read_content(&head, &bytes);
    if status == StatusCode::UNAUTHORIZED && is_about_our_key(&content, launch) {
        return Unsuccessful::KeyRejected;
    }
    let failure = Failure {
        status,
        retry_after: retry_after(&head.headers),
        envelope: show(content, &redactor()),
    };
    refuse(failure).into()
}

/// The bytes of an error, none when there are too many to be an envelope.
async fn read_error(body: ReplyBody, deadline: Deadline) -> Result<Bytes, Refusal> {
    match read_whole(body, MOST_READ, deadline).await? {
        Ok(bytes) => Ok(bytes),
        Err(cause) if cause.is::<LengthLimitError>() => Ok(Bytes::new()),
        Err(cause) => Err(Refusal::new(
            Code::UpstreamUnreachable,
            "The connection to LTIAAS broke off within its answer.",
        )
        .because(cause)),
    }
}

/// A body of `most` bytes at most, or why it can't be had. One that isn't here in time is the same as no
/// answer: a refusal.
pub async fn read_whole(
    body: ReplyBody,
    most: usize,
    deadline: Deadline,
) -> Result<Result<Bytes, Cause>, Refusal> {
    match deadline.limit(Limited::new(body, most).collect()).await {
        Ok(read) => Ok(read.map(Collected::to_bytes)),
        Err(_) => Err(refuse_unanswered(Unanswered::AnswerTimeout)),
    }
}

/// A 401 is ours on operations that carry the key alone, and wherever the description names the
/// API key; otherwise the caller's launch has expired.
fn is_about_our_key(content: &Content<'_>, launch: LaunchKind) -> bool {
    let names_key = |text: &str| {
        let text = text.to_ascii_lowercase();
        ["api key", "api_key", "apikey", "api-key"]
            .iter()
            .any(|name| text.contains(name))
    };
    let describes = |error: &Map<String, Value>| {
        let description = error
            .get("details")
            .and_then(|details| details.get("description"));
        description.and_then(Value::as_str).is_some_and(names_key)
    };
    let described = match content {
        Content::Envelope(envelope) => describes(envelope),
        // As LTIAAS's own may lack a message.
        Content::Foreign(text) => serde_json::from_str(text).is_ok_and(|error| describes(&error)),
    };
    launch == LaunchKind::KeyOnly || described
}

fn read_content<'a>(head: &Parts, bytes: &'a [u8]) -> Content<'a> {
    if head.headers.contains_key(CONTENT_ENCODING) {
        return Content::Foreign(Cow::Borrowed(""));
    }
    // Some servers begin with a byte order mark.
    let text = String::from_utf8_lossy(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes));
    match repair::read_envelope(&text) {
        Some(envelope) => Content::Envelope(envelope),
        None => Content::Foreign(text),
    }
}

/// Redacted first and cut then: what is cut is no longer recognized.
fn show(content: Content<'_>, redactor: &Redactor) -> Map<String, Value> {
    match content {
        Content::Envelope(envelope) => repair::cut(redactor.envelope(repair::repair(&envelope))),
        Content::Foreign(text) => foreign_envelope(repair::shown(&redactor.text(&text))),
    }
}

/// Seconds or an HTTP date; anything else would mislead a client.
fn retry_after(headers: &HeaderMap) -> Option<HeaderValue> {
    let value = headers.get(RETRY_AFTER)?;
    let text = value.to_str().ok()?.trim();
    let seconds =
        !text.is_empty() && text.len() <= 9 && text.bytes().all(|byte| byte.is_ascii_digit());
    (seconds || is_http_date(text)).then(|| value.clone())
}

/// `Sun, 06 Nov 1994 08:49:37 GMT`, the one form that senders may use (RFC 9110 section 5.6.7).
fn is_http_date(text: &str) -> bool {
    text.len() == "Sun, 06 Nov 1994 08:49:37 GMT".len()
        && jiff::fmt::strtime::parse("%a, %d %b %Y %H:%M:%S GMT", text).is_ok()
}

/// A success as it came, less the headers that are nobody's business.
pub fn pass_on(reply: Reply, deadline: Deadline) -> Response<Body> {
    let Reply { head, body } = reply;
    let empty = http_body::Body::is_end_stream(&body);
    let body = match empty {
        true => Body::empty(),
        false => Body::streamed(Box::pin(body.until(deadline))),
    };
    answer(&head, body)
}

/// A success that is read to its end before any of it is passed on.
pub async fn pass_on_whole(reply: Reply, deadline: Deadline) -> Result<Response<Body>, Refusal> {
    let Reply { head, body } = reply;
    let read = read_whole(body, MOST_WHOLE, deadline).await?;
    let whole = read.map_err(|cause| {
        let description = "LTIAAS's answer broke off, or is too large for an HTTP/1.0 caller.";
        // Whatever came of the body: LTIAAS has taken the request.
        Refusal::new(Code::UpstreamInvalidResponse, description)
            .of_unknown_fate()
            .because(cause)
    })?;
    Ok(answer(&head, Body::whole(whole)))
}

fn answer(head: &Parts, body: Body) -> Response<Body> {
    let mut answer = Response::new(body);
    *answer.status_mut() = head.status;
    let headers = answer.headers_mut();
    for (name, value) in &head.headers {
        if PASSED.contains(name) {
            // Of several values the first.
            headers.entry(name).or_insert_with(|| value.clone());
        }
    }
    if let Some(value) = retry_after(&head.headers) {
        headers.insert(RETRY_AFTER, value);
    }
    answer
}

/// An upstream's error as the caller gets it.
fn refuse(failure: Failure) -> Refusal {
    let Failure {
        status,
        retry_after,
        envelope,
    } = failure;
    let refusal = Refusal::new(Code::UpstreamError, "LTIAAS answered with an error.")
        .with_upstream(UpstreamAnswer { status, envelope });
    let refusal = with_fate_of(status, refusal);
    match retry_after {
        Some(value) => refusal.with_header(RETRY_AFTER, value),
        None => refusal,
    }
}

/// With 504 LTIAAS's own wait for the LMS ran out: nobody knows what the LMS has done.
fn with_fate_of(status: StatusCode, refusal: Refusal) -> Refusal {
    match status {
        StatusCode::GATEWAY_TIMEOUT => refusal.of_unknown_fate(),
        _ => refusal,
    }
}

fn foreign_envelope(received: Option<Value>) -> Map<String, Value> {
    let mut envelope = Map::new();
    let mut details = Map::new();
    details.insert("message".into(), Code::UpstreamError.name().into());
    details.insert(
        "description".into(),
        "LTIAAS, or something between it and the gateway, answered with an error that is not in its own form.".into(),
    );
    details.insert("externalError".into(), true.into());
    received.map(|received| details.insert("bodyReceived".into(), received));
    envelope.insert("details".into(), details.into());
    envelope
}

/// No answer, or none that HTTP allows.
pub fn refuse_unanswered(fault: Unanswered) -> Refusal {
    let (code, description) = match &fault {
        Unanswered::Connect(_) | Unanswered::Handshake(_) => (
            Code::UpstreamUnreachable,
            "LTIAAS could not be reached; nothing was sent.",
        ),
        Unanswered::ConnectTimeout | Unanswered::TooLate => (
            Code::UpstreamTimeout,
            "LTIAAS could not be reached in time; nothing was sent.",
        ),
        Unanswered::Unsent(_) => (
            Code::UpstreamUnreachable,
            "LTIAAS closes its connections at once; nothing was sent.",
        ),
        Unanswered::Broken(_) | Unanswered::AlreadySent => (
            Code::UpstreamUnreachable,
            "The connection to LTIAAS broke before its answer; whether it took the request is unknown.",
        ),
        Unanswered::AnswerTimeout => (
            Code::UpstreamTimeout,
            "LTIAAS did not answer in time; whether it took the request is unknown.",
        ),
        Unanswered::NotHttp(_) | Unanswered::Informational | Unanswered::Status(_) => (
            Code::UpstreamInvalidResponse,
            "LTIAAS answered with something that is no answer to this request.",
        ),
    };
    let lost = fault.may_have_arrived();
    let refusal = Refusal::new(code, description).because(fault);
    match lost {
        true => refusal.of_unknown_fate(),
        false => refusal,
    }
}
