//! What happens when the database can't be used: nothing half-written, and back without a restart.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::cluster::Cluster;
use super::sample::{Home, cell, entry};
use super::suite::{all, reopen, soon, tamper, until_healthy, verdict};
use crate::ledger::book::Book;
use crate::ledger::job::{Opened, Placed, Record, Write};
use crate::ledger::schema::migrate;
use crate::ledger::sqlite::Sqlite;
use crate::ledger::{CannotOpen, Entry, Fault, Filter, Ledger, Place, Unavailable};

pub fn recorded(entry: Entry) -> Write {
    Write::Record(Record {
        placed: Placed::new(entry),
        is_intended: false,
        held: None,
    })
}

/// A new file with its tables, without a gateway.
pub fn migrated(home: &Home) -> Sqlite {
    let Place::Sqlite(path) = &home.settings.place else {
        panic!("SQLite has a path");
    };
    std::fs::File::create(path).unwrap();
    let mut database = Sqlite::open(path, Default::default()).unwrap();
    migrate(&mut database).unwrap();
    database
}

fn book_of(database: Sqlite) -> Book {
    Book::new(Box::new(database), "test".into(), Default::default())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_gateway_on_the_same_file_does_not_start() {
    let home = Home::sqlite();
    let _first = Ledger::open(&home.settings).unwrap();
    let second = Ledger::open(&home.settings).err().unwrap();
    assert!(matches!(second, CannotOpen::InUse(_)), "{second}");
    assert!(second.to_string().contains("another gateway"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_creates_no_file() {
    let home = Home::sqlite();
    let missing = crate::ledger::Reader::open(&home.settings).err().unwrap();
    assert!(matches!(missing, CannotOpen::Missing(_)));
    assert_eq!(std::fs::read_dir(home.folder.path()).unwrap().count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_locked_file_is_unavailable_in_time_and_recovers() {
    let home = Home::sqlite();
    let Place::Sqlite(path) = &home.settings.place else {
        panic!("SQLite has a path");
    };
    let ledger = Ledger::open(&home.settings).unwrap();
    ledger.record(entry("42", "1")).await.unwrap();
    let blocker = rusqlite::Connection::open(path).unwrap();
    blocker.execute_batch("BEGIN IMMEDIATE").unwrap();
    let began = Instant::now();
    let refused = ledger.record(entry("42", "2")).await;
    assert_eq!(refused, Err(Unavailable::Failing));
    assert!(began.elapsed() < Duration::from_secs(10));
    assert!(!ledger.is_healthy());
    let held = ledger.hold(cell("42"), soon()).await;
    assert_eq!(held.err(), Some(Unavailable::Failing));
    blocker.execute_batch("COMMIT").unwrap();
    until_healthy(&ledger).await;
    // What had left for the upstream was kept and is written now.
    assert_eq!(all(&home, &Filter::default()).len(), 2);
    let held = ledger.hold(cell("42"), soon()).await.unwrap();
    assert_eq!(held.history().len(), 2);
    assert_eq!(verdict(&home).1, None);
}

/// The commit goes into a file that has another name, and comes back with it.
#[tokio::test(flavor = "multi_thread")]
async fn an_intent_that_was_refused_leaves_nothing_even_if_it_was_written() {
    let home = Home::sqlite();
    let Place::Sqlite(path) = &home.settings.place else {
        panic!("SQLite has a path");
    };
    let ledger = Ledger::open(&home.settings).unwrap();
    let elsewhere = path.with_extension("elsewhere");
    std::fs::rename(path, &elsewhere).unwrap();
    let refused = ledger.intend(entry("42", "1")).await;
    assert_eq!(refused, Err(Unavailable::Failing));
    std::fs::rename(&elsewhere, path).unwrap();
    until_healthy(&ledger).await;
    drop(ledger);
    let _ledger = reopen(&home).await;
    assert_eq!(all(&home, &Filter::default()).len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_leaves_nothing_half_written() {
    let home = Home::sqlite();
    let database = migrated(&home);
    let pages: i64 = database
        .connection()
        .query_row("PRAGMA page_count", [], |row| row.get(0))
        .unwrap();
    database
        .connection()
        .execute_batch(&format!("PRAGMA max_page_count = {}", pages + 4))
        .unwrap();
    let mut book = book_of(database);
    let write = |number: usize| {
        let mut entry = entry(&format!("u{number}"), "1");
        entry.explanation = Some(super::sample::json(&format!("\"{}\"", "x".repeat(3_000))));
        recorded(entry)
    };
    let mut written = 0;
    let fault = loop {
        match book.write(&[write(written)]) {
            Ok(_) => written += 1,
            Err(fault) => break fault,
        }
    };
    assert!(matches!(fault, Fault::Lost(_)), "{fault}");
    let told = crate::error::chain(&fault);
    assert!(told.contains("full"), "{told}");
    assert!(written > 0);
    drop(book);
    assert_eq!(all(&home, &Filter::default()).len(), written);
    assert_eq!(verdict(&home).1, None);
}

/// It lets itself be opened and read, and every write fails.
#[tokio::test(flavor = "multi_thread")]
async fn a_ledger_that_cant_be_written_to_is_not_called_well() {
    let home = Home::sqlite();
    let Place::Sqlite(path) = &home.settings.place else {
        panic!("SQLite has a path");
    };
    let ledger = Ledger::open(&home.settings).unwrap();
    let elsewhere = path.with_extension("elsewhere");
    std::fs::rename(path, &elsewhere).unwrap();
    let mut refused = entry("42", "1");
    refused.sent = None;
    assert!(ledger.record(refused).await.is_err());
    std::fs::rename(&elsewhere, path).unwrap();
    tamper(
        &home,
        "CREATE TRIGGER full BEFORE INSERT ON holders BEGIN SELECT RAISE(FAIL, 'full'); END",
    );
    // It tries again twice a second.
    let end = Instant::now() + Duration::from_secs(3);
    while Instant::now() < end {
        assert!(!ledger.is_healthy());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    tamper(&home, "DROP TRIGGER full");
    until_healthy(&ledger).await;
}

/// SQLite writes nothing where nothing changes.
#[test]
fn what_tries_a_file_writes_to_it_each_time() {
    let home = Home::sqlite();
    let mut book = book_of(migrated(&home));
    let log = home.folder.path().join("scoregate.db-wal");
    for _ in 0..2 {
        tamper(&home, "PRAGMA wal_checkpoint(TRUNCATE)");
        assert_eq!(std::fs::metadata(&log).unwrap().len(), 0);
        book.try_to_write().unwrap();
        assert!(std::fs::metadata(&log).unwrap().len() > 0);
    }
}

#[test]
fn a_cell_that_cant_be_read_harms_no_other() {
    let home = Home::sqlite();
    let mut book = book_of(migrated(&home));
    for user in ["bad", "good"] {
        book.write(&[recorded(entry(user, "1"))]).unwrap();
    }
    tamper(
        &home,
        "UPDATE entries SET sealed = X'00' WHERE sequence = 1",
    );
    let cells = ["bad", "good", "none"].map(|user| cell(user).fingerprint());
    let histories: Vec<_> = book.open(&cells).unwrap();
    let count = |opened: &Result<Opened, Fault>| match opened {
        Ok(Opened::History(history)) => Some(history.pasts.len()),
        Ok(Opened::Busy) | Err(_) => None,
    };
    let counts: Vec<_> = histories.iter().map(count).collect();
    assert_eq!(counts, [None, Some(1), Some(0)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_file_is_refused_at_the_start() {
    let home = Home::sqlite();
    let Place::Sqlite(path) = &home.settings.place else {
        panic!("SQLite has a path");
    };
    std::fs::write(path, "this is no database".repeat(400)).unwrap();
    let refused = Ledger::open(&home.settings).err().unwrap();
    assert!(matches!(refused, CannotOpen::NotSqlite(_)), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_postgres_is_unavailable_in_time_and_recovers() {
    let cluster = Arc::new(Cluster::start());
    let home = Home::in_cluster(cluster.clone());
    let ledger = Ledger::open(&home.settings).unwrap();
    ledger.record(entry("42", "1")).await.unwrap();
    cluster.stop();
    let mut refused = entry("42", "2");
    refused.sent = None;
    let began = Instant::now();
    assert!(ledger.record(refused).await.is_err());
    assert!(ledger.record(entry("42", "3")).await.is_err());
    assert!(began.elapsed() < Duration::from_secs(10));
    assert!(!ledger.is_healthy());
    cluster.resume();
    until_healthy(&ledger).await;
    let held = ledger.hold(cell("42"), soon()).await.unwrap();
    assert_eq!(held.history().len(), 2);
    ledger.settle(held, entry("42", "4")).await.unwrap();
    assert_eq!(all(&home, &Filter::default()).len(), 3);
    assert_eq!(verdict(&home).1, None);
}

/// Each of its waits is short enough, and all together are not.
#[tokio::test(flavor = "multi_thread")]
async fn a_slow_database_is_unavailable_in_time_and_nobody_is_let_in_to_wait() {
    let home = Home::postgres();
    let ledger = Ledger::open(&home.settings).unwrap();
    tamper(
        &home,
        "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS \
         $$ BEGIN PERFORM pg_sleep(3.2); RETURN NEW; END $$; \
         CREATE TRIGGER slow BEFORE INSERT ON leases FOR EACH ROW EXECUTE FUNCTION slow(); \
         CREATE TRIGGER slow BEFORE INSERT ON intents FOR EACH ROW EXECUTE FUNCTION slow(); \
         CREATE TRIGGER slow BEFORE INSERT ON entries FOR EACH ROW EXECUTE FUNCTION slow()",
    );
    let submission = ledger.for_submission();
    let began = Instant::now();
    let held = submission.hold(cell("42"), soon()).await.unwrap();
    // Let in before, and in line for the cell.
    let in_line = ledger.clone();
    let far = began + Duration::from_secs(60);
    let in_line = tokio::spawn(async move { in_line.hold(cell("42"), far).await.err() });
    submission.intend(entry("42", "1")).await.unwrap();
    assert!(ledger.is_healthy());
    let late = submission.settle(held, entry("42", "1")).await;
    assert_eq!(late, Err(Unavailable::Late));
    assert!(began.elapsed() < Duration::from_secs(10));
    assert!(!ledger.is_healthy());
    assert_eq!(in_line.await.unwrap(), Some(Unavailable::Late));
    assert!(began.elapsed() < Duration::from_secs(10));
    until_healthy(&ledger).await;
}

/// What its request has left, where that is less than the ledger may take.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_waits_for_a_history_beyond_the_deadline() {
    let home = Home::postgres();
    let ledger = Ledger::open(&home.settings).unwrap();
    tamper(
        &home,
        "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS \
         $$ BEGIN PERFORM pg_sleep(3.2); RETURN NEW; END $$; \
         CREATE TRIGGER slow BEFORE INSERT ON leases FOR EACH ROW EXECUTE FUNCTION slow()",
    );
    let began = Instant::now();
    let deadline = began + Duration::from_millis(200);
    let late = ledger.hold(cell("42"), deadline).await;
    assert_eq!(late.err(), Some(Unavailable::Late));
    assert!(began.elapsed() < Duration::from_secs(3));
    assert!(ledger.is_healthy());
    // It is one of a submission's waits, which count together.
    let late = ledger.hurried().hold(cell("43"), deadline).await;
    assert_eq!(late.err(), Some(Unavailable::Late));
    assert!(!ledger.is_healthy());
    // The lease that was taken for it is free again.
    let cluster = home.cluster.as_ref().unwrap();
    let end = soon();
    while cluster
        .psql(&home.name(), "SELECT COUNT(*) FROM leases")
        .trim()
        != "0"
        || began.elapsed() < Duration::from_secs(4)
    {
        assert!(Instant::now() < end, "it stays");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_that_is_refused_harms_no_other() {
    let home = Home::postgres();
    let ledger = Ledger::open(&home.settings).unwrap();
    tamper(
        &home,
        "ALTER TABLE entries ADD CONSTRAINT no CHECK (caller <> 'bad')",
    );
    let mut bad = entry("42", "1");
    bad.caller = "bad".into();
    let (one, other) = tokio::join!(ledger.record(bad), ledger.record(entry("42", "2")));
    assert!(one.is_err());
    assert_eq!(other, Ok(()));
    assert!(ledger.is_healthy());
    assert_eq!(all(&home, &Filter::default()).len(), 1);
}
