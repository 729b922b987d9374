//! The contract's error shape, in full.

use serde_json::Value;

use super::Response;

/// Checks every promise that holds for every error, and answers with its body.
pub fn envelope(response: &Response) -> Value {
    let shown = response.everything();
    let Response { status, message } = response;
    assert!((400..600).contains(status), "no error: {shown}");
    assert_eq!(
        response.header("content-type"),
        Some("application/json"),
        "{shown}"
    );
    assert!(
        message.body.len() <= 128 * 1024,
        "{} bytes",
        message.body.len()
    );
    let body = response.json();
    assert!(body.is_object(), "{shown}");
    assert_eq!(body["status"].as_u64(), Some(u64::from(*status)), "{shown}");
    assert!(text(&body["error"]), "{shown}");
    let details = &body["details"];
    assert!(text(&details["message"]), "{shown}");
    assert!(text(&details["description"]), "{shown}");
    assert!(details["retryable"].is_boolean(), "{shown}");
    let request_id = details["requestId"].as_str();
    assert!(request_id.is_some(), "{shown}");
    assert_eq!(request_id, response.header("x-request-id"), "{shown}");
    assert!(without_nulls(&body), "a null: {shown}");
    if let Some(errors) = details.get("errors") {
        let errors = errors.as_array().expect("a list of errors");
        assert!(errors.iter().all(Value::is_object), "{shown}");
    }
    match status {
        401 => assert!(response.header("www-authenticate").is_some(), "{shown}"),
        429 | 503 => assert!(response.header("retry-after").is_some(), "{shown}"),
        405 => assert!(response.header("allow").is_some(), "{shown}"),
        _ => {}
    }
    body
}

/// An error of this status and code.
pub fn assert_envelope(response: &Response, status: u16, message: &str) -> Value {
    let body = envelope(response);
    let shown = response.everything();
    assert_eq!(
        (response.status, body["details"]["message"].as_str()),
        (status, Some(message)),
        "{shown}"
    );
    body
}

/// What a malformed message may get besides a closed connection.
pub fn assert_bodiless_or_envelope(response: &Response) {
    let Response { status, message } = response;
    assert!((400..500).contains(status), "{}", response.everything());
    if !message.body.is_empty() {
        envelope(response);
    }
}

fn text(value: &Value) -> bool {
    value.as_str().is_some_and(|text| !text.is_empty())
}

/// No member is null; what stands in a list is no member.
fn without_nulls(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.iter().all(without_nulls),
        Value::Object(members) => {
            let mut members = members.values();
            members.all(|value| !value.is_null() && without_nulls(value))
        }
        _ => true,
    }
}
