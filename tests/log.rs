//! The log holds nothing up, whoever reads it, and loses nothing at the end.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]
#[allow(dead_code, unused_imports)]
mod support;

use std::thread;
use std::time::{Duration, Instant};

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
    let started = Instant::now();
    while !gateway.log().contains("after-the-stall") {
        assert!(started.elapsed() < DEADLINE, "no line after the stall");
        let request = Request::new("GET", "/nothing").header("x-request-id", "after-the-stall");
        gateway.ask(&request);
        thread::sleep(Duration::from_millis(10));
    }
    let _stalled = reader.lock().unwrap();
    gateway.signal("TERM");
    assert!(gateway.exited().success());
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
