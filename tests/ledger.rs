//! The ledger as an operator meets it: its commands, beside a gateway that has it open or not.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]
#[allow(dead_code, unused_imports)]
mod support;

use std::fs::Permissions;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use scoregate::ledger::{
    Acted, BodyDigest, Decision, Durability, Entry, Json, Ledger, OnFailure, Place, Receipt,
    Settings as Kept,
};
use serde_json::Value;
use support::{Gateway, Settings};
use tempfile::TempDir;

/// A configuration in a folder, whose ledger is a file there.
fn settings() -> Settings {
    let mut settings = Settings::new(([127, 0, 0, 1], 9).into());
    settings.tables = "[ledger]\nurl = \"sqlite:scoregate.db\"\n".to_owned();
    settings
}

fn home() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let text = settings().write(folder.path());
    std::fs::write(folder.path().join("scoregate.toml"), text).unwrap();
    folder
}

fn ledger(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_scoregate"))
        .arg("ledger")
        .args(arguments)
        .arg("--config")
        .arg(folder.join("scoregate.toml"))
        .output()
        .unwrap()
}

fn good(folder: &Path, arguments: &[&str]) -> String {
    let done = ledger(folder, arguments);
    let told = String::from_utf8_lossy(&done.stderr).into_owned();
    assert_eq!(done.status.code(), Some(0), "{arguments:?}: {told}");
    String::from_utf8(done.stdout).unwrap()
}

fn json(folder: &Path, arguments: &[&str]) -> Value {
    serde_json::from_str(&good(folder, arguments)).unwrap()
}

fn entry(user: &str, given: &str) -> Entry {
    let time = "2026-03-01T08:00:00.5Z".parse().unwrap();
    let score = format!(
        "{{\"userId\":\"{user}\",\"scoreGiven\":{given},\"scoreMaximum\":80,\
         \"timestamp\":\"2026-03-01T07:59:00Z\",\"submission\":{{\"submittedAt\":\"2026-03-01T07:58:00Z\"}}}}"
    );
    let score = Json::written(score);
    Entry {
        receipt: Receipt::mint(time).unwrap(),
        time,
        account: "main".into(),
        caller: "=quiz-app".into(),
        line_item: "https://canvas.example.edu/1".into(),
        user: Some(user.into()),
        submission: Some(score.clone()),
        score: None,
        body: BodyDigest::of(b"body"),
        decision: Decision::Adjusted,
        code: None,
        rules: vec![
            Acted {
                rule: "late".into(),
                policy: "tardy".into(),
            },
            Acted {
                rule: "maximum".into(),
                policy: "institution".into(),
            },
        ],
        judged: None,
        policy_generation: 3,
        sent: Some(score),
        upstream: Some(204),
        duration_ms: 12,
        explanation: None,
        past: None,
    }
}

/// Records entries, as a gateway would that then ends.
fn record(folder: &Path, entries: &[Entry]) {
    let kept = Kept {
        place: Place::Sqlite(folder.join("scoregate.db")),
        durability: Durability::Batched,
        on_failure: OnFailure::Refuse,
        retention: None,
    };
    let ledger = Ledger::open(&kept).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    for entry in entries {
        runtime.block_on(ledger.record(entry.clone())).unwrap();
    }
}

#[test]
fn commands_read_while_the_gateway_has_it_open() {
    let gateway = Gateway::start(&settings());
    let folder = gateway.directory.path();
    assert_eq!(
        good(folder, &["verify", "--json"]),
        "{\"entries\":0,\"whole\":true}\n"
    );
    assert_eq!(json(folder, &["list", "--json"]), serde_json::json!([]));
    assert_eq!(good(folder, &["list"]).lines().count(), 1);
    let unknown = ledger(folder, &["show", "01ARYZ6S410000000000000000"]);
    assert_eq!(unknown.status.code(), Some(1));
    let wrong = ledger(folder, &["list", "--decision", "lost"]);
    assert_eq!(wrong.status.code(), Some(2));
}

#[test]
fn a_second_gateway_on_the_same_file_does_not_start() {
    let first = Gateway::start(&settings());
    let mut second = settings();
    let file = first.directory.path().join("scoregate.db");
    second.tables = format!("[ledger]\nurl = \"sqlite:{}\"\n", file.display());
    let Err(shown) = Gateway::try_start(&second) else {
        panic!("two gateways write one file");
    };
    assert!(shown.contains("another gateway has the ledger"), "{shown}");
}

/// Learners' ids and comments stand in it, whatever the process's umask would let others read.
#[test]
fn the_file_is_its_owners_alone() {
    let gateway = Gateway::start(&settings());
    let folder = gateway.directory.path();
    let mode = |name: &str| folder.join(name).metadata().unwrap().permissions().mode() & 0o777;
    for name in ["scoregate.db", "scoregate.db-wal", "scoregate.db-shm"] {
        assert_eq!(mode(name), 0o600, "{name}");
    }
    // Whoever lets others read it, is left alone.
    let file = folder.join("scoregate.db");
    std::fs::set_permissions(&file, Permissions::from_mode(0o640)).unwrap();
    let mut gateway = gateway;
    gateway.signal("TERM");
    assert!(gateway.ended().success());
    let again = gateway.again();
    let mode = file.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o640);
    drop(again);
}

#[test]
fn a_command_that_reads_creates_no_file() {
    let folder = home();
    let before = std::fs::read_dir(folder.path()).unwrap().count();
    for command in ["list", "export", "verify"] {
        let done = ledger(folder.path(), &[command]);
        assert_eq!(done.status.code(), Some(1), "{command}");
        let told = String::from_utf8_lossy(&done.stderr).into_owned();
        let expected = "no gateway has recorded here yet, or `ledger.url` is wrong";
        assert!(told.contains(expected), "{told}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), before);
}

#[test]
fn shows_an_entry_as_the_contract_has_it() {
    let folder = home();
    let given = entry("42", "77.50");
    record(folder.path(), std::slice::from_ref(&given));
    let text = good(folder.path(), &["show", given.receipt.text(), "--json"]);
    assert!(text.contains("\"scoreGiven\":77.50"), "{text}");
    let shown: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(shown["receipt"], given.receipt.text());
    assert_eq!(shown["time"], "2026-03-01T08:00:00.5Z");
    assert_eq!(shown["user"], "42");
    assert_eq!(shown["decision"], "adjusted");
    assert_eq!(
        shown["rules"][0],
        serde_json::json!({"rule": "late", "policy": "tardy"})
    );
    assert_eq!(shown["upstream"], serde_json::json!({"status": 204}));
    assert!(
        shown["digest"]
            .as_str()
            .unwrap()
            .starts_with("hmac-sha256:")
    );
    assert!(shown.get("judged").is_none() && shown.get("code").is_none());
    assert_eq!(
        json(folder.path(), &["list", "--json"]),
        serde_json::json!([shown])
    );
    assert_eq!(json(folder.path(), &["export"]), serde_json::json!([shown]));
    assert_eq!(
        json(folder.path(), &["list", "--json", "--caller", "x"]),
        serde_json::json!([])
    );
}

#[test]
fn exports_csv_that_no_spreadsheet_runs() {
    let folder = home();
    let given = entry("@SUM(A1)", "77.5");
    record(folder.path(), std::slice::from_ref(&given));
    let csv = good(folder.path(), &["export", "--format", "csv"]);
    let mut lines = csv.lines();
    assert_eq!(
        lines.next().unwrap(),
        "receipt,time,account,caller,line_item,user,score_given,score_maximum,timestamp,\
         submitted_at,decision,code,rules,judged_given,judged_maximum,policy_generation,\
         upstream_status,prev_hash,hash"
    );
    let expected = format!(
        "{},2026-03-01T08:00:00.5Z,main,'=quiz-app,https://canvas.example.edu/1,'@SUM(A1),77.5,80,\
         2026-03-01T07:59:00Z,2026-03-01T07:58:00Z,adjusted,,\"late, maximum\",,,3,204,",
        given.receipt
    );
    let line = lines.next().unwrap();
    assert!(line.starts_with(&expected), "{line}");
}

#[test]
fn erases_only_when_told_to_and_stays_whole() {
    let folder = home();
    record(
        folder.path(),
        &[entry("canary-4711", "1"), entry("other", "2")],
    );
    let before = good(folder.path(), &["erase", "--user", "canary-4711"]);
    assert!(
        before.contains("would erase 1 cell with 1 entry"),
        "{before}"
    );
    assert_eq!(
        json(folder.path(), &["list", "--json"])[0]["user"],
        "canary-4711"
    );
    good(folder.path(), &["erase", "--user", "canary-4711", "--yes"]);
    let shown = json(folder.path(), &["list", "--json"]);
    assert_eq!(
        (&shown[0]["user"], &shown[1]["user"]),
        (&"erased".into(), &"other".into())
    );
    assert!(shown[0].get("submission").is_none());
    assert_eq!(
        good(folder.path(), &["verify", "--json"]),
        "{\"entries\":2,\"whole\":true}\n"
    );
    for file in std::fs::read_dir(folder.path()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        assert!(!bytes.windows(11).any(|window| window == b"canary-4711"));
    }
}

#[test]
fn a_broken_chain_is_a_finding() {
    let folder = home();
    let entries = [entry("1", "1"), entry("2", "2"), entry("3", "3")];
    record(folder.path(), &entries);
    let database = rusqlite::Connection::open(folder.path().join("scoregate.db")).unwrap();
    database
        .execute("DELETE FROM entries WHERE sequence = 2", [])
        .unwrap();
    let verified = ledger(folder.path(), &["verify", "--json"]);
    assert_eq!(verified.status.code(), Some(1));
    let shown: Value = serde_json::from_slice(&verified.stdout).unwrap();
    let receipt = entries[2].receipt.text();
    let expected =
        serde_json::json!({"entries": 2, "whole": false, "receipt": receipt, "reason": "link"});
    assert_eq!(shown, expected);
}

#[test]
fn no_output_shows_the_password_of_a_database() {
    for url in [
        "postgres://me:canary-4711@127.0.0.1:1/db",
        "postgres://me:canary-4711@host:x/db",
    ] {
        let mut settings = settings();
        settings.tables = format!("[ledger]\nurl = \"{url}\"\n");
        let Err(shown) = Gateway::try_start(&settings) else {
            panic!("started without its database");
        };
        assert!(!shown.contains("canary-4711"), "{shown}");
        assert!(shown.contains("ledger"), "{shown}");
    }
}

/// Whoever makes an entry unreadable hides no other, and is found out.
#[test]
fn an_entry_that_cant_be_read_is_named_and_hides_no_other() {
    let entries = ["1", "2", "3"].map(|given| entry("42", given));
    for change in [
        "duration_ms = 1.5",
        "time = 'never'",
        "time = 9223372036854775807",
        "decision = 'lost'",
        "rules = '{'",
        "sealed = 'text'",
        "digest = NULL",
        "hash = 7",
        "cell = X'00'",
    ] {
        let folder = home();
        record(folder.path(), &entries);
        let database = rusqlite::Connection::open(folder.path().join("scoregate.db")).unwrap();
        // SQLite then lets nothing be nothing.
        let lenient = "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET \
             sql = replace(sql, 'BLOB NOT NULL', 'BLOB') WHERE name = 'entries'; \
             PRAGMA writable_schema = RESET;";
        database.execute_batch(lenient).unwrap();
        let update = format!("UPDATE entries SET {change} WHERE sequence = 2");
        database.execute_batch(&update).unwrap();
        drop(database);

        let broken = ledger(folder.path(), &["verify", "--json"]);
        assert_eq!(broken.status.code(), Some(1), "{change}");
        let verdict: Value = serde_json::from_slice(&broken.stdout).unwrap();
        let expected = serde_json::json!({
            "entries": 3, "whole": false, "receipt": entries[1].receipt.text(), "reason": "hash",
        });
        assert_eq!(verdict, expected, "{change}");

        let listed = ledger(folder.path(), &["export"]);
        let told = String::from_utf8_lossy(&listed.stderr);
        let kept: Value = serde_json::from_slice(&listed.stdout).unwrap();
        let receipts: Vec<_> = kept
            .as_array()
            .unwrap()
            .iter()
            .map(|kept| &kept["receipt"])
            .collect();
        let (first, last) = (entries[0].receipt.text(), entries[2].receipt.text());
        assert_eq!(receipts, [first, last], "{change}");
        assert!(told.contains("1 entry can't be read"), "{change}: {told}");
        assert_eq!(listed.status.code(), Some(1), "{change}");
    }
}

/// As `head` does, and whatever is printed.
#[test]
fn a_reader_who_has_read_enough_is_no_failure() {
    let folder = home();
    let entries: Vec<_> = (0..600)
        .map(|given| entry("42", &given.to_string()))
        .collect();
    record(folder.path(), &entries);
    for format in ["table", "json", "csv"] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_scoregate"))
            .args(["ledger", "list", "--format", format, "--config"])
            .arg(folder.path().join("scoregate.toml"))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // More follows than a pipe holds.
        let mut first = [0; 64];
        child.stdout.take().unwrap().read_exact(&mut first).unwrap();
        let done = child.wait_with_output().unwrap();
        let told = String::from_utf8_lossy(&done.stderr).into_owned();
        assert_eq!(
            (done.status.code(), told.as_str()),
            (Some(0), ""),
            "{format}"
        );
    }
}

#[test]
fn a_ledger_that_isnt_there_is_told_from_one_that_nobody_has_used() {
    let upstream = std::net::SocketAddr::from(([127, 0, 0, 1], 9));
    let mut elsewhere = Settings::new(upstream);
    elsewhere.tables = "[ledger]\nurl = \"sqlite:nowhere/scoregate.db\"\n".to_owned();
    let Err(shown) = Gateway::try_start(&elsewhere) else {
        panic!("it started without a folder");
    };
    assert!(shown.contains("nowhere` does not exist"), "{shown}");
    assert!(shown.contains("`ledger.url`"), "{shown}");
    let folder = home();
    std::fs::write(folder.path().join("scoregate.db"), "").unwrap();
    let unused = ledger(folder.path(), &["list"]);
    let told = String::from_utf8_lossy(&unused.stderr);
    assert_eq!(unused.status.code(), Some(1));
    assert!(
        told.contains("no gateway has started on this ledger yet"),
        "{told}"
    );
}

#[test]
fn an_erasure_that_finds_nothing_says_so() {
    let folder = home();
    record(folder.path(), &[entry("42", "1")]);
    for more in [&[][..], &["--yes"]] {
        let arguments = [&["erase", "--user", "43"], more].concat();
        let told = good(folder.path(), &arguments);
        assert!(
            told.starts_with("nothing is recorded of this learner"),
            "{told}"
        );
    }
    let there = good(
        folder.path(),
        &["erase", "--user", "43", "--account", "main"],
    );
    assert!(
        there.starts_with("nothing is recorded of this learner there"),
        "{there}"
    );
}

/// Whoever misspells an account must not believe that the learner is gone.
#[test]
fn nothing_is_erased_in_an_account_that_nobody_knows() {
    let folder = home();
    let mut elsewhere = entry("42", "1");
    elsewhere.account = "former".to_owned();
    record(folder.path(), &[entry("42", "1"), elsewhere]);
    for more in [&[][..], &["--yes"]] {
        let of = |account| [&["erase", "--user", "42", "--account", account], more].concat();
        let refused = ledger(folder.path(), &of("mian"));
        assert_eq!(refused.status.code(), Some(1));
        let told = String::from_utf8_lossy(&refused.stderr);
        assert!(told.contains("there is no account `mian`"), "{told}");
        // The configuration has it no longer.
        let told = good(folder.path(), &of("former"));
        assert!(told.contains("1 cell with 1 entry"), "{told}");
    }
    // Known, and nothing left of the learner.
    let told = good(
        folder.path(),
        &["erase", "--user", "42", "--account", "former"],
    );
    assert!(told.starts_with("nothing is recorded"), "{told}");
}

#[test]
fn a_list_of_nothing_says_so_and_names_what_nobody_knows() {
    let folder = home();
    let mut elsewhere = entry("42", "1");
    elsewhere.caller = "former".to_owned();
    record(folder.path(), &[entry("42", "1"), elsewhere]);
    for (filter, format, told) in [
        (
            ["--user", "43"],
            "table",
            "scoregate: there is no such entry\n",
        ),
        (["--user", "43"], "json", ""),
        (
            ["--caller", "quiz-ap"],
            "json",
            "scoregate: there is no such entry, and the configuration has no caller `quiz-ap`\n",
        ),
        (
            ["--account", "mian"],
            "table",
            "scoregate: there is no such entry, and the configuration has no account `mian`\n",
        ),
        (["--caller", "former"], "table", ""),
        (["--caller", "=quiz-app"], "table", ""),
    ] {
        let arguments = [&["list", "--format", format], &filter[..]].concat();
        let done = ledger(folder.path(), &arguments);
        assert_eq!(done.status.code(), Some(0));
        assert_eq!(String::from_utf8_lossy(&done.stderr), told, "{filter:?}");
    }
}

#[test]
fn a_table_has_its_columns_whatever_the_code() {
    let folder = home();
    let mut refused = entry("42", "1");
    refused.code = Some("UPSTREAM_CREDENTIALS_REJECTED".to_owned());
    record(folder.path(), &[entry("42", "1"), refused]);
    let table = good(folder.path(), &["list"]);
    let lines: Vec<_> = table.lines().collect();
    let column = lines[0].find("CALLER").unwrap();
    for line in &lines[1..] {
        assert!(line[column..].starts_with("=quiz-app "), "{table}");
    }
    assert!(lines[0].contains("DECISION   CODE "), "{table}");
}

#[test]
fn a_file_that_is_no_ledger_is_named_once_with_what_to_do() {
    let folder = home();
    let file = folder.path().join("scoregate.db");
    std::fs::write(&file, "x".repeat(5_000)).unwrap();
    let done = ledger(folder.path(), &["list"]);
    assert_eq!(done.status.code(), Some(1));
    let told = String::from_utf8_lossy(&done.stderr).into_owned();
    let expected = format!(
        "scoregate: `{}` is no SQLite database: correct `ledger.url`, or put the ledger's file back from a copy\n",
        file.display()
    );
    assert_eq!(told, expected);
}

#[test]
fn only_decisions_that_there_are_can_be_chosen_by_the_help() {
    let help = ledger(Path::new("/"), &["list", "--help"]);
    let help = String::from_utf8_lossy(&help.stdout).into_owned();
    assert!(
        help.contains("one of forwarded, adjusted, kept, refused"),
        "{help}"
    );
}

/// As `list` shows it.
#[test]
fn an_id_in_a_table_can_be_copied_to_erase() {
    let folder = home();
    for user in ["o'brien", "👩\u{200d}🏫", "e\u{301}"] {
        record(folder.path(), &[entry(user, "1")]);
        let table = good(folder.path(), &["list"]);
        assert!(table.contains(&format!("  {user}  ")), "{table}");
        let told = good(folder.path(), &["erase", "--user", user]);
        assert!(told.contains("would erase 1 cell with 1 entry"), "{told}");
    }
}

/// It copies the whole file meanwhile: to the disk, not to memory.
#[test]
fn an_erasure_needs_no_memory_for_the_whole_ledger() {
    let folder = home();
    record(folder.path(), &[entry("42", "1"), entry("43", "1")]);
    let file = folder.path().join("scoregate.db");
    let database = rusqlite::Connection::open(&file).unwrap();
    let ballast = "CREATE TABLE ballast (x BLOB); WITH RECURSIVE n(i) AS \
         (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 192) \
         INSERT INTO ballast SELECT zeroblob(1000000) FROM n;";
    database.execute_batch(ballast).unwrap();
    drop(database);
    let program = env!("CARGO_BIN_EXE_scoregate");
    // In KiB, of address space.
    let limited = "ulimit -v 160000; exec \"$0\" ledger erase --user 42 --yes --config \"$1\"";
    let done = Command::new("sh")
        .args(["-c", limited, program])
        .arg(folder.path().join("scoregate.toml"))
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&done.stderr).into_owned();
    assert_eq!(done.status.code(), Some(0), "{told}");
    let whole = json(folder.path(), &["verify", "--json"]);
    assert_eq!(whole["whole"], true);
    // Nothing stays behind.
    let names = std::fs::read_dir(folder.path()).unwrap();
    let names: Vec<_> = names.map(|file| file.unwrap().file_name()).collect();
    assert!(
        names
            .iter()
            .all(|name| !name.to_string_lossy().contains("etilqs")),
        "{names:?}"
    );
}
