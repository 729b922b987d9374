//! What the pure parts of a request's path cost, each by itself: `cargo bench --bench parts`.
#![allow(clippy::expect_used)]

use std::sync::Arc;

use divan::{Bencher, black_box, counter::BytesCount};
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue, Method, Uri, Version};
use jiff::Timestamp;
use scoregate::authorization;
use scoregate::config::{Process, load_text};
use scoregate::gateway_key::digest;
use scoregate::line_item::{LineItem, Pattern};
use scoregate::policy::{Fate, Past, Policies, Role, Shown, Subject, Submission, judge};
use scoregate::redact::Redactor;
use scoregate::routing::read_target;
use scoregate::score::{self, Decimal, Points, UnknownMembers};

const SCORE: &str = r#"{"userId":"5323497","activityProgress":"Completed","gradingProgress":"FullyGraded","scoreGiven":83,"scoreMaximum":100,"comment":"Well done.","timestamp":"2026-11-24T13:00:00.000Z"}"#;
const ITEM: &str = "https://canvas.example.edu/api/lti/courses/101/line_items/7";
const CANONICAL: &str = "/api/lineitems/https%3A%2F%2Fcanvas.example.edu%2Fapi%2Flti%2Fcourses%2F101%2Fline_items%2F7/scores";
const BY_THE_PYTHON_SDK: &str =
    "//api/lineitems/https%3A//canvas.example.edu/api/lti/courses/101/line_items/7/scores";
const KEY: &str = "sgk_k2dDrGWC7vYd6mCzTWiGZb3bq3J4gU1cSx8nN0aYf0oExAmPl";

fn main() {
    divan::main();
}

#[divan::bench]
fn score_read(bencher: Bencher) {
    bencher
        .counter(BytesCount::of_str(SCORE))
        .bench(|| score::read(black_box(SCORE.as_bytes()), UnknownMembers::Refuse));
}

#[divan::bench]
fn score_write(bencher: Bencher) {
    let score = score::read(SCORE.as_bytes(), UnknownMembers::Refuse).expect("a good score");
    bencher.bench(|| black_box(&score).write());
}

#[divan::bench(args = [CANONICAL, BY_THE_PYTHON_SDK])]
fn target_read(bencher: Bencher, target: &str) {
    let uri: Uri = target.parse().expect("a target");
    bencher.bench(|| read_target(&Method::POST, black_box(&uri), Version::HTTP_11).is_ok());
}

#[divan::bench]
fn line_item_read(bencher: Bencher) {
    bencher.bench(|| LineItem::parse(black_box(ITEM)));
}

#[divan::bench(args = ["https://canvas.example.edu/**", "https://*.example.edu/**/line_items/*"])]
fn pattern_matches(bencher: Bencher, pattern: &str) {
    let pattern = Pattern::parse(pattern).expect("a pattern");
    bencher.bench(|| pattern.matches(black_box(ITEM)));
}

#[divan::bench]
fn authorization_read(bencher: Bencher) {
    let mut headers = HeaderMap::new();
    let value = HeaderValue::try_from(format!("SERVICE-AUTH-V1 {KEY}:a-service-key"));
    headers.insert(AUTHORIZATION, value.expect("a header"));
    bencher.bench(|| authorization::read(black_box(&headers)).is_ok());
}

#[divan::bench]
fn gateway_key_digest(bencher: Bencher) {
    bencher.bench(|| digest(black_box(KEY)));
}

/// An upstream's error: rare, so that it may cost more than all of the above.
#[divan::bench]
fn error_redacted(bencher: Bencher) {
    let private = [
        KEY,
        "a-service-key",
        "5323497",
        "Well done.",
        "your.ltiaas.com",
    ];
    let redactor = Redactor::new(&private.map(str::to_owned));
    let error =
        format!(r#"{{"status":400,"error":"Bad Request","details":{{"message":"{SCORE}"}}}}"#);
    bencher
        .counter(BytesCount::of_str(&error))
        .bench(|| redactor.text(black_box(&error)));
}

/// One policy with one rule, which asks for no history.
#[divan::bench]
fn judged_by_a_simple_policy(bencher: Bencher) {
    judged(bencher, &[policy(0, "", SIMPLE)]);
}

/// One that acts and folds what came before.
#[divan::bench]
fn judged_by_all_keys(bencher: Bencher) {
    judged(bencher, &[policy(0, "", ALL_KEYS)]);
}

/// The one that matches, among others for the line items of others.
#[divan::bench(args = [1, 10, 100, 1000])]
fn judged_among_policies(bencher: Bencher, count: usize) {
    let of_a_course = |course| {
        let matching = format!(
            "match = {{ line_items = [\"https://canvas.example.edu/api/lti/courses/{course}/**\"] }}"
        );
        policy(course, &matching, SIMPLE)
    };
    let policies: Vec<_> = (101..101 + count).map(of_a_course).collect();
    judged(bencher, &policies);
}

const SIMPLE: &str = "maximum = { percent = 100, over = \"cap\" }";

const ALL_KEYS: &str = r#"
order = ["rescale", "late", "minimum", "maximum", "round", "keep"]
fill_maximum = 100
rescale = { to = 20 }
opens = "2026-01-01T00:00:00Z"
due = "2026-11-23T12:00:00Z"
grace = "60s"
closes = "2027-01-01T00:00:00Z"
late = { kind = "per_interval", percent = 10, interval = "24h" }
minimum = { percent = 10 }
maximum = { percent = 100, over = "cap" }
round = { digits = 2, mode = "half_even" }
keep = "average"
attempts = { max = 10 }
unchanged = "skip"
comment = { html = "strip", max_chars = 500, explain = true }
"#;

fn policy(number: usize, matching: &str, keys: &str) -> String {
    format!("[[policy]]\nname = \"policy-{number}\"\n{matching}\n{keys}\n")
}

fn judged(bencher: Bencher, policies: &[String]) {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("api-key"), "the-account-key").expect("a file");
    let text = SETTING.to_owned() + &policies.concat();
    let loaded = load_text(&Arc::from("parts.toml"), &text, folder.path(), &Process);
    let loaded = loaded.map_err(|problems| problems.to_string());
    let policies = Policies::new(loaded.expect("a configuration").config.policies);
    let score = score::read(SCORE.as_bytes(), UnknownMembers::Refuse).expect("a good score");
    let history: Vec<_> = (0..3).map(past).collect();
    bencher.bench(|| {
        let subject = Subject {
            caller: "quiz-app",
            account: "main",
            line_item: black_box(ITEM),
            score: &score,
            now: Timestamp::UNIX_EPOCH,
        };
        let in_force = policies.effective(&subject);
        let submission = Submission {
            subject,
            line_item_maximum: None,
            shown: Shown::Unread,
        };
        judge(&submission, &history, &in_force.enforced)
    });
}

const SETTING: &str = r#"
[[account]]
name = "main"
url = "http://127.0.0.1:9"
api_keys = [{ file = "api-key" }]
platforms = ["https://canvas.example.edu"]
"#;

fn past(hour: i64) -> Past {
    let points = Points {
        given: Decimal::from_plain("66.5").expect("a number"),
        maximum: Decimal::from_plain("100").expect("a number"),
    };
    let arrived = Timestamp::from_second(1_790_000_000 + hour * 3_600).expect("a time");
    Past {
        points: Some(points),
        timestamp: Some(score::Timestamp::at(arrived)),
        is_stamped: false,
        submitted_at: None,
        arrived,
        role: Role::Attempt,
        fate: Fate::Confirmed,
        stands: Some(points),
        sent: None,
    }
}
