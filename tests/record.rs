//! What the path records: every submission, before its answer is given; cells judged one after
//! another; and what happens when the ledger, the upstream or the gateway itself fails.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]
#[allow(dead_code, unused_imports)]
mod support;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Barrier, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::*;

/// For some hundred submissions on a machine that other tests keep busy.
const A_MINUTE: Duration = Duration::from_secs(60);

fn settings(upstream: &Upstream, tables: &str) -> Settings {
    let mut settings = Settings::new(upstream.address);
    settings.tables = tables.to_owned();
    settings
}

fn command(folder: &Path, arguments: &[&str]) -> Value {
    let done = Command::new(env!("CARGO_BIN_EXE_scoregate"))
        .args(arguments)
        .arg("--config")
        .arg(folder.join("scoregate.toml"))
        .arg("--json")
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(done.status.success(), "{arguments:?}: {told}");
    serde_json::from_slice(&done.stdout).unwrap()
}

fn entries(gateway: &Gateway) -> Vec<Value> {
    let list = command(gateway.directory.path(), &["ledger", "list"]);
    list.as_array().unwrap().clone()
}

fn given(points: usize) -> String {
    score_with(&[("scoreGiven", &points.to_string())])
}

const HIGHEST: &str = "[[policy]]\nname = \"best\"\nkeep = \"highest\"\n";

const ALWAYS: &str = "[ledger]\nurl = \"sqlite:scoregate.db\"\ndurability = \"always\"\n";

#[test]
fn every_submission_whose_body_was_read_has_an_entry_and_its_answer_the_receipt() {
    let upstream =
        Upstream::start(
            |request, _| match request.body().contains("\"scoreGiven\":13") {
                true => json_reply(400, r#"{"details":{"message":"NO"}}"#),
                false => reply(204, "", ""),
            },
        );
    let policy =
        "[[policy]]\nname = \"institution\"\nmaximum = { percent = 100, over = \"cap\" }\n";
    let gateway = Gateway::start(&settings(&upstream, policy));
    let stories = [
        (given(83), 204, "forwarded", Value::Null),
        (given(110), 204, "adjusted", Value::Null),
        ("{".to_owned(), 400, "refused", "MALFORMED_BODY".into()),
        (
            score_with(&[("scoreGiven", "-1")]),
            422,
            "refused",
            "INVALID_SCORE".into(),
        ),
        (given(13), 400, "forwarded", "UPSTREAM_ERROR".into()),
    ];
    let mut receipts = Vec::new();
    for (body, status, decision, _) in &stories {
        let answer = gateway.submit(body.as_str());
        assert_eq!(answer.status, *status, "{}", answer.everything());
        assert_eq!(answer.header("scoregate-decision"), Some(*decision));
        receipts.push(answer.header("scoregate-receipt").unwrap().to_owned());
    }
    // A body that nobody may send is not read, and one that is too large is not recorded.
    let stranger = Request::new("POST", SCORES).authorization("LTIK-AUTH-V2 sgk_no:x");
    assert_eq!(gateway.ask(&stranger.json(SCORE)).status, 401);
    assert_eq!(gateway.submit(vec![b' '; 70_000]).status, 413);

    let kept = entries(&gateway);
    assert_eq!(kept.len(), stories.len(), "{kept:#?}");
    for ((entry, receipt), (_, status, decision, code)) in kept.iter().zip(&receipts).zip(&stories)
    {
        assert_eq!(entry["receipt"], **receipt);
        assert_eq!(entry["decision"], *decision);
        assert_eq!(entry["code"], *code, "{entry:#}");
        let sent = matches!(*decision, "forwarded" | "adjusted");
        assert_eq!(entry["sent"].is_object(), sent, "{entry:#}");
        let upstream = sent.then_some(*status);
        assert_eq!(
            entry["upstream"]["status"].as_u64(),
            upstream.map(u64::from)
        );
    }
    assert_eq!(kept[1]["judged"]["scoreGiven"], 100);
    assert_eq!(kept[1]["rules"][0]["policy"], "institution");
    assert_eq!(kept[1]["submission"]["scoreGiven"], 110);
    assert_eq!(kept[1]["user"], "5323497");
    let verdict = command(gateway.directory.path(), &["ledger", "verify"]);
    assert_eq!(verdict["whole"], true);
}

#[test]
fn a_definite_failure_is_no_attempt_and_an_unknown_fate_uses_up_none() {
    let upstream = Upstream::start(|request, _| {
        let body = request.body();
        match () {
            () if body.contains("\"scoreGiven\":20,") => reply(500, "", ""),
            () if body.contains("\"scoreGiven\":30,") => Reply::ThenClose(Vec::new()),
            () => reply(204, "", ""),
        }
    });
    let policy = "[[policy]]\nname = \"p\"\nattempts = { max = 2 }\nkeep = \"highest\"\n";
    let gateway = Gateway::start(&settings(&upstream, policy));
    assert_eq!(gateway.submit(given(10)).status, 204);
    assert_eq!(gateway.submit(given(20)).status, 500);
    assert_eq!(gateway.submit(given(30)).status, 502);
    // 20 never counted, 30 may stand upstream and takes part.
    let answer = gateway.submit(given(5));
    assert_eq!(answer.status, 502, "{}", answer.everything());
    assert!(upstream.last().body().contains("\"scoreGiven\":30,"));
    let answer = gateway.submit(given(40));
    assert_eq!(answer.status, 204, "{}", answer.everything());
    assert!(upstream.last().body().contains("\"scoreGiven\":40,"));
    // Two have been taken.
    assert_envelope(&gateway.submit(given(50)), 422, "POLICY_REFUSED");
}

/// An answer whose head says that LTIAAS took the score, or that it doesn't know, and whose body breaks off.
#[test]
fn an_answer_that_breaks_off_leaves_an_unknown_fate() {
    let cut = |head: &str| Reply::ThenClose(format!("HTTP/1.1 {head}\r\n\r\n<").into_bytes());
    for (head, version) in [
        ("200 OK\r\ntransfer-encoding: chunked", "HTTP/1.0"),
        ("504 Gateway Timeout\r\ncontent-length: 9", "HTTP/1.1"),
    ] {
        let upstream = Upstream::start(move |_, number| match number {
            0 => cut(head),
            _ => reply(204, "", ""),
        });
        let gateway = Gateway::start(&settings(&upstream, HIGHEST));
        let submission = gateway.submission(given(80)).bytes();
        let submission = String::from_utf8(submission).unwrap();
        let submission = submission.replacen("HTTP/1.1", version, 1);
        let answer = gateway.connect().send(submission).response();
        assert_eq!(answer.status, 502, "{}", answer.everything());
        // It may stand in the LMS, so that a lower one must not take its place.
        gateway.submit(given(10));
        assert_eq!(upstream.requests().len(), 2);
        assert!(
            upstream.last().body().contains("\"scoreGiven\":80,"),
            "{head}: {}",
            upstream.last().body()
        );
    }
}

#[test]
fn parallel_writers_of_one_cell_end_at_the_highest() {
    let upstream = Upstream::accepting();
    let mut settings = settings(&upstream, HIGHEST);
    settings.server = "listen = \"127.0.0.1:0\"\nworkers = 2".to_owned();
    let gateway = Gateway::start(&settings);
    thread::scope(|scope| {
        for points in 1..=64 {
            let gateway = &gateway;
            scope.spawn(move || {
                let answer = gateway.submit(given(points * 37 % 65));
                assert_eq!(answer.status, 204, "{}", answer.everything());
            });
        }
    });
    let last = upstream.last().body();
    assert!(last.contains("\"scoreGiven\":64,"), "{last}");
    // Judged one after another, what leaves only ever rises.
    let sent: Vec<u64> = upstream
        .requests()
        .iter()
        .map(|request| {
            serde_json::from_str::<Value>(&request.body()).unwrap()["scoreGiven"]
                .as_u64()
                .unwrap()
        })
        .collect();
    assert!(sent.is_sorted(), "{sent:?}");
}

#[test]
fn no_more_attempts_are_taken_than_may_be() {
    let upstream = Upstream::accepting();
    let policy = "[[policy]]\nname = \"three\"\nattempts = { max = 3 }\n";
    let gateway = Gateway::start(&settings(&upstream, policy));
    let taken = AtomicUsize::new(0);
    thread::scope(|scope| {
        for points in 1..=32 {
            let (gateway, taken) = (&gateway, &taken);
            scope.spawn(move || match gateway.submit(given(points)).status {
                204 => _ = taken.fetch_add(1, Ordering::Relaxed),
                422 => {}
                other => panic!("{other}"),
            });
        }
    });
    assert_eq!(taken.into_inner(), 3);
    assert_eq!(upstream.requests().len(), 3);
}

#[test]
fn a_caller_who_leaves_is_recorded_all_the_same() {
    let (leave, left) = channel::<()>();
    let left = Arc::new(Mutex::new(left));
    let upstream = Upstream::start(move |_, _| {
        let left = left.clone();
        let answer = move || {
            left.lock().unwrap().recv_timeout(DEADLINE).unwrap();
            b"HTTP/1.1 204 No Content\r\n\r\n".to_vec()
        };
        Reply::Staged(Vec::new(), Box::new(answer))
    });
    let gateway = Gateway::start(&settings(&upstream, HIGHEST));
    let mut client = gateway.connect();
    client.send(gateway.submission(SCORE).bytes());
    upstream.wait_for(1);
    drop(client);
    leave.send(()).unwrap();
    let started = Instant::now();
    loop {
        let kept = entries(&gateway);
        if let [entry] = kept.as_slice() {
            assert_eq!(entry["upstream"]["status"], 204);
            return;
        }
        assert!(started.elapsed() < DEADLINE, "{kept:#?}");
    }
}

/// What was answered is in the ledger, whenever the process dies.
#[test]
fn a_kill_loses_nothing_that_was_acknowledged() {
    let upstream = Upstream::accepting();
    let mut gateway = Gateway::start(&settings(&upstream, HIGHEST));
    let acknowledged = Mutex::new(BTreeSet::new());
    thread::scope(|scope| {
        for learner in 0..8 {
            let (gateway, acknowledged) = (&gateway, &acknowledged);
            scope.spawn(move || {
                for points in 0..1_000 {
                    let user = format!("\"learner-{learner}\"");
                    let body =
                        score_with(&[("userId", &user), ("scoreGiven", &points.to_string())]);
                    let mut client = match Client::try_connect(gateway.address) {
                        Ok(client) => client,
                        Err(_) => return,
                    };
                    let Ok(answer) = client.send(gateway.submission(body).bytes()).try_response()
                    else {
                        return;
                    };
                    let receipt = answer.header("scoregate-receipt").unwrap().to_owned();
                    acknowledged.lock().unwrap().insert(receipt);
                }
            });
        }
        scope.spawn(|| {
            let enough = || acknowledged.lock().unwrap().len() >= 200;
            until_within(A_MINUTE, "200 are acknowledged", enough);
            gateway.signal("KILL");
        });
    });
    assert!(!gateway.ended().success());
    let folder = gateway.directory.path();
    assert_eq!(command(folder, &["ledger", "verify"])["whole"], true);
    let kept: BTreeSet<_> = entries(&gateway)
        .iter()
        .map(|entry| entry["receipt"].as_str().unwrap().to_owned())
        .collect();
    let acknowledged = acknowledged.into_inner().unwrap();
    assert!(acknowledged.len() >= 200);
    let lost: Vec<_> = acknowledged.difference(&kept).collect();
    assert!(lost.is_empty(), "{lost:?}");
}

/// Under `always` the intent is on disk before anything is sent, so a kill while LTIAAS works leaves
/// an entry of unknown fate.
#[test]
fn what_was_on_its_way_when_the_process_died_has_an_unknown_fate() {
    let upstream = Upstream::start(|_, _| Reply::Hang);
    let tables = format!("{HIGHEST}{ALWAYS}");
    let mut gateway = Gateway::start(&settings(&upstream, &tables));
    let mut client = gateway.connect();
    client.send(gateway.submission(SCORE).bytes());
    upstream.wait_for(1);
    gateway.signal("KILL");
    gateway.ended();
    let gateway = gateway.again();
    let kept = entries(&gateway);
    assert_eq!(kept.len(), 1, "{kept:#?}");
    assert_eq!(kept[0]["user"], "5323497");
    assert!(kept[0]["upstream"].is_null());
}

#[test]
fn report_policies_change_nothing_and_say_what_they_would_do() {
    let upstream = Upstream::accepting();
    let policy = "[[policy]]\nname = \"shadow\"\nmode = \"report\"\nmaximum = { percent = 100 }\n";
    let gateway = Gateway::start(&settings(&upstream, policy));
    let answer = gateway.submit(given(110));
    assert_eq!(answer.status, 204);
    assert_eq!(answer.header("scoregate-decision"), Some("forwarded"));
    assert_eq!(answer.header("scoregate-rules"), None);
    assert_eq!(
        answer.header("scoregate-report"),
        Some("maximum;policy=shadow")
    );
    assert!(upstream.only().body().contains("\"scoreGiven\":110,"));
}

/// What only a report asks for costs a score nothing: it waits in no line, and half a second at most for
/// the line item.
#[test]
fn a_report_holds_up_nobody() {
    let both_came = Arc::new(Barrier::new(2));
    let upstream = Upstream::start(move |request, _| {
        match request.method() {
            "GET" => return Reply::Hang,
            // Answered only when two are here at once.
            _ => both_came.wait(),
        };
        reply(204, "", "")
    });
    let policy = "[[policy]]\nname = \"shadow\"\nmode = \"report\"\nkeep = \"highest\"\n\
         rescale = { to = \"line_item\" }\n";
    let gateway = Gateway::start(&settings(&upstream, policy));
    thread::scope(|scope| {
        let submit = |points| {
            let gateway = &gateway;
            scope.spawn(move || gateway.submit(given(points)))
        };
        for answer in [submit(80), submit(90)] {
            let answer = answer.join().unwrap();
            assert_eq!(answer.status, 204, "{}", answer.everything());
            assert_eq!(answer.header("scoregate-decision"), Some("forwarded"));
        }
    });
}

/// Nothing is known of a score on a scale that could not be read.
#[test]
fn a_report_that_lacks_the_line_item_says_nothing() {
    let is_there = Arc::new(AtomicBool::new(false));
    let answers = is_there.clone();
    let upstream = Upstream::start(move |request, _| match request.method() {
        "GET" if answers.load(Ordering::Relaxed) => {
            json_reply(200, r#"{"label":"x","scoreMaximum":20}"#)
        }
        "GET" => reply(503, "", ""),
        _ => reply(204, "", ""),
    });
    let rescale = "rescale = { to = \"line_item\" }";
    let shadow = format!("[[policy]]\nname = \"shadow\"\nmode = \"report\"\n{rescale}\n");
    let cap = format!("{shadow}maximum = {{ percent = 50 }}\norder = [\"maximum\", \"rescale\"]\n");
    let closed = format!(
        "[[policy]]\nname = \"real\"\n{rescale}\ncloses = \"2020-01-01T00:00:00Z\"\n{shadow}closes = \"2090-01-01T00:00:00Z\"\n"
    );
    for (policies, status, report) in [
        (&shadow, 204, None),
        (&cap, 204, None),
        // Both look at the line item, and the enforced one does without.
        (&closed, 422, None),
    ] {
        let gateway = Gateway::start(&settings(&upstream, policies));
        let answer = gateway.submit(SCORE);
        assert_eq!(answer.status, status, "{}", answer.everything());
        assert_eq!(answer.header("scoregate-report"), report, "{policies}");
        let receipt = answer.header("scoregate-receipt").unwrap();
        let shown = command(gateway.directory.path(), &["explain", "--receipt", receipt]);
        assert_eq!(shown["report"], json!({"rules": []}), "{policies}");
    }
    is_there.store(true, Ordering::Relaxed);
    let answer = Gateway::start(&settings(&upstream, &shadow)).submit(SCORE);
    assert_eq!(
        answer.header("scoregate-report"),
        Some("rescale;policy=shadow")
    );
}

/// A line item whose maximum is zero is no scale; one without any can't be rescaled to.
#[test]
fn a_line_item_without_a_usable_maximum_is_no_failure_of_the_upstream() {
    let maximum = Arc::new(Mutex::new("0"));
    let answered = maximum.clone();
    let upstream = Upstream::start(move |request, _| match request.method() {
        "GET" => {
            let maximum = answered.lock().unwrap();
            json_reply(200, format!(r#"{{"label":"x","scoreMaximum":{maximum}}}"#))
        }
        _ => reply(204, "", ""),
    });
    let rescale = "[[policy]]\nname = \"p\"\nrescale = { to = \"line_item\" }\n";
    let fill = "[[policy]]\nname = \"p\"\nfill_maximum = \"line_item\"\n";
    let alone = score_with(&[("scoreMaximum", "")]);
    let answer = Gateway::start(&settings(&upstream, rescale)).submit(SCORE);
    assert_eq!(answer.header("scoregate-decision"), Some("forwarded"));
    for unusable in ["null", "0", "-1", "1e99"] {
        *maximum.lock().unwrap() = unusable;
        let gateway = Gateway::start(&settings(&upstream, fill));
        assert_envelope(&gateway.submit(alone.as_str()), 422, "INVALID_SCORE");
        if unusable != "0" {
            let gateway = Gateway::start(&settings(&upstream, rescale));
            assert_envelope(&gateway.submit(SCORE), 422, "POLICY_REFUSED");
        }
    }
}

#[test]
fn the_line_item_is_read_for_nothing_that_does_not_depend_on_it() {
    let upstream = Upstream::start(|request, _| match request.method() {
        "GET" => json_reply(404, r#"{"details":{"message":"NO_LINE_ITEM"}}"#),
        _ => reply(204, "", ""),
    });
    let policy = "[[policy]]\nname = \"p\"\nfill_maximum = \"line_item\"\n\
         rescale = { to = \"line_item\" }\n";
    let progress = score_with(&[("scoreGiven", ""), ("scoreMaximum", "")]);
    let gateway = Gateway::start(&settings(&upstream, policy));
    assert_eq!(gateway.submit(progress.as_str()).status, 204);
    assert_envelope(&gateway.submit(SCORE), 404, "NO_LINE_ITEM");
    let gateway = Gateway::start(&settings(&upstream, &policy.replace("rescale", "# ")));
    assert_eq!(gateway.submit(SCORE).status, 204);
    // Closed is closed, whatever the line item is out of.
    let closed = format!("{policy}closes = \"2020-01-01T00:00:00Z\"\n");
    let gateway = Gateway::start(&settings(&upstream, &closed));
    for score in [SCORE, &score_with(&[("scoreMaximum", "")])] {
        let answer = gateway.submit(score);
        let body = assert_envelope(&answer, 422, "POLICY_REFUSED");
        assert_eq!(body["details"]["rule"], "closes");
    }
}

#[test]
fn a_missing_maximum_is_filled_from_the_line_item_or_refused() {
    let upstream = Upstream::start(|request, _| match request.method() {
        "GET" => json_reply(200, r#"{"label":"x","scoreMaximum":40}"#),
        _ => reply(204, "", ""),
    });
    let policy = "[[policy]]\nname = \"fill\"\nfill_maximum = \"line_item\"\n";
    let alone = score_with(&[("scoreMaximum", "")]);
    for ledger in ["", "[ledger]\nurl = \"none\"\n"] {
        let gateway = Gateway::start(&settings(&upstream, &format!("{policy}{ledger}")));
        let answer = gateway.submit(alone.as_str());
        assert_eq!(answer.status, 204, "{}", answer.everything());
        assert_eq!(answer.header("scoregate-rules"), Some("fill_maximum"));
        assert!(upstream.last().body().contains("\"scoreMaximum\":40"));
        assert_eq!(
            answer.header("scoregate-receipt").is_some(),
            ledger.is_empty()
        );
    }
    let gateway = Gateway::before(&upstream);
    assert_envelope(&gateway.submit(alone.as_str()), 422, "INVALID_SCORE");
}

/// The operator decides what comes first.
#[test]
fn a_ledger_that_fails_refuses_before_anything_is_sent_and_comes_back_by_itself() {
    let upstream = Upstream::accepting();
    let gateway = Gateway::start(&settings(&upstream, ""));
    assert_eq!(gateway.submit(SCORE).status, 204);
    let lock = rusqlite::Connection::open(gateway.directory.path().join("scoregate.db")).unwrap();
    lock.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let started = Instant::now();
    let answer = gateway.submit(SCORE);
    assert!(started.elapsed() < DEADLINE, "{:?}", started.elapsed());
    let body = assert_envelope(&answer, 503, "LEDGER_UNAVAILABLE");
    assert_eq!(body["details"]["retryable"], true);
    assert!(answer.header("retry-after").is_some());
    let sent = upstream.requests().len();
    // Known to fail, it refuses before anything is sent.
    assert_envelope(&gateway.submit(SCORE), 503, "LEDGER_UNAVAILABLE");
    assert_eq!(upstream.requests().len(), sent);
    lock.execute_batch("ROLLBACK").unwrap();
    let started = Instant::now();
    while gateway.submit(SCORE).status != 204 {
        assert!(
            started.elapsed() < DEADLINE,
            "never again: {}",
            gateway.log()
        );
    }
    // What had been sent was written when it came back, what was refused meanwhile too.
    let kept = entries(&gateway);
    let sent = kept.iter().filter(|entry| entry["sent"].is_object());
    assert_eq!(sent.count(), upstream.requests().len(), "{kept:#?}");
    let refused = |entry: &&Value| entry["code"] == "LEDGER_UNAVAILABLE";
    assert!(kept.iter().any(|entry| refused(&entry)), "{kept:#?}");
    assert_eq!(
        command(gateway.directory.path(), &["ledger", "verify"])["whole"],
        true
    );
}

/// What can't be written down before it is sent is not sent, and nothing says that it was.
#[test]
fn what_could_not_be_written_down_first_is_refused_and_has_not_left() {
    let upstream = Upstream::accepting();
    let gateway = Gateway::start(&settings(&upstream, ALWAYS));
    let lock = rusqlite::Connection::open(gateway.directory.path().join("scoregate.db")).unwrap();
    lock.execute_batch("BEGIN IMMEDIATE").unwrap();
    let answer = gateway.submit(SCORE);
    assert_envelope(&answer, 503, "LEDGER_UNAVAILABLE");
    assert_eq!(answer.header("scoregate-decision"), Some("refused"));
    assert!(upstream.requests().is_empty());
    lock.execute_batch("ROLLBACK").unwrap();
    let started = Instant::now();
    while gateway.submit(SCORE).status != 204 {
        assert!(started.elapsed() < DEADLINE, "never: {}", gateway.log());
    }
    for entry in entries(&gateway) {
        let is_refused = entry["code"] == "LEDGER_UNAVAILABLE";
        let decision = if is_refused { "refused" } else { "forwarded" };
        assert_eq!(entry["decision"], decision, "{entry:#}");
        assert_eq!(entry["sent"].is_object(), !is_refused, "{entry:#}");
    }
}

/// Whatever the operator chose for a ledger that fails: without its history the next score could take the place
/// of a better one, now and for ever.
#[test]
fn a_learner_whose_history_cant_be_read_is_not_judged_without_it() {
    let upstream = Upstream::accepting();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("scoregate.db");
    let ledger = format!(
        "[ledger]\nurl = \"sqlite:{}\"\non_failure = \"forward\"\n",
        file.display()
    );
    let settings = settings(&upstream, &format!("{HIGHEST}{ledger}"));
    let mut first = Gateway::start(&settings);
    assert_eq!(first.submit(given(90)).status, 204);
    first.signal("TERM");
    first.ended();
    let database = rusqlite::Connection::open(&file).unwrap();
    let damage = "UPDATE entries SET sealed = X'00'";
    assert_eq!(database.execute(damage, []).unwrap(), 1);
    let second = Gateway::start(&settings);
    let body = assert_envelope(&second.submit(given(10)), 503, "LEDGER_UNAVAILABLE");
    let description = body["details"]["description"].as_str().unwrap();
    assert!(description.contains("can't be used"), "{description}");
    assert_eq!(upstream.requests().len(), 1);
    let log = second.log();
    assert!(log.contains("run `scoregate ledger verify`"), "{log}");
    assert!(!log.contains("goes on without its record"), "{log}");
    // Nobody else is held up.
    let other = score_with(&[("userId", "\"other\"")]);
    assert_eq!(second.submit(other.as_str()).status, 204);
}

#[test]
fn what_found_nobody_to_take_it_has_not_left() {
    for tables in ["", ALWAYS] {
        let mut settings = Settings::new(([127, 0, 0, 1], 9).into());
        settings.tables = format!("{HIGHEST}{tables}");
        let mut gateway = Gateway::start(&settings);
        let answer = gateway.submit(SCORE);
        assert_envelope(&answer, 502, "UPSTREAM_UNREACHABLE");
        assert_eq!(answer.header("scoregate-decision"), Some("forwarded"));
        // Nothing is left of what was written down before, either.
        gateway.signal("KILL");
        gateway.ended();
        let kept = entries(&gateway.again());
        assert_eq!(kept.len(), 1, "{kept:#?}");
        assert_eq!(kept[0]["code"], "UPSTREAM_UNREACHABLE");
        assert!(kept[0]["sent"].is_null(), "{:#}", kept[0]);
        let receipt = kept[0]["receipt"].as_str().unwrap();
        let explained = command(gateway.directory.path(), &["explain", "--receipt", receipt]);
        assert!(explained["request"].is_null(), "{explained:#}");
    }
}

/// Told to stop, it has recorded every answer, and leaves a file that needs no recovery.
#[test]
fn a_gateway_that_is_told_to_stop_loses_nothing_that_was_answered() {
    let upstream = Upstream::accepting();
    let mut settings = settings(&upstream, HIGHEST);
    settings.server = "listen = \"127.0.0.1:0\"\nworkers = 2".to_owned();
    let mut gateway = Gateway::start(&settings);
    let answered = Mutex::new(BTreeSet::new());
    // Until it serves no more; the answer's receipt, if it has one.
    let submit = |body: String| {
        let mut client = Client::try_connect(gateway.address).ok()?;
        let answer = client.send(gateway.submission(body).bytes()).try_response();
        let answer = answer.ok().filter(|answer| answer.status == 204)?;
        answer.header("scoregate-receipt").map(str::to_owned)
    };
    thread::scope(|scope| {
        for learner in 0..8 {
            let (submit, answered) = (&submit, &answered);
            scope.spawn(move || {
                let user = format!("\"learner-{learner}\"");
                let body = |points: usize| {
                    score_with(&[("userId", &user), ("scoreGiven", &points.to_string())])
                };
                for receipt in (0..).map(body).map_while(submit) {
                    answered.lock().unwrap().insert(receipt);
                }
            });
        }
        scope.spawn(|| {
            let enough = || answered.lock().unwrap().len() >= 200;
            until_within(A_MINUTE, "200 are answered", enough);
            gateway.signal("TERM");
        });
    });
    assert!(gateway.ended().success(), "{}", gateway.log());
    let folder = gateway.directory.path();
    assert!(!folder.join("scoregate.db-wal").exists());
    assert_eq!(command(folder, &["ledger", "verify"])["whole"], true);
    let kept = entries(&gateway);
    let receipts = kept.iter().map(|entry| entry["receipt"].as_str().unwrap());
    let receipts: BTreeSet<_> = receipts.map(str::to_owned).collect();
    let answered = answered.into_inner().unwrap();
    let lost: Vec<_> = answered.difference(&receipts).collect();
    assert!(lost.is_empty(), "{lost:?}");
    // What reached LTIAAS is there too, its caller's connection cut or not.
    let sent = kept.iter().filter(|entry| entry["sent"].is_object());
    assert_eq!(sent.count(), upstream.requests().len());
}

/// An entry that could not be written when its answer was due still counts: its score has left.
#[test]
fn what_waits_for_better_times_is_written_before_the_end() {
    let (answer, due) = channel::<()>();
    let due = Arc::new(Mutex::new(due));
    let upstream = Upstream::start(move |_, _| {
        let due = due.clone();
        let answer = move || {
            due.lock().unwrap().recv_timeout(DEADLINE).unwrap();
            b"HTTP/1.1 204 No Content\r\n\r\n".to_vec()
        };
        Reply::Staged(Vec::new(), Box::new(answer))
    });
    let mut gateway = Gateway::start(&settings(&upstream, HIGHEST));
    let mut client = gateway.connect();
    client.send(gateway.submission(SCORE).bytes());
    upstream.wait_for(1);
    let lock = rusqlite::Connection::open(gateway.directory.path().join("scoregate.db")).unwrap();
    lock.execute_batch("BEGIN IMMEDIATE").unwrap();
    answer.send(()).unwrap();
    assert_envelope(&client.response(), 503, "LEDGER_UNAVAILABLE");
    gateway.signal("TERM");
    gateway.wait_for_log("draining");
    lock.execute_batch("ROLLBACK").unwrap();
    drop(lock);
    assert!(gateway.ended().success(), "{}", gateway.log());
    let kept = entries(&gateway);
    assert_eq!(kept.len(), 1, "{kept:#?}");
    assert_eq!(kept[0]["upstream"]["status"], 204);
}

/// Where the database stays out of reach, the end does not wait for ever.
#[test]
fn a_ledger_that_stays_out_of_reach_holds_up_the_end_no_longer_than_may_be() {
    let upstream = Upstream::accepting();
    let mut settings = settings(&upstream, "");
    settings.server = "drain_deadline = \"1s\"".to_owned();
    let mut gateway = Gateway::start(&settings);
    let lock = rusqlite::Connection::open(gateway.directory.path().join("scoregate.db")).unwrap();
    lock.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert_envelope(&gateway.submit(SCORE), 503, "LEDGER_UNAVAILABLE");
    let started = Instant::now();
    gateway.signal("TERM");
    assert!(gateway.ended().success(), "{}", gateway.log());
    assert!(started.elapsed().as_secs() < 4, "{:?}", started.elapsed());
    gateway.wait_for_log("the ledger could not be closed in time");
}

/// Whatever LTIAAS makes of them, they are on record, and judged with after the next start.
#[test]
fn what_the_drain_cuts_off_is_recorded_as_of_unknown_fate() {
    let upstream =
        Upstream::start(
            |request, _| match request.body().contains("\"scoreGiven\":90") {
                true => Reply::Hang,
                false => reply(204, "", ""),
            },
        );
    for durability in ["batched", "always"] {
        let ledger = format!("[ledger]\ndurability = \"{durability}\"\n{HIGHEST}");
        let mut settings = settings(&upstream, &ledger);
        settings.server =
            "listen = \"127.0.0.1:0\"\nworkers = 2\ndrain_deadline = \"200ms\"".to_owned();
        let mut gateway = Gateway::start(&settings);
        let before = upstream.requests().len();
        let mut waiting: Vec<_> = (0..20)
            .map(|learner| {
                let user = format!("\"learner-{learner}\"");
                let score = score_with(&[("userId", &user), ("scoreGiven", "90")]);
                let mut client = gateway.connect();
                client.send(gateway.submission(score).bytes());
                client
            })
            .collect();
        upstream.wait_for(before + 20);
        // One of them is nobody's any more.
        drop(waiting.pop());
        let started = Instant::now();
        gateway.signal("TERM");
        assert!(gateway.ended().success(), "{}", gateway.log());
        assert!(started.elapsed().as_secs() < 5, "{:?}", started.elapsed());
        assert!(!gateway.log().contains("ERROR"), "{}", gateway.log());

        let kept = entries(&gateway);
        assert_eq!(kept.len(), 20, "{durability}: {kept:#?}");
        for entry in &kept {
            assert_eq!(entry["sent"]["scoreGiven"], 90, "{entry:#}");
            assert_eq!(entry["code"], "UPSTREAM_TIMEOUT", "{entry:#}");
            assert!(entry["upstream"].is_null(), "{entry:#}");
        }
        let verdict = command(gateway.directory.path(), &["ledger", "verify"]);
        assert_eq!(verdict["whole"], true);

        // It may stand in the grade book, so it is the highest.
        let gateway = gateway.again();
        let lower = score_with(&[("userId", "\"learner-7\""), ("scoreGiven", "5")]);
        let mut client = gateway.connect();
        client.send(gateway.submission(lower).bytes());
        upstream.wait_for(before + 21);
        assert!(upstream.last().body().contains("\"scoreGiven\":90"));
    }
}

/// One worker, a connection that is free, and the cell in use until nothing may begin any more.
#[test]
fn what_the_drain_finds_in_line_for_its_cell_has_not_left() {
    let upstream =
        Upstream::start(
            |request, _| match request.body().contains("\"scoreGiven\":90") {
                true => Reply::Hang,
                false => reply(204, "", ""),
            },
        );
    let mut settings = settings(&upstream, HIGHEST);
    settings.server =
        "listen = \"127.0.0.1:0\"\nworkers = 1\ndrain_deadline = \"200ms\"".to_owned();
    let mut gateway = Gateway::start(&settings);
    let mut first = gateway.connect();
    first.send(gateway.submission(given(90)).bytes());
    upstream.wait_for(1);
    let other = score_with(&[("userId", "\"other\"")]);
    assert_eq!(gateway.submit(other).status, 204);
    let mut second = gateway.connect();
    second.send(gateway.submission(given(95)).bytes());
    let waiting = [("state", "waiting")];
    Metrics::wait_for(&gateway, "scoregate_ledger_cells", &waiting, 1.0);
    gateway.signal("TERM");
    assert!(gateway.ended().success(), "{}", gateway.log());
    assert_eq!(upstream.requests().len(), 2);
    let left: Vec<_> = entries(&gateway)
        .iter()
        .filter(|entry| !entry["sent"].is_null())
        .map(|entry| entry["sent"]["scoreGiven"].clone())
        .collect();
    assert_eq!(left.len(), 2, "{:#?}", entries(&gateway));
    assert!(left.contains(&90.into()), "{left:?}");
}

/// The gateway remembers histories, and the command ends only once it has forgotten.
#[test]
fn who_was_erased_is_judged_anew() {
    let upstream = Upstream::accepting();
    let gateway = Gateway::start(&settings(&upstream, HIGHEST));
    let erase = ["ledger", "erase", "--user", "5323497", "--yes"];
    for points in [90, 40, 30] {
        let answer = gateway.submit(given(points));
        assert_eq!(answer.header("scoregate-decision"), Some("forwarded"));
        command(gateway.directory.path(), &erase);
    }
    let decisions: Vec<_> = entries(&gateway)
        .iter()
        .map(|entry| entry["judged"]["scoreGiven"].clone())
        .collect();
    assert_eq!(decisions, [90, 40, 30]);
}

/// The gateway copies the write-ahead log back into the file now and then, and holds it up for a moment.
#[test]
fn an_erasure_beside_submissions_is_complete() {
    let upstream = Upstream::accepting();
    let gateway = Gateway::start(&settings(&upstream, HIGHEST));
    let ended = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while !ended.load(Ordering::Relaxed) {
                    // While the file is rewritten it may be refused.
                    gateway.submit(given(50));
                }
            });
        }
        let erased: Vec<_> = (0..4)
            .map(|_| {
                let erase = ["ledger", "erase", "--user", "nobody", "--yes", "--config"];
                Command::new(env!("CARGO_BIN_EXE_scoregate"))
                    .args(erase)
                    .arg(gateway.config_file())
                    .output()
                    .unwrap()
            })
            .collect();
        ended.store(true, Ordering::Relaxed);
        for done in erased {
            let told = String::from_utf8_lossy(&done.stderr).into_owned();
            assert!(done.status.success(), "{told}");
        }
    });
}
