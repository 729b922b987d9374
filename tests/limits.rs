//! Stalling callers, limits of what is in flight, and the end of the process.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]
#[allow(dead_code, unused_imports)]
mod support;

use std::time::{Duration, Instant};

use support::*;

fn with_server(upstream: &Upstream, lines: &str) -> Gateway {
    let mut settings = Settings::new(upstream.address);
    settings.server = lines.to_owned();
    Gateway::start(&settings)
}

/// Whether every worker still answers.
fn serves(gateway: &Gateway) {
    let response = gateway.submit(SCORE);
    assert_eq!(response.status, 204, "{}", response.everything());
}

#[test]
fn a_caller_that_stalls_in_its_body_gets_408() {
    let upstream = Upstream::accepting();
    let gateway = with_server(&upstream, "body_timeout = \"300ms\"");
    let head = gateway
        .request("POST", SCORES)
        .header("content-type", "application/json");
    let length = SCORE.len().to_string();
    let mut stalled = Vec::new();
    for (name, value, part) in [
        ("content-length", length.as_str(), &SCORE[..20]),
        ("content-length", length.as_str(), ""),
        ("transfer-encoding", "chunked", "5\r\n{\"use"),
        ("transfer-encoding", "chunked", "5\r\n{\"use\r\n"),
        ("transfer-encoding", "chunked", "5;"),
    ] {
        let mut client = gateway.connect();
        let response = client
            .send(head.clone().header(name, value).bytes())
            .send(part)
            .response();
        let body = assert_envelope(&response, 408, "REQUEST_TIMEOUT");
        assert_eq!(body["details"]["retryable"], true);
        stalled.push(client);
    }
    // What is left of a body is read off for a moment, and then the connection ends.
    assert!(stalled.iter_mut().all(Client::is_closed));
    assert!(upstream.requests().is_empty());
    serves(&gateway);
}

#[test]
fn a_body_that_dribbles_is_cut_off_as_well() {
    let upstream = Upstream::accepting();
    let gateway = with_server(&upstream, "body_timeout = \"500ms\"");
    let head = gateway
        .request("POST", SCORES)
        .header("content-type", "application/json");
    let mut client = gateway.connect();
    client.send(head.header("content-length", "60000").bytes());
    // A byte every few milliseconds keeps no connection alive. The pace is the dribble itself.
    let started = Instant::now();
    while client.try_send(" ").is_ok() && started.elapsed() < Duration::from_secs(3) {
        std::thread::sleep(Duration::from_millis(20));
    }
    match client.try_response() {
        Ok(response) => {
            assert_envelope(&response, 408, "REQUEST_TIMEOUT");
        }
        // Bytes that arrived after the end may have destroyed the answer on its way.
        Err(failure) => assert_eq!(failure, Failure::Closed),
    }
    serves(&gateway);
}

#[test]
fn a_caller_that_stalls_in_its_head_gets_408_or_the_end() {
    let upstream = Upstream::accepting();
    let gateway = with_server(&upstream, "head_timeout = \"300ms\"");
    for part in [
        "P",
        "POST /api",
        "POST /api/idtoken HTTP/1.1\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX: ",
        "\r\n",
    ] {
        let mut client = gateway.connect();
        match client.send(part).try_response() {
            Err(failure) => assert_eq!(failure, Failure::Closed, "{part}"),
            Ok(response) => {
                assert_eq!(response.status, 408, "{part}");
                assert_bodiless_or_envelope(&response);
                assert!(client.is_closed(), "{part}");
            }
        }
    }
    serves(&gateway);
}

#[test]
fn a_silent_connection_is_closed_after_the_idle_timeout_and_not_before() {
    let upstream = Upstream::accepting();
    let gateway = with_server(&upstream, "idle_timeout = \"400ms\"\nhead_timeout = \"5s\"");
    // Used before, and never used.
    for warm in [true, false] {
        let mut client = gateway.connect();
        if warm {
            assert_eq!(
                client
                    .send(gateway.submission(SCORE).bytes())
                    .response()
                    .status,
                204
            );
        }
        let since = Instant::now();
        client.patience(Duration::from_secs(4));
        assert!(client.is_closed(), "warm: {warm}");
        assert!(
            since.elapsed() >= Duration::from_millis(350),
            "{:?}",
            since.elapsed()
        );
    }
}

#[test]
fn beyond_the_limit_of_what_is_in_flight_is_overloaded() {
    let gate = Gate::default();
    let upstream = gate.upstream();
    let gateway = with_server(&upstream, "max_in_flight = 2");
    let mut waiting = [gateway.connect(), gateway.connect()];
    for client in &mut waiting {
        client.send(gateway.submission(SCORE).bytes());
    }
    upstream.wait_for(2);
    let response = gateway.submit(SCORE);
    let body = assert_envelope(&response, 503, "OVERLOADED");
    assert_eq!(body["details"]["retryable"], true);
    let description = body["details"]["description"].as_str().unwrap();
    assert!(
        description.contains("max_in_flight") || description.contains('2'),
        "{description}"
    );
    assert_eq!(upstream.requests().len(), 2);
    gate.open();
    for client in &mut waiting {
        assert_eq!(client.response().status, 204);
    }
    serves(&gateway);
}

/// Those whose callers left count until they are recorded, and a body that finds no place is not read.
#[test]
fn callers_who_leave_pile_up_no_submissions() {
    let gate = Gate::default();
    let upstream = gate.upstream();
    let gateway = with_server(&upstream, "max_in_flight = 1");
    let mut leaving = gateway.connect();
    leaving.send(gateway.submission(SCORE).bytes());
    upstream.wait_for(1);
    drop(leaving);
    let limit = [("limit", "server.max_in_flight")];
    Metrics::wait_for(&gateway, "scoregate_limit_used", &limit, 0.0);
    let head = gateway
        .request("POST", SCORES)
        .header("content-type", "application/json")
        .header("content-length", &SCORE.len().to_string());
    let mut client = gateway.connect();
    let response = client.send(head.bytes()).response();
    assert_envelope(&response, 503, "OVERLOADED");
    assert_eq!(response.header("scoregate-decision"), None);
    drop(client);
    gate.open();
    until("the place to be free", || {
        gateway.submit(SCORE).status == 204
    });
}

#[test]
fn what_is_in_flight_counts_until_its_body_ends() {
    let gate = Gate::default();
    let (held, second) = (gate.clone(), vec![b'x'; 10]);
    let upstream = Upstream::start(move |_, number| match number {
        0 => {
            let (held, second) = (held.clone(), second.clone());
            let first = b"HTTP/1.1 200 OK\r\ncontent-length: 20\r\n\r\nxxxxxxxxxx".to_vec();
            Reply::Staged(
                first,
                Box::new(move || {
                    held.pass();
                    second
                }),
            )
        }
        _ => reply(204, "", ""),
    });
    let gateway = with_server(&upstream, "max_in_flight = 1");
    let mut client = gateway.connect();
    client.send(gateway.request("GET", "/api/lineitems").bytes());
    let head = client.try_head().unwrap();
    assert_envelope(&gateway.submit(SCORE), 503, "OVERLOADED");
    gate.open();
    assert_eq!(client.try_body(head).unwrap().message.body, vec![b'x'; 20]);
    // The permit comes back with the body's end, which the caller may see a little earlier.
    let started = Instant::now();
    while gateway.submit(SCORE).status == 503 {
        assert!(started.elapsed() < DEADLINE, "the permit is lost");
    }
}

#[test]
fn a_caller_that_leaves_gives_its_place_back() {
    let gate = Gate::default();
    let upstream = gate.upstream();
    let gateway = with_server(&upstream, "max_in_flight = 1");
    let mut client = gateway.connect();
    client.send(gateway.submission(SCORE).bytes());
    upstream.wait_for(1);
    drop(client);
    gate.open();
    let started = Instant::now();
    while gateway.submit(SCORE).status == 503 {
        assert!(started.elapsed() < DEADLINE, "the permit is lost");
    }
}

/// Whichever worker's they are: none keeps a place for whoever may come.
#[test]
fn as_many_connections_may_be_open_as_are_allowed() {
    let upstream = Upstream::accepting();
    let lines = "listen = \"127.0.0.1:0\"\nworkers = 2\nmax_connections = 1";
    let gateway = with_server(&upstream, lines);
    let used = |count| {
        let limit = [("limit", "server.max_connections")];
        Metrics::wait_for(&gateway, "scoregate_limit_used", &limit, count);
    };
    used(0.0);
    for _ in 0..12 {
        serves(&gateway);
    }
    used(0.0);
    let mut first = gateway.connect();
    let request = gateway.submission(SCORE).bytes();
    assert_eq!(first.send(&request).response().status, 204);
    let mut waiting: Vec<_> = (0..4).map(|_| gateway.connect()).collect();
    for client in &mut waiting {
        client.send(
            gateway
                .submission(SCORE)
                .header("connection", "close")
                .bytes(),
        );
    }
    assert_eq!(first.send(&request).response().status, 204);
    used(1.0);
    assert_eq!(upstream.requests().len(), 14);
    drop(first);
    for client in &mut waiting {
        assert_eq!(client.response().status, 204);
    }
    used(0.0);
}

/// Connections that do nothing leave file descriptors for LTIAAS and for probes.
#[test]
fn idle_connections_leave_file_descriptors_for_the_upstream() {
    const FILES: usize = 256;
    let upstream = Upstream::accepting();
    let mut settings = Settings::new(upstream.address);
    settings.server = "listen = \"127.0.0.1:0\"\nworkers = 2".to_owned();
    let gateway = Gateway::start_with_files(&settings, FILES);
    let mut good = gateway.connect();
    let request = gateway.request("GET", "/nowhere").bytes();
    assert_eq!(good.send(&request).response().status, 404);
    let idle: Vec<_> = (0..2 * FILES).map(|_| gateway.connect()).collect();
    let name = "scoregate_limit_used";
    let limit = [("limit", "server.max_connections")];
    // No more come in, or no file is left.
    let mut open = 0.0;
    until("the room to be full", || {
        let before = open;
        let metrics = Metrics::of(&gateway);
        open = metrics.sum(name, &limit);
        let most = metrics.sum("scoregate_limit", &limit);
        open >= most && open == before
    });
    assert!(open < FILES as f64, "{open}");
    for _ in 0..3 {
        let response = good.send(gateway.submission(SCORE).bytes()).response();
        assert_eq!(response.status, 204, "{}", response.everything());
    }
    gateway.wait_for_log("too few file descriptors for `server.max_connections`");
    drop(idle);
}

#[test]
fn the_deadline_of_a_request_holds_whatever_stalls() {
    let upstream = Upstream::start(|_, _| Reply::Hang);
    let gateway = with_server(&upstream, "request_deadline = \"400ms\"");
    let started = Instant::now();
    assert_envelope(&gateway.submit(SCORE), 504, "UPSTREAM_TIMEOUT");
    assert!(
        started.elapsed() < Duration::from_secs(5),
        "{:?}",
        started.elapsed()
    );
}

#[test]
fn sigterm_lets_what_is_in_flight_finish_and_takes_nothing_new() {
    let gate = Gate::default();
    let upstream = gate.upstream();
    let mut gateway = with_server(&upstream, "");
    let mut idle = gateway.connect();
    assert_eq!(
        idle.send(gateway.request("GET", "/nowhere").bytes())
            .response()
            .status,
        404
    );
    let mut waiting = gateway.connect();
    waiting.send(gateway.submission(SCORE).bytes());
    upstream.wait_for(1);
    gateway.signal("TERM");
    gateway.wait_for_log("draining");
    // Silent connections end; new work gets DRAINING, or the end of the connection.
    assert!(idle.is_closed());
    if let Ok(mut stranger) = Client::try_connect(gateway.address) {
        match stranger
            .send(gateway.submission(SCORE).bytes())
            .try_response()
        {
            Err(failure) => assert_eq!(failure, Failure::Closed),
            Ok(response) => {
                let body = assert_envelope(&response, 503, "DRAINING");
                assert_eq!(body["details"]["retryable"], true);
            }
        }
    }
    assert!(gateway.is_running());
    gate.open();
    assert_eq!(waiting.response().status, 204);
    let ended = gateway.ended();
    assert_eq!(ended.code(), Some(0), "{}", gateway.log());
    assert_eq!(upstream.requests().len(), 1);
}

/// Workers that have nothing left to do take no place from those that have.
#[test]
fn what_was_in_flight_finishes_though_other_workers_are_done() {
    let gate = Gate::default();
    let upstream = gate.upstream();
    // So many that some have no connection.
    let mut gateway = with_server(&upstream, "listen = \"127.0.0.1:0\"\nworkers = 8");
    let submission = gateway.submission(SCORE).bytes();
    let (begun, rest) = submission.split_at(submission.len() - 20);
    let [mut waiting, mut sending] = [gateway.connect(), gateway.connect()];
    waiting.send(&submission);
    sending.send(begun);
    upstream.wait_for(1);
    let limit = [("limit", "server.max_in_flight")];
    Metrics::wait_for(&gateway, "scoregate_limit_used", &limit, 2.0);
    gateway.signal("TERM");
    until("every worker to stop listening", || {
        Client::try_connect(gateway.address).is_err()
    });
    sending.send(rest);
    upstream.wait_for(2);
    gate.open();
    for client in [&mut waiting, &mut sending] {
        assert_eq!(client.response().status, 204);
    }
    assert_eq!(gateway.ended().code(), Some(0), "{}", gateway.log());
}

#[test]
fn readiness_goes_first_and_new_work_is_served_until_the_delay_is_over() {
    let upstream = Upstream::accepting();
    let mut gateway = with_server(&upstream, "drain_delay = \"2s\"");
    let ready = |gateway: &Gateway| {
        let page = Request::new("GET", "/readyz").bytes();
        let response = Client::connect(gateway.admin).send(page).response();
        response.status == 200
    };
    assert!(ready(&gateway));
    let signalled = Instant::now();
    gateway.signal("TERM");
    while ready(&gateway) {
        assert!(signalled.elapsed() < Duration::from_secs(1), "still ready");
    }
    serves(&gateway);
    assert_eq!(gateway.ended().code(), Some(0), "{}", gateway.log());
    assert!(signalled.elapsed() >= Duration::from_secs(2));
}

#[test]
fn until_the_delay_is_over_each_answer_is_the_last_on_its_connection_and_none_is_missing() {
    let gate = Gate::default();
    let held = gate.clone();
    let upstream = Upstream::start(move |_, number| {
        if number == 2 {
            held.pass();
        }
        reply(204, "", "")
    });
    let mut gateway = with_server(&upstream, "drain_delay = \"60s\"");
    let submission = gateway.submission(SCORE).bytes();
    let mut kept = [gateway.connect(), gateway.connect()];
    for client in &mut kept {
        let response = client.send(&submission).response();
        assert_eq!(
            (response.status, response.header("connection")),
            (204, None)
        );
    }
    let mut waiting = gateway.connect();
    waiting.send(&submission);
    upstream.wait_for(3);
    gateway.signal("TERM");
    let page = Request::new("GET", "/readyz").bytes();
    let ready = || Client::connect(gateway.admin).send(&page).response().status;
    while ready() == 200 {}
    // Whatever is answered, on connections that were there and on new ones.
    let nowhere = gateway.request("GET", "/nowhere").bytes();
    let [first, second] = &mut kept;
    let (third, fourth) = (&mut gateway.connect(), &mut gateway.connect());
    for (client, request, status) in [
        (first, &submission, 204),
        (second, &nowhere, 404),
        (third, &submission, 204),
        (fourth, &nowhere, 404),
    ] {
        let response = client.send(request).response();
        assert_eq!(response.status, status);
        assert_eq!(response.header("connection"), Some("close"));
        assert!(client.is_closed());
    }
    gate.open();
    let response = waiting.response();
    assert_eq!(response.status, 204);
    assert_eq!(response.header("connection"), Some("close"));
    assert!(waiting.is_closed());
    // Nobody is ended who has not asked: silence is no answer.
    let mut silent = gateway.connect();
    silent.patience(Duration::from_millis(200));
    assert!(!silent.is_closed());
    gateway.signal("TERM");
    gateway.ended();
    assert_eq!(upstream.requests().len(), 5);
}

/// One in flight when the drain begins: hyper says it then, and it is said once.
#[test]
fn an_answer_in_the_drain_says_close_once() {
    let gate = Gate::default();
    let upstream = gate.upstream();
    let mut gateway = with_server(&upstream, "");
    let mut waiting = gateway.connect();
    waiting.send(gateway.submission(SCORE).bytes());
    upstream.wait_for(1);
    gateway.signal("TERM");
    gateway.wait_for_log("draining");
    while Client::try_connect(gateway.address).is_ok() {}
    gate.open();
    let response = waiting.response();
    assert_eq!(response.status, 204);
    assert_eq!(response.header("connection"), Some("close"));
    assert_eq!(gateway.ended().code(), Some(0), "{}", gateway.log());
}

#[test]
fn a_second_sigterm_and_the_drain_deadline_end_what_hangs() {
    let upstream = Upstream::start(|_, _| Reply::Hang);
    let mut hurried = with_server(&upstream, "");
    let mut patient = with_server(&upstream, "drain_deadline = \"500ms\"");
    for (number, gateway) in [&mut hurried, &mut patient].into_iter().enumerate() {
        let mut client = gateway.connect();
        client.send(gateway.submission(SCORE).bytes());
        upstream.wait_for(number + 1);
        gateway.signal("TERM");
        gateway.wait_for_log("draining");
        if number == 0 {
            assert!(gateway.is_running());
            gateway.signal("TERM");
        }
        let started = Instant::now();
        gateway.ended();
        if number == 1 {
            assert!(gateway.log().contains("stopped with requests in flight"));
        }
        assert!(
            started.elapsed() < Duration::from_secs(5),
            "{:?}",
            started.elapsed()
        );
    }
}

/// HTTP/2 up to its SETTINGS, and a request for `/nowhere` as its first stream.
const HTTP_2: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
const GET_NOWHERE: &[u8] = b"\0\0\x0f\x01\x05\0\0\0\x01\x82\x86\x04\x08/nowhere\x01\x01x";

/// The types of frames (RFC 9113 section 6).
const PING: u8 = 6;
const GOAWAY: u8 = 7;

/// The types of the frames that come until the connection ends.
fn frames(client: &mut Client) -> Vec<u8> {
    let (mut bytes, mut types) = (Vec::new(), Vec::new());
    while let Ok(more) = client.some() {
        bytes.extend(more);
    }
    let mut rest = bytes.as_slice();
    while let [a, b, c, kind, _, _, _, _, _, payload @ ..] = rest {
        types.push(*kind);
        let length = usize::from(*a) << 16 | usize::from(*b) << 8 | usize::from(*c);
        rest = &payload[length..];
    }
    assert!(rest.is_empty(), "{rest:?}");
    types
}

/// So that whoever is about to send something sends it elsewhere.
#[test]
fn a_silent_connection_over_http_2_is_told_of_its_end() {
    let upstream = Upstream::accepting();
    let gateway = with_server(
        &upstream,
        "idle_timeout = \"800ms\"\nhead_timeout = \"100ms\"",
    );
    // Used before, and never used.
    for opening in [[HTTP_2, GET_NOWHERE].concat(), HTTP_2.to_vec()] {
        let since = Instant::now();
        let mut client = gateway.connect();
        let types = frames(client.send(opening));
        assert!(since.elapsed() >= Duration::from_millis(750));
        // It hears of it, and may say whether it has.
        assert_eq!(types[types.len() - 2..], [GOAWAY, PING], "{types:?}");
    }
}

#[test]
fn connections_without_a_request_do_not_hold_up_the_end() {
    let upstream = Upstream::accepting();
    for (lines, most) in [("", 5), ("drain_deadline = \"100ms\"", 2)] {
        let mut gateway = with_server(&upstream, lines);
        let submission = gateway.submission(SCORE).bytes();
        let connected = |bytes: &[u8]| {
            let mut client = gateway.connect();
            client.send(bytes);
            client
        };
        let mut silent = [
            connected(&[]),
            connected(&submission[..20]),
            connected(&HTTP_2[..3]),
            connected(HTTP_2),
        ];
        let mut used = connected(&submission);
        assert_eq!(used.response().status, 204);
        used.send(&submission[..20]);
        // It takes its answer, and answers none of the gateway's own frames.
        let mut deaf = connected(&[HTTP_2, GET_NOWHERE].concat());
        let mut taken = Vec::new();
        while !taken.windows(15).any(|bytes| bytes == b"ROUTE_NOT_FOUND") {
            taken.extend(deaf.some().unwrap());
        }
        let signalled = Instant::now();
        gateway.signal("TERM");
        let ended = gateway.ended();
        assert_eq!(ended.code(), Some(0), "{}", gateway.log());
        let took = signalled.elapsed();
        assert!(took < Duration::from_secs(most), "{took:?}");
        assert!(!gateway.log().contains("in flight"), "{}", gateway.log());
        silent.iter_mut().for_each(Client::finish);
    }
}

#[test]
fn a_second_gateway_on_the_same_port_does_not_start() {
    let upstream = Upstream::accepting();
    for workers in [1, 2] {
        let first = with_server(
            &upstream,
            &format!("listen = \"127.0.0.1:0\"\nworkers = {workers}"),
        );
        let mut settings = Settings::new(upstream.address);
        settings.server = format!("listen = \"{}\"\nworkers = {workers}", first.address);
        match Gateway::try_start(&settings) {
            Ok(_) => panic!("two gateways on {}", first.address),
            Err(log) => assert!(!log.is_empty() && !log.contains("panicked"), "{log}"),
        }
        serves(&first);
    }
}

#[test]
fn admin_pages_answer_on_their_own_port_alone() {
    let upstream = Upstream::accepting();
    let gateway = Gateway::before(&upstream);
    for path in ["/healthz", "/readyz"] {
        let page = Request::new("GET", path).bytes();
        assert_eq!(
            Client::connect(gateway.admin).send(&page).response().status,
            200,
            "{path}"
        );
        let response = gateway.connect().send(&page).response();
        assert_envelope(&response, 404, "ROUTE_NOT_FOUND");
    }
    let submission = gateway.submission(SCORE).bytes();
    assert_eq!(
        Client::connect(gateway.admin)
            .send(submission)
            .response()
            .status,
        404
    );
    assert!(upstream.requests().is_empty());
}
