//! The log holds nothing up, whoever reads it, and loses nothing at the end.
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

const DROPPED: &str = "scoregate_log_lines_dropped_total";

/// The access lines of a log whose every line is whole.
fn access_lines(log: &str) -> Vec<Value> {
    let lines = log.lines().map(|line| {
        serde_json::from_str::<Value>(line).unwrap_or_else(|cause| panic!("{cause}: {line}"))
    });
    lines.filter(|line| line["message"] == "request").collect()
}

/// Sends a batch of requests that leave much in the log, and reads what is answered.
fn send_batch(client: &mut Client, batch: usize) {
    const SIZE: usize = 100;
    let requests = (0..SIZE).map(|number| {
        let id = format!("{batch}-{number}-{}", "x".repeat(100));
        let request = Request::new("GET", "/nothing").header("x-request-id", &id);
        request.bytes()
    });
    client.send(requests.collect::<Vec<_>>().concat());
    for _ in 0..SIZE {
        assert_eq!(client.response().status, 404);
    }
}

#[test]
fn a_log_that_nobody_reads_holds_up_neither_requests_nor_signals() {
    let upstream = Upstream::accepting();
    let mut settings = Settings::new(upstream.address);
    settings.log = "format = \"json\"\nlevel = \"debug\"".into();
    let mut gateway = Gateway::start(&settings);
    let reader = gateway.reader.clone();
    let stalled = reader.lock().unwrap();
    let mut client = gateway.connect();
    let mut batch = 0;
    // Until the pipe and what may wait are full.
    while Metrics::of(&gateway).sum(DROPPED, &[]) == 0.0 {
        send_batch(&mut client, batch);
        batch += 1;
        assert!(batch < 1_000, "nothing is dropped");
    }
    assert_eq!(gateway.submit(SCORE).status, 204);
    gateway.signal("HUP");
    gateway.wait_for_generation(2);
    drop(stalled);
    // What waited comes out, and new lines after it.
    let request = Request::new("GET", "/nothing").header("x-request-id", "after-the-stall");
    until("a line after the stall", || {
        gateway.ask(&request);
        gateway.log().contains("after-the-stall")
    });
    let _stalled = reader.lock().unwrap();
    gateway.signal("TERM");
    assert!(gateway.exited().success());
}

/// Whoever collects the log must be able to read why a gateway is gone.
#[test]
fn why_a_gateway_ends_is_said_in_the_format_of_the_log() {
    let upstream = Upstream::accepting();
    let first = Gateway::before(&upstream);
    let mut settings = Settings::new(upstream.address);
    settings.log = "format = \"json\"".into();
    settings.tables = format!(
        "[ledger]\nurl = \"sqlite:{}\"\n",
        first.directory.path().join("scoregate.db").display()
    );
    let log = Gateway::try_start(&settings).err().unwrap();
    let lines = log.lines().map(|line| serde_json::from_str(line).unwrap());
    let lines: Vec<Value> = lines.collect();
    let last = lines.last().unwrap();
    assert_eq!(last["level"], "ERROR");
    assert_eq!(last["message"], "the gateway can't serve");
    let cause = last["cause"].as_str().unwrap();
    assert!(
        cause.starts_with("another gateway has the ledger"),
        "{cause}"
    );
}

#[test]
fn lines_of_one_connection_are_whole_and_in_their_order() {
    let upstream = Upstream::accepting();
    let mut settings = Settings::new(upstream.address);
    settings.log = "format = \"json\"".into();
    let mut gateway = Gateway::start(&settings);
    let mut client = gateway.connect();
    for batch in 0..5 {
        send_batch(&mut client, batch);
    }
    gateway.signal("TERM");
    assert!(gateway.ended().success());
    let lines = access_lines(&gateway.log());
    let ids = lines
        .iter()
        .map(|line| line["request_id"].as_str().unwrap());
    let numbers: Vec<usize> = ids
        .map(|id| {
            let mut parts = id.split('-').map(str::parse::<usize>);
            parts.next().unwrap().unwrap() * 100 + parts.next().unwrap().unwrap()
        })
        .collect();
    assert_eq!(numbers, (0..500).collect::<Vec<_>>());
}

/// How a gateway logs requests that are in flight when it ends, and one that was answered before.
fn at_the_end(tables: &str, drain_deadline: &str, end: impl Fn(&Gateway)) -> Vec<(String, bool)> {
    let upstream = Upstream::start(|_, _| Reply::Hang);
    let mut settings = Settings::new(upstream.address);
    settings.log = "format = \"json\"".into();
    settings.tables = tables.into();
    settings.server = format!("drain_deadline = \"{drain_deadline}\"");
    let mut gateway = Gateway::start(&settings);
    let named = |request: Request, id: &str| request.header("x-request-id", id).bytes();
    let mut waiting = [gateway.connect(), gateway.connect()];
    waiting[0].send(named(gateway.submission(SCORE), "a-submission"));
    waiting[1].send(named(gateway.request("GET", "/api/idtoken"), "a-read"));
    upstream.wait_for(2);
    let answered = named(Request::new("GET", "/nothing"), "answered");
    gateway.connect().send(answered).response();
    gateway.signal("TERM");
    end(&gateway);
    assert!(gateway.ended().success(), "{}", gateway.log());
    let lines = access_lines(&gateway.log());
    let seen = lines.iter().map(|line| {
        let id = line["request_id"].as_str().unwrap();
        (id.to_owned(), line["status"].is_number())
    });
    let mut seen: Vec<_> = seen.collect();
    seen.sort();
    seen
}

#[test]
fn each_request_has_its_line_when_the_drain_takes_too_long() {
    for (tables, is_recorded) in [("[ledger]\nurl = \"none\"", false), ("", true)] {
        let lines = at_the_end(tables, "200ms", |_| {});
        let ids: Vec<_> = lines.iter().map(|(id, _)| id.as_str()).collect();
        assert_eq!(ids, ["a-read", "a-submission", "answered"], "{tables}");
        // Without an answer there is no status. A record is settled, and has an answer.
        assert!(!lines[0].1 && lines[2].1, "{lines:?}");
        assert!(is_recorded || !lines[1].1, "{lines:?}");
    }
}

#[test]
fn each_request_has_its_line_when_the_gateway_is_told_to_stop_twice() {
    for tables in ["[ledger]\nurl = \"none\"", ""] {
        let lines = at_the_end(tables, "30s", |gateway| {
            gateway.wait_for_log("draining");
            gateway.signal("TERM");
        });
        let ids: Vec<_> = lines.iter().map(|(id, _)| id.as_str()).collect();
        assert_eq!(ids, ["a-read", "a-submission", "answered"], "{tables}");
    }
}
