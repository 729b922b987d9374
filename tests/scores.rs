//! The scores route: a body in, a status and an upstream body out. Each row of the contract's
//! table of members, and of the reference's normalization cases.
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

struct Bench {
    upstream: Upstream,
    gateway: Gateway,
}

impl Bench {
    fn new() -> Self {
        let upstream = Upstream::accepting();
        let gateway = Gateway::before(&upstream);
        Self { upstream, gateway }
    }

    /// The body that a good submission becomes.
    fn forwarded(&self, body: &str) -> String {
        let before = self.upstream.requests().len();
        let response = self.gateway.submit(body);
        assert_eq!(response.status, 204, "{body}\n{}", response.everything());
        assert_eq!(self.upstream.requests().len(), before + 1, "{body}");
        let request = self.upstream.last();
        assert_eq!(request.header("content-type"), Some("application/json"));
        assert_eq!(request.target(), SCORES);
        request.body()
    }
}

#[test]
fn a_score_is_forwarded_once_and_its_answer_passed_on() {
    let bench = Bench::new();
    let response = bench.gateway.submit(SCORE);
    assert_eq!(response.status, 204, "{}", response.everything());
    assert_eq!(response.header("scoregate-decision"), Some("forwarded"));
    assert_eq!(response.header("scoregate-rules"), None);
    let request = bench.upstream.only();
    assert_eq!((request.method(), request.target()), ("POST", SCORES));
    assert_eq!(
        request.json(),
        serde_json::from_str::<Value>(SCORE).unwrap()
    );
}

#[test]
fn each_member_becomes_its_canonical_form() {
    let bench = Bench::new();
    // Member, as given, as it leaves; empty where it is absent.
    for (name, given, leaves) in [
        ("scoreGiven", "83.0", "83"),
        ("scoreGiven", "83", "83"),
        ("scoreGiven", "0", "0"),
        ("scoreGiven", "-0.0", "0"),
        ("scoreGiven", "-0", "0"),
        ("scoreGiven", "8.50", "8.5"),
        ("scoreGiven", "110", "110"),
        ("scoreGiven", "0.30000000000000004", "0.30000000000000004"),
        ("scoreGiven", "9007199254740993", "9007199254740993"),
        ("scoreGiven", "1e2", "100"),
        ("scoreGiven", "1E-3", "0.001"),
        ("scoreGiven", "12345678901234567000", "12345678901234567000"),
        (
            "scoreGiven",
            "1.2345678901234567e+19",
            "12345678901234567000",
        ),
        (
            "scoreGiven",
            "1234567890123456789012345678",
            "1234567890123456789012345678",
        ),
        ("scoreMaximum", "1e+21", "1000000000000000000000"),
        ("scoreGiven", r#""83""#, "83"),
        ("scoreGiven", r#""8.5""#, "8.5"),
        ("scoreGiven", r#""0""#, "0"),
        ("scoreMaximum", r#""100.0""#, "100"),
        ("activityProgress", r#""Initiated""#, r#""Initialized""#),
        ("activityProgress", r#""Initialized""#, r#""Initialized""#),
        ("activityProgress", r#""initiated""#, r#""Initialized""#),
        ("activityProgress", r#""completed""#, r#""Completed""#),
        ("activityProgress", r#""COMPLETED""#, r#""Completed""#),
        ("activityProgress", r#""in_progress""#, r#""InProgress""#),
        ("activityProgress", r#""in-progress""#, r#""InProgress""#),
        ("activityProgress", r#""Started""#, r#""Started""#),
        ("activityProgress", r#""Submitted""#, r#""Submitted""#),
        ("gradingProgress", r#""fully_graded""#, r#""FullyGraded""#),
        ("gradingProgress", r#""FULLY-GRADED""#, r#""FullyGraded""#),
        (
            "gradingProgress",
            r#""pending_manual""#,
            r#""PendingManual""#,
        ),
        ("gradingProgress", r#""notready""#, r#""NotReady""#),
        ("gradingProgress", r#""Failed""#, r#""Failed""#),
        ("gradingProgress", r#""Pending""#, r#""Pending""#),
        ("userId", "42", r#""42""#),
        ("userId", "9007199254740993", r#""9007199254740993""#),
        ("userId", r#"" 7 ""#, r#"" 7 ""#),
        ("comment", "null", ""),
        ("comment", r#""Well done""#, r#""Well done""#),
        ("comment", r#""""#, r#""""#),
        (
            "comment",
            r#""\u00e9 \u2713 <b>x</b>""#,
            r#""é ✓ <b>x</b>""#,
        ),
        ("scoringUserId", r#""9""#, r#""9""#),
        ("ltik", r#""EVIL""#, ""),
        ("id_token", r#""EVIL""#, ""),
        ("id_token", r#"{"a":[1]}"#, ""),
    ] {
        let body = bench.forwarded(&score_with(&[(name, given)]));
        let member: Value = serde_json::from_str(&body).unwrap();
        match leaves {
            "" => assert!(member.get(name).is_none(), "{name} {given}: {body}"),
            _ => assert!(ends_member(&body, name, leaves), "{name} {given}: {body}"),
        }
    }
}

/// Whether a member has exactly this text as its value.
fn ends_member(body: &str, name: &str, value: &str) -> bool {
    [",", "}"]
        .iter()
        .any(|end| body.contains(&format!("\"{name}\":{value}{end}")))
}

#[test]
fn null_is_absent() {
    let bench = Bench::new();
    for given in [
        score_with(&[("scoreGiven", "null"), ("scoreMaximum", "null")]),
        score_with(&[("scoreGiven", "null")]),
        score_with(&[("scoreGiven", "")]),
        score_with(&[("scoreGiven", ""), ("scoreMaximum", "")]),
    ] {
        let body: Value = serde_json::from_str(&bench.forwarded(&given)).unwrap();
        let expected = json!({"userId": "5323497", "activityProgress": "Completed", "gradingProgress": "FullyGraded"});
        assert_eq!(body, expected, "{given}");
    }
}

#[test]
fn an_extension_keeps_its_value_and_the_spelling_of_its_numbers() {
    let bench = Bench::new();
    let name = "https://canvas.instructure.com/lti/submission";
    let value = r#"{"new_submission": false, "n": 1.50, "big": 123456789012345678901234567890123, "list": [null, -0.0, "x"]}"#;
    let body = bench.forwarded(&score_with(&[(name, value)]));
    for kept in ["1.50", "123456789012345678901234567890123", "-0.0", "null"] {
        assert!(body.contains(kept), "{kept}: {body}");
    }
    let sent: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(sent[name]["list"][2], "x");
    bench.forwarded(&score_with(&[("http://example.com/x", "[1]")]));
}

#[test]
fn times_leave_as_the_same_instant() {
    let bench = Bench::new();
    let submission =
        r#"{"startedAt":"2017-04-16T18:00:00+02:00","submittedAt":"2017-04-16T16:54:36.736Z"}"#;
    let body = bench.forwarded(&score_with(&[("submission", submission)]));
    let sent: Value = serde_json::from_str(&body).unwrap();
    for (name, expected) in [
        ("startedAt", "2017-04-16T16:00:00Z"),
        ("submittedAt", "2017-04-16T16:54:36.736Z"),
    ] {
        let sent: jiff::Timestamp = sent["submission"][name].as_str().unwrap().parse().unwrap();
        assert_eq!(sent, expected.parse().unwrap(), "{name}");
    }
    let last = "9999-12-31T23:59:59Z";
    let submission = format!("{{\"submittedAt\":\"{last}\"}}");
    let body = bench.forwarded(&score_with(&[("submission", &submission)]));
    let sent: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(sent["submission"]["submittedAt"], last);
    let given = "2026-01-31T23:59:59.5-05:00";
    let body = bench.forwarded(&score_with(&[("timestamp", &format!("\"{given}\""))]));
    let sent: Value = serde_json::from_str(&body).unwrap();
    if let Some(sent) = sent.get("timestamp") {
        let sent: jiff::Timestamp = sent.as_str().unwrap().parse().unwrap();
        assert_eq!(sent, given.parse().unwrap());
    }
}
