//! Reads a bounded body: the bytes of a score, or another operation's JSON.
//! Refuses with UNSUPPORTED_MEDIA_TYPE, BODY_TOO_LARGE, REQUEST_TIMEOUT and MALFORMED_BODY.

use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue};
use http_body_util::LengthLimitError;

use crate::caller_body::{CallerBody, has_left};
use crate::error::{Cause, Code, Refusal};
use crate::handoff::{Credentialed, Outgoing};
use crate::routing::BodyKind;
use crate::score;

/// The most a body may hold, in bytes.
pub const MOST: usize = 65_536;

/// The bytes of a request's body; none where the operation takes none.
pub async fn read_body(
    credentialed: &Credentialed,
    body: &mut CallerBody,
    wait: Duration,
) -> Result<Bytes, Refusal> {
    let traced = &credentialed.routed.traced;
    match credentialed.routed.target.operation.body() {
        BodyKind::None => return Ok(Bytes::new()),
        BodyKind::OptionalJson if body.is_empty() => return Ok(Bytes::new()),
        BodyKind::OptionalJson | BodyKind::Json | BodyKind::Score => {}
    }
    check_media_type(&traced.head.headers)?;
    if declared_length(&traced.head.headers).is_some_and(|length| length > MOST as u64) {
        return Err(body_too_large());
    }
    // A body that came with its head is there once the connection is asked for it.
    let reading = traced.deadline.sooner(wait).limit_soon(body.read(MOST));
    let (read, _) = traced.trail.upload.note(reading).await;
    match read {
        Err(elapsed) => Err(
            Refusal::new(Code::RequestTimeout, "The body did not arrive in time.").because(elapsed),
        ),
        Ok(Err(cause)) => {
            if has_left(&cause) {
                traced.trail.left();
            }
            Err(unreadable(cause))
        }
        Ok(Ok(bytes)) => Ok(bytes),
    }
}

/// Any other operation's body, written anew: its value kept, nulls and tokens dropped.
pub fn rewrite_json(credentialed: Credentialed, bytes: &[u8]) -> Result<Outgoing, Refusal> {
    let body = match credentialed.routed.target.operation.body() {
        BodyKind::None | BodyKind::Score => None,
        BodyKind::OptionalJson if bytes.is_empty() => None,
        BodyKind::OptionalJson | BodyKind::Json => {
            let written = score::rewrite(bytes)
                .map_err(|fault| Refusal::new(Code::MalformedBody, fault.to_string()))?;
            Some(Bytes::from(written))
        }
    };
    Ok(Outgoing {
        credentialed,
        body,
        score: None,
    })
}

/// Answered without waiting for the body itself.
fn declared_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn unreadable(cause: Cause) -> Refusal {
    match cause.is::<LengthLimitError>() {
        true => body_too_large(),
        false => Refusal::new(
            Code::MalformedBody,
            "The body broke off, or its framing is broken.",
        )
        .because(cause),
    }
}

pub fn body_too_large() -> Refusal {
    Refusal::new(
        Code::BodyTooLarge,
        format!("A body may hold {MOST} bytes at most."),
    )
}

/// JSON in UTF-8 without a content coding, declared once: what a body-parsing upstream would make
/// of anything else is not what the policy would see.
fn check_media_type(headers: &HeaderMap) -> Result<(), Refusal> {
    let refuse =
        |description: &'static str| Err(Refusal::new(Code::UnsupportedMediaType, description));
    if headers
        .get_all(CONTENT_ENCODING)
        .iter()
        .any(|coding| !is_identity(coding))
    {
        return refuse("Send the body without a content coding.");
    }
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    match (types.next(), types.next()) {
        (Some(media_type), None) if is_json(media_type) => Ok(()),
        (None, _) => refuse("Send the header content-type: application/json."),
        _ => refuse("Send the body as content-type: application/json, in UTF-8."),
    }
}

fn is_identity(coding: &HeaderValue) -> bool {
    coding.as_bytes().eq_ignore_ascii_case(b"identity")
}

fn is_json(media_type: &HeaderValue) -> bool {
    // As nearly all callers write it.
    if media_type == "application/json" {
        return true;
    }
    let Ok(text) = media_type.to_str() else {
        return false;
    };
    let mut parts = text.split(';').map(str::trim);
    let essence = parts.next().unwrap_or_default().to_ascii_lowercase();
    let json = essence == "application/json" || is_structured_json(&essence);
    json && parts.all(is_harmless_parameter)
}

/// Any `+json` media type, such as the AGS one.
fn is_structured_json(essence: &str) -> bool {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&byte);
    essence.split_once('/').is_some_and(|(kind, subtype)| {
        let name = subtype.strip_suffix("+json").unwrap_or_default();
        !kind.is_empty() && !name.is_empty() && (kind.bytes().chain(name.bytes())).all(is_token)
    })
}

/// A charset other than UTF-8 would be decoded differently upstream; other parameters say nothing.
fn is_harmless_parameter(parameter: &str) -> bool {
    let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
    let value = value.trim().trim_matches('"');
    match name.trim().eq_ignore_ascii_case("charset") {
        true => value.eq_ignore_ascii_case("utf-8") || value.eq_ignore_ascii_case("utf8"),
        false => true,
    }
}
