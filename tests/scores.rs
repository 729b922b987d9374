//! The scores route, body in, body out.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]
#[allow(dead_code, unused_imports)]
mod support;

use support::*;

#[test]
fn a_score_is_forwarded_and_its_answer_passed_on() {
    let upstream = Upstream::accepting();
    let gateway = Gateway::before(&upstream);
    let response = gateway.submit(SCORE);
    assert_eq!(response.status, 204, "{}", response.everything());
    assert_eq!(response.header("scoregate-decision"), Some("forwarded"));
    let request = upstream.only();
    assert_eq!((request.method(), request.target()), ("POST", SCORES));
    assert_eq!(request.body(), SCORE);
}
