//! Crowds of callers that do nothing, or next to nothing: a good caller notices none of them, and
//! memory stays bounded.
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

use support::*;

/// What a good caller calls at once, on a machine that tests keep busy.
const AT_ONCE: Duration = Duration::from_secs(1);

fn gateway(upstream: &Upstream, lines: &str) -> Gateway {
    let mut settings = Settings::new(upstream.address);
    settings.server = format!("listen = \"127.0.0.1:0\"\nworkers = 2\n{lines}");
    settings.log = "access = false".to_owned();
    Gateway::start(&settings)
}

fn notices_nothing(gateway: &Gateway) {
    for _ in 0..20 {
        let started = Instant::now();
        assert_eq!(gateway.submit(SCORE).status, 204);
        assert!(started.elapsed() < AT_ONCE, "{:?}", started.elapsed());
    }
}

#[test]
fn ten_thousand_idle_connections() {
    const IDLE: usize = 10_000;
    // The test holds as many sockets as the gateway does.
    scoregate::file_limit::raise();
    let upstream = Upstream::accepting();
    let gateway = gateway(&upstream, "");
    notices_nothing(&gateway);
    let before = gateway.size("VmRSS");
    let request = gateway.request("GET", "/nowhere").bytes();
    let mut idle: Vec<_> = (0..IDLE).map(|_| gateway.connect()).collect();
    // One in ten has been used before.
    for client in idle.iter_mut().step_by(10) {
        assert_eq!(client.send(&request).response().status, 404);
    }
    notices_nothing(&gateway);
    let each = (gateway.size("VmRSS") - before) * 1024 / IDLE as u64;
    assert!(each < 16 * 1024, "{each} bytes for each connection");
    // They are there, and none was turned away.
    for client in idle.iter_mut().skip(1).step_by(1_000) {
        assert_eq!(client.send(&request).response().status, 404);
    }
    let open = Metrics::of(&gateway).sum(
        "scoregate_limit_used",
        &[("limit", "server.max_connections")],
    );
    assert!(open >= IDLE as f64, "{open}");
}

#[test]
fn two_hundred_that_dribble_a_byte_a_second() {
    let upstream = Upstream::accepting();
    let gateway = gateway(&upstream, "head_timeout = \"3s\"\nbody_timeout = \"3s\"");
    notices_nothing(&gateway);
    let before = gateway.size("VmRSS");
    let head = gateway.request("POST", SCORES);
    let head = head.header("content-type", "application/json");
    let head = head.header("content-length", "60000").bytes();
    let mut dribbling: Vec<_> = (0..200).map(|_| gateway.connect()).collect();
    // Half of them in the head, half of them in the body.
    for client in dribbling.iter_mut().skip(100) {
        client.send(&head);
    }
    let slow = b"POST /api/lineitems HTTP/1.1\r\nHost: a\r\n";
    for byte in slow.iter().take(4) {
        for client in &mut dribbling {
            client.send([*byte]);
        }
        notices_nothing(&gateway);
        // The pace is the dribble itself.
        thread::sleep(Duration::from_secs(1));
    }
    notices_nothing(&gateway);
    let growth = gateway.size("VmRSS").saturating_sub(before);
    assert!(growth < 20 * 1024, "{growth} KiB");
    // By now all of them are over: bytes keep no connection alive.
    for client in &mut dribbling {
        match client.try_response() {
            Ok(response) => assert_eq!(response.status, 408),
            Err(failure) => assert_eq!(failure, Failure::Closed),
        }
    }
}

#[test]
fn huge_heads() {
    let upstream = Upstream::accepting();
    let gateway = gateway(&upstream, "");
    notices_nothing(&gateway);
    let before = gateway.size("VmRSS");
    let one = format!(
        "GET /api/lineitems HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n",
        "x".repeat(4 << 20)
    );
    let many: String = (0..100_000)
        .map(|number| format!("X-{number}: x\r\n"))
        .collect();
    let many = format!("GET /api/lineitems HTTP/1.1\r\nHost: a\r\n{many}\r\n");
    let target = format!(
        "GET /api/{} HTTP/1.1\r\nHost: a\r\n\r\n",
        "x".repeat(4 << 20)
    );
    let endless = format!("{}{}", "GET / HTTP/1.1\r\n", "X: y\r\n".repeat(1 << 19));
    for _ in 0..5 {
        for huge in [&one, &many, &target, &endless] {
            let mut client = gateway.connect();
            match client.send(huge).try_response() {
                Ok(response) => {
                    assert!(
                        [400, 414, 431].contains(&response.status),
                        "{}",
                        response.status
                    );
                    assert_bodiless_or_envelope(&response);
                }
                // Bytes that come after the end may destroy the answer on its way.
                Err(failure) => assert!(!matches!(failure, Failure::Late(_)), "{failure:?}"),
            }
        }
    }
    notices_nothing(&gateway);
    let growth = gateway.size("VmRSS").saturating_sub(before);
    assert!(growth < 8 * 1024, "{growth} KiB");
    assert_eq!(upstream.requests().len(), 40);
}

/// What is read off so that they get their answers is kept nowhere, and of few at once.
#[test]
fn bodies_that_nobody_wants_keep_no_memory() {
    const BODY: usize = 1_000_000;
    let upstream = Upstream::accepting();
    let gateway = gateway(&upstream, "");
    notices_nothing(&gateway);
    let before = gateway.size("VmHWM");
    // A byte is missing: each is waited for until it is given up.
    let head = Request::new("POST", SCORES)
        .header("content-type", "application/json")
        .header("content-length", &(BODY + 1).to_string());
    let request = [head.bytes(), vec![b' '; BODY]].concat();
    let mut strangers: Vec<_> = (0..300).map(|_| gateway.connect()).collect();
    for client in &mut strangers {
        client.send(&request);
    }
    assert_eq!(strangers[0].response().status, 401);
    notices_nothing(&gateway);
    let growth = gateway.size("VmHWM") - before;
    assert!(growth < 64 * 1024, "{growth} KiB");
    assert_eq!(upstream.requests().len(), 40);
}
