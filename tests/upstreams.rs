//! LTIAAS, or whatever stands in its place, when it is slow, endless or odd: every wait for it has
//! an end, memory stays bounded, a score is sent once, and the next request is served.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]
#[allow(dead_code, unused_imports)]
mod support;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use support::*;

/// Far beyond the limits of these tests, for a machine that other tests keep busy.
const IN_TIME: Duration = Duration::from_secs(8);

/// Between the pieces of what dribbles.
const PACE: Duration = Duration::from_millis(5);

/// The head of a success whose end is yet to come.
const ENDLESS: &str =
    "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n";

/// Answers the first request with `first` and then `more` without end, and all others as it should.
fn endless(first: &str, more: &str, pause: Duration) -> Upstream {
    let (first, more) = (first.to_owned(), more.to_owned());
    Upstream::start(move |_, number| match number {
        0 => Reply::Endless(first.clone().into(), more.clone().into(), pause),
        _ => reply(204, "", ""),
    })
}

fn start(upstream: &Upstream, server: &str, upstream_lines: &str) -> Gateway {
    let mut settings = Settings::new(upstream.address);
    settings.server = server.to_owned();
    settings.upstream_lines = upstream_lines.to_owned();
    Gateway::start(&settings)
}

/// The answer to a submission, which must come in time; the gateway lets go of the upstream and
/// serves on.
fn answer(gateway: &Gateway, upstream: &Upstream) -> Response {
    let started = Instant::now();
    let response = gateway.submit(SCORE);
    assert!(started.elapsed() < IN_TIME, "{:?}", started.elapsed());
    upstream.wait_for_closed(1);
    assert_eq!(upstream.requests().len(), 1, "sent once");
    serves_on(gateway);
    response
}

/// The limits of these tests hold for a good upstream too, which a busy machine may keep from
/// answering in time: what counts is that it is served again.
fn serves_on(gateway: &Gateway) {
    let started = Instant::now();
    loop {
        let response = gateway.submit(SCORE);
        if response.status == 204 {
            return;
        }
        assert_envelope(&response, 504, "UPSTREAM_TIMEOUT");
        assert!(started.elapsed() < DEADLINE, "it does not serve on");
    }
}

#[test]
fn a_head_that_never_ends_is_a_504() {
    for (first, more) in [
        ("H", ""),
        ("HTTP/1.1 204 No Content\r\nx-slow: ", "x"),
        ("HTTP/1.1 204 No Content\r\n", "x: y\r\n"),
        ("", "HTTP/1.1 103 Early Hints\r\n\r\n"),
        ("", "HTTP/1.1 100 Continue\r\n\r\n"),
    ] {
        for (server, of_upstream) in [
            ("", "answer_timeout = \"300ms\""),
            ("request_deadline = \"300ms\"", ""),
        ] {
            // So slow that no other limit is met before.
            let upstream = endless(first, more, Duration::from_millis(20));
            let gateway = start(&upstream, server, of_upstream);
            assert_envelope(&answer(&gateway, &upstream), 504, "UPSTREAM_TIMEOUT");
        }
    }
}

#[test]
fn a_head_without_measure_is_refused_in_bounded_memory() {
    let lines = "x: y\r\n".repeat(1_000);
    let value = "x".repeat(64 * 1024);
    let hints = "HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n".repeat(1_000);
    for (first, more) in [
        ("HTTP/1.1 204 No Content\r\n", lines.as_str()),
        ("HTTP/1.1 204 No Content\r\nx: ", &value),
        ("HTTP/1.1 204 ", &value),
        ("", &value),
        ("", &hints),
    ] {
        let upstream = endless(first, more, Duration::ZERO);
        let gateway = start(&upstream, "", "answer_timeout = \"1s\"");
        let before = gateway.size("VmHWM");
        let response = answer(&gateway, &upstream);
        let named = ["UPSTREAM_INVALID_RESPONSE", "UPSTREAM_TIMEOUT"];
        let message = response.json()["details"]["message"].clone();
        assert!(named.iter().any(|name| message == *name), "{message}");
        let growth = gateway.size("VmHWM").saturating_sub(before);
        assert!(growth < 16 * 1024, "{growth} KiB for {first:?}");
    }
}

#[test]
fn a_success_that_never_ends_is_cut_at_the_deadline() {
    let by_length = "HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n";
    let by_the_end = "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n";
    for (first, more) in [
        (ENDLESS, "1\r\nx\r\n"),
        (ENDLESS, ""),
        (by_length, "x"),
        (by_the_end, "x"),
    ] {
        let upstream = endless(first, more, PACE);
        let gateway = start(&upstream, "request_deadline = \"500ms\"", "");
        let started = Instant::now();
        let mut client = gateway.connect();
        let request = gateway.request("GET", "/api/lineitems");
        let answered = client.send(request.bytes()).try_head().unwrap();
        assert_eq!(answered.status, 200);
        // Never as if it were whole.
        let cut = client.try_body(answered).unwrap_err();
        assert!(matches!(cut, Failure::Cut(_) | Failure::Closed), "{cut:?}");
        assert!(started.elapsed() < IN_TIME, "{:?}", started.elapsed());
        upstream.wait_for_closed(1);
        serves_on(&gateway);
    }
}

#[test]
fn a_success_that_must_be_whole_and_never_ends_is_a_504() {
    let upstream = endless(ENDLESS, "", PACE);
    let gateway = start(&upstream, "request_deadline = \"500ms\"", "");
    // For such a caller, a body of unknown length would end where it broke.
    let request = gateway.request("GET", "/api/lineitems").bytes();
    let request = String::from_utf8(request).unwrap();
    let request = request.replacen("HTTP/1.1", "HTTP/1.0", 1);
    let response = gateway.connect().send(request).response();
    assert_envelope(&response, 504, "UPSTREAM_TIMEOUT");
    upstream.wait_for_closed(1);
    serves_on(&gateway);
}

#[test]
fn a_line_item_that_never_ends_is_a_504_for_the_score_that_needs_it() {
    let upstream = endless(ENDLESS, "", PACE);
    let mut settings = Settings::new(upstream.address);
    settings.server = "request_deadline = \"500ms\"".to_owned();
    settings.tables = "[[policy]]\nname = \"p\"\nrescale = { to = \"line_item\" }\n".to_owned();
    let gateway = Gateway::start(&settings);
    let response = gateway.submit(SCORE);
    assert_envelope(&response, 504, "UPSTREAM_TIMEOUT");
    upstream.wait_for_closed(1);
    // Only asked for what it is out of.
    assert_eq!(upstream.only().method(), "GET");
}

#[test]
fn a_flood_that_the_caller_does_not_read_waits_outside() {
    let first = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    let more = format!("10000\r\n{}\r\n", "x".repeat(0x10000));
    let upstream = endless(first, &more, Duration::ZERO);
    let gateway = start(
        &upstream,
        "request_deadline = \"1s\"\nbody_timeout = \"1s\"",
        "",
    );
    let before = gateway.size("VmRSS");
    let mut client = gateway.connect();
    let request = gateway.request("GET", "/api/lineitems");
    client.send(request.bytes()).try_head().unwrap();
    serves_on(&gateway);
    // The caller stays, and reads nothing.
    upstream.wait_for_closed(1);
    let growth = gateway.size("VmHWM").saturating_sub(before);
    assert!(growth < 16 * 1024, "{growth} KiB");
}

#[test]
fn an_error_that_never_ends_is_answered_all_the_same() {
    let head = "HTTP/1.1 500 Oops\r\ncontent-type: text/html\r\ntransfer-encoding: chunked\r\n\r\n";
    let flood = format!("10000\r\n{}\r\n", "x".repeat(0x10000));
    for (more, pause) in [("1\r\nx\r\n", PACE), ("", PACE), (&flood, Duration::ZERO)] {
        let upstream = endless(head, more, pause);
        let gateway = start(&upstream, "request_deadline = \"500ms\"", "");
        let response = answer(&gateway, &upstream);
        assert!([500, 502, 504].contains(&response.status));
        envelope(&response);
        assert!(response.message.body.len() <= 128 * 1024);
    }
}

#[test]
fn trailers_stay_behind() {
    let upstream = Upstream::start(|_, number| match number {
        0 => Reply::Bytes(
            b"HTTP/1.1 200 OK\r\ntrailer: x-secret\r\ntransfer-encoding: chunked\r\n\r\n\
              2\r\n{}\r\n0\r\nx-secret: canary\r\ncontent-length: 5\r\n\r\n"
                .to_vec(),
        ),
        _ => reply(204, "", ""),
    });
    let gateway = Gateway::before(&upstream);
    let mut client = gateway.connect();
    let request = gateway.request("GET", "/api/lineitems").bytes();
    let response = client.send(request).response();
    assert_eq!((response.status, response.text().as_str()), (200, "{}"));
    assert!(!response.everything().contains("canary"));
    // Both connections are good for another.
    let next = client.send(gateway.submission(SCORE).bytes()).response();
    assert_eq!(next.status, 204);
}

/// Takes connections, reads `reads` bytes of each, says `says`, and hangs up with the rest unread.
fn hanging_up(reads: usize, says: &'static str) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let taken = Arc::new(AtomicUsize::new(0));
    let counter = taken.clone();
    thread::spawn(move || {
        for stream in listener.incoming() {
            counter.fetch_add(1, Ordering::SeqCst);
            let mut stream = stream.unwrap();
            stream.read_exact(&mut vec![0; reads]).unwrap();
            stream.write_all(says.as_bytes()).unwrap();
        }
    });
    (address, taken)
}

#[test]
fn an_answer_before_the_request_is_whole_is_no_reason_to_send_it_again() {
    let refused = "HTTP/1.1 503 Busy\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
    for says in [refused, "", "HTTP/1.1 2"] {
        for reads in [1, 300] {
            let (address, taken) = hanging_up(reads, says);
            let gateway = Gateway::start(&Settings::new(address));
            let response = gateway.submit(SCORE);
            assert!([502, 503].contains(&response.status), "{}", response.status);
            envelope(&response);
            assert_eq!(taken.load(Ordering::SeqCst), 1, "{says:?} after {reads}");
        }
    }
}

#[test]
fn what_speaks_no_tls_is_unreachable_in_time() {
    for says in [
        "HTTP/1.1 400 Bad Request\r\n\r\n",
        "\u{16}\u{3}\u{1}\u{0}\u{5}",
        "",
    ] {
        let (address, _taken) = hanging_up(1, says);
        let mut settings = Settings::new(address);
        settings.scheme = "https";
        let gateway = Gateway::start(&settings);
        assert_envelope(&gateway.submit(SCORE), 502, "UPSTREAM_UNREACHABLE");
    }
    // One that takes the connection and says nothing at all.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut settings = Settings::new(silent.local_addr().unwrap());
    settings.scheme = "https";
    settings.upstream_lines = "connect_timeout = \"300ms\"".to_owned();
    let gateway = Gateway::start(&settings);
    let started = Instant::now();
    let response = gateway.submit(SCORE);
    assert!([502, 504].contains(&response.status), "{}", response.status);
    envelope(&response);
    assert!(started.elapsed() < IN_TIME, "{:?}", started.elapsed());
}

/// How many connections to `main` are kept and unused.
fn wait_for_unused(gateway: &Gateway, count: f64) {
    let main = [("account", "main")];
    Metrics::wait_for(gateway, "scoregate_upstream_idle_connections", &main, count);
}

#[test]
fn a_connection_that_nobody_uses_any_more_is_closed_in_time() {
    let upstream = Upstream::accepting();
    let gateway = start(&upstream, "", "idle_timeout = \"2s\"");
    assert_eq!(gateway.submit(SCORE).status, 204);
    wait_for_unused(&gateway, 1.0);
    upstream.wait_for_closed(1);
    wait_for_unused(&gateway, 0.0);
}

#[test]
fn the_connections_of_an_account_that_is_gone_are_counted_no_more() {
    let upstream = Upstream::accepting();
    let gateway = start(&upstream, "", "idle_timeout = \"1h\"");
    assert_eq!(gateway.submit(SCORE).status, 204);
    wait_for_unused(&gateway, 1.0);
    let text = std::fs::read_to_string(gateway.config_file()).unwrap();
    gateway.reconfigure_with(&text.replace("\"main\"", "\"other\""));
    gateway.signal("HUP");
    gateway.wait_for_generation(2);
    upstream.wait_for_closed(1);
    wait_for_unused(&gateway, 0.0);
}
