//! A SQLite ledger's file and the gateway that writes it: nobody else does, by whatever name, and nothing
//! is acknowledged that went into a file which is gone.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]
#[allow(dead_code, unused_imports)]
mod support;

use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use support::*;

const FILE: &str = "scoregate.db";

fn settings(upstream: &Upstream, file: &Path) -> Settings {
    let mut settings = Settings::new(upstream.address);
    settings.tables = format!("[ledger]\nurl = \"sqlite:{}\"\n", file.display());
    settings
}

fn refused_second(settings: &Settings) {
    let Err(shown) = Gateway::try_start(settings) else {
        panic!("two gateways write one file");
    };
    assert!(shown.contains("another gateway has the ledger"), "{shown}");
}

#[test]
fn a_second_gateway_finds_the_file_taken_by_whatever_name() {
    let upstream = Upstream::accepting();
    let first = Gateway::start(&settings(&upstream, Path::new(FILE)));
    let folder = first.directory.path();
    let file = folder.join(FILE);
    let elsewhere = tempfile::tempdir_in(folder).unwrap();
    let (link, symbolic) = (elsewhere.path().join("a.db"), elsewhere.path().join("b.db"));
    fs::hard_link(&file, &link).unwrap();
    std::os::unix::fs::symlink(&file, &symbolic).unwrap();
    for name in [&file, &link, &symbolic] {
        refused_second(&settings(&upstream, name));
    }
    // Neither does it help to take the lock's own file away.
    fs::remove_file(folder.join("scoregate.db.lock")).unwrap();
    refused_second(&settings(&upstream, &file));
    assert_eq!(first.submit(SCORE).status, 204);
}

fn is_ready(gateway: &Gateway) -> bool {
    let page = Request::new("GET", "/readyz").bytes();
    let answer = Client::connect(gateway.admin).send(page).response();
    answer.status == 200
}

fn wait_until(what: &str, gateway: &Gateway, is_so: impl Fn() -> bool) {
    let started = Instant::now();
    while !is_so() {
        let late = started.elapsed() > DEADLINE;
        assert!(!late, "never {what}: {}", gateway.log());
        thread::sleep(Duration::from_millis(5));
    }
}

fn listed(folder: &Path) -> usize {
    let done = Command::new(env!("CARGO_BIN_EXE_scoregate"))
        .args(["ledger", "list", "--json", "--config"])
        .arg(folder.join("scoregate.toml"))
        .output()
        .unwrap();
    let list: serde_json::Value = serde_json::from_slice(&done.stdout).unwrap();
    list.as_array().unwrap().len()
}

#[test]
fn a_file_that_is_gone_takes_the_ledger_with_it_until_it_is_back() {
    let upstream = Upstream::accepting();
    let gateway = Gateway::start(&settings(&upstream, Path::new(FILE)));
    let folder = gateway.directory.path();
    let (file, away) = (folder.join(FILE), folder.join("away.db"));
    assert_eq!(gateway.submit(SCORE).status, 204);
    fs::rename(&file, &away).unwrap();
    // Not even the first afterwards is acknowledged.
    assert_envelope(&gateway.submit(SCORE), 503, "LEDGER_UNAVAILABLE");
    wait_until("unready", &gateway, || !is_ready(&gateway));
    gateway.wait_for_log("the ledger's file is gone from its place");
    let sent = upstream.requests().len();
    assert_envelope(&gateway.submit(SCORE), 503, "LEDGER_UNAVAILABLE");
    assert_eq!(upstream.requests().len(), sent);
    assert!(!file.exists(), "an empty ledger was begun");

    // Another that takes its name is not it.
    fs::copy(&away, &file).unwrap();
    gateway.wait_for_log("another file has the name of the ledger's file");
    assert_envelope(&gateway.submit(SCORE), 503, "LEDGER_UNAVAILABLE");

    fs::rename(&away, &file).unwrap();
    wait_until("ready", &gateway, || is_ready(&gateway));
    assert_eq!(gateway.submit(SCORE).status, 204);
    // What had been sent when it went is on record too.
    let sent = upstream.requests().len();
    wait_until("whole", &gateway, || listed(folder) >= sent);
}

/// Where scores may go unrecorded, the ledger takes no gateway out of service: all that share it would be
/// gone at once.
#[test]
fn a_lost_ledger_leaves_a_gateway_ready_that_forwards_without_it() {
    let upstream = Upstream::accepting();
    let mut settings = settings(&upstream, Path::new(FILE));
    settings.tables += "on_failure = \"forward\"\n";
    let gateway = Gateway::start(&settings);
    let folder = gateway.directory.path();
    let (file, away) = (folder.join(FILE), folder.join("away.db"));
    fs::rename(&file, &away).unwrap();
    let available = "scoregate_ledger_available";
    let metrics = Metrics::wait_for(&gateway, available, &[], 0.0);
    assert_eq!(metrics.sum("scoregate_ready", &[]), 1.0);
    let page = Request::new("GET", "/readyz").bytes();
    let answer = Client::connect(gateway.admin).send(page).response();
    assert_eq!(answer.status, 200, "{}", answer.text());
    let page = answer.json();
    assert_eq!(
        (&page["ready"], &page["ledger"]),
        (&true.into(), &false.into())
    );
    assert_eq!(gateway.submit(SCORE).status, 204);
    fs::rename(&away, &file).unwrap();
    Metrics::wait_for(&gateway, available, &[], 1.0);
}

/// Nobody needs to submit for it to be noticed.
#[test]
fn an_idle_gateway_notices_that_its_file_was_replaced() {
    let upstream = Upstream::accepting();
    let gateway = Gateway::start(&settings(&upstream, Path::new(FILE)));
    let file = gateway.directory.path().join(FILE);
    let other = gateway.directory.path().join("other.db");
    fs::copy(&file, &other).unwrap();
    assert!(is_ready(&gateway));
    fs::rename(&other, &file).unwrap();
    wait_until("unready", &gateway, || !is_ready(&gateway));
    assert_envelope(&gateway.submit(SCORE), 503, "LEDGER_UNAVAILABLE");
    assert!(upstream.requests().is_empty());
}

/// What is written to it afterwards nobody else would find: neither a command nor the gateway itself after a
/// kill.
#[test]
fn a_log_that_somebody_took_away_loses_nothing() {
    let upstream = Upstream::accepting();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(FILE);
    let settings = settings(&upstream, &file);
    let mut gateway = Gateway::start(&settings);
    assert_eq!(gateway.submit(SCORE).status, 204);
    // Who reads holds a lock that keeps the last to close it from copying the log.
    let reader = rusqlite::Connection::open(&file).unwrap();
    let count = "SELECT COUNT(*) FROM entries";
    assert_eq!(reader.query_row(count, [], |row| row.get(0)), Ok(1));
    for name in ["scoregate.db-wal", "scoregate.db-shm"] {
        fs::remove_file(folder.path().join(name)).unwrap();
    }
    assert_envelope(&gateway.submit(SCORE), 503, "LEDGER_UNAVAILABLE");
    gateway.wait_for_log("somebody has taken the ledger's write-ahead log away");
    wait_until("ready", &gateway, || is_ready(&gateway));
    assert_eq!(gateway.submit(SCORE).status, 204);
    gateway.signal("KILL");
    gateway.ended();
    let again = Gateway::start(&settings);
    assert_eq!(again.submit(SCORE).status, 204);
    assert_eq!(listed(again.directory.path()), 4);
    assert_eq!(upstream.requests().len(), 4);
}
