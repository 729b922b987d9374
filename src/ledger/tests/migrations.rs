//! Databases of other versions, on both.

use std::time::{Duration, Instant};

use super::sample::{Home, cell, entry};
use super::suite::{reading, reopen, soon, suite, tamper, verdict, whole};
use crate::ledger::{CannotOpen, Ledger, Reader, Unavailable, schema};

suite! {
    refuses_a_newer_schema
    writes_no_more_once_a_newer_gateway_has_migrated
    migrates_what_says_nothing_of_its_version_in_the_head
    finds_the_cells_of_an_older_schema
    migrates_the_index_of_many_entries
}

async fn refuses_a_newer_schema(home: Home) {
    drop(Ledger::open(&home.settings).unwrap());
    drop(reopen(&home).await);
    tamper(&home, "UPDATE schema_version SET version = 1000");
    let end = soon();
    let refused = loop {
        match Ledger::open(&home.settings) {
            Err(CannotOpen::InUse(_)) if Instant::now() < end => {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            other => break other.err().unwrap(),
        }
    };
    let shown = refused.to_string();
    assert!(shown.contains("newer scoregate (schema 1000"), "{shown}");
    let known = schema::NEWEST;
    let refused = tokio::task::block_in_place(|| Reader::open(&home.settings).err().unwrap());
    assert!(matches!(refused, CannotOpen::Newer { found: 1000, known: k } if k == known));
}

async fn writes_no_more_once_a_newer_gateway_has_migrated(home: Home) {
    let ledger = Ledger::open(&home.settings).unwrap();
    ledger.record(entry("x", "1")).await.unwrap();
    tamper(
        &home,
        "UPDATE schema_version SET version = 1000; UPDATE head SET schema_version = 1000",
    );
    let recorded = ledger.record(entry("y", "1")).await;
    assert_eq!(recorded, Err(Unavailable::Failing));
    let held = ledger.hold(cell("x"), soon()).await;
    assert_eq!(held.err(), Some(Unavailable::Failing));
    assert!(!ledger.is_healthy());
    let newest = schema::NEWEST;
    tamper(
        &home,
        &format!(
            "UPDATE schema_version SET version = {newest}; UPDATE head SET schema_version = {newest}"
        ),
    );
    assert_eq!(verdict(&home), whole(1));
}

/// The index as the first four versions had it.
const FIRST_INDEX: &str =
    "DROP INDEX entries_of_cell; CREATE INDEX entries_of_cell ON entries (cell, sequence);";

/// As the second version left it.
const SECOND: &str = "DROP INDEX entries_of_cell; CREATE INDEX entries_of_cell ON entries (cell, sequence); \
     ALTER TABLE head DROP COLUMN schema_version; UPDATE schema_version SET version = 2;";

async fn migrates_what_says_nothing_of_its_version_in_the_head(home: Home) {
    let ledger = Ledger::open(&home.settings).unwrap();
    ledger.close(soon()).await;
    drop(ledger);
    tamper(&home, SECOND);
    let refused = tokio::task::block_in_place(|| Reader::open(&home.settings).err().unwrap());
    assert!(matches!(refused, CannotOpen::Older(2)), "{refused}");
    let ledger = reopen(&home).await;
    ledger.record(entry("x", "1")).await.unwrap();
    assert_eq!(verdict(&home), whole(1));
}

/// Their fingerprints were SHA-256 of the whole cell; a NUL is none that a column can hold.
async fn finds_the_cells_of_an_older_schema(home: Home) {
    const OLD: [(&str, &str, &str); 2] = [
        (
            "x",
            "x",
            "5693f73ec4f5c84c2a49dae0d8279c10223b20b8a067bcddf97765575b787546",
        ),
        (
            "n\0l",
            "n\u{fffd}l",
            "1e2a2ec8eb8cf4bc39623636de40c267ad277c90a2bf7efdd0243bba63b804a3",
        ),
    ];
    let ledger = Ledger::open(&home.settings).unwrap();
    for (user, ..) in OLD {
        let mut entry = entry(user, "1");
        // As it was written then.
        entry.score = None;
        ledger.record(entry).await.unwrap();
    }
    ledger.close(soon()).await;
    drop(ledger);
    tamper(&home, SECOND);
    for (_, learner, fingerprint) in OLD {
        let change =
            format!("UPDATE cells SET fingerprint = X'{fingerprint}' WHERE learner = '{learner}'");
        tamper(&home, &change);
    }
    let ledger = reopen(&home).await;
    for (user, ..) in OLD {
        let held = ledger.hold(cell(user), soon()).await.unwrap();
        assert_eq!(held.history().len(), 1, "{user:?}");
    }
    assert_eq!(verdict(&home), whole(2));
}

/// Copies of the last entry that are in no history, as of a tool that was refused all the time. PostgreSQL has
/// `generate_series`, SQLite doesn't.
fn add_refused(home: &Home, entries: u64) {
    let hash = "X'0000000000000000000000000000000000000000000000000000000000000000'";
    let add = format!(
        "INSERT INTO entries SELECT number + 10, 'refused' || number, time, account, caller, line_item, cell, \
         0, 'refused', code, rules, judged, policy_generation, NULL, 1, digest, sealed, {hash}, {hash} \
         FROM entries, (WITH RECURSIVE numbers (number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM numbers \
         WHERE number < {entries}) SELECT number FROM numbers) AS all_numbers WHERE sequence = 1"
    );
    tamper(home, &add);
}

async fn migrates_the_index_of_many_entries(home: Home) {
    let ledger = Ledger::open(&home.settings).unwrap();
    ledger.record(entry("x", "1")).await.unwrap();
    ledger.close(soon()).await;
    drop(ledger);
    add_refused(&home, 50_000);
    tamper(&home, FIRST_INDEX);
    tamper(
        &home,
        "UPDATE schema_version SET version = 4; UPDATE head SET schema_version = 4, sequence = 50010",
    );
    let refused = tokio::task::block_in_place(|| Reader::open(&home.settings).err().unwrap());
    assert!(matches!(refused, CannotOpen::Older(4)), "{refused}");
    let ledger = reopen(&home).await;
    let held = ledger.hold(cell("x"), soon()).await.unwrap();
    assert_eq!(held.history().len(), 1);
    ledger.settle(held, entry("x", "2")).await.unwrap();
    let entries = reading(&home, |reader| reader.count().unwrap());
    assert_eq!(entries, 50_002);
}
