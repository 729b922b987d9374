//! What becomes of an upstream that fails, and what must never be seen in an error.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]
#[allow(dead_code, unused_imports)]
mod support;

use serde_json::{Value, json};
use support::*;

/// The answer to a submission before an upstream that answers with these bytes and closes.
fn answer_to(bytes: impl AsRef<[u8]>) -> Response {
    let bytes = bytes.as_ref().to_vec();
    let upstream = Upstream::start(move |_, _| Reply::ThenClose(bytes.clone()));
    let response = Gateway::before(&upstream).submit(SCORE);
    assert_eq!(upstream.requests().len(), 1, "sent once");
    response
}

fn answer_with(status: u16, media_type: &str, body: &str) -> Response {
    match reply(status, media_type, body) {
        Reply::Bytes(bytes) => answer_to(bytes),
        _ => unreachable!(),
    }
}

#[test]
fn an_error_in_no_envelope_becomes_one() {
    let long = "x".repeat(200_000);
    for (status, media_type, body) in [
        (502, "text/html", "<html><h1>Bad Gateway</h1></html>"),
        (500, "", ""),
        (500, "application/json", ""),
        (400, "application/json", "[]"),
        (400, "application/json", r#"[{"message":"x"}]"#),
        (422, "application/json", "\"text\""),
        (422, "application/json", "null"),
        (422, "application/json", "7"),
        (404, "application/json", "{}"),
        (
            404,
            "application/json",
            r#"{"status":404,"error":"x","details":{"errors":[]}}"#,
        ),
        (404, "application/json", r#"{"errors":[]}"#),
        (400, "application/json", r#"{"details":null}"#),
        (400, "application/json", r#"{"details":"x"}"#),
        (400, "application/json", r#"{"details":{"message":7}}"#),
        (400, "application/json", r#"{"details":{"message":""}}"#),
        (400, "application/json", r#"{"details":{"message":null}}"#),
        (400, "application/json", r#"{"details":{"message":"x"}"#),
        (503, "text/html", &long),
        (429, "text/plain", "slow down"),
        (418, "text/plain", "\u{1}\u{2}\t<b>"),
        (599, "text/plain", "x"),
    ] {
        let response = answer_with(status, media_type, body);
        let shown: String = response.everything().chars().take(1_000).collect();
        assert_eq!(response.status, status, "{body}: {shown}");
        let answer = assert_envelope(&response, status, "UPSTREAM_ERROR");
        assert_eq!(answer["details"]["externalError"], true, "{shown}");
        let retryable = matches!(status, 429 | 502 | 503 | 504);
        assert_eq!(answer["details"]["retryable"], retryable, "{shown}");
    }
    let answer = answer_with(502, "text/html", "<h1>Bad Gateway</h1>").json();
    assert!(
        answer["details"]["bodyReceived"]
            .to_string()
            .contains("Bad Gateway"),
        "{answer}"
    );
}

#[test]
fn an_envelope_passes_with_its_members_completed() {
    let body = r#"{"status":404,"error":"Not Found","details":{"message":"LINEITEM_NOT_FOUND","description":"No such item.","code":"E1","errors":[{"a":1}]},"externalError":true,"externalUrl":"https://lms.example.com/x","bodyReceived":{"a":1},"bodySent":{"scoreGiven":83}}"#;
    let response = answer_with(404, "application/json", body);
    let answer = assert_envelope(&response, 404, "LINEITEM_NOT_FOUND");
    assert_eq!(answer["error"], "Not Found");
    assert_eq!(answer["details"]["description"], "No such item.");
    assert_eq!(answer["details"]["code"], "E1");
    assert_eq!(answer["details"]["errors"], json!([{"a": 1}]));
    assert_eq!(answer["externalError"], true);
    assert_eq!(answer["externalUrl"], "https://lms.example.com/x");
    assert_eq!(answer["bodyReceived"], json!({"a": 1}));
    assert!(answer.get("bodySent").is_none(), "{answer}");
}

/// LTIAAS says none, and the one that the caller used is as good as another.
#[test]
fn an_upstreams_401_names_every_scheme_that_a_caller_may_use() {
    let body = r#"{"status":401,"error":"Unauthorized","details":{"message":"SERVICE_KEY_EXPIRED","description":"The service key has expired."}}"#;
    let upstream = Upstream::start(move |_, _| reply(401, "application/json", body));
    let gateway = Gateway::before(&upstream);
    let service = format!("SERVICE-AUTH-V1 {}:s", gateway.key);
    let answer = gateway.ask(&gateway.submission(SCORE).authorization(&service));
    assert_envelope(&answer, 401, "SERVICE_KEY_EXPIRED");
    let unnamed = Request::new("POST", SCORES).json(SCORE);
    assert_eq!(
        answer.header("www-authenticate"),
        gateway.ask(&unnamed).header("www-authenticate")
    );
}

#[test]
fn members_of_the_wrong_type_are_repaired_or_dropped() {
    // What both SDKs can read: a text, a boolean, a list of objects.
    for body in [
        r#"{"status":"400","error":7,"details":{"message":"X"}}"#,
        r#"{"status":200,"error":null,"details":{"message":"X","description":null,"code":null,"errors":null}}"#,
        r#"{"status":400.5,"error":{},"details":{"message":"X","description":[],"code":7,"errors":"x"}}"#,
        r#"{"details":{"message":"X","requestId":"theirs","retryable":"yes","errors":["a",{"b":null},1]}}"#,
        r#"{"details":{"message":"X","externalError":"yes","externalUrl":7,"bodyReceived":null,"bodySent":"x"},"bodySent":"x"}"#,
        r#"{"details":{"message":"X","x":null},"y":null,"bodyReceived":{"a":null,"b":[null]}}"#,
        r#"{"error":"","details":{"message":"X","description":""}}"#,
    ] {
        let response = answer_with(400, "application/json", body);
        let answer = assert_envelope(&response, 400, "X");
        assert!(answer.get("bodySent").is_none(), "{answer}");
        assert!(
            answer["details"]
                .get("externalError")
                .is_none_or(Value::is_boolean),
            "{answer}"
        );
        assert!(
            answer["details"]
                .get("externalUrl")
                .is_none_or(Value::is_string),
            "{answer}"
        );
        assert!(
            answer["details"].get("code").is_none_or(Value::is_string),
            "{answer}"
        );
    }
}

#[test]
fn what_is_no_final_status_is_an_invalid_response() {
    for head in [
        "HTTP/1.1 302 Found\r\nlocation: https://evil.example/\r\ncontent-length: 0",
        "HTTP/1.1 307 Temporary Redirect\r\nlocation: /api/x\r\ncontent-length: 2",
        "HTTP/1.1 304 Not Modified",
        "HTTP/1.1 300 Multiple\r\ncontent-length: 0",
        "HTTP/1.1 999 Odd\r\ncontent-length: 0",
        "HTTP/1.1 600 Odd\r\ncontent-length: 0",
        "HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade",
        "HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 204 No Content",
        "HTTP/1.1 199 Odd\r\n\r\nHTTP/1.1 204 No Content",
    ] {
        let response = answer_to(format!("{head}\r\n\r\n"));
        let answer = assert_envelope(&response, 502, "UPSTREAM_INVALID_RESPONSE");
        assert_eq!(answer["details"]["retryable"], true);
        assert_eq!(response.header("location"), None);
    }
    for head in [
        "HTTP/1.1 100 Continue",
        "HTTP/1.1 103 Early Hints\r\nlink: </x>",
    ] {
        let response = answer_to(format!("{head}\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n"));
        assert_eq!(response.status, 204, "{head}: {}", response.everything());
    }
}

#[test]
fn a_broken_answer_is_a_502() {
    for bytes in [
        "",
        "\0\u{1}garbage",
        "SSH-2.0-OpenSSH_9.6\r\n",
        "HTTP/1.1 20",
        "HTTP/1.1 204 No Content\r\ncontent-",
        "HTTP/1.1 abc\r\n\r\n",
        "HTTP/1.1 000 Odd\r\n\r\n",
        "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
        "HTTP/2 200\r\n\r\n",
        "<html>\r\n\r\n",
        "HTTP/1.1 500 Error\r\ncontent-length: 100\r\n\r\n{\"details\":",
        "HTTP/1.1 400 Error\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
    ] {
        let response = answer_to(bytes);
        assert_eq!(response.status, 502, "{bytes:?}: {}", response.everything());
        let answer = envelope(&response);
        let message = answer["details"]["message"].as_str().unwrap();
        assert!(
            ["UPSTREAM_UNREACHABLE", "UPSTREAM_INVALID_RESPONSE"].contains(&message),
            "{message}"
        );
        assert_eq!(answer["details"]["retryable"], true);
    }
    let huge = format!("HTTP/1.1 200 OK\r\nx: {}\r\n\r\n", "x".repeat(1_000_000));
    assert_eq!(answer_to(huge).status, 502);
}

#[test]
fn silence_is_a_504_and_a_refused_connection_a_502() {
    let upstream = Upstream::start(|_, number| match number {
        0 => Reply::Hang,
        1 => Reply::Staged(
            b"HTTP/1.1 500 Error\r\ncontent-length: 9\r\n\r\n".to_vec(),
            Box::new(|| {
                std::thread::park();
                Vec::new()
            }),
        ),
        _ => reply(204, "", ""),
    });
    let mut settings = Settings::new(upstream.address);
    settings.upstream_lines = "answer_timeout = \"300ms\"".to_owned();
    settings.server = "request_deadline = \"1s\"".to_owned();
    let gateway = Gateway::start(&settings);
    for _ in 0..2 {
        let answer = assert_envelope(&gateway.submit(SCORE), 504, "UPSTREAM_TIMEOUT");
        assert_eq!(answer["details"]["retryable"], true);
    }
    assert_eq!(gateway.submit(SCORE).status, 204);

    let (_held, address) = refusing_address();
    let gateway = Gateway::start(&Settings::new(address));
    let response = gateway.submit(SCORE);
    let answer = assert_envelope(&response, 502, "UPSTREAM_UNREACHABLE");
    assert_eq!(answer["details"]["retryable"], true);
    assert!(!response.everything().contains(&address.port().to_string()));
}

#[test]
fn retry_after_passes_as_seconds_or_a_date_and_never_lacks() {
    for (status, given, expected) in [
        (429, Some("120"), Some("120")),
        (
            503,
            Some("Sun, 06 Nov 1994 08:49:37 GMT"),
            Some("Sun, 06 Nov 1994 08:49:37 GMT"),
        ),
        (500, Some("7"), Some("7")),
        (400, Some("soon"), None),
        (400, Some("Sun, 6 Nov 1994 08:49:37 GMT"), None),
        (400, Some("-5"), None),
        (400, Some("1.5"), None),
        (400, None, None),
    ] {
        let header = given
            .map(|given| format!("retry-after: {given}\r\n"))
            .unwrap_or_default();
        let response = answer_to(format!(
            "HTTP/1.1 {status} X\r\n{header}content-length: 0\r\n\r\n"
        ));
        envelope(&response);
        assert_eq!(
            response.header("retry-after"),
            expected,
            "{status} {given:?}"
        );
    }
    for status in [429, 503] {
        for given in ["", "retry-after: soon\r\n"] {
            let response = answer_to(format!(
                "HTTP/1.1 {status} X\r\n{given}content-length: 0\r\n\r\n"
            ));
            envelope(&response);
            let seconds = response.header("retry-after").unwrap().parse::<u32>();
            assert!(seconds.is_ok(), "{}", response.everything());
        }
    }
}

#[test]
fn a_large_error_keeps_what_matters() {
    let long = "x".repeat(65_537);
    let answer = answer_with(500, "text/plain", &long).json();
    let shown = answer["details"]["bodyReceived"].as_str().unwrap();
    assert_eq!(shown.chars().count(), 2_000);

    for body in [
        json!({"details": {"message": format!("M{}", "m".repeat(200_000)), "description": "d"}}),
        json!({"details": {"message": "MM", "description": "d".repeat(200_000)}, "error": "e".repeat(100_000)}),
        json!({"details": {"message": "MM", "description": "d"}, "bodyReceived": long, "bodySent": long}),
        json!({"details": {"message": "MM", "description": "d", "errors": vec![json!({"a": long}); 4]}}),
        json!({"details": {"message": "MM", "description": "d", "a": long, "b": [long, long]}, "c": long}),
        json!({"details": {"message": "MM", "description": "\u{1}".repeat(60_000), "code": "\u{1}".repeat(10_000)}, "error": "\u{1}".repeat(10_000)}),
    ] {
        let response = answer_with(409, "application/json", &body.to_string());
        let answer = envelope(&response);
        assert_eq!(answer["status"], 409);
        let details = &answer["details"];
        let message = details["message"].as_str().unwrap();
        assert!(message.starts_with(['M']) && message.len() > 1, "{message}");
        assert!(
            details["description"]
                .as_str()
                .unwrap()
                .starts_with(['d', '\u{1}'])
        );
    }
}

#[test]
fn the_first_faults_of_a_long_list_stay() {
    let errors: Vec<_> = (0..9_000).map(|number| json!({"row": number})).collect();
    let body = json!({"details": {"message": "ROWS", "errors": errors, "hint": "fewer"}});
    let answer = assert_envelope(
        &answer_with(400, "application/json", &body.to_string()),
        400,
        "ROWS",
    );
    let shown = answer["details"]["errors"].as_array().unwrap();
    assert!((1_000..9_000).contains(&shown.len()), "{}", shown.len());
    assert_eq!(shown[0]["row"], 0);
    assert_eq!(answer["details"]["hint"], "fewer");
}

#[test]
fn an_envelope_is_read_behind_a_mark_and_around_what_is_too_deep() {
    let deep = |levels: usize| "[".repeat(levels) + &"]".repeat(levels);
    for body in [
        "\u{feff}{\"details\":{\"message\":\"DEEP\"}}".to_owned(),
        format!(
            r#"{{"details":{{"message":"DEEP","errors":[{{"a":{}}}]}}}}"#,
            deep(200)
        ),
        format!(
            r#"{{"details":{{"message":"DEEP"}},"bodyReceived":{}}}"#,
            deep(200)
        ),
    ] {
        let answer = answer_with(400, "application/json", &body);
        assert_envelope(&answer, 400, "DEEP");
    }
}
