//! What makes an erasure complete: the table of learners is written anew, without what was deleted from
//! it. Where that can't be, or somebody keeps what was deleted, it says when to try again.

use std::fs::File;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use super::database::{Database, Dialect, Input};
use super::fault::{CannotErase, Fault};
use super::lock_file::log_of;

/// How long transactions are waited for that are older than the erasure, and whoever uses the write-ahead log:
/// those of gateways are short.
const OLDER: Duration = Duration::from_secs(5);

/// Between looks at them.
const LOOK: Duration = Duration::from_millis(50);

/// How long a compaction waits for the others to leave the table: all who come after it wait too, and a
/// gateway gives up after four seconds.
const WAIT_BRIEFLY: &str = "SET lock_timeout = 2000";

/// Of the transaction that erases.
const NUMBER: &str = "SELECT CAST(CAST(pg_current_xact_id() AS XID) AS TEXT)";

/// Whoever may still see what was deleted, so that the database keeps it: a session whose snapshot or
/// transaction is older, a prepared transaction, a standby's replication slot.
const KEEPERS: &str = "SELECT 'session ' || CAST(pid AS TEXT) FROM pg_stat_activity \
     WHERE pid <> pg_backend_pid() AND (datname = current_database() OR datname IS NULL) \
     AND GREATEST(age(backend_xmin), age(backend_xid)) >= age(CAST(CAST($1 AS TEXT) AS XID)) \
     UNION ALL SELECT 'prepared transaction ' || gid FROM pg_prepared_xacts \
     WHERE database = current_database() AND age(transaction) >= age(CAST(CAST($1 AS TEXT) AS XID)) \
     UNION ALL SELECT 'replication slot ' || CAST(slot_name AS TEXT) FROM pg_replication_slots \
     WHERE age(xmin) >= age(CAST(CAST($1 AS TEXT) AS XID))";

/// The table's file: another one after each compaction.
const FILE: &str = "SELECT CAST(pg_relation_filenode(CAST('cells' AS REGCLASS)) AS BIGINT)";

/// What tells an erasure's transaction from others; nothing on SQLite, where nobody reads what is older.
pub fn number(database: &mut dyn Database) -> Result<Option<String>, Fault> {
    match database.dialect() {
        Dialect::Sqlite => Ok(None),
        Dialect::Postgres => {
            let row = database.query(NUMBER, &[])?.into_iter().next();
            row.map(|mut row| row.text()).transpose()
        }
    }
}

/// Compacts what the transaction with this `number` has deleted from.
pub fn compact(database: &mut dyn Database, number: Option<&str>) -> Result<(), CannotErase> {
    match number {
        None => compact_file(database),
        Some(number) => compact_table(database, number),
    }
}

/// The write-ahead log still has pages from before. The file that SQLite copies to meanwhile is made after
/// the deletion, and holds nothing of it.
fn compact_file(database: &mut dyn Database) -> Result<(), CannotErase> {
    let later = |cause| not_compacted("when it can be written to", Some(cause));
    database.script("VACUUM").map_err(later)?;
    let end = Instant::now() + OLDER;
    while is_log_in_use(database).map_err(later)? {
        if Instant::now() >= end {
            let when = "when nobody reads the ledger, and little is written: the write-ahead log is in use and \
                 still holds old pages";
            return Err(not_compacted(when, None));
        }
        thread::sleep(LOOK);
    }
    Ok(())
}

/// SQLite empties its log and does not wait for the disk: a power loss would bring back what stood there.
pub fn sync_log(path: &Path) -> Result<(), CannotErase> {
    let log = log_of(path).and_then(File::open);
    let synced = log.and_then(|log| log.sync_all());
    let later = |cause| not_compacted("when it can be written to", Some(Fault::lost(cause)));
    synced.map_err(later)
}

/// Empties the write-ahead log where nobody reads it, nor copies it back just then as the gateway does.
fn is_log_in_use(database: &mut dyn Database) -> Result<bool, Fault> {
    let log = database.query("PRAGMA wal_checkpoint(TRUNCATE)", &[])?;
    // SQLite says so with its first column.
    let is_in_use = log
        .into_iter()
        .next()
        .map_or(Ok(0), |mut row| row.integer());
    Ok(is_in_use? != 0)
}

fn compact_table(database: &mut dyn Database, number: &str) -> Result<(), CannotErase> {
    let later = |cause| {
        let when = "when no other session has the table `cells` in use, such as a backup";
        not_compacted(when, Some(cause))
    };
    wait_for_older(database, number)?;
    let before = file(database).map_err(later)?;
    database.script(WAIT_BRIEFLY).map_err(later)?;
    database.script("VACUUM FULL cells").map_err(later)?;
    // Whoever may not is only warned.
    match file(database).map_err(later)? == before {
        true => Err(not_compacted("as the owner of the table `cells`", None)),
        false => Ok(()),
    }
}

/// Until nobody is left who may see what was deleted.
fn wait_for_older(database: &mut dyn Database, number: &str) -> Result<(), CannotErase> {
    let end = Instant::now() + OLDER;
    loop {
        let left = keepers(database, number)
            .map_err(|cause| not_compacted("when the database can be asked", Some(cause)))?;
        if left.is_empty() {
            return Ok(());
        }
        if Instant::now() >= end {
            let left = left.join(", ");
            let when = format!("when what is older than the erasure has ended ({left})");
            return Err(not_compacted(when, None));
        }
        thread::sleep(LOOK);
    }
}

fn keepers(database: &mut dyn Database, number: &str) -> Result<Vec<String>, Fault> {
    let rows = database.query(KEEPERS, &[Input::Text(number)])?;
    rows.into_iter().map(|mut row| row.text()).collect()
}

fn file(database: &mut dyn Database) -> Result<Option<i64>, Fault> {
    let row = database.query(FILE, &[])?.into_iter().next();
    row.map(|mut row| row.integer()).transpose()
}

fn not_compacted(when: impl Into<String>, cause: Option<Fault>) -> CannotErase {
    CannotErase::NotCompacted {
        when: when.into(),
        cause,
    }
}
