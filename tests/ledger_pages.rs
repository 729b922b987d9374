//! `/ledger` on the admin listener, as an operator reads it: every entry, no learner.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]
#[allow(dead_code, unused_imports)]
mod support;

#[allow(dead_code)]
#[path = "../src/ledger/tests/cluster.rs"]
mod cluster;

use std::process::Command;
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use cluster::Cluster;
use serde_json::{Value, json};
use support::*;

/// `printf %s 5323497 | openssl dgst -sha256 -hmac an-id-key-of-some-length -r | cut -c1-16`
const HASH_OF_LEARNER: &str = "c8fa2e696db160f7";

/// A gateway that records in the database at `url`.
fn gateway(upstream: &Upstream, url: &str) -> Gateway {
    Gateway::start(&settings(upstream, url))
}

fn settings(upstream: &Upstream, url: &str) -> Settings {
    let mut settings = Settings::new(upstream.address);
    settings.files = vec![("id-key".into(), "an-id-key-of-some-length".into())];
    settings.log = "id_key = { file = \"id-key\" }".to_owned();
    settings.tables = format!(
        "[ledger]\nurl = \"{url}\"\n[[policy]]\nname = \"institution\"\n\
         maximum = {{ percent = 100, over = \"cap\" }}\n"
    );
    settings
}

/// Runs a test on both databases.
fn on_both(test: impl Fn(&Gateway)) {
    // Held from the start: the next test begins before this one ends, and shares it.
    let cluster = Cluster::shared();
    let upstream = Upstream::accepting();
    test(&gateway(&upstream, "sqlite:scoregate.db"));
    test(&gateway(&upstream, &cluster.database()));
}

fn ask(gateway: &Gateway, target: &str) -> Response {
    let request = Request::new("GET", target);
    Client::connect(gateway.admin)
        .send(request.bytes())
        .response()
}

fn page(gateway: &Gateway, target: &str) -> Value {
    let answer = ask(gateway, target);
    assert_eq!(answer.status, 200, "{target}: {}", answer.text());
    answer.json()
}

fn receipts(list: &Value) -> Vec<String> {
    let entries = list["entries"].as_array().unwrap().iter();
    let receipts = entries.map(|entry| entry["receipt"].as_str().unwrap());
    receipts.map(str::to_owned).collect()
}

/// Submits a score and answers with its receipt.
fn submit(gateway: &Gateway, members: &[(&str, &str)]) -> String {
    let answer = gateway.submit(score_with(members));
    answer.header("scoregate-receipt").unwrap().to_owned()
}

/// `ledger show --json` of the command.
fn shown(gateway: &Gateway, receipt: &str) -> Value {
    let done = Command::new(env!("CARGO_BIN_EXE_scoregate"))
        .args(["ledger", "show", receipt, "--json", "--config"])
        .arg(gateway.config_file())
        .output()
        .unwrap();
    assert!(done.status.success());
    serde_json::from_slice(&done.stdout).unwrap()
}

#[test]
fn an_entry_is_shown_as_the_command_has_it_but_for_who_and_what_was_said() {
    on_both(|gateway| {
        let receipt = submit(
            gateway,
            &[
                ("userId", "\"canary-learner\""),
                ("scoringUserId", "\"canary-teacher\""),
                ("comment", "\"canary-comment\""),
                ("https://x.example/more", "\"canary-member\""),
                ("scoreGiven", "120.5000000000000000000001"),
                ("timestamp", "\"2026-03-01T08:00:00Z\""),
                ("submission", "{\"submittedAt\":\"2026-03-01T07:00:00Z\"}"),
            ],
        );
        let answer = ask(gateway, &format!("/ledger/{receipt}"));
        assert_eq!(answer.header("content-type"), Some("application/json"));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        let list = ask(gateway, "/ledger");
        for text in [answer.text(), list.text()] {
            assert!(!text.contains("canary"), "{text}");
            // Exact, also where a float would not be.
            assert!(
                text.contains("\"scoreGiven\":120.5000000000000000000001"),
                "{text}"
            );
        }
        let (page, mut expected) = (answer.json(), shown(gateway, &receipt));
        assert_eq!(page["user"].as_str().unwrap().len(), 16);
        expected["user"] = page["user"].clone();
        for score in ["submission", "sent"] {
            let members = expected[score].as_object_mut().unwrap();
            assert!(members.remove("userId").is_some());
            assert!(members.remove("scoringUserId").is_some());
            assert!(members.remove("comment").is_some());
            assert!(members.remove("https://x.example/more").is_some());
        }
        assert_eq!(page, expected);
        assert_eq!(list.json(), json!({"entries": [page]}));
    });
}

#[test]
fn pages_follow_one_another_from_either_end_and_leave_none_out() {
    on_both(|gateway| {
        let all: Vec<_> = (0..7).map(|_| submit(gateway, &[])).collect();
        let newest: Vec<_> = all.iter().rev().cloned().collect();
        assert_eq!(receipts(&page(gateway, "/ledger")), newest);
        for (order, expected) in [("newest", &newest), ("oldest", &all)] {
            let mut found = Vec::new();
            let mut target = Some(format!("/ledger?order={order}&limit=3"));
            let mut sizes = Vec::new();
            while let Some(next) = target {
                let list = page(gateway, &next);
                let part = receipts(&list);
                sizes.push(part.len());
                found.extend(part);
                target = list["next"].as_str().map(str::to_owned);
            }
            assert_eq!((&found, sizes), (expected, vec![3, 3, 1]), "{order}");
        }
        // Who has read all sees what came since.
        let last = all.last().unwrap();
        let since = format!("/ledger?order=oldest&after={last}");
        assert_eq!(receipts(&page(gateway, &since)), [""; 0]);
        let newer = submit(gateway, &[]);
        assert_eq!(receipts(&page(gateway, &since)), [newer]);
    });
}

#[test]
fn each_filter_leaves_what_it_names() {
    on_both(|gateway| {
        let plain = submit(gateway, &[]);
        let capped = submit(gateway, &[("userId", "\"other\""), ("scoreGiven", "101")]);
        let refused = submit(gateway, &[("userId", "\"third\""), ("scoreGiven", "-1")]);
        let all = [refused.clone(), capped.clone(), plain.clone()];
        for (query, expected) in [
            ("decision=adjusted", &[capped.clone()][..]),
            ("code=INVALID_SCORE", &[refused][..]),
            ("user=5323497", std::slice::from_ref(&plain)),
            (
                &format!("user_hash={HASH_OF_LEARNER}"),
                std::slice::from_ref(&plain),
            ),
            ("user=nobody", &[]),
            ("account=main&caller=quiz-app", &all),
            ("account=other", &[]),
            ("line_item=https%3A%2F%2Flms.example.com%2F**", &all),
            ("line_item=https%3A%2F%2Flms.example.com%2F*", &[]),
            ("since=2026-01-31", &all),
            ("since=9999-01-01", &[]),
            ("decision=adjusted&user=5323497", &[]),
        ] {
            let list = page(gateway, &format!("/ledger?{query}"));
            assert_eq!(receipts(&list), expected, "{query}");
            assert_eq!(list.get("next"), None, "{query}");
        }
    });
}

#[test]
fn the_next_page_of_a_learner_names_the_hash_that_access_lines_have() {
    on_both(|gateway| {
        let first = submit(gateway, &[]);
        submit(gateway, &[("userId", "\"other\"")]);
        submit(gateway, &[]);
        let list = page(gateway, "/ledger?user=5323497&limit=1");
        assert_eq!(list["entries"][0]["user"], HASH_OF_LEARNER);
        gateway.wait_for_log(&format!("user={HASH_OF_LEARNER}"));
        let next = list["next"].as_str().unwrap();
        assert!(
            next.contains(&format!("user_hash={HASH_OF_LEARNER}")),
            "{next}"
        );
        assert!(!next.contains("5323497"), "{next}");
        assert_eq!(receipts(&page(gateway, next)), [first]);
    });
}

#[test]
fn an_erased_learner_is_shown_as_erased() {
    on_both(|gateway| {
        let receipt = submit(gateway, &[]);
        let done = Command::new(env!("CARGO_BIN_EXE_scoregate"))
            .args(["ledger", "erase", "--user", "5323497", "--yes", "--config"])
            .arg(gateway.config_file())
            .output()
            .unwrap();
        assert!(done.status.success());
        let entry = page(gateway, &format!("/ledger/{receipt}"));
        assert_eq!(entry["user"], "erased");
        assert_eq!(entry.get("submission"), None);
    });
}

#[test]
fn what_is_wrong_with_a_question_is_said_and_which_there_are() {
    let upstream = Upstream::accepting();
    let gateway = gateway(&upstream, "sqlite:scoregate.db");
    for (query, told) in [
        ("users=a", "there is no parameter `users`"),
        ("limit=1000", "`limit` must be a number from 1 to 200"),
        (
            "after=01ARYZ6S410000000000000000",
            "`after` names no entry, or one that was dropped since",
        ),
        ("user=%00", "`user`: must be a text without NUL"),
    ] {
        let answer = ask(&gateway, &format!("/ledger?{query}"));
        assert_eq!(answer.status, 400, "{query}");
        let fault = answer.json();
        assert_eq!(fault["error"], told, "{query}");
        assert_eq!(fault["parameters"].as_array().unwrap().len(), 11);
    }
    for receipt in ["01ARYZ6S410000000000000000", "nonsense", "", "a/b"] {
        let answer = ask(&gateway, &format!("/ledger/{receipt}"));
        assert_eq!(answer.status, 404, "{receipt}");
        let told = "the ledger has no entry with this receipt";
        assert_eq!(answer.json(), json!({"error": told}), "{receipt}");
    }
    let posted = Request::new("POST", "/ledger").json("{}");
    let answer = Client::connect(gateway.admin)
        .send(posted.bytes())
        .response();
    assert_eq!(
        (answer.status, answer.header("allow")),
        (405, Some("GET, HEAD"))
    );
    let pages = ask(&gateway, "/nothing").json();
    let pages = pages["pages"].as_array().unwrap();
    assert!(pages.contains(&json!("/ledger")) && pages.contains(&json!("/ledger/RECEIPT")));
}

#[test]
fn the_pages_are_for_those_who_have_the_token_and_never_on_the_public_port() {
    let upstream = Upstream::accepting();
    let mut settings = settings(&upstream, "sqlite:scoregate.db");
    settings
        .files
        .push(("token".into(), "an-admin-token-of-length\n".into()));
    settings.admin = "token = { file = \"token\" }".to_owned();
    let gateway = Gateway::start(&settings);
    for target in ["/ledger", "/ledger/01ARYZ6S410000000000000000"] {
        assert_eq!(ask(&gateway, target).status, 401, "{target}");
        assert_eq!(gateway.ask(&Request::new("GET", target)).status, 404);
    }
    let good = Request::new("GET", "/ledger").authorization("Bearer an-admin-token-of-length");
    let answer = Client::connect(gateway.admin).send(good.bytes()).response();
    assert_eq!(answer.json(), json!({"entries": []}));
}

#[test]
fn where_nothing_is_recorded_there_is_nothing_to_read() {
    let upstream = Upstream::accepting();
    let gateway = gateway(&upstream, "none");
    for target in ["/ledger", "/ledger/01ARYZ6S410000000000000000"] {
        let answer = ask(&gateway, target);
        assert_eq!(answer.status, 404, "{target}");
        let told = answer.json();
        let told = told["error"].as_str().unwrap();
        assert!(told.contains("nothing is recorded"), "{told}");
    }
}

fn assert_unavailable(answer: &Response) {
    assert_eq!(answer.status, 503, "{}", answer.text());
    assert_eq!(answer.header("retry-after"), Some("1"));
    assert!(answer.json()["error"].as_str().is_some());
}

#[test]
fn a_ledger_that_is_away_is_said_to_be_and_read_again_when_it_is_back() {
    let upstream = Upstream::accepting();
    let here = gateway(&upstream, "sqlite:scoregate.db");
    let receipt = submit(&here, &[]);
    let file = here.directory.path().join("scoregate.db");
    let away = file.with_extension("away");
    std::fs::rename(&file, &away).unwrap();
    assert_unavailable(&ask(&here, "/ledger"));
    assert_unavailable(&ask(&here, &format!("/ledger/{receipt}")));
    here.wait_for_log("the ledger can't be read");
    std::fs::rename(&away, &file).unwrap();
    assert_eq!(receipts(&page(&here, "/ledger")), [receipt]);

    let cluster = Cluster::start();
    let there = gateway(&upstream, &cluster.database());
    let receipt = submit(&there, &[]);
    cluster.stop();
    assert_unavailable(&ask(&there, "/ledger"));
    cluster.resume();
    assert_eq!(receipts(&page(&there, "/ledger")), [receipt]);
}

/// Whether somebody waits for the table that is locked.
fn waiting(cluster: &Cluster, database: &str) -> usize {
    let waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND pid <> pg_backend_pid() \
         AND relation = 'entries'::regclass";
    cluster.psql(database, waiting).trim().parse().unwrap()
}

#[test]
fn pages_that_wait_hold_up_neither_probes_nor_more_than_their_share_of_the_database() {
    let upstream = Upstream::accepting();
    let cluster = Arc::new(Cluster::start());
    let url = cluster.database();
    let name = url.rsplit('/').next().unwrap().to_owned();
    let gateway = Arc::new(gateway(&upstream, &url));
    submit(&gateway, &[]);
    let locked = {
        let (cluster, name) = (cluster.clone(), name.clone());
        let lock = "LOCK TABLE entries IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(60)";
        thread::spawn(move || cluster.psql(&name, lock))
    };
    let held = "SELECT count(*) FROM pg_locks WHERE granted AND mode = 'AccessExclusiveLock' \
         AND relation = 'entries'::regclass";
    until("the table is locked", || {
        cluster.psql(&name, held).trim() == "1"
    });
    let readers: Vec<_> = (0..6)
        .map(|_| {
            let gateway = gateway.clone();
            thread::spawn(move || ask(&gateway, "/ledger"))
        })
        .collect();
    until("both wait", || waiting(&cluster, &name) >= 2);
    let asked = Instant::now();
    assert_eq!(ask(&gateway, "/healthz").status, 200);
    assert!(asked.elapsed().as_secs() < 2, "a probe waits for a page");
    for reader in readers {
        // Two readers, and the writer's own look at the table.
        assert!(waiting(&cluster, &name) <= 3);
        assert_unavailable(&reader.join().unwrap());
    }
    let end = "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE granted \
         AND mode = 'AccessExclusiveLock' AND relation = 'entries'::regclass";
    cluster.psql(&name, end);
    assert!(locked.join().is_err(), "the lock was cut off");
    let all = page(&gateway, "/ledger");
    assert_eq!(receipts(&all).len(), 1);
}

/// Somebody changed it past the gateway; that costs nobody the other entries.
#[test]
fn an_entry_that_cant_be_read_is_counted_and_hides_no_other() {
    let upstream = Upstream::accepting();
    let gateway = gateway(&upstream, "sqlite:scoregate.db");
    let mut receipts = Vec::new();
    for _ in 0..3 {
        let answer = gateway.submit(SCORE);
        receipts.push(answer.header("scoregate-receipt").unwrap().to_owned());
    }
    let file = gateway.directory.path().join("scoregate.db");
    let database = rusqlite::Connection::open(file).unwrap();
    let change = "UPDATE entries SET decision = 'lost' WHERE sequence = 2";
    database.execute_batch(change).unwrap();
    for target in ["/ledger?order=oldest", "/ledger?order=oldest&limit=2"] {
        let shown = page(&gateway, target);
        let entries = shown["entries"].as_array().unwrap();
        let found: Vec<_> = entries.iter().map(|entry| &entry["receipt"]).collect();
        assert_eq!(found, [&receipts[0], &receipts[2]], "{target}");
        assert_eq!(shown["unreadable"], 1, "{target}");
    }
    assert_eq!(
        ask(&gateway, &format!("/ledger/{}", receipts[1])).status,
        500
    );
    assert_eq!(page(&gateway, "/ledger?limit=1")["unreadable"], Value::Null);
}
