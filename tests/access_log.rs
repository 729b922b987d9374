//! What the log says of requests: one line each, ids as keyed hashes, nothing that a caller forged.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]
#[allow(dead_code, unused_imports)]
mod support;

use std::thread;
use std::time::{Duration, Instant};

use aws_lc_rs::hmac;
use jsonwebtoken::{EncodingKey, Header, encode, get_current_timestamp};
use serde_json::{Value, json};
use support::*;

const ID_KEY: &str = "0f1e2d3c4b5a69788796a5b4c3d2e1f0";
const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const SECRET: &str = "a-secret-of-more-than-thirty-two-bytes";

fn settings(upstream: &Upstream, log: &str) -> Settings {
    let mut settings = Settings::new(upstream.address);
    settings.files = vec![
        ("id-key".into(), format!("{ID_KEY}\n")),
        ("secret".into(), SECRET.into()),
    ];
    settings.log = log.to_owned();
    settings.tables = r#"
[[issuer]]
name = "idp"
account = "main"
issuer = "https://id.example"
audiences = ["scoregate"]
algorithms = ["HS256"]
secret = { file = "secret" }
allow = ["scores:write"]
"#
    .to_owned();
    settings
}

/// The access lines, once there are as many.
fn lines(gateway: &Gateway, count: usize) -> Vec<Value> {
    let started = Instant::now();
    loop {
        let log = gateway.log();
        // The last may be half written.
        let whole = log.rfind('\n').map_or("", |end| &log[..end]);
        let lines = whole
            .lines()
            .map(|line| serde_json::from_str(line).unwrap());
        let is_access = |line: &Value| line["message"] == "request";
        let lines: Vec<Value> = lines.filter(is_access).collect();
        if lines.len() >= count {
            return lines;
        }
        assert!(started.elapsed() < DEADLINE, "{count} lines wanted: {log}");
        thread::sleep(Duration::from_millis(2));
    }
}

fn hash(id: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, ID_KEY.as_bytes());
    let hash = hmac::sign(&key, id.as_bytes());
    let digits = hash.as_ref()[..8].iter();
    digits.map(|byte| format!("{byte:02x}")).collect()
}

fn numbered(request: Request, number: usize) -> Request {
    request.header("x-request-id", &format!("r{number}"))
}

#[test]
fn ids_are_hashed_with_the_configured_key() {
    let upstream = Upstream::accepting();
    let log = "format = \"json\"\nid_key = { file = \"id-key\" }";
    let gateway = Gateway::start(&settings(&upstream, log));
    let other = score_with(&[("userId", "\"somebody else\"")]);
    let results = format!("{SCORES}?userId=5323497");
    for (number, request) in [
        gateway.submission(SCORE),
        gateway.submission(SCORE),
        gateway.submission(other),
        gateway.submission("{}"),
        gateway.request("GET", &results),
    ]
    .into_iter()
    .enumerate()
    {
        gateway.ask(&numbered(request, number));
    }
    let lines = lines(&gateway, 5);
    let users: Vec<_> = lines.iter().map(|line| line["user"].clone()).collect();
    let (known, other) = (hash("5323497"), hash("somebody else"));
    let wanted = [Some(&known), Some(&known), Some(&other), None, None];
    assert_eq!(json!(users), json!(wanted));
    for line in &lines {
        assert_eq!(line["line_item"], json!(hash(ITEM)), "{line}");
    }
    assert!(!gateway.log().contains("5323497"));
}

#[test]
fn without_a_key_each_start_has_its_own() {
    let upstream = Upstream::accepting();
    let user = || {
        let gateway = Gateway::start(&settings(&upstream, "format = \"json\""));
        gateway.ask(&numbered(gateway.submission(SCORE), 0));
        lines(&gateway, 1)[0]["user"].clone()
    };
    let (one, other) = (user(), user());
    assert!(one.is_string());
    assert_ne!(one, other);
}

#[test]
fn a_valid_trace_goes_on_and_an_invalid_one_ends() {
    let upstream = Upstream::accepting();
    let gateway = Gateway::start(&settings(&upstream, "format = \"json\""));
    let traced = |parents: &[&str]| {
        let request = gateway.submission(SCORE).header("tracestate", "a=1");
        let request = request.header("tracestate", "b=2");
        parents.iter().fold(request, |request, parent| {
            request.header("traceparent", parent)
        })
    };
    let invalid = PARENT.to_uppercase();
    let upper = [invalid.as_str()];
    let sent: Vec<&[&str]> = vec![&[PARENT], &[], &upper, &[PARENT, PARENT]];
    for (number, parents) in sent.iter().enumerate() {
        gateway.ask(&numbered(traced(parents), number));
    }
    let lines = lines(&gateway, sent.len());
    assert_eq!(lines[0]["trace_id"], PARENT[3..35]);
    let received = upstream.requests();
    assert_eq!(received[0].header("traceparent"), Some(PARENT));
    assert_eq!(received[0].header("tracestate"), Some("a=1,b=2"));
    for (line, request) in lines.iter().zip(&received).skip(1) {
        assert_eq!(line["trace_id"], Value::Null);
        assert_eq!(request.header("traceparent"), None);
        assert_eq!(request.header("tracestate"), None);
    }
}

/// A token whose holder is named by somebody who wants to write in our log.
fn token(subject: &str) -> String {
    let claims = json!({
        "iss": "https://id.example", "aud": "scoregate", "sub": subject,
        "exp": get_current_timestamp() + 600,
    });
    let key = EncodingKey::from_secret(SECRET.as_bytes());
    encode(&Header::default(), &claims, &key).unwrap()
}

#[test]
fn no_caller_can_forge_a_line_or_a_member() {
    let upstream = Upstream::accepting();
    for format in ["text", "json"] {
        let log = format!("format = \"{format}\"\nlevel = \"trace\"");
        let gateway = Gateway::start(&settings(&upstream, &log));
        let names = [
            "x status=999",
            "x\" status=999",
            "x\nforged",
            "x\r\nforged",
            "x\u{1b}[31mforged",
            "x\u{2028}forged",
            "x\u{202e}999=sutats",
        ];
        for name in names {
            let authorization = format!("LTIK-AUTH-V2 {}:{LTIK}", token(name));
            gateway.ask(&gateway.submission(SCORE).authorization(&authorization));
        }
        for id in ["a status=999", "a\tforged", "\"forged"] {
            gateway.ask(&gateway.submission(SCORE).header("x-request-id", id));
        }
        gateway.ask(&Request::new("X|`*", SCORES));
        gateway.ask(&numbered(gateway.submission(SCORE), 0));
        gateway.wait_for_log("r0");
        let log = gateway.log();
        assert!(
            format == "json" || log.contains(" method=\"X|`*\" "),
            "{log}"
        );
        for line in log.lines() {
            let plain = |letter: char| !letter.is_control() && letter != '\u{202e}';
            // JSON may hold any letter but control characters as it is.
            let json = format == "json" && serde_json::from_str::<Value>(line).is_ok();
            assert!(json || line.chars().all(plain), "{line:?}");
            assert!(!line.starts_with("forged"), "{line}");
            let words = line.split(' ');
            assert!(words.clone().all(|word| word != "status=999"), "{line}");
        }
    }
}

#[test]
fn a_line_says_why_a_caller_was_not_let_in_and_the_answer_does_not() {
    let upstream = Upstream::accepting();
    let gateway = Gateway::start(&settings(&upstream, "format = \"json\""));
    let mut answers = Vec::new();
    for (number, authorization) in [
        "LTIK-AUTH-V2 sgk_nobody:ltik",
        "LTIK-AUTH-V2 neither-key-nor-token:ltik",
        "LTIK-AUTH-V2 no-colon",
    ]
    .iter()
    .enumerate()
    {
        let request = Request::new("GET", "/api/idtoken").authorization(authorization);
        let answer = gateway.ask(&request.header("x-request-id", &number.to_string()));
        answers.push(answer.text().replace(&format!("\"{number}\""), "_"));
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:?}");
    let lines = lines(&gateway, 3);
    let reasons: Vec<_> = lines.iter().map(|line| line["reason"].as_str()).collect();
    assert_eq!(
        reasons,
        [
            Some("the gateway key is unknown"),
            Some("the credential is neither a gateway key nor a token"),
            Some("the authorization header does not have its scheme's form"),
        ]
    );
}

#[test]
fn a_callers_mistake_is_never_above_info() {
    let upstream = Upstream::start(|_, _| json_reply(400, r#"{"details":{"message":"X"}}"#));
    let log = "format = \"json\"\nlevel = \"trace\"";
    let gateway = Gateway::start(&settings(&upstream, log));
    let submission = |body: &str| gateway.submission(body);
    let requests = [
        submission(SCORE),
        submission("{}"),
        submission("nonsense"),
        submission(SCORE).authorization("Bearer sgk_nobody"),
        submission(SCORE).authorization("LTIK-AUTH-V2 e30.e30.e30:x"),
        submission(SCORE).without("authorization"),
        submission(SCORE).without("content-type"),
        submission(&" ".repeat(70_000)),
        Request::new("POST", "/%2e%2e/x"),
        Request::new("GET", "/nothing"),
        Request::new("DELETE", SCORES),
    ];
    let count = requests.len();
    for (number, request) in requests.into_iter().enumerate() {
        let status = gateway.ask(&numbered(request, number)).status;
        assert!((400..500).contains(&status), "{number}: {status}");
    }
    assert_eq!(lines(&gateway, count).len(), count);
    let faults = "/userId REQUIRED, /activityProgress REQUIRED, /gradingProgress REQUIRED";
    assert!(gateway.log().contains(faults), "{}", gateway.log());
    // A warning of the configuration itself is no caller's.
    for line in gateway
        .log()
        .lines()
        .filter(|line| line.contains("request"))
    {
        let line: Value = serde_json::from_str(line).unwrap();
        assert!(
            !["WARN", "ERROR"].contains(&line["level"].as_str().unwrap()),
            "{line}"
        );
    }
}

/// Waits for the one request that went this way.
fn wait_for_outcome(gateway: &Gateway, outcome: &str) {
    let labels = [("outcome", outcome)];
    Metrics::wait_for(gateway, "scoregate_requests_total", &labels, 1.0);
    Metrics::wait_for(gateway, "scoregate_requests_total", &[], 1.0);
}

#[test]
fn a_caller_that_leaves_within_the_answer_is_no_success() {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";
    let [declared, chunked] = ["content-length: 1000000000", "transfer-encoding: chunked"];
    for (framing, more) in [
        (declared, " ".repeat(100_000)),
        (chunked, format!("186a0\r\n{}\r\n", " ".repeat(100_000))),
    ] {
        let first = format!("{head}{framing}\r\n\r\n");
        let upstream = Upstream::start(move |_, _| {
            let (first, more) = (first.clone().into_bytes(), more.clone().into_bytes());
            Reply::Endless(first, more, Duration::ZERO)
        });
        let gateway = Gateway::start(&settings(&upstream, "format = \"json\""));
        let mut client = gateway.connect();
        let request = gateway.request("GET", "/api/memberships");
        client.send(request.bytes());
        client.some().unwrap();
        drop(client);
        wait_for_outcome(&gateway, "cut_short");
        let line = lines(&gateway, 1).remove(0);
        assert_eq!(
            (&line["status"], &line["cut_short"]),
            (&json!(200), &json!(true))
        );
    }
}

/// The head of a submission whose body is to come.
fn head_of_upload(gateway: &Gateway, name: &str, value: &str) -> Vec<u8> {
    let request = gateway.request("POST", SCORES).header(name, value);
    request.header("Content-Type", "application/json").bytes()
}

#[test]
fn a_caller_that_leaves_within_its_upload_has_no_status() {
    let upstream = Upstream::accepting();
    for (name, value, part) in [
        ("Content-Length", "100", "{\"userId\""),
        ("Transfer-Encoding", "chunked", "9\r\n{\"userId\"\r\n"),
    ] {
        let gateway = Gateway::start(&settings(&upstream, "format = \"json\""));
        let mut client = gateway.connect();
        client
            .send(head_of_upload(&gateway, name, value))
            .send(part);
        drop(client);
        wait_for_outcome(&gateway, "aborted");
        let line = lines(&gateway, 1).remove(0);
        assert_eq!(line["operation"], "submit_score");
        assert_eq!(
            (&line["status"], &line["code"]),
            (&Value::Null, &Value::Null)
        );
    }
}

#[test]
fn an_upload_that_is_malformed_is_answered_and_counted_so() {
    let upstream = Upstream::accepting();
    let gateway = Gateway::start(&settings(&upstream, "format = \"json\""));
    let head = head_of_upload(&gateway, "Transfer-Encoding", "chunked");
    let mut client = gateway.connect();
    client.send(head).send("no size\r\n");
    assert_envelope(&client.response(), 400, "MALFORMED_BODY");
    wait_for_outcome(&gateway, "MALFORMED_BODY");
}
