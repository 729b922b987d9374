//! `scoregate health`, as a probe calls it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]
#[allow(dead_code, unused_imports)]
mod support;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use support::{Client, DEADLINE, Gateway, Request, Settings, Upstream, refusing_address};

struct Answer {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

fn health(arguments: &[&str]) -> Answer {
    let output = Command::new(env!("CARGO_BIN_EXE_scoregate"))
        .arg("health")
        .args(arguments)
        .output()
        .unwrap();
    Answer {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

fn ask(admin: SocketAddr, more: &[&str]) -> Answer {
    let admin = admin.to_string();
    let answer = health(&[&["--admin", &admin], more].concat());
    assert_eq!(answer.stdout.lines().count(), 1, "{}", answer.stdout);
    assert_eq!(answer.stderr, "");
    answer
}

/// A listener that answers each connection with this and then leaves it open.
fn listener(answer: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        let mut open = Vec::new();
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 1024]);
            let _ = stream.write_all(answer.as_bytes());
            open.push(stream);
        }
    });
    address
}

#[test]
fn a_gateway_that_serves_is_good() {
    let gateway = Gateway::before(&Upstream::accepting());
    let ready = ask(gateway.admin, &[]);
    assert_eq!(ready.code, Some(0), "{}", ready.stdout);
    assert!(ready.stdout.contains("/readyz: 200 OK {"));
    let live = ask(gateway.admin, &["--live"]);
    assert_eq!(live.code, Some(0), "{}", live.stdout);
    assert!(live.stdout.contains("/healthz: 200 OK {"));
}

#[test]
fn the_address_is_read_from_a_configuration_whose_secrets_are_elsewhere() {
    let gateway = Gateway::before(&Upstream::accepting());
    let file = gateway.directory.path().join("probe.toml");
    let text = format!(
        "[admin]\nlisten = \"{}\"\n[[account]]\nname = \"main\"\napi_keys = [{{ env = \"NOT_SET\" }}]\n",
        gateway.admin
    );
    std::fs::write(&file, text).unwrap();
    let answer = health(&["--config", file.to_str().unwrap()]);
    assert_eq!(answer.code, Some(0), "{}{}", answer.stdout, answer.stderr);
}

#[test]
fn a_gateway_that_drains_lives_but_is_not_ready() {
    let mut settings = Settings::new(Upstream::accepting().address);
    settings.server = "drain_delay = \"60s\"".to_owned();
    let gateway = Gateway::start(&settings);
    assert_eq!(ask(gateway.admin, &[]).code, Some(0));
    gateway.signal("TERM");
    gateway.wait_for_log("draining");
    let started = Instant::now();
    let mut ready = ask(gateway.admin, &[]);
    while ready.code == Some(0) {
        assert!(started.elapsed() < DEADLINE, "still ready");
        ready = ask(gateway.admin, &[]);
    }
    assert_eq!(ready.code, Some(1));
    assert!(
        ready.stdout.contains("503 Service Unavailable")
            && ready.stdout.contains("\"serving\":false"),
        "{}",
        ready.stdout
    );
    assert_eq!(ask(gateway.admin, &["--live"]).code, Some(0));
}

#[test]
fn nobody_there_is_a_finding() {
    let (_held, address) = refusing_address();
    let answer = ask(address, &[]);
    assert_eq!(answer.code, Some(1));
    assert!(answer.stdout.contains("no answer"), "{}", answer.stdout);
}

#[test]
fn the_public_port_and_other_services_are_not_taken_for_the_admin_listener() {
    let gateway = Gateway::before(&Upstream::accepting());
    let other = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
    let json = "HTTP/1.1 200 OK\r\ncontent-length: 15\r\n\r\n{\"status\":\"up\"}";
    let denies = "HTTP/1.1 200 OK\r\ncontent-length: 15\r\n\r\n{\"ready\":false}";
    let long = format!(
        "HTTP/1.1 200 OK\r\ncontent-length: 9999\r\n\r\n{}",
        " ".repeat(5000)
    );
    for address in [
        gateway.address,
        listener(other),
        listener(json),
        listener(denies),
    ] {
        let answer = ask(address, &[]);
        assert_eq!(answer.code, Some(1), "{}", answer.stdout);
    }
    // Refused for what came already, without waiting for the rest.
    let answer = ask(listener(long.leak()), &["--timeout", "20s"]);
    assert!(!answer.stdout.contains("within"), "{}", answer.stdout);
    assert_eq!(answer.code, Some(1));
}

#[test]
fn a_listener_that_hangs_costs_the_timeout_and_no_more() {
    for answer in ["", "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{"] {
        let started = Instant::now();
        let answer = ask(listener(answer), &["--timeout", "200ms"]);
        assert_eq!(answer.code, Some(1));
        assert!(
            answer.stdout.contains("no answer within 200ms"),
            "{}",
            answer.stdout
        );
        assert!(started.elapsed() >= Duration::from_millis(200));
        assert!(started.elapsed() < DEADLINE);
    }
}

#[test]
fn without_an_address_it_is_wrong_usage() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("scoregate.toml");
    let file = file.to_str().unwrap();
    let missing = health(&["--config", file]);
    assert_eq!((missing.code, missing.stdout.as_str()), (Some(2), ""));
    assert!(missing.stderr.contains("there is no such file"));
    for (text, why) in [
        (
            "[admin]\nlisten = \"here\"\n",
            "admin.listen: must be an IP address",
        ),
        ("[admin]\nlisten = \"127.0.0.1:0\"\n", "port 0"),
    ] {
        std::fs::write(file, text).unwrap();
        let answer = health(&["--config", file]);
        assert_eq!((answer.code, answer.stdout.as_str()), (Some(2), ""));
        assert!(answer.stderr.contains(why), "{}", answer.stderr);
    }
    for wrong in [
        &[][..],
        &["--admin", "127.0.0.1:1", "--config", file],
        &["--admin", "localhost"],
        &["--admin", "127.0.0.1:1", "--timeout", "0s"],
        &["--admin", "127.0.0.1:1", "--timeout", "2"],
    ] {
        assert_eq!(health(wrong).code, Some(2), "{wrong:?}");
    }
}

#[test]
fn idle_connections_keep_no_probe_out() {
    let upstream = Upstream::accepting();
    let gateway = Gateway::before(&upstream);
    let silent = || TcpStream::connect(gateway.admin).unwrap();
    let mut dribbling: Vec<_> = (0..35).map(|_| silent()).collect();
    for stream in &mut dribbling {
        stream.write_all(b"GET /healthz HTTP/1.1\r\nx: ").unwrap();
    }
    let _silent: Vec<_> = (0..35).map(|_| silent()).collect();
    let started = Instant::now();
    let answer = ask(gateway.admin, &["--live", "--timeout", "2s"]);
    assert_eq!(answer.code, Some(0), "{}", answer.stdout);
    assert!(started.elapsed() < Duration::from_secs(2));
    // A connection that asks is kept, however many are idle.
    let mut keeps = Client::connect(gateway.admin);
    let page = Request::new("GET", "/healthz").bytes();
    let mut crowd = Vec::new();
    for _ in 0..3 {
        assert_eq!(keeps.send(&page).response().status, 200);
        crowd.extend((0..40).map(|_| silent()));
        assert_eq!(ask(gateway.admin, &["--live"]).code, Some(0));
    }
}
