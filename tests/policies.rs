//! What a policy does to a score, seen from outside.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]
#[allow(dead_code, unused_imports)]
mod support;

use support::*;

fn start(upstream: &Upstream, policies: &str) -> Gateway {
    let mut settings = Settings::new(upstream.address);
    settings.tables = policies.to_owned();
    Gateway::start(&settings)
}

fn maximum(over: &str) -> String {
    format!(
        "[[policy]]\nname = \"institution\"\nmaximum = {{ percent = 100, over = \"{over}\" }}\n"
    )
}

#[test]
fn what_exceeds_the_maximum_is_capped_and_the_rule_named() {
    let upstream = Upstream::accepting();
    let gateway = start(&upstream, &maximum("cap"));
    let response = gateway.submit(score_with(&[("scoreGiven", "110")]));
    assert_eq!(response.status, 204, "{}", response.everything());
    assert_eq!(response.header("scoregate-decision"), Some("adjusted"));
    let rules = response
        .header("scoregate-rules")
        .expect("the rules that acted");
    assert!(rules.contains("maximum"), "{rules}");
    assert!(upstream.only().body().contains("\"scoreGiven\":100,"));
    // At the maximum and below it nothing acts; normalization alone is no adjustment.
    for given in ["100", "83.0", "\"0\""] {
        let response = gateway.submit(score_with(&[("scoreGiven", given)]));
        assert_eq!(
            response.header("scoregate-decision"),
            Some("forwarded"),
            "{given}"
        );
        assert_eq!(response.header("scoregate-rules"), None, "{given}");
    }
}

#[test]
fn what_exceeds_the_maximum_is_refused_where_the_policy_says_so() {
    let upstream = Upstream::accepting();
    let gateway = start(&upstream, &maximum("refuse"));
    let response = gateway.submit(score_with(&[("scoreGiven", "100.000000001")]));
    let body = assert_envelope(&response, 422, "POLICY_REFUSED");
    assert_eq!(body["details"]["policy"], "institution");
    assert_eq!(body["details"]["rule"], "maximum");
    assert_eq!(body["details"]["retryable"], false);
    assert_eq!(response.header("scoregate-decision"), Some("refused"));
    let rules = response
        .header("scoregate-rules")
        .expect("the rules that acted");
    assert!(rules.contains("maximum"), "{rules}");
    assert!(upstream.requests().is_empty());
    assert_eq!(gateway.submit(SCORE).status, 204);
}

#[test]
fn a_bonus_passes_where_the_policy_allows_it_or_there_is_none() {
    for policies in ["", &maximum("allow")] {
        let upstream = Upstream::accepting();
        let gateway = start(&upstream, policies);
        let response = gateway.submit(score_with(&[("scoreGiven", "110")]));
        assert_eq!(response.status, 204);
        assert_eq!(response.header("scoregate-decision"), Some("forwarded"));
        assert!(upstream.only().body().contains("\"scoreGiven\":110,"));
    }
}

#[test]
fn a_decision_is_shown_on_the_upstreams_errors_too() {
    let upstream = Upstream::start(|_, _| reply(500, "text/html", "<h1>x</h1>"));
    let gateway = start(&upstream, &maximum("cap"));
    let response = gateway.submit(score_with(&[("scoreGiven", "110")]));
    assert_envelope(&response, 500, "UPSTREAM_ERROR");
    assert_eq!(response.header("scoregate-decision"), Some("adjusted"));
}

/// An unmet rule is the caller's to see, a broken one the operator's.
#[test]
fn a_condition_that_can_not_be_evaluated_is_told_to_operators_alone_and_not_each_time() {
    let upstream = Upstream::accepting();
    let mut settings = Settings::new(upstream.address);
    settings.log = "format = \"json\"".into();
    settings.tables = "[ledger]\nurl = \"sqlite:scoregate.db\"\n\
        [[policy]]\nname = \"by-comment\"\nmatch = { when = \"score.comment == 'x'\" }\nmaximum = { percent = 50 }\n\
        [[policy]]\nname = \"explained\"\nrequire = [{ when = \"score.comment != ''\", message = \"Say why.\" }]\n"
        .into();
    let mut gateway = Gateway::start(&settings);
    let submission = |id: &str| gateway.submission(SCORE).header("x-request-id", id);
    let response = gateway.ask(&submission("the-first"));
    let body = assert_envelope(&response, 422, "POLICY_REFUSED");
    assert_eq!(body["details"]["description"], "Say why.");
    let receipt = response.header("scoregate-receipt").unwrap().to_owned();
    gateway.ask(&submission("the-second"));
    let config = gateway.config_file();
    let config = config.to_str().unwrap();
    let explained = Ran::of(&[
        "explain",
        "--config",
        config,
        "--receipt",
        &receipt,
        "--json",
    ]);
    let reason = explained.good_json()["rules"][0]["reason"].to_string();
    let cause = "The condition could not be evaluated: a member that it names is absent";
    assert!(reason.contains(cause), "{reason}");
    gateway.signal("TERM");
    assert!(gateway.ended().success());
    let log = gateway.log();
    let lines = log
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let told: Vec<_> = lines
        .filter(|line| line["target"] == "scoregate::policy")
        .collect();
    let policies: Vec<_> = told.iter().map(|line| &line["policy"]).collect();
    assert_eq!(policies, ["by-comment", "explained"], "{log}");
    for line in &told {
        assert_eq!(line["level"], "WARN");
        assert_eq!(line["request_id"], "the-first");
        assert_eq!(line["submissions"], 1);
    }
}
