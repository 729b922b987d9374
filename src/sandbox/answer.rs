//! The answers LTIAAS gives: JSON, its error envelope, and the HTML of the Express below it.

use bytes::Bytes;
use http::header::{ALLOW, CONTENT_SECURITY_POLICY, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use serde::Serialize;
use serde_json::{Value, json};

/// An answer whose whole body is at hand.
pub type Answer = Response<Bytes>;

const POWERED_BY: HeaderName = HeaderName::from_static("x-powered-by");
const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");
const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");

/// A success with a JSON body. Number text in raw values stays as it is.
pub fn json(status: StatusCode, body: &impl Serialize) -> Answer {
    match serde_json::to_vec(body) {
        Ok(text) => with_type(status, JSON, text),
        Err(_) => html(StatusCode::INTERNAL_SERVER_ERROR),
    }
}

/// A success without a body.
pub fn no_content() -> Answer {
    plain(StatusCode::NO_CONTENT, Bytes::new())
}

/// An error in LTIAAS's shape.
pub fn envelope(status: StatusCode, message: &str, description: &str) -> Answer {
    envelope_with(status, message, description, json!({}))
}

/// An error in LTIAAS's shape, with more members in its `details`.
pub fn envelope_with(
    status: StatusCode,
    message: &str,
    description: &str,
    mut details: Value,
) -> Answer {
    if let Some(members) = details.as_object_mut() {
        members.insert("message".into(), message.into());
        members.insert("description".into(), description.into());
    }
    json(status, &wrapped(status, details))
}

/// What an escape that can't be decoded is answered with: the one envelope without a description.
pub fn undecodable() -> Answer {
    let details = json!({ "message": "URIError: Failed to decode param" });
    json(
        StatusCode::BAD_REQUEST,
        &wrapped(StatusCode::BAD_REQUEST, details),
    )
}

fn wrapped(status: StatusCode, details: Value) -> Value {
    json!({ "status": status.as_u16(), "error": reason(status), "details": details })
}

/// Express's own error page, which says no more than the status does.
pub fn html(status: StatusCode) -> Answer {
    page(status, reason(status))
}

/// Express's answer to a route that it doesn't have.
pub fn cannot(method: &str, path: &str) -> Answer {
    page(
        StatusCode::NOT_FOUND,
        &format!("Cannot {method} {}", escaped(path)),
    )
}

/// Express's answer to OPTIONS.
pub fn options(allow: &str) -> Answer {
    let body = Bytes::copy_from_slice(allow.as_bytes());
    let mut answer = with_type(StatusCode::OK, HTML, body);
    if let Ok(allow) = HeaderValue::from_str(allow) {
        answer.headers_mut().insert(ALLOW, allow);
    }
    answer
}

fn page(status: StatusCode, text: &str) -> Answer {
    let body = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <title>Error</title>\n</head>\n<body>\n<pre>{text}</pre>\n</body>\n</html>\n"
    );
    let mut answer = with_type(status, HTML, body);
    let headers = answer.headers_mut();
    headers.insert(
        CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'"),
    );
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    answer
}

fn with_type(status: StatusCode, kind: HeaderValue, body: impl Into<Bytes>) -> Answer {
    let mut answer = plain(status, body.into());
    answer.headers_mut().insert(CONTENT_TYPE, kind);
    answer
}

fn plain(status: StatusCode, body: Bytes) -> Answer {
    let mut answer = Answer::new(body);
    *answer.status_mut() = status;
    let express = HeaderValue::from_static("Express");
    answer.headers_mut().insert(POWERED_BY, express);
    answer
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}

pub fn reason(status: StatusCode) -> &'static str {
    status.canonical_reason().unwrap_or("Unknown")
}
