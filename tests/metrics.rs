//! What `/metrics` says after requests of every kind.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]
#[allow(dead_code, unused_imports)]
mod support;

use std::collections::BTreeMap;
use std::thread;
use std::time::Duration;

use jsonwebtoken::{EncodingKey, Header, encode, get_current_timestamp};
use serde_json::json;
use support::*;

const SECRET: &str = "a-secret-of-more-than-thirty-two-bytes";

/// Names, kinds and labels as the documentation has them.
fn documented() -> BTreeMap<String, (String, Vec<String>)> {
    let rows = include_str!("../docs/metrics.md").lines();
    let rows = rows.filter(|line| line.starts_with("| `"));
    let rows = rows.map(|row| {
        let cells: Vec<_> = row.split('|').map(|cell| cell.replace('`', "")).collect();
        let labels = cells[3].split(',').map(str::trim);
        let labels = labels.filter(|label| !label.is_empty()).map(str::to_owned);
        let kind = cells[2].trim().to_owned();
        (cells[1].trim().to_owned(), (kind, labels.collect()))
    });
    rows.collect()
}

fn token(subject: &str) -> String {
    let claims = json!({
        "iss": "https://id.example", "aud": "scoregate", "sub": subject,
        "exp": get_current_timestamp() + 600,
    });
    let key = EncodingKey::from_secret(SECRET.as_bytes());
    encode(&Header::default(), &claims, &key).unwrap()
}

/// With an issuer and a policy beside the usual caller.
fn settings(upstream: &Upstream) -> Settings {
    let mut settings = Settings::new(upstream.address);
    settings.files = vec![("secret".into(), SECRET.into())];
    settings.tables = r#"
[[issuer]]
name = "idp"
account = "main"
issuer = "https://id.example"
audiences = ["scoregate"]
algorithms = ["HS256"]
secret = { file = "secret" }
allow = ["scores:write"]
[[policy]]
name = "institution"
match = { callers = ["quiz-app"] }
maximum = { percent = 100, over = "cap" }
[[policy]]
name = "strict"
match = { callers = ["idp/strict"] }
maximum = { percent = 100, over = "refuse" }
"#
    .to_owned();
    settings
}

fn above() -> String {
    SCORE.replace("\"scoreGiven\":83", "\"scoreGiven\":120")
}

#[test]
fn the_page_has_the_documented_metrics_and_labels_and_no_others() {
    let upstream = Upstream::accepting();
    let gateway = Gateway::start(&settings(&upstream));
    gateway.submit(above());
    gateway.ask(&Request::new("GET", "/nothing"));
    let metrics = Metrics::wait_for(&gateway, "scoregate_requests_total", &[], 2.0);
    let documented = documented();
    let shown: BTreeMap<_, _> = metrics.kinds.iter().cloned().collect();
    let kinds: BTreeMap<_, _> = documented
        .iter()
        .map(|(name, (kind, _))| (name.clone(), kind.clone()))
        .collect();
    assert_eq!(shown, kinds);
    for sample in &metrics.samples {
        let (_, labels) = &documented[&sample.metric];
        let mut own: Vec<_> = sample.labels.keys().filter(|name| *name != "le").collect();
        let mut wanted: Vec<_> = labels.iter().collect();
        own.sort();
        wanted.sort();
        assert_eq!(own, wanted, "{sample:?}");
    }
}

#[test]
fn each_request_counts_once_by_operation_caller_and_outcome() {
    let upstream = Upstream::start(|_, number| match number {
        0 => reply(204, "", ""),
        1 => json_reply(404, r#"{"details":{"message":"NOT_FOUND"}}"#),
        _ => json_reply(200, "[]"),
    });
    let gateway = Gateway::start(&settings(&upstream));
    gateway.submit(SCORE);
    gateway.submit(SCORE);
    gateway.submit("{}");
    gateway.ask(
        &gateway
            .request("GET", "/admin/platforms")
            .authorization(&format!("Bearer {}", gateway.key)),
    );
    gateway.ask(&gateway.submission(SCORE).authorization("Bearer sgk_nobody"));
    gateway.ask(&Request::new("GET", "/nothing"));
    let metrics = Metrics::wait_for(&gateway, "scoregate_requests_total", &[], 6.0);
    for (operation, caller, outcome) in [
        ("submit_score", "quiz-app", "success"),
        ("submit_score", "quiz-app", "UPSTREAM_ERROR"),
        ("submit_score", "quiz-app", "INVALID_SCORE"),
        ("list_platforms", "quiz-app", "success"),
        (
            "submit_score",
            "none",
            "INVALID_BEARER_AUTHORIZATION_HEADER",
        ),
        ("none", "none", "ROUTE_NOT_FOUND"),
    ] {
        let labels = [
            ("operation", operation),
            ("caller", caller),
            ("outcome", outcome),
        ];
        assert_eq!(
            metrics.sum("scoregate_requests_total", &labels),
            1.0,
            "{labels:?}"
        );
    }
    let submitted = [("operation", "submit_score")];
    for name in [
        "scoregate_request_duration_seconds_count",
        "scoregate_own_duration_seconds_count",
    ] {
        assert_eq!(metrics.sum(name, &submitted), 4.0, "{name}");
    }
    for (class, count) in [("2xx", 2.0), ("4xx", 1.0)] {
        let labels = [("account", "main"), ("status", class)];
        assert_eq!(
            metrics.sum("scoregate_upstream_answers_total", &labels),
            count
        );
    }
}

#[test]
fn holders_of_tokens_count_under_their_issuer_alone() {
    let upstream = Upstream::accepting();
    let gateway = Gateway::start(&settings(&upstream));
    for subject in ["anna", "berta", "strict"] {
        let authorization = format!("LTIK-AUTH-V2 {}:{LTIK}", token(subject));
        gateway.ask(&gateway.submission(above()).authorization(&authorization));
    }
    let issuer = [("caller", "idp")];
    let metrics = Metrics::wait_for(&gateway, "scoregate_requests_total", &issuer, 3.0);
    for subject in ["anna", "berta", "idp/"] {
        assert!(!metrics.text.contains(subject), "{}", metrics.text);
    }
    assert_eq!(
        metrics.sum("scoregate_requests_total", &[("outcome", "POLICY_REFUSED")]),
        1.0
    );
    let forwarded = [("caller", "idp"), ("decision", "forwarded")];
    assert_eq!(metrics.sum("scoregate_decisions_total", &forwarded), 2.0);
    assert_eq!(
        metrics.sum("scoregate_key_set_loaded", &[("issuer", "idp")]),
        1.0
    );
    let cached = [("limit", "verified_tokens")];
    assert!(metrics.sum("scoregate_limit_used", &cached) > 0.0);
}

#[test]
fn policies_count_what_their_rules_did() {
    let upstream = Upstream::accepting();
    let gateway = Gateway::start(&settings(&upstream));
    let strict = format!("LTIK-AUTH-V2 {}:{LTIK}", token("strict"));
    gateway.submit(SCORE);
    gateway.submit(above());
    gateway.ask(&gateway.submission(above()).authorization(&strict));
    let metrics = Metrics::wait_for(&gateway, "scoregate_requests_total", &[], 3.0);
    for (policy, effect) in [("institution", "changed"), ("strict", "refused")] {
        let labels = [
            ("policy", policy),
            ("rule", "maximum"),
            ("mode", "enforce"),
            ("effect", effect),
        ];
        assert_eq!(
            metrics.sum("scoregate_rule_acts_total", &labels),
            1.0,
            "{labels:?}"
        );
    }
    assert_eq!(metrics.sum("scoregate_rule_acts_total", &[]), 2.0);
    for decision in ["forwarded", "adjusted", "refused"] {
        let labels = [("decision", decision)];
        assert_eq!(
            metrics.sum("scoregate_decisions_total", &labels),
            1.0,
            "{decision}"
        );
    }
}

/// How long the upstream, and the caller's body, let themselves be waited for.
const SLOW: Duration = Duration::from_millis(600);

#[test]
fn our_own_time_holds_neither_the_upstreams_wait_nor_the_callers() {
    let upstream = Upstream::start(|_, _| {
        Reply::Staged(
            Vec::new(),
            Box::new(|| {
                thread::sleep(SLOW);
                b"HTTP/1.1 204 No Content\r\n\r\n".to_vec()
            }),
        )
    });
    let gateway = Gateway::before(&upstream);
    let request = gateway.submission(SCORE).bytes();
    let (head, body) = request.split_at(request.len() - SCORE.len());
    let mut client = gateway.connect();
    client.send(head);
    thread::sleep(SLOW);
    assert_eq!(client.send(body).response().status, 204);
    let metrics = Metrics::wait_for(&gateway, "scoregate_requests_total", &[], 1.0);
    let sum = |name: &str| metrics.sum(name, &[]);
    let (whole, waited, own) = (
        sum("scoregate_request_duration_seconds_sum"),
        sum("scoregate_upstream_duration_seconds_sum"),
        sum("scoregate_own_duration_seconds_sum"),
    );
    let slow = SLOW.as_secs_f64();
    assert!(waited >= slow * 0.99, "{waited}");
    assert!(whole >= slow * 1.98, "{whole}");
    assert!(own < slow, "{own} of {whole}");
}

#[test]
fn what_the_upstream_fails_with_has_its_reason() {
    let (_held, address) = refusing_address();
    let gateway = Gateway::start(&Settings::new(address));
    gateway.submit(SCORE);
    let reason = |name| [("account", "main"), ("reason", name)];
    let errors = "scoregate_upstream_errors_total";
    Metrics::wait_for(&gateway, errors, &reason("connect"), 1.0);

    let upstream = Upstream::start(|_, number| match number {
        0 => Reply::ThenClose(Vec::new()),
        1 => Reply::ThenClose(b"nonsense\r\n\r\n".to_vec()),
        2 => json_reply(
            401,
            r#"{"details":{"message":"X","description":"Invalid API key."}}"#,
        ),
        _ => Reply::Hang,
    });
    let mut settings = Settings::new(upstream.address);
    settings.upstream_lines = "answer_timeout = \"100ms\"".to_owned();
    let gateway = Gateway::start(&settings);
    for _ in 0..4 {
        gateway.submit(SCORE);
    }
    let metrics = Metrics::wait_for(&gateway, "scoregate_requests_total", &[], 4.0);
    for (name, count) in [
        ("broken", 1.0),
        ("not_http", 1.0),
        ("answer_timeout", 1.0),
        ("connect", 0.0),
    ] {
        assert_eq!(metrics.sum(errors, &reason(name)), count, "{name}");
    }
    let main = [("account", "main")];
    assert_eq!(
        metrics.sum("scoregate_upstream_key_rejections_total", &main),
        1.0
    );
    let opened = metrics.sum("scoregate_upstream_connections_total", &main);
    assert_eq!(opened, upstream.connections() as f64);
}

#[test]
fn limits_show_how_full_they_are() {
    let upstream = Upstream::start(|_, _| Reply::Hang);
    let mut settings = Settings::new(upstream.address);
    settings.server = "max_in_flight = 7\nmax_connections = 9".to_owned();
    // A submission that is recorded goes on when its caller leaves.
    settings.tables = "[ledger]\nurl = \"none\"\n".to_owned();
    let gateway = Gateway::start(&settings);
    let mut client = gateway.connect();
    client.send(gateway.submission(SCORE).bytes());
    upstream.wait_for(1);
    let metrics = Metrics::of(&gateway);
    for (limit, most) in [
        ("server.max_in_flight", 7.0),
        ("server.max_connections", 9.0),
    ] {
        let labels = [("limit", limit)];
        assert_eq!(metrics.sum("scoregate_limit", &labels), most);
        assert!(
            metrics.sum("scoregate_limit_used", &labels) >= 1.0,
            "{limit}"
        );
    }
    // The caller leaves: its place is free again, and the request is over without an answer.
    drop(client);
    let aborted = [("operation", "submit_score"), ("outcome", "aborted")];
    Metrics::wait_for(&gateway, "scoregate_requests_total", &aborted, 1.0);
    let in_flight = [("limit", "server.max_in_flight")];
    Metrics::wait_for(&gateway, "scoregate_limit_used", &in_flight, 0.0);
}

#[test]
fn entries_count_by_decision_and_the_ledger_is_there() {
    let upstream = Upstream::accepting();
    let gateway = Gateway::start(&settings(&upstream));
    gateway.submit(SCORE);
    gateway.submit(above());
    gateway.submit("{}");
    let metrics = Metrics::of(&gateway);
    for decision in ["forwarded", "adjusted", "refused"] {
        let labels = [("decision", decision)];
        let entries = metrics.sum("scoregate_ledger_entries_total", &labels);
        assert_eq!(entries, 1.0, "{decision}");
    }
    assert_eq!(metrics.sum("scoregate_ledger_entries_total", &[]), 3.0);
    assert_eq!(
        metrics.sum("scoregate_ledger_commit_duration_seconds_count", &[]),
        3.0
    );
    assert!(metrics.sum("scoregate_ledger_commit_duration_seconds_sum", &[]) > 0.0);
    assert_eq!(metrics.sum("scoregate_ledger_available", &[]), 1.0);
    let queue = [("limit", "ledger_queue")];
    assert!(metrics.sum("scoregate_limit", &queue) >= 1_024.0);
}

#[test]
fn cells_and_the_waits_for_them_are_counted() {
    let (release, released) = std::sync::mpsc::channel::<()>();
    let released = std::sync::Mutex::new(Some(released));
    let upstream = Upstream::start(move |_, _| match released.lock().unwrap().take() {
        Some(released) => Reply::Staged(
            Vec::new(),
            Box::new(move || {
                released.recv().unwrap();
                b"HTTP/1.1 204 No Content\r\n\r\n".to_vec()
            }),
        ),
        None => reply(204, "", ""),
    });
    let mut settings = settings(&upstream);
    settings.tables += "[[policy]]\nname = \"best\"\nkeep = \"highest\"\n";
    let gateway = Gateway::start(&settings);
    let mut first = gateway.connect();
    first.send(gateway.submission(SCORE).bytes());
    upstream.wait_for(1);
    let mut second = gateway.connect();
    second.send(gateway.submission(SCORE).bytes());
    let (cells, waiting) = ("scoregate_ledger_cells", [("state", "waiting")]);
    let metrics = Metrics::wait_for(&gateway, cells, &waiting, 1.0);
    assert_eq!(metrics.sum(cells, &[("state", "held")]), 1.0);
    assert_eq!(metrics.sum("scoregate_ledger_cell_waits_total", &[]), 0.0);
    release.send(()).unwrap();
    assert_eq!(
        (first.response().status, second.response().status),
        (204, 204)
    );
    let held = [("result", "held")];
    Metrics::wait_for(&gateway, "scoregate_ledger_cell_waits_total", &held, 1.0);
    Metrics::wait_for(&gateway, cells, &[], 0.0);
}

#[test]
fn what_goes_on_without_its_record_is_counted_once_and_the_ledgers_absence_is_seen() {
    let upstream = Upstream::accepting();
    let mut settings = settings(&upstream);
    settings.tables += "[ledger]\nurl = \"sqlite:scoregate.db\"\non_failure = \"forward\"\n";
    let gateway = Gateway::start(&settings);
    let file = gateway.directory.path().join("scoregate.db");
    let blocker = rusqlite::Connection::open(file).unwrap();
    blocker.execute_batch("BEGIN IMMEDIATE").unwrap();
    // The first waits until the database is given up; the second knows it from its start.
    for count in [1.0, 2.0] {
        assert_eq!(gateway.submit(SCORE).status, 204);
        let metrics = Metrics::of(&gateway);
        assert_eq!(metrics.sum("scoregate_ledger_unrecorded_total", &[]), count);
        assert_eq!(metrics.sum("scoregate_ledger_available", &[]), 0.0);
        let lost = [("reason", "lost")];
        assert_eq!(metrics.sum("scoregate_ledger_failures_total", &lost), 1.0);
    }
    let told = "a submission goes on without its record";
    let log = || gateway.log().matches(told).count();
    let started = std::time::Instant::now();
    while log() < 2 {
        assert!(started.elapsed() < DEADLINE, "{}", gateway.log());
        thread::sleep(Duration::from_millis(2));
    }
    assert_eq!(log(), 2);
    blocker.execute_batch("COMMIT").unwrap();
    Metrics::wait_for(&gateway, "scoregate_ledger_available", &[], 1.0);
    // What left was kept, and is written.
    let metrics = Metrics::wait_for(&gateway, "scoregate_ledger_entries_total", &[], 2.0);
    let backlog = [("limit", "ledger_backlog")];
    assert!(metrics.sum("scoregate_limit", &backlog) > 0.0);
    Metrics::wait_for(&gateway, "scoregate_limit_used", &backlog, 0.0);
}

#[test]
fn an_erasure_is_counted_by_the_gateway_that_notices_it() {
    let upstream = Upstream::accepting();
    let gateway = Gateway::start(&settings(&upstream));
    gateway.submit(SCORE);
    let config = gateway.config_file();
    let config = config.to_str().unwrap();
    let erase = ["ledger", "erase", "--user", "5323497", "--config", config];
    let erasures = "scoregate_ledger_erasures_total";
    // Told what it would take, and then told to.
    assert_eq!(Ran::of(&erase).code, Some(0));
    assert_eq!(Metrics::of(&gateway).sum(erasures, &[]), 0.0);
    let done = Ran::of(&[&erase[..], &["--yes"]].concat());
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    Metrics::wait_for(&gateway, erasures, &[], 1.0);
}

#[test]
fn without_a_ledger_it_is_neither_there_nor_away() {
    let upstream = Upstream::accepting();
    let mut settings = settings(&upstream);
    settings.tables += "[ledger]\nurl = \"none\"\n";
    let gateway = Gateway::start(&settings);
    gateway.submit(SCORE);
    let metrics = Metrics::of(&gateway);
    let says = |sample: &&Sample| sample.name == "scoregate_ledger_available";
    assert_eq!(metrics.samples.iter().find(says), None);
    assert_eq!(metrics.sum("scoregate_ledger_entries_total", &[]), 0.0);
}

#[test]
fn the_process_and_the_configuration_are_described() {
    let upstream = Upstream::accepting();
    let gateway = Gateway::before(&upstream);
    let metrics = Metrics::of(&gateway);
    let value = |name: &str| metrics.sum(name, &[]);
    assert_eq!(value("scoregate_ready"), 1.0);
    assert_eq!(value("scoregate_configuration_generation"), 1.0);
    assert_eq!(value("scoregate_configuration_last_reload_successful"), 1.0);
    let version = [("version", env!("CARGO_PKG_VERSION"))];
    assert_eq!(metrics.sum("scoregate_build_info", &version), 1.0);
    let now = std::time::SystemTime::now();
    let now = now
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .as_secs_f64();
    for name in [
        "scoregate_configuration_applied_timestamp_seconds",
        "process_start_time_seconds",
    ] {
        assert!((now - value(name)).abs() < 60.0, "{name}: {}", value(name));
    }
    for name in [
        "process_resident_memory_bytes",
        "process_virtual_memory_bytes",
        "process_open_fds",
        "process_max_fds",
    ] {
        assert!(value(name) > 0.0, "{name}");
    }
}

#[test]
fn the_page_is_for_those_who_have_the_token() {
    let upstream = Upstream::accepting();
    let mut settings = Settings::new(upstream.address);
    settings.files = vec![("token".into(), "an-admin-token-of-length\n".into())];
    settings.admin = "token = { file = \"token\" }".to_owned();
    let gateway = Gateway::start(&settings);
    let page = Request::new("GET", "/metrics");
    let ask = |request: &Request| {
        Client::connect(gateway.admin)
            .send(request.bytes())
            .response()
    };
    assert_eq!(ask(&page).status, 401);
    let good = page.authorization("Bearer an-admin-token-of-length");
    assert_eq!(ask(&good).status, 200);
}
