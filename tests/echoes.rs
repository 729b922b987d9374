//! Echoes that an upstream or an LMS has cut, grown, respelled or put where nobody looks.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]
#[allow(dead_code, unused_imports)]
mod support;

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::*;

const USER: &str = "Learner-4711-x";

/// A gateway, and an upstream that answers every request with the same error.
struct Bench {
    gateway: Gateway,
    upstream: Upstream,
    error: Arc<Mutex<(u16, String, String)>>,
}

impl Bench {
    fn new() -> Self {
        Self::with(|_| ())
    }

    fn with(change: impl FnOnce(&mut Settings)) -> Self {
        let error = Arc::new(Mutex::new((500, String::new(), String::new())));
        let script = error.clone();
        let upstream = Upstream::start(move |_, _| {
            let (status, media_type, body) = script.lock().unwrap().clone();
            reply(status, &media_type, body)
        });
        let mut settings = Settings::new(upstream.address);
        change(&mut settings);
        Self {
            gateway: Gateway::start(&settings),
            upstream,
            error,
        }
    }

    fn fails_with(&self, status: u16, media_type: &str, body: impl Into<String>) {
        *self.error.lock().unwrap() = (status, media_type.to_owned(), body.into());
    }

    /// What a submission with this comment is answered, before an upstream with this error.
    fn submit(&self, comment: &str, error: &Value) -> Response {
        self.fails_with(400, "application/json", error.to_string());
        let response = self.gateway.submit(score(comment));
        envelope(&response);
        response
    }
}

fn score(comment: &str) -> String {
    let text = |text: &str| serde_json::to_string(text).unwrap();
    score_with(&[("userId", &text(USER)), ("comment", &text(comment))])
}

/// Text without repetition, so that every piece of it is known again.
fn essay(length: usize) -> String {
    let words = (0..).map(|number| format!("word{number} "));
    let mut text: String = words.take(length / 5 + 1).collect();
    text.truncate(length);
    text
}

/// Fails where `length` characters in a row of a text are shown.
fn assert_hides(response: &Response, text: &str, length: usize) {
    let shown = response.everything();
    let letters: Vec<char> = text.chars().collect();
    for window in letters.windows(length) {
        let piece: String = window.iter().collect();
        assert!(!shown.contains(&piece), "{piece:?} in {shown}");
    }
}

#[test]
fn what_is_cut_is_redacted_before() {
    let bench = Bench::new();
    for before in 1_900..2_000 {
        let received = json!({"a": "p".repeat(before), "k": format!("{API_KEY} {LTIK}")});
        let error =
            json!({"details": {"message": "M", "description": "d"}, "bodyReceived": received});
        let response = bench.submit("nothing to say", &error);
        assert_hides(&response, API_KEY, 8);
        assert_hides(&response, LTIK, 8);
    }
}

#[test]
fn a_long_comment_is_hidden_wherever_it_is_echoed() {
    let bench = Bench::new();
    for length in [1_500, 1_990, 2_500, 10_000, 60_000] {
        let comment = essay(length);
        let echo: Value = serde_json::from_str(&score(&comment)).unwrap();
        for error in [
            json!({"details": {"message": "M"}, "bodyReceived": echo}),
            json!({"details": {"message": "M"}, "bodyReceived": echo.to_string()}),
            json!({"details": {"message": "M", "bodyReceived": echo.to_string()}}),
            json!({"details": {"message": "M", "description": format!("bad {echo}")}}),
            json!({"details": {"message": "M", "errors": [{"v": echo}]}}),
            json!({"details": {"message": "M"}, "more": echo.to_string()}),
            json!([echo]),
        ] {
            let response = bench.submit(&comment, &error);
            assert_hides(&response, &comment[..400], 24);
            assert_hides(&response, &comment[length - 400..], 24);
            assert!(!response.text().contains(USER), "{}", response.text());
        }
    }
}

#[test]
fn member_names_are_redacted_but_for_those_of_an_envelope() {
    let bench = Bench::new();
    let comment = "This is exceptional work.";
    let error = json!({
        USER: 1,
        "details": {"message": "M", "description": "d", API_KEY: "x", comment: {"x": 1}, USER: 2},
        format!("about {LTIK}"): [{USER: 1}],
    });
    let response = bench.submit(comment, &error);
    assert_envelope(&response, 400, "M");
    let shown = response.text();
    for private in [USER, API_KEY, comment, LTIK] {
        assert!(!shown.contains(private), "{private} in {shown}");
    }
}

#[test]
fn redaction_takes_time_in_proportion() {
    let bench = Bench::with(|settings| settings.server = "request_deadline = \"4s\"".to_owned());
    let hex = "6c6561726e6572".repeat(4_000);
    let learners = "TGVhcm5lci00NzExLXg= ".repeat(3_000);
    for (comment, echo) in [
        (format!("{}b", "a".repeat(30_000)), "a".repeat(64_000)),
        ("%61".repeat(20_000), "%61".repeat(21_000)),
        ("&amp;".repeat(12_000), "&amp;".repeat(12_800)),
        ("a\u{301}".repeat(20_000), "a".repeat(64_000)),
        ("<br>".repeat(15_000), "<br>".repeat(16_000)),
        ("x".to_owned(), hex),
        ("x".to_owned(), learners),
        ("ab".repeat(30_000), "ab".repeat(60_000)),
    ] {
        for (media_type, body) in [
            ("text/plain", echo.clone()),
            ("application/json", json!([{"a": echo}]).to_string()),
        ] {
            bench.fails_with(500, media_type, body);
            let started = Instant::now();
            let response = bench.gateway.submit(score(&comment));
            let start: String = echo.chars().take(20).collect();
            assert_envelope(&response, 500, "UPSTREAM_ERROR");
            // Far below the half minute that comparing at every place takes.
            assert!(
                started.elapsed() < Duration::from_secs(8),
                "{media_type} {start}: {:?}",
                started.elapsed()
            );
        }
    }
}

#[test]
fn the_learner_asked_for_is_hidden() {
    let bench = Bench::new();
    let inner = encode(&format!("{ITEM}/results?user_id={USER}&page=2"));
    for query in [
        format!("userId={USER}"),
        format!("user_id={USER}"),
        format!("url={inner}"),
        format!("url={}", encode(&inner)),
    ] {
        bench.fails_with(404, "text/plain", format!("no user {USER} here"));
        let request = bench.gateway.request("GET", &format!("{SCORES}?{query}"));
        let response = bench.gateway.ask(&request);
        assert_envelope(&response, 404, "UPSTREAM_ERROR");
        assert!(
            !response.text().contains(USER),
            "{query}: {}",
            response.text()
        );
    }
}

#[test]
fn the_address_is_hidden_as_written_in_any_case_and_as_reached() {
    let bench = Bench::new();
    let port = bench.upstream.address.port();
    let mut settings = Settings::new(bench.upstream.address);
    settings.host = Some("localhost");
    let gateway = Gateway::start(&settings);
    for address in [
        format!("localhost:{port}"),
        format!("LOCALHOST:{port}"),
        format!("127.0.0.1:{port}"),
        format!("[::1]:{port}"),
        format!("::1:{port}"),
    ] {
        bench.fails_with(
            502,
            "text/plain",
            format!("connect ECONNREFUSED {address}!"),
        );
        let response = gateway.submit(SCORE);
        assert_envelope(&response, 502, "UPSTREAM_ERROR");
        assert!(
            !response.text().contains(&port.to_string()),
            "{}",
            response.text()
        );
    }
}

#[test]
fn what_an_lms_does_to_a_comment_does_not_show_it() {
    let bench = Bench::new();
    let comment =
        "Jörg's essay: This is exceptional work,\nand\n\nhanded in at the last minute. Key7";
    for echo in [
        comment.replace('\n', "\r\n"),
        comment.replace('\n', "<br />"),
        comment.replace('\n', "<br>\n"),
        comment.replace('\n', "%0D%0A"),
        comment.replace('\n', " "),
        comment.to_uppercase(),
        format!("{}…", &comment[..40]),
        format!("…{}", &comment[30..]),
        comment.replace('ö', "&ouml;"),
        comment.replace('ö', "o\u{308}"),
    ] {
        for (media_type, body) in [
            ("text/plain", format!("LMS said: {echo}")),
            (
                "application/json",
                json!({"details": {"message": "M", "description": format!("LMS said: {echo}")}})
                    .to_string(),
            ),
        ] {
            bench.fails_with(400, media_type, body);
            let response = bench.gateway.submit(score(comment));
            let shown = response.text();
            assert!(shown.contains("LMS said"), "{shown}");
            for word in ["exceptional", "EXCEPTIONAL", "minute", "MINUTE"] {
                // A piece cut short enough to be ordinary words is not known again.
                assert!(!shown.contains(word), "{word} of {echo:?} in {shown}");
            }
        }
    }
}

#[test]
fn a_part_of_a_credential_is_hidden() {
    let bench = Bench::new();
    let ltik = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJ1c2VyIjoiTGVhcm5lci00NzExIn0.c2lnbmF0dXJlLW9mLXRoZS1sdGlr";
    let key = bench.gateway.key.clone();
    let authorization = format!("LTIK-AUTH-V2 {key}:{ltik}");
    for piece in ltik.split('.').map(str::to_owned).chain([
        key.to_lowercase(),
        key.to_uppercase(),
        API_KEY[..30].to_owned(),
        API_KEY[6..].to_owned(),
    ]) {
        bench.fails_with(500, "text/plain", format!("seen: {piece}"));
        let request = bench.gateway.submission(SCORE);
        let response = bench.gateway.ask(&request.authorization(&authorization));
        assert_envelope(&response, 500, "UPSTREAM_ERROR");
        assert!(!response.text().contains(&piece), "{}", response.text());
    }
}
