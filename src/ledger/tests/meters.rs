//! What is counted of a ledger that is slow, refuses, is away, or forgets.

use std::process::Command;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use super::cluster::Cluster;
use super::sample::{Home, cell, entry};
use super::suite::{reading, reopen, soon, tamper};
use crate::ledger::{Ledger, Place, Unavailable};
use crate::meter::Page;

/// The sample of this name and these labels.
fn value(ledger: &Ledger, sample: &str) -> f64 {
    let mut page = Page::default();
    ledger.meter().write(&mut page);
    let page = page.finish();
    let start = format!("{sample} ");
    let value = page.lines().find_map(|line| line.strip_prefix(&start));
    value
        .unwrap_or_else(|| panic!("no `{sample}` in {page}"))
        .parse()
        .unwrap()
}

fn used(ledger: &Ledger) -> [u64; 2] {
    ledger.fills().map(|(_, fill)| fill.used)
}

async fn until(is_so: impl FnMut() -> bool) {
    until_or(soon(), is_so).await;
}

async fn until_or(end: Instant, mut is_so: impl FnMut() -> bool) {
    while !is_so() {
        assert!(Instant::now() < end, "it never is so");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cell_that_stays_busy_is_counted() {
    for home in [Home::sqlite(), Home::postgres()] {
        let ledger = Ledger::open(&home.settings).unwrap();
        let held = ledger.hold(cell("42"), soon()).await.unwrap();
        assert_eq!(ledger.cells(), (1, 0));
        let busy = ledger.hold(cell("42"), Instant::now()).await;
        assert_eq!(busy.err(), Some(Unavailable::CellBusy));
        drop(held);
        assert_eq!(ledger.cells(), (0, 0));
        let name = "scoregate_ledger_cell_waits_total{result=\"busy\"}";
        assert_eq!(value(&ledger, name), 1.0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_of_another_gateway_that_is_waited_for_is_counted() {
    let home = Home::postgres();
    let one = Ledger::open(&home.settings).unwrap();
    let other = Ledger::open(&home.settings).unwrap();
    let wait = |result: &str| {
        value(
            &other,
            &format!("scoregate_ledger_cell_waits_total{{result=\"{result}\"}}"),
        )
    };
    let held = one.hold(cell("42"), soon()).await.unwrap();
    let busy = other.hold(cell("42"), Instant::now()).await;
    assert_eq!(busy.err(), Some(Unavailable::CellBusy));
    assert_eq!((wait("held"), wait("busy")), (0.0, 1.0));
    drop(held);
    let end = soon();
    // Until the other has looked while it was held.
    while wait("held") == 0.0 {
        assert!(Instant::now() < end, "no wait is counted");
        let held = one.hold(cell("42"), end).await.unwrap();
        let free = async {
            tokio::time::sleep(Duration::from_millis(20)).await;
            drop(held);
        };
        let (waited, ()) = tokio::join!(other.hold(cell("42"), end), free);
        assert!(waited.is_ok());
    }
    assert_eq!((wait("held"), wait("busy")), (1.0, 1.0));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_and_what_is_kept_while_the_file_is_locked_is_seen() {
    let home = Home::sqlite();
    let Place::Sqlite(path) = &home.settings.place else {
        panic!("SQLite has a path");
    };
    let ledger = Ledger::open(&home.settings).unwrap();
    ledger.record(entry("42", "1")).await.unwrap();
    assert_eq!(used(&ledger), [0, 0]);
    let blocker = rusqlite::Connection::open(path).unwrap();
    blocker.execute_batch("BEGIN IMMEDIATE").unwrap();
    let record = || {
        let ledger = ledger.clone();
        tokio::spawn(async move { ledger.record(entry("42", "2")).await })
    };
    let mut records = Vec::new();
    until(|| {
        records.push(record());
        used(&ledger)[0] >= 2
    })
    .await;
    let count = u32::try_from(records.len()).unwrap();
    for record in records {
        assert_eq!(record.await.unwrap(), Err(Unavailable::Failing));
    }
    let lost = "scoregate_ledger_failures_total{reason=\"lost\"}";
    assert_eq!(value(&ledger, lost), 1.0);
    until(|| used(&ledger) == [0, count.into()]).await;
    blocker.execute_batch("COMMIT").unwrap();
    until(|| used(&ledger) == [0, 0]).await;
    let written = "scoregate_ledger_entries_total{decision=\"forwarded\"}";
    assert_eq!(value(&ledger, written), f64::from(count) + 1.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_entry_is_counted_and_not_as_written() {
    let home = Home::postgres();
    let ledger = Ledger::open(&home.settings).unwrap();
    tamper(
        &home,
        "ALTER TABLE entries ADD CONSTRAINT no CHECK (caller <> 'bad')",
    );
    let mut bad = entry("42", "1");
    bad.caller = "bad".into();
    assert!(ledger.record(bad).await.is_err());
    ledger.record(entry("42", "2")).await.unwrap();
    let refused = "scoregate_ledger_failures_total{reason=\"refused\"}";
    assert_eq!(value(&ledger, refused), 1.0);
    let written = "scoregate_ledger_entries_total{decision=\"forwarded\"}";
    assert_eq!(value(&ledger, written), 1.0);
}

/// A process of PostgreSQL, stopped in the middle of what it does.
struct Frozen(String);

impl Drop for Frozen {
    fn drop(&mut self) {
        let _ = Command::new("kill").args(["-s", "CONT", &self.0]).status();
    }
}

/// Freezes whoever of us waits for a lock, as soon as it does, and then ends whoever holds the lock.
/// The database does it itself: to look from outside takes seconds on a busy machine.
const FREEZE: &str = "
    DO $$
    DECLARE waiting int;
    BEGIN
        LOOP
            PERFORM pg_stat_clear_snapshot();
            SELECT pid INTO waiting FROM pg_stat_activity
                WHERE application_name = 'scoregate' AND wait_event_type = 'Lock';
            EXIT WHEN FOUND;
            PERFORM pg_sleep(0.002);
        END LOOP;
        EXECUTE format('COPY (SELECT 1) TO PROGRAM %L', 'cat > /dev/null; kill -s STOP ' || waiting);
        PERFORM pg_terminate_backend(holder) FROM unnest(pg_blocking_pids(waiting)) AS holder;
    END $$;
    SELECT pid FROM pg_stat_activity
        WHERE application_name = 'scoregate' AND wait_event_type = 'Lock'";

/// The writer has begun a transaction, waits for a lock, and then hears nothing at all: neither of
/// the lock nor, for as long as it waits for it, of the rollback.
fn frozen_within_a_transaction(cluster: &Arc<Cluster>, home: &Home, ledger: &Ledger) -> Frozen {
    let name = home.name();
    let run = |sql: &'static str| {
        let (cluster, name) = (cluster.clone(), name.clone());
        thread::spawn(move || cluster.psql(&name, sql))
    };
    let until_it_does = |what: &str| {
        let sql = format!(
            "SELECT 1 FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND query LIKE '%{what}%' \
             AND wait_event = 'PgSleep'"
        );
        let end = soon();
        while cluster.psql(&name, &sql).trim().is_empty() {
            assert!(Instant::now() < end, "{sql}");
            thread::sleep(Duration::from_millis(5));
        }
    };
    let locker = run("SELECT 1 FROM head FOR UPDATE; SELECT pg_sleep(60)");
    until_it_does("pg_sleep(60)");
    let freezer = run(FREEZE);
    until_it_does("STOP");
    drop(tokio::spawn(record(ledger)));
    let printed = freezer.join().unwrap();
    let frozen = Frozen(printed.lines().last().unwrap().to_owned());
    // What was cut off is no success.
    assert!(locker.join().is_err());
    frozen
}

fn record(ledger: &Ledger) -> impl Future<Output = Result<(), Unavailable>> + Send + use<> {
    // The writer hears nothing for ten seconds: long enough for these on a busy machine too.
    let (ledger, entry) = (ledger.hurried(), entry("42", "2"));
    async move { ledger.record(entry).await }
}

fn failures(ledger: &Ledger, reason: &str) -> f64 {
    let name = "scoregate_ledger_failures_total";
    value(ledger, &format!("{name}{{reason=\"{reason}\"}}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn too_much_and_too_long_and_what_is_lost_are_counted_while_the_database_is_frozen() {
    let cluster = Arc::new(Cluster::start());
    let home = Home::in_cluster(cluster.clone());
    let ledger = Ledger::open(&home.settings).unwrap();
    ledger.record(entry("42", "1")).await.unwrap();
    let frozen = frozen_within_a_transaction(&cluster, &home, &ledger);
    // More than may wait; all of them have been sent, so that none may be forgotten.
    let [queue, backlog] = ledger.fills().map(|(_, fill)| fill.most);
    let mut records = Vec::new();
    for _ in 0..queue + 10 {
        records.push(tokio::spawn(record(&ledger)));
    }
    until(|| failures(&ledger, "queue_full") >= 10.0).await;
    let (mut full, mut late) = (0.0, 0.0);
    for record in records {
        match record.await.unwrap().unwrap_err() {
            Unavailable::QueueFull => full += 1.0,
            Unavailable::Late => late += 1.0,
            other => assert_eq!(other, Unavailable::Failing),
        }
    }
    assert_eq!(failures(&ledger, "queue_full"), full);
    assert_eq!(failures(&ledger, "queue_lost"), full);
    // The first one, too.
    assert!(late > 0.0, "nobody waited for too long");
    assert_eq!(failures(&ledger, "late"), late + 1.0);
    // Until the writer has given up, or it would hear of its lock after all.
    let patient = Instant::now() + Duration::from_secs(60);
    until_or(patient, || failures(&ledger, "lost") == 1.0).await;
    drop(frozen);
    // Everything that was taken, but for what nobody could keep.
    let written = "scoregate_ledger_entries_total{decision=\"forwarded\"}";
    let taken = queue as f64 + 10.0 - full + 1.0;
    let kept = backlog as f64;
    until_or(patient, || value(&ledger, written) >= 1.0 + kept).await;
    assert_eq!(value(&ledger, written), 1.0 + kept);
    assert_eq!(failures(&ledger, "backlog_full"), taken - kept);
    assert_eq!(failures(&ledger, "lost"), 1.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn erasures_by_others_are_counted_and_the_retention_is_none() {
    for mut home in [Home::sqlite(), Home::postgres()] {
        home.settings.retention = Some(Duration::from_secs(7 * 86_400));
        let ledger = Ledger::open(&home.settings).unwrap();
        let erasures = "scoregate_ledger_erasures_total";
        for erased in [1.0, 2.0] {
            ledger.record(entry("42", "10")).await.unwrap();
            reading(&home, |reader| {
                let erasure = reader.erasure("42", None, None).unwrap();
                reader.erase(&erasure).unwrap();
            });
            until(|| value(&ledger, erasures) == erased).await;
            let mut old = entry("43", "10");
            old.time -= Duration::from_secs(9 * 86_400);
            ledger.record(old).await.unwrap();
        }
        // Those from before the start are none that this gateway saw.
        drop(ledger);
        let ledger = reopen(&home).await;
        ledger.record(entry("44", "10")).await.unwrap();
        reading(&home, |reader| {
            let erasure = reader.erasure("44", None, None).unwrap();
            reader.erase(&erasure).unwrap();
        });
        until(|| value(&ledger, erasures) == 1.0).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_retention_drops_is_counted() {
    for mut home in [Home::sqlite(), Home::postgres()] {
        let ledger = Ledger::open(&home.settings).unwrap();
        for age in [9, 8, 0] {
            let mut entry = entry("42", "10");
            entry.time -= Duration::from_secs(age * 86_400);
            ledger.record(entry).await.unwrap();
        }
        drop(ledger);
        home.settings.retention = Some(Duration::from_secs(7 * 86_400));
        let ledger = reopen(&home).await;
        until(|| value(&ledger, "scoregate_ledger_dropped_total") == 2.0).await;
        ledger.record(entry("42", "10")).await.unwrap();
        assert_eq!(value(&ledger, "scoregate_ledger_erasures_total"), 0.0);
    }
}
