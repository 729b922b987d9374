//! What the pure parts of a request's path cost, each by itself: `cargo bench --bench parts`.
#![allow(clippy::expect_used)]

use divan::{Bencher, black_box, counter::BytesCount};
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue, Method, Uri, Version};
use scoregate::authorization;
use scoregate::gateway_key::digest;
use scoregate::line_item::{LineItem, Pattern};
use scoregate::redact::Redactor;
use scoregate::routing::read_target;
use scoregate::score::{self, UnknownMembers};

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
