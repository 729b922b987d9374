//! What real clients send and what real servers answer, byte for byte (`fixtures/wire`).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]
#[allow(dead_code, unused_imports)]
mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};
use support::*;

const RECORDED_KEY: &str = "df06d55e-0000-4121-b60f-000000000000";
const RECORDED_LTIK: &str = "eyJhbGciOiJIUzI1NiJ9.ltik.sig";
const RECORDED_SERVICE_KEY: &str = "eyJhbGciOiJIUzI1NiJ9.service.sig";

const ITEMS: &str = "/api/lineitems";
const LMS: &str = "https%3A%2F%2Flms.example.com%2Fcourse%2F1%2Flineitems%2F1";
const MOODLE: &str = "https%3A%2F%2Fmoodle.example%2Fmod%2Flti%2Fservices.php%2F2%2Flineitems%2F26%2Flineitem%3Ftype_id%3D1";
const MEMBERS: &str =
    "role=http%3A%2F%2Fpurl.imsglobal.org%2Fvocab%2Flis%2Fv2%2Fmembership%23Learner";

fn wire() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/wire")
}

fn recording(name: &str) -> Vec<u8> {
    fs::read(wire().join(format!("{name}.http"))).unwrap()
}

/// A recorded request with the caller's key where the client had its API key.
fn request(name: &str, gateway: &Gateway) -> Vec<u8> {
    let text = String::from_utf8(recording(name)).unwrap();
    let text = text.replace(RECORDED_KEY, &gateway.key);
    text.replace(" K:L\r\n", &format!(" {}:L\r\n", gateway.key))
        .into_bytes()
}

fn full() -> Value {
    json!({"userId": "5323497", "activityProgress": "Completed", "gradingProgress": "FullyGraded"})
}

fn graded(given: &str, maximum: &str) -> String {
    score_with(&[("scoreGiven", given), ("scoreMaximum", maximum)])
}

/// What each recorded request becomes: method, target and body upstream; `null` is no body.
fn forwarded() -> Vec<(&'static str, &'static str, String, String)> {
    let scores = format!("{ITEMS}/{LMS}/scores");
    let item = format!("{ITEMS}/{LMS}");
    let commented = |comment: &str| score_with(&[("comment", &json!(comment).to_string())]);
    let unicode = || {
        score_with(&[
            ("scoreGiven", "0.1"),
            ("scoreMaximum", "1"),
            ("comment", &json!("é ✓ \"q\" <b>x</b>").to_string()),
        ])
    };
    let cleared = |activity: &str, grading: &str| {
        json!({"userId": "5323497", "activityProgress": activity, "gradingProgress": grading})
            .to_string()
    };
    let numbered = |given: &str, maximum: &str| {
        score_with(&[
            ("userId", "\"42\""),
            ("scoreGiven", given),
            ("scoreMaximum", maximum),
        ])
    };
    let curl = || score_with(&[("userId", "\"1\""), ("scoreGiven", "95")]);
    let none = || "null".to_owned();
    let created = || r#"{"label":"Quiz","scoreMaximum":100,"tag":"grade"}"#.to_owned();
    let updated = || r#"{"label":"Quiz","scoreMaximum":50}"#.to_owned();
    let url = "url=https%3A%2F%2Flms.example.com%2Fcourse%2F1%2Flineitems%3Fpage%3D2";
    let rest = "resourceId=quiz-231&resourceLinkId=4&limit=5";
    let odd = format!(
        "{ITEMS}/https%3A%2F%2Flms.example.com%2Fc%2F1%2Fline%20items%2F%C3%A9~(1)'*!/scores"
    );
    let results = format!("{scores}?userId=2&limit=10&url={LMS}%2Fresults%3Fpage%3D2");
    vec![
        ("curl-json", "POST", scores.clone(), curl()),
        (
            "nd-score-full",
            "POST",
            scores.clone(),
            commented("Well done"),
        ),
        (
            "nd-score-big",
            "POST",
            scores.clone(),
            graded("12345678901234567000", "1000000000000000000000"),
        ),
        ("nd-score-inf", "POST", scores.clone(), full().to_string()),
        (
            "nd-score-moodle",
            "POST",
            format!("{ITEMS}/{MOODLE}/scores"),
            graded("83", "100"),
        ),
        (
            "nd-score-nograde",
            "POST",
            scores.clone(),
            cleared("Started", "NotReady"),
        ),
        ("nd-score-undef", "POST", scores.clone(), full().to_string()),
        (
            "nd-score-numuser",
            "POST",
            scores.clone(),
            numbered("1", "1"),
        ),
        ("nd-score-service", "POST", scores.clone(), graded("1", "1")),
        ("nd-score-unicode", "POST", odd.clone(), unicode()),
        (
            "py-score-full",
            "POST",
            scores.clone(),
            commented("Well done"),
        ),
        (
            "py-score-big",
            "POST",
            scores.clone(),
            graded("12345678901234567000", "1000000000000000000000"),
        ),
        (
            "py-score-moodle",
            "POST",
            format!("{ITEMS}/{MOODLE}/scores"),
            graded("83", "100"),
        ),
        (
            "py-score-nograde",
            "POST",
            scores.clone(),
            cleared("Started", "NotReady"),
        ),
        (
            "py-score-numuser",
            "POST",
            scores.clone(),
            numbered("7.5", "10"),
        ),
        ("py-score-service", "POST", scores.clone(), graded("1", "1")),
        ("py-score-unicode", "POST", odd, unicode()),
        ("nd-getscores", "GET", scores.clone(), none()),
        ("py-getscores", "GET", results, none()),
        ("nd-createlineitem", "POST", ITEMS.to_owned(), created()),
        ("py-createlineitem", "POST", ITEMS.to_owned(), created()),
        ("nd-updatelineitem", "PUT", item.clone(), updated()),
        ("py-updatelineitem", "PUT", item.clone(), updated()),
        ("nd-deletelineitem", "DELETE", item.clone(), none()),
        ("py-deletelineitem", "DELETE", item, none()),
        ("nd-getlineitem", "GET", format!("{ITEMS}/{MOODLE}"), none()),
        ("py-getlineitem", "GET", format!("{ITEMS}/{MOODLE}"), none()),
        (
            "nd-getlineitems",
            "GET",
            format!("{ITEMS}?tag=grade%20%26%20co&{rest}&{url}"),
            none(),
        ),
        (
            "py-getlineitems",
            "GET",
            format!("{ITEMS}?{url}&tag=grade&{rest}"),
            none(),
        ),
        (
            "nd-memberships",
            "GET",
            format!("/api/memberships?{MEMBERS}&limit=2"),
            none(),
        ),
        (
            "py-memberships",
            "GET",
            format!("/api/memberships?{MEMBERS}&limit=2"),
            none(),
        ),
        ("nd-idtoken", "GET", "/api/idtoken".to_owned(), none()),
        ("py-idtoken", "GET", "/api/idtoken".to_owned(), none()),
        ("v1-idtoken", "GET", "/api/idtoken".to_owned(), none()),
        (
            "nd-rawidtoken",
            "GET",
            "/api/idtoken?raw=true".to_owned(),
            none(),
        ),
        (
            "py-rawidtoken",
            "GET",
            "/api/idtoken?raw=true".to_owned(),
            none(),
        ),
        (
            "nd-getplatforms",
            "GET",
            "/api/platforms".to_owned(),
            none(),
        ),
    ]
}

/// The recorded requests that go no further: status, code, and the faulty members.
const REFUSED: &[(&str, u16, &str, &[&str])] = &[
    ("curl-d", 415, "UNSUPPORTED_MEDIA_TYPE", &[]),
    ("req-form", 415, "UNSUPPORTED_MEDIA_TYPE", &[]),
    ("fb-score", 422, "INVALID_SCORE", &["/scoreMaximum"]),
    (
        "nd-score-extra",
        422,
        "INVALID_SCORE",
        &["/submission/startedAt"],
    ),
    ("nd-score-nouser", 422, "INVALID_SCORE", &["/userId"]),
    ("nd-score-nulluser", 422, "INVALID_SCORE", &["/userId"]),
    ("nd-score-objuser", 422, "INVALID_SCORE", &["/userId"]),
    (
        "py-score-extra",
        422,
        "INVALID_SCORE",
        &["/scoring_user_id", "/submission/startedAt"],
    ),
    (
        "py-score-neg",
        422,
        "INVALID_SCORE",
        &["/scoreGiven", "/scoreMaximum"],
    ),
    // Its line item is `x`, which is no URL; its media type is wrong as well.
    ("fetch-noct", 400, "MALFORMED_PATH", &[]),
];

#[test]
fn every_recording_is_replayed() {
    let files = fs::read_dir(wire()).unwrap();
    let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    let recorded: BTreeSet<_> = names.map(|name| name.replace(".http", "")).collect();
    let rows = forwarded();
    let forwarded = rows.iter().map(|(name, ..)| *name);
    let replayed = forwarded
        .chain(REFUSED.iter().map(|(name, ..)| *name))
        .chain(ANSWERS.iter().map(|(name, ..)| *name))
        .chain(["fb-score-nan"]);
    let replayed: BTreeSet<_> = replayed.map(str::to_owned).collect();
    assert_eq!(recorded, replayed);
}

#[test]
fn what_clients_send_becomes_one_canonical_request() {
    let upstream = Upstream::start(|_, _| json_reply(200, "{}"));
    let gateway = Gateway::before(&upstream);
    for (name, method, target, body) in forwarded() {
        let recorded = String::from_utf8(recording(name)).unwrap();
        let response = gateway.connect().send(request(name, &gateway)).response();
        assert_eq!(response.status, 200, "{name}: {}", response.everything());
        let sent = upstream.last();
        assert_eq!(
            (sent.method(), plain(sent.target())),
            (method, target),
            "{name}"
        );
        match body.as_str() {
            "null" => assert!(sent.message.body.is_empty(), "{name}: {}", sent.body()),
            _ => assert_same(&sent.body(), &body, name),
        }
        let launch = match (
            recorded.contains("SERVICE-AUTH"),
            recorded.contains("LTIK-AUTH"),
        ) {
            (true, _) => format!("SERVICE-AUTH-V1 {API_KEY}:{RECORDED_SERVICE_KEY}"),
            (_, true) => format!("LTIK-AUTH-V2 {API_KEY}:{RECORDED_LTIK}"),
            _ => format!("Bearer {API_KEY}"),
        };
        assert_eq!(
            sent.header("authorization"),
            Some(launch.as_str()),
            "{name}"
        );
        assert_eq!(
            sent.header("host"),
            Some(upstream.address.to_string().as_str())
        );
        assert_eq!(sent.header("accept-encoding"), None);
    }
}

/// `!'()*` may be escaped or not.
fn plain(target: &str) -> String {
    let marks = [
        ("%21", "!"),
        ("%27", "'"),
        ("%28", "("),
        ("%29", ")"),
        ("%2A", "*"),
    ];
    let unescape = |target: String, (escape, mark): (&str, &str)| target.replace(escape, mark);
    marks.into_iter().fold(target.to_owned(), unescape)
}

/// Equal as JSON, and equal in the text of the numbers that matter.
fn assert_same(sent: &str, expected: &str, name: &str) {
    let value = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    assert_eq!(value(sent), value(expected), "{name}");
    for member in ["scoreGiven", "scoreMaximum"] {
        assert_eq!(number(sent, member), number(expected, member), "{name}");
    }
}

/// The text of a member's number.
fn number<'a>(body: &'a str, member: &str) -> Option<&'a str> {
    let (_, rest) = body.split_once(&format!("\"{member}\":"))?;
    rest.split([',', '}']).next()
}

#[test]
fn what_clients_get_wrong_is_refused_and_named() {
    let upstream = Upstream::accepting();
    let gateway = Gateway::before(&upstream);
    for (name, status, message, fields) in REFUSED {
        let response = gateway.connect().send(request(name, &gateway)).response();
        assert_eq!(
            response.status,
            *status,
            "{name}: {}",
            response.everything()
        );
        let body = assert_envelope(&response, *status, message);
        let errors = body["details"]["errors"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let mut found: Vec<_> = errors
            .iter()
            .map(|error| error["field"].as_str().unwrap())
            .collect();
        found.sort_unstable();
        assert_eq!(found, *fields, "{name}");
    }
    assert!(upstream.requests().is_empty());
}

#[test]
fn a_test_tools_nan_clears_the_grade() {
    let upstream = Upstream::accepting();
    let gateway = Gateway::before(&upstream);
    let response = gateway
        .connect()
        .send(request("fb-score-nan", &gateway))
        .response();
    assert_eq!(response.status, 204, "{}", response.everything());
    let mut expected = full();
    expected["userId"] = json!("2");
    expected["comment"] = json!("Well done");
    assert_eq!(upstream.only().json(), expected);
}

/// What recorded servers answer, and the code of the envelope that it becomes.
const ANSWERS: &[(&str, u16, &str)] = &[
    ("up-ex4-404", 404, "UPSTREAM_ERROR"),
    ("up-ex4-415", 415, "UPSTREAM_ERROR"),
    ("up-ex5-404", 404, "UPSTREAM_ERROR"),
    ("up-ltijs-badjson", 400, "UPSTREAM_ERROR"),
    ("up-ltijs-urierror", 400, "URIError: Failed to decode param"),
    ("up-node-400", 400, "UPSTREAM_ERROR"),
];

#[test]
fn what_servers_answer_becomes_an_envelope() {
    for (name, status, message) in ANSWERS {
        let upstream = Upstream::start(move |_, _| Reply::ThenClose(recording(name)));
        let response = Gateway::before(&upstream).submit(SCORE);
        let answer = assert_envelope(&response, *status, message);
        let foreign = *message == "UPSTREAM_ERROR";
        assert_eq!(
            answer["details"]["externalError"] == true,
            foreign,
            "{name}"
        );
        for header in [
            "x-powered-by",
            "content-security-policy",
            "access-control-allow-credentials",
        ] {
            assert_eq!(response.header(header), None, "{name}");
        }
    }
}
