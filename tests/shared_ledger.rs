//! One ledger, several processes: gateways that share a PostgreSQL judge as one would, a gateway
//! that dies or stops holds up nobody for long, and a SQLite file has one gateway alone.
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

use std::os::unix::fs::symlink;
use std::process::Command;
use std::sync::mpsc::channel;
use std::sync::{Arc, Barrier, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use cluster::Cluster;
use serde_json::Value;
use support::*;

const HIGHEST: &str = "[[policy]]\nname = \"best\"\nkeep = \"highest\"\n";

const THREE: &str = "[[policy]]\nname = \"three\"\nattempts = { max = 3 }\n";

/// How many submit at once.
const WRITERS: usize = 64;

/// How long a silent gateway keeps its cells (docs/ledger.md), and what may come on top: the wait
/// between two looks, and the submission itself.
const LEASE: Duration = Duration::from_secs(10);
const AFTER_LEASE: Duration = Duration::from_secs(3);

/// Gateways over one ledger, and what it takes to keep that.
struct Home {
    gateways: Vec<Gateway>,
    /// Stays as long as this does; with the name of the database.
    cluster: Option<(Arc<Cluster>, String)>,
}

impl Home {
    /// One gateway with two workers on a SQLite file.
    fn sqlite(upstream: &Upstream, tables: &str) -> Self {
        let mut settings = Settings::new(upstream.address);
        settings.server = "listen = \"127.0.0.1:0\"\nworkers = 2".to_owned();
        settings.tables = tables.to_owned();
        Self {
            gateways: vec![Gateway::start(&settings)],
            cluster: None,
        }
    }

    /// Two gateways, started at once, on a PostgreSQL database that is empty.
    fn postgres(upstream: &Upstream, tables: &str, ledger: &str) -> Self {
        let cluster = Cluster::shared();
        let url = cluster.database();
        let name = url.rsplit('/').next().unwrap().to_owned();
        let mut settings = Settings::new(upstream.address);
        settings.server = "drain_deadline = \"500ms\"".to_owned();
        settings.tables = format!("{tables}[ledger]\nurl = \"{url}\"\n{ledger}");
        let gateways = thread::scope(|scope| {
            let starting = [(); 2].map(|()| scope.spawn(|| Gateway::start(&settings)));
            starting.map(|started| started.join().unwrap())
        });
        Self {
            gateways: gateways.into(),
            cluster: Some((cluster, name)),
        }
    }

    /// Submits all at once, in turn to each gateway; what became of each.
    fn submit_all(&self, bodies: &[String]) -> Vec<Response> {
        let start = Barrier::new(bodies.len());
        thread::scope(|scope| {
            let submitting = bodies.iter().enumerate().map(|(number, body)| {
                let gateway = &self.gateways[number % self.gateways.len()];
                let start = &start;
                scope.spawn(move || {
                    let mut client = gateway.connect();
                    client.patience(LEASE + DEADLINE);
                    start.wait();
                    let request = gateway.submission(body.as_str()).bytes();
                    client.send(request).response()
                })
            });
            let submitting: Vec<_> = submitting.collect();
            submitting
                .into_iter()
                .map(|done| done.join().unwrap())
                .collect()
        })
    }

    fn entries(&self) -> Vec<Value> {
        let listed = command(self.gateways.last().unwrap(), &["ledger", "list"]);
        listed.as_array().unwrap().clone()
    }

    /// Runs statements on the PostgreSQL database.
    fn psql(&self, sql: &str) -> String {
        let (cluster, name) = self.cluster.as_ref().unwrap();
        cluster.psql(name, sql)
    }

    /// How many rows a table of the PostgreSQL database has.
    fn count(&self, table: &str) -> u64 {
        let count = self.psql(&format!("SELECT COUNT(*) FROM {table}"));
        count.trim().parse().unwrap()
    }

    fn assert_whole(&self, entries: usize) {
        let verdict = command(self.gateways.last().unwrap(), &["ledger", "verify"]);
        assert_eq!(verdict["whole"], true, "{verdict}");
        assert_eq!(verdict["entries"], entries, "{verdict}");
    }
}

fn command(gateway: &Gateway, arguments: &[&str]) -> Value {
    let done = Command::new(env!("CARGO_BIN_EXE_scoregate"))
        .args(arguments)
        .arg("--config")
        .arg(gateway.config_file())
        .arg("--json")
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&done.stderr).into_owned();
    serde_json::from_slice(&done.stdout).unwrap_or_else(|_| panic!("{arguments:?}: {told}"))
}

fn given(points: usize) -> String {
    score_with(&[("scoreGiven", &points.to_string())])
}

/// 1 to `WRITERS`, in no order, the even and the odd ones on both sides of every turn.
fn shuffled() -> Vec<String> {
    let numbers = 1..=WRITERS;
    numbers
        .map(|number| given(number * 37 % (WRITERS + 1)))
        .collect()
}

/// What LTIAAS got for the learner of `SCORE`, in order.
fn sent(upstream: &Upstream) -> Vec<u64> {
    let requests = upstream.requests();
    let posts = requests.iter().filter(|request| request.method() == "POST");
    posts
        .map(Recorded::json)
        .filter(|score| score["userId"] == "5323497")
        .map(|score| score["scoreGiven"].as_u64().unwrap())
        .collect()
}

fn ends_at_the_highest(home: &Home, upstream: &Upstream) {
    for answer in home.submit_all(&shuffled()) {
        assert_eq!(answer.status, 204, "{}", answer.everything());
    }
    let sent = sent(upstream);
    assert_eq!(sent.last(), Some(&(WRITERS as u64)));
    // Judged one after another, what leaves only ever rises.
    assert!(sent.is_sorted(), "{sent:?}");
    home.assert_whole(WRITERS);
}

/// An attempt that LTIAAS refuses for good uses up none, so the first two here don't.
fn refusing_two() -> Upstream {
    Upstream::start(|_, number| match number {
        0 | 1 => json_reply(400, r#"{"details":{"message":"NO"}}"#),
        _ => reply(204, "", ""),
    })
}

fn takes_three_attempts(home: &Home, upstream: &Upstream) {
    let answers = home.submit_all(&shuffled());
    let count = |status: u16| {
        answers
            .iter()
            .filter(|answer| answer.status == status)
            .count()
    };
    assert_eq!((count(204), count(400), count(422)), (3, 2, WRITERS - 5));
    assert_eq!(upstream.requests().len(), 5);
    home.assert_whole(WRITERS);
}

#[test]
fn writers_on_two_gateways_end_at_the_highest() {
    let upstream = Upstream::accepting();
    ends_at_the_highest(&Home::postgres(&upstream, HIGHEST, ""), &upstream);
}

#[test]
fn writers_on_one_gateway_end_at_the_highest() {
    let upstream = Upstream::accepting();
    ends_at_the_highest(&Home::sqlite(&upstream, HIGHEST), &upstream);
}

#[test]
fn two_gateways_take_no_more_attempts_than_may_be() {
    let upstream = refusing_two();
    takes_three_attempts(&Home::postgres(&upstream, THREE, ""), &upstream);
}

#[test]
fn one_gateway_takes_no_more_attempts_than_may_be() {
    let upstream = refusing_two();
    takes_three_attempts(&Home::sqlite(&upstream, THREE), &upstream);
}

/// Kills the gateway that waits for LTIAAS with a 90, then submits a 50 to the other.
fn killed_while_it_waits(ledger: &str) -> (Home, Upstream) {
    let upstream = Upstream::start(|_, number| match number {
        0 => Reply::Hang,
        _ => reply(204, "", ""),
    });
    let mut home = Home::postgres(&upstream, HIGHEST, ledger);
    let mut killed = home.gateways.remove(0);
    let mut client = killed.connect();
    client.send(killed.submission(given(90)).bytes());
    upstream.wait_for(1);
    killed.signal("KILL");
    killed.ended();
    let started = Instant::now();
    let answer = &home.submit_all(&[given(50)])[0];
    assert_eq!(answer.status, 204, "{}", answer.everything());
    let took = started.elapsed();
    assert!(took < LEASE + AFTER_LEASE, "{took:?}");
    // The cell was held indeed: the last sign of life was at most some seconds old.
    assert!(took > LEASE / 2, "{took:?}");
    (home, upstream)
}

#[test]
fn the_cell_of_a_killed_gateway_is_judged_by_the_other() {
    let (home, upstream) = killed_while_it_waits("");
    assert_eq!(sent(&upstream), [90, 50]);
    home.assert_whole(1);
}

/// Under `always` the other knows what was on its way, and that it may have arrived.
#[test]
fn the_intent_of_a_killed_gateway_counts_for_the_other() {
    let (home, upstream) = killed_while_it_waits("durability = \"always\"\n");
    assert_eq!(sent(&upstream), [90, 90]);
    home.assert_whole(2);
    let entries = home.entries();
    assert!(entries[0]["upstream"].is_null(), "{entries:#?}");
    assert_eq!(entries[1]["upstream"]["status"], 204);
}

/// Lets the first of two gateways end while LTIAAS has not answered its 90, then submits a 50 to the
/// other.
fn stopped_while_it_waits(ledger: &str) -> (Home, Upstream) {
    let upstream = Upstream::start(|_, number| match number {
        0 => Reply::Hang,
        _ => reply(204, "", ""),
    });
    let mut home = Home::postgres(&upstream, HIGHEST, ledger);
    let mut stopped = home.gateways.remove(0);
    let mut client = stopped.connect();
    client.send(stopped.submission(given(90)).bytes());
    upstream.wait_for(1);
    stopped.signal("TERM");
    assert!(stopped.ended().success());
    let started = Instant::now();
    let answer = &home.submit_all(&[given(50)])[0];
    assert_eq!(answer.status, 204, "{}", answer.everything());
    assert!(started.elapsed() < LEASE / 2, "{:?}", started.elapsed());
    assert_eq!((home.count("holders"), home.count("leases")), (1, 0));
    (home, upstream)
}

#[test]
fn a_gateway_that_stops_gives_its_cells_back_and_says_what_was_on_its_way() {
    for ledger in ["", "durability = \"always\"\n"] {
        let (home, upstream) = stopped_while_it_waits(ledger);
        assert_eq!(sent(&upstream), [90, 90], "{ledger}");
        home.assert_whole(2);
    }
}

/// What the LMS shows once all of this has been posted.
fn results(posted: &[Value]) -> Vec<u8> {
    let shown = posted.iter().rev().map(|score| {
        serde_json::json!({
            "userId": score["userId"],
            "resultScore": score["scoreGiven"],
            "resultMaximum": score["scoreMaximum"],
        })
    });
    let body = serde_json::json!({"scores": shown.collect::<Vec<_>>()}).to_string();
    let length = body.len();
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json";
    format!("{head}\r\ncontent-length: {length}\r\n\r\n{body}").into_bytes()
}

/// A gateway that was stopped for longer than its lease (a suspended machine, a frozen container) must
/// not send what it judged by a history of before.
#[test]
fn a_gateway_that_lost_its_cell_while_it_stood_still_sends_nothing() {
    loses_its_cell_while_it_stands_still("");
}

/// The ledger did not fail, so there is nothing for the operator to choose.
#[test]
fn nor_does_one_that_may_forward_without_its_ledger() {
    loses_its_cell_while_it_stands_still("on_failure = \"forward\"\n");
}

fn loses_its_cell_while_it_stands_still(ledger: &str) {
    let (let_go, gate) = channel::<()>();
    let (gate, shown) = (Mutex::new(Some(gate)), Mutex::new(Vec::new()));
    let upstream = Upstream::start(move |request, _| {
        if request.method() == "POST" {
            shown.lock().unwrap().push(request.json());
            return reply(204, "", "");
        }
        let results = results(&shown.lock().unwrap());
        match gate.lock().unwrap().take() {
            None => Reply::Bytes(results),
            Some(gate) => {
                let wait = move || gate.recv_timeout(LEASE * 3).map(|()| results).unwrap();
                Reply::Staged(Vec::new(), Box::new(wait))
            }
        }
    });
    let policy = "[[policy]]\nname = \"best\"\nkeep = \"highest\"\noverride = \"protect\"\n";
    let mut home = Home::postgres(&upstream, policy, ledger);
    let frozen = home.gateways.remove(0);
    let mut client = frozen.connect();
    client.patience(LEASE * 3);
    client.send(frozen.submission(given(50)).bytes());
    // It holds the cell, and reads what the LMS shows.
    upstream.wait_for(1);
    frozen.signal("STOP");
    let answer = &home.submit_all(&[given(90)])[0];
    assert_eq!(answer.status, 204, "{}", answer.everything());
    frozen.signal("CONT");
    // It serves again once it has noticed that it was away; what it took before that is refused.
    let other = score_with(&[("userId", "\"other\"")]);
    let (started, mut refused) = (Instant::now(), 0);
    while let answer = frozen.submit(other.as_str())
        && answer.status != 204
    {
        assert_envelope(&answer, 503, "LEDGER_UNAVAILABLE");
        assert!(started.elapsed() < DEADLINE, "{}", frozen.log());
        refused += 1;
    }
    let_go.send(()).unwrap();
    let body = assert_envelope(&client.response(), 503, "LEDGER_UNAVAILABLE");
    assert_eq!(body["details"]["retryable"], true);
    let description = body["details"]["description"].as_str().unwrap();
    assert!(description.contains("another gateway"), "{description}");
    assert_eq!(sent(&upstream), [90]);
    // It goes on with what the other has judged.
    let answer = frozen.submit(given(60));
    assert_eq!(answer.header("scoregate-decision"), Some("kept"));
    assert_eq!(sent(&upstream), [90]);
    home.assert_whole(4 + refused);
}

const SLOW: &str = "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS \
     $$ BEGIN PERFORM pg_sleep(3.2); RETURN NEW; END $$";

/// What it writes down before it sends takes longer than it may be sure of its cell.
#[test]
fn a_gateway_that_lost_its_cell_while_it_wrote_an_intent_sends_nothing() {
    let upstream = Upstream::accepting();
    let home = Home::postgres(&upstream, HIGHEST, "durability = \"always\"\n");
    // Longer than the gateway may be sure without asking; and its next word comes too late.
    home.psql(&format!(
        "{SLOW}; CREATE FUNCTION late() RETURNS trigger LANGUAGE plpgsql AS \
         $$ BEGIN UPDATE holders SET alive_until = 0; RETURN NEW; END $$; \
         CREATE TRIGGER late BEFORE INSERT ON intents FOR EACH ROW EXECUTE FUNCTION late(); \
         CREATE TRIGGER slow BEFORE INSERT ON intents FOR EACH ROW EXECUTE FUNCTION slow(); \
         CREATE CONSTRAINT TRIGGER slow_at_the_end AFTER INSERT ON intents \
         DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION slow()"
    ));
    let answer = &home.submit_all(&[given(50)])[0];
    assert_envelope(answer, 503, "LEDGER_UNAVAILABLE");
    assert!(sent(&upstream).is_empty());
    let entries = home.entries();
    let (refused, before) = entries.split_last().unwrap();
    assert_eq!(refused["decision"], "refused", "{entries:#?}");
    // The other one may have looked just before this one spoke again, and made an entry of unknown fate of the intent.
    let is_adopted = |entry: &Value| entry["upstream"] == Value::Null;
    assert!(
        before.len() <= 1 && before.iter().all(is_adopted),
        "{entries:#?}"
    );
    assert_eq!(home.count("intents"), 0);
}

/// What is written before a score is sent may take longer than its request may: it does not leave then, nor is
/// it recorded as if it had.
#[test]
fn what_is_written_down_too_late_is_not_sent() {
    let upstream = Upstream::accepting();
    let cluster = Cluster::shared();
    let url = cluster.database();
    let mut settings = Settings::new(upstream.address);
    settings.server = "request_deadline = \"1s\"".to_owned();
    settings.tables = format!("{HIGHEST}[ledger]\nurl = \"{url}\"\ndurability = \"always\"\n");
    let gateway = Gateway::start(&settings);
    // Leaves a connection behind that is as good as new.
    assert_eq!(gateway.submit(given(10)).status, 204);
    let slow = format!(
        "{SLOW}; CREATE TRIGGER slow BEFORE INSERT ON intents FOR EACH ROW EXECUTE FUNCTION slow()"
    );
    cluster.psql(url.rsplit('/').next().unwrap(), &slow);
    let answer = gateway.submit(given(90));
    let body = assert_envelope(&answer, 504, "UPSTREAM_TIMEOUT");
    let description = body["details"]["description"].as_str().unwrap();
    assert!(description.ends_with("nothing was sent."), "{description}");
    assert_eq!(sent(&upstream), [10]);
    let entries = command(&gateway, &["ledger", "list"]);
    let [_, late] = entries.as_array().unwrap().as_slice() else {
        panic!("{entries:#}");
    };
    assert_eq!(late["sent"], Value::Null, "{late:#}");
}

/// Policies that look back wait for the ledger before anything is sent, and others after: neither may.
#[test]
fn nobody_is_let_in_to_a_ledger_that_answers_too_slowly() {
    let upstream = Upstream::accepting();
    let home = Home::postgres(&upstream, HIGHEST, "durability = \"always\"\n");
    let slow = ["leases", "intents", "entries"].map(|table| {
        format!("CREATE TRIGGER slow BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION slow()")
    });
    home.psql(&format!("{SLOW}; {}", slow.join("; ")));
    let answer = &home.submit_all(&[given(50)])[0];
    assert_envelope(answer, 503, "LEDGER_UNAVAILABLE");
    assert_eq!(sent(&upstream), [50]);
    let answer = &home.submit_all(&[given(60)])[0];
    assert_envelope(answer, 503, "LEDGER_UNAVAILABLE");
    assert_eq!(sent(&upstream), [50]);
}

/// A gateway on an empty database in which an index takes long to make, as it does where there are
/// millions of entries.
fn migrating_slowly() -> (Gateway, Settings, Arc<Cluster>) {
    let cluster = Cluster::shared();
    let url = cluster.database();
    let slow = "CREATE FUNCTION slow() RETURNS event_trigger LANGUAGE plpgsql AS \
         $$ BEGIN PERFORM pg_sleep(60); END $$; \
         CREATE EVENT TRIGGER slow ON ddl_command_start WHEN TAG IN ('CREATE INDEX') \
         EXECUTE FUNCTION slow()";
    cluster.psql(url.rsplit('/').next().unwrap(), slow);
    let mut settings = Settings::new(Upstream::accepting().address);
    settings.tables = format!("[ledger]\nurl = \"{url}\"\n");
    let gateway = Gateway::launch(&settings);
    gateway.wait_for_log("bringing the ledger to this version's schema");
    (gateway, settings, cluster)
}

#[test]
fn a_gateway_that_migrates_the_ledger_ends_when_it_is_told_to() {
    for signal in ["TERM", "INT"] {
        let (mut gateway, _, _cluster) = migrating_slowly();
        gateway.signal(signal);
        assert!(gateway.ended().success(), "{}", gateway.log());
        let log = gateway.log();
        assert!(log.contains("stopped before it served"), "{log}");
    }
}

#[test]
fn a_gateway_that_finds_another_one_migrating_says_so() {
    let (_migrating, settings, _cluster) = migrating_slowly();
    let Err(log) = Gateway::try_start(&settings) else {
        panic!("it serves on a ledger without tables");
    };
    let told = "another gateway is migrating the ledger; try again";
    assert!(log.contains(told), "{log}");
    assert!(!log.contains("57014"), "{log}");
}

/// What names the file does not matter: it is the file that has one writer.
#[test]
fn a_sqlite_file_has_one_gateway_by_whatever_name() {
    let upstream = Upstream::accepting();
    let mut first = Gateway::start(&Settings::new(upstream.address));
    let folder = tempfile::tempdir().unwrap();
    let (file, link) = (
        first.directory.path().join("scoregate.db"),
        folder.path().join("link.db"),
    );
    symlink(&file, &link).unwrap();
    let roundabout = first.directory.path().join("./../").join(
        file.strip_prefix(first.directory.path().parent().unwrap())
            .unwrap(),
    );
    let naming = |name: &std::path::Path| {
        let mut settings = Settings::new(upstream.address);
        settings.tables = format!("[ledger]\nurl = \"sqlite:{}\"\n", name.display());
        settings
    };
    for name in [&file, &link, &roundabout] {
        let Err(shown) = Gateway::try_start(&naming(name)) else {
            panic!(
                "two gateways write one file, by the name {}",
                name.display()
            );
        };
        assert!(shown.contains("another gateway has the ledger"), "{shown}");
    }
    assert_eq!(first.submit(SCORE).status, 204);
    // However it ends, its file is free.
    first.signal("KILL");
    first.ended();
    let second = Gateway::start(&naming(&link));
    assert_eq!(second.submit(SCORE).status, 204);
    assert_eq!(command(&second, &["ledger", "verify"])["entries"], 2);
}

/// What a masked URL doesn't show is compared too, and not shown either; a password alone may change.
#[test]
fn whatever_of_the_ledgers_place_changes_beside_its_password_needs_a_restart() {
    let upstream = Upstream::accepting();
    let cluster = Cluster::shared();
    // Whoever connects by the socket is trusted, whatever the password.
    let database = cluster.database();
    let url = |user: &str, query: &str| {
        let url = database.replacen("postgres@", &format!("{user}@"), 1);
        format!("[ledger]\nurl = \"{url}{query}\"\npassword = {{ file = \"$DIR/password\" }}\n")
    };
    let mut settings = Settings::new(upstream.address);
    settings.files = vec![("password".to_owned(), "canary-1".to_owned())];
    settings.tables = url("postgres:canary-2", "");
    let gateway = Gateway::start(&settings);
    let good = settings.tables.clone();
    let with = |line: &str| good.clone() + line;
    for (tables, named) in [
        (url("canary-3:canary-2", ""), "ledger.url"),
        (url("postgres:canary-2", "?options=canary-4"), "ledger.url"),
        (with("durability = \"always\"\n"), "ledger.durability"),
        (with("on_failure = \"forward\"\n"), "ledger.on_failure"),
        (with("retention = \"9d\"\n"), "ledger.retention"),
        ("[ledger]\nurl = \"none\"\n".to_owned(), "ledger.url"),
    ] {
        settings.tables = tables;
        gateway.reconfigure(&settings);
        gateway.signal("HUP");
        let told = format!("only a restart can change {named}");
        let shown = |applied: &Value| applied["last_error"] == told.as_str();
        gateway.wait_until_applied(shown);
        settings.tables = good.clone();
        gateway.reconfigure(&settings);
        gateway.signal("HUP");
        gateway.wait_until_applied(|applied| applied["last_error"].is_null());
    }
    for (tables, password) in [
        (url("postgres:canary-5", ""), "canary-1"),
        (good.clone(), "canary-6"),
        (url("postgres", ""), "canary-6"),
    ] {
        settings.tables = tables;
        settings.files[0].1 = password.to_owned();
        let before = gateway.applied()["generation"].as_u64().unwrap();
        gateway.reconfigure(&settings);
        gateway.signal("HUP");
        let applied =
            gateway.wait_until_applied(|applied| applied["generation"].as_u64() > Some(before));
        assert!(applied["last_error"].is_null(), "{applied}");
    }
    assert_eq!(gateway.submit(SCORE).status, 204);
    let shown = gateway.log() + &gateway.applied().to_string();
    assert!(!shown.contains("canary"), "{shown}");
}
