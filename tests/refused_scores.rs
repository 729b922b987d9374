//! Scores that go no further: faults, bodies that are no score, sizes, media types, policy.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]
#[allow(dead_code, unused_imports)]
mod support;

use serde_json::Value;
use support::*;

struct Bench {
    upstream: Upstream,
    gateway: Gateway,
}

impl Bench {
    fn new() -> Self {
        Self::with("")
    }

    fn with(tables: &str) -> Self {
        let upstream = Upstream::accepting();
        let mut settings = Settings::new(upstream.address);
        settings.tables = tables.to_owned();
        let gateway = Gateway::start(&settings);
        Self { upstream, gateway }
    }

    /// The error that a bad submission gets; nothing goes upstream.
    fn refused(&self, body: impl Into<Vec<u8>>, status: u16, message: &str) -> Value {
        let body = body.into();
        let shown: String = String::from_utf8_lossy(&body).chars().take(300).collect();
        let before = self.upstream.requests().len();
        let response = self.gateway.submit(body);
        assert_eq!(
            response.status,
            status,
            "{shown}\n{}",
            response.everything()
        );
        assert_eq!(response.header("scoregate-decision"), Some("refused"));
        assert_eq!(self.upstream.requests().len(), before, "{shown}");
        assert_envelope(&response, status, message)
    }

    /// The pointers and codes of a score's faults.
    fn faults(&self, body: &str) -> Vec<(String, String)> {
        let body = self.refused(body, 422, "INVALID_SCORE");
        let errors = body["details"]["errors"].as_array().expect("errors");
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        for error in errors {
            let message = text(&error["message"]);
            assert!(
                message.ends_with(['.', '?']) && message.contains(' '),
                "{message}"
            );
        }
        let pairs = errors.iter();
        pairs
            .map(|error| (text(&error["field"]), text(&error["code"])))
            .collect()
    }
}

#[test]
fn each_faulty_member_is_pointed_at() {
    let bench = Bench::new();
    for (name, given) in [
        ("userId", ""),
        ("userId", "null"),
        ("userId", r#""""#),
        ("userId", r#"{"a":1}"#),
        ("userId", "[1]"),
        ("userId", "true"),
        ("userId", "1.5"),
        ("activityProgress", ""),
        ("activityProgress", "null"),
        ("activityProgress", r#""Done""#),
        ("activityProgress", "1"),
        ("gradingProgress", ""),
        ("gradingProgress", r#""Graded""#),
        ("scoreGiven", "-1"),
        ("scoreGiven", "-1e-9"),
        ("scoreGiven", r#""8,5""#),
        ("scoreGiven", r#""N/A""#),
        ("scoreGiven", r#""""#),
        ("scoreGiven", r#"" 83""#),
        ("scoreGiven", r#""1e2""#),
        ("scoreGiven", r#""+83""#),
        ("scoreGiven", r#""-1""#),
        ("scoreGiven", r#""NaN""#),
        ("scoreGiven", "[83]"),
        ("scoreGiven", "true"),
        ("scoreGiven", "1e400"),
        ("scoreGiven", "1e29"),
        ("scoreGiven", "1e-29"),
        ("scoreGiven", "12345678901234567890123456789"),
        ("scoreGiven", "1e999999999999"),
        ("scoreMaximum", "0"),
        ("scoreMaximum", "-5"),
        ("scoreMaximum", ""),
        ("scoreMaximum", "null"),
        ("comment", "1"),
        ("scoringUserId", r#""""#),
        ("scoringUserId", "9"),
        ("timestamp", r#""2017-04-16""#),
        ("timestamp", r#""2017-04-16T18:54:36""#),
        ("timestamp", r#""2017-04-16T18:54Z""#),
        ("timestamp", r#""2017-02-30T18:54:36Z""#),
        ("timestamp", "1492368876"),
        ("submission", r#""x""#),
    ] {
        let faults = bench.faults(&score_with(&[(name, given)]));
        let fields: Vec<_> = faults.iter().map(|(field, _)| field.as_str()).collect();
        assert_eq!(fields, [format!("/{name}")], "{name}: {given}");
    }
    for (given, field) in [
        (r#"{"startedAt":"a"}"#, "/submission/startedAt"),
        (r#"{"submittedAt":1}"#, "/submission/submittedAt"),
    ] {
        let faults = bench.faults(&score_with(&[("submission", given)]));
        assert_eq!(faults.len(), 1, "{given}: {faults:?}");
        assert_eq!(faults[0].0, field);
    }
}

#[test]
fn an_unknown_member_is_refused_with_the_one_that_was_meant() {
    let bench = Bench::new();
    for (name, meant) in [
        ("scoregiven", "scoreGiven"),
        ("score_given", "scoreGiven"),
        ("scoring_user_id", "scoringUserId"),
        ("user_id", "userId"),
    ] {
        let body = score_with(&[(name, "1")]);
        let answer = bench.refused(body.clone(), 422, "INVALID_SCORE");
        assert_eq!(
            bench.faults(&body),
            [(format!("/{name}"), "UNKNOWN_MEMBER".to_owned())]
        );
        let sentence = answer["details"]["errors"][0]["message"].as_str().unwrap();
        assert!(sentence.contains(meant), "{sentence}");
    }
    let nested = score_with(&[("submission", r#"{"submitted_at":"2017-04-16T18:54:36Z"}"#)]);
    let unknown = "UNKNOWN_MEMBER".to_owned();
    assert_eq!(
        bench.faults(&nested),
        [("/submission/submitted_at".to_owned(), unknown.clone())]
    );
    // A pointer escapes what it must.
    assert_eq!(
        bench.faults(&score_with(&[("a~b/c", "1")])),
        [("/a~0b~1c".to_owned(), unknown)]
    );
}

#[test]
fn unknown_members_are_dropped_where_the_configuration_says_so() {
    let bench = Bench::with("[scores]\nunknown_members = \"drop\"");
    let body = score_with(&[("scoring_user_id", "9"), ("submission", r#"{"x":1}"#)]);
    assert_eq!(bench.gateway.submit(body).status, 204);
    let sent = bench.upstream.only().json();
    assert_eq!(sent, serde_json::from_str::<Value>(SCORE).unwrap());
}

#[test]
fn all_faults_are_told_at_once() {
    let bench = Bench::new();
    let body = r#"{"userId":null,"activityProgress":"x","scoreGiven":-1,"scoreMaximum":0,"comment":7,"timestamp":"y","submission":{"startedAt":"z","foo":1},"bar":2}"#;
    let faults = bench.faults(body);
    let mut fields: Vec<_> = faults.iter().map(|(field, _)| field.as_str()).collect();
    fields.sort_unstable();
    let expected = [
        "/activityProgress",
        "/bar",
        "/comment",
        "/gradingProgress",
        "/scoreGiven",
        "/scoreMaximum",
        "/submission/foo",
        "/submission/startedAt",
        "/timestamp",
        "/userId",
    ];
    assert_eq!(fields, expected);
}

#[test]
fn what_is_no_json_object_is_malformed() {
    let bench = Bench::new();
    let depth_33 = score_with(&[(
        "http://x.example/y",
        &format!("{}1{}", "[".repeat(32), "]".repeat(32)),
    )]);
    let mut invalid_utf8 = score_with(&[("comment", "\"@\"")]).into_bytes();
    let place = invalid_utf8.iter().position(|byte| *byte == b'@').unwrap();
    invalid_utf8[place] = 0xFF;
    let duplicate = score_with(&[("comment", r#""a""#)]).replace("\"comment\"", "\"scoreGiven\"");
    let escaped =
        score_with(&[("comment", r#""a""#)]).replace("\"comment\"", r#""score\u0047iven""#);
    let nested = score_with(&[("http://x.example/y", r#"[{"a":1,"a":2}]"#)]);
    for body in [
        "".to_owned(),
        " ".to_owned(),
        "{".to_owned(),
        "null".to_owned(),
        "1".to_owned(),
        "\"x\"".to_owned(),
        "[]".to_owned(),
        format!("[{SCORE}]"),
        format!("{SCORE}{SCORE}"),
        format!("{SCORE} x"),
        SCORE.replace("83", "NaN"),
        SCORE.replace("83", "Infinity"),
        SCORE.replace("83", "083"),
        SCORE.replace("83", ".5"),
        SCORE.replace("83", "+1"),
        SCORE.replace('}', ",}"),
        SCORE.replace('"', "'"),
        "userId=1&scoreGiven=95".to_owned(),
        "{\"userId\":\"\\ud800\"}".to_owned(),
        SCORE.replace("5323497", "a\u{1}b"),
        duplicate,
        escaped,
        nested,
        depth_33,
    ] {
        bench.refused(body, 400, "MALFORMED_BODY");
    }
    bench.refused(invalid_utf8, 400, "MALFORMED_BODY");
    let depth_32 = score_with(&[(
        "http://x.example/y",
        &format!("{}1{}", "[".repeat(31), "]".repeat(31)),
    )]);
    assert_eq!(bench.gateway.submit(depth_32).status, 204);
    // Without any body at all.
    let empty = bench
        .gateway
        .request("POST", SCORES)
        .header("content-type", "application/json");
    assert_envelope(&bench.gateway.ask(&empty), 400, "MALFORMED_BODY");
}

/// The description and the faults of a score that is refused.
fn listed(body: &str) -> (String, Vec<Value>) {
    let answer = Bench::new().refused(body, 422, "INVALID_SCORE");
    let details = &answer["details"];
    let description = details["description"].as_str().unwrap().to_owned();
    (description, details["errors"].as_array().unwrap().clone())
}

#[test]
fn no_fault_hides_another() {
    let long = "k".repeat(60_000);
    let (description, errors) = listed(&format!(r#"{{"{long}":1}}"#));
    assert_eq!(description, "The score has 4 faults; `errors` lists them.");
    assert_eq!(errors.len(), 4);
    let last = errors[3]["field"].as_str().unwrap();
    assert!(last.starts_with("/kkk") && last.ends_with('…') && last.len() < 300);

    let names = [
        format!("{}~", "a".repeat(199)),
        format!("{}/", "b".repeat(300)),
    ];
    let (_, errors) = listed(&format!(r#"{{"{}":1,"{}":2}}"#, names[0], names[1]));
    assert_eq!(errors.len(), 5);
    assert_eq!(errors[3]["field"], format!("/{}…", "a".repeat(199)));

    let many: Vec<_> = (0..5_000)
        .map(|number| format!("\"m{number}\":1"))
        .collect();
    let (description, errors) = listed(&format!("{{{}}}", many.join(",")));
    assert!((500..5_003).contains(&errors.len()), "{}", errors.len());
    let said = format!(
        "The score has 5003 faults; `errors` lists the first {}.",
        errors.len()
    );
    assert_eq!(description, said);
    let first: Vec<_> = errors[..4].iter().map(|error| &error["field"]).collect();
    assert_eq!(
        first,
        ["/userId", "/activityProgress", "/gradingProgress", "/m0"]
    );
}

#[test]
fn a_fault_repeats_no_learner_and_no_comment() {
    for (user, name, field) in [
        (r#""5323497""#, "5323497", "/[redacted]"),
        ("5323497", "5323497", "/[redacted]"),
        (r#""a/b~4711""#, "x a/b~4711", "/x [redacted]"),
        (r#""Learner\u00e91""#, r"LEARNER\u00c91", "/[redacted]"),
        (r#""5323497""#, "late, again", "/[redacted]"),
        (r#""5323497""#, "other", "/other"),
    ] {
        let score = score_with(&[
            ("userId", user),
            ("comment", r#""late,\nagain""#),
            (name, "1"),
        ]);
        let (_, errors) = listed(&score);
        assert_eq!(errors[0]["field"], field, "{score}");
    }
}
