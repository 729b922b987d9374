//! What is counted of a ledger that is slow, refuses, is away, or forgets.

use std::time::{Duration, Instant};

use super::sample::{Home, cell, entry};
use super::suite::{reopen, soon, tamper};
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

async fn until(mut is_so: impl FnMut() -> bool) {
    let end = soon();
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
    }
}
