//! The tables, as numbered migrations. They run when a gateway starts; a database that a newer
//! version has migrated is refused, never half understood.

use std::time::Duration;

use super::database::{Database, Dialect, Input, in_transaction};
use super::fault::{CannotOpen, Fault};
use super::fingerprints;
use super::postgres::AS_GATEWAY;
use super::random::Random;
use super::seal::SealKey;

/// In order; a database has had the first `version` of them. Never change one, add another.
const MIGRATIONS: &[Migration] = &[
    Migration::of(TABLES),
    Migration::of(SEALED_OTHERWISE),
    Migration {
        sql: SAYS_ITS_VERSION,
        then: fingerprints::begin_with_line_items,
    },
    Migration::of("{keys_in_no_statistics}"),
    Migration::of(HISTORIES_ALONE),
];

struct Migration {
    sql: &'static str,
    /// What SQL can't do.
    then: fn(&mut dyn Database) -> Result<(), Fault>,
}

impl Migration {
    const fn of(sql: &'static str) -> Self {
        Self {
            sql,
            then: |_| Ok(()),
        }
    }
}

/// What is sealed says a body that left as it came only once: an older version would read of nothing sent.
const SEALED_OTHERWISE: &str = "";

/// Whoever writes reads the head first: a gateway that runs while another one migrates writes no more.
const SAYS_ITS_VERSION: &str =
    "ALTER TABLE head ADD COLUMN schema_version BIGINT NOT NULL DEFAULT 0";

const TABLES: &str = "
CREATE TABLE entries (
    sequence {sequence},
    receipt TEXT NOT NULL UNIQUE,
    time BIGINT NOT NULL,
    account TEXT NOT NULL,
    caller TEXT NOT NULL,
    line_item TEXT NOT NULL,
    cell BIGINT,
    in_history BIGINT NOT NULL,
    decision TEXT NOT NULL,
    code TEXT,
    rules TEXT NOT NULL,
    judged TEXT,
    policy_generation BIGINT NOT NULL,
    upstream_status BIGINT,
    duration_ms BIGINT NOT NULL,
    digest {bytes} NOT NULL,
    sealed {bytes} NOT NULL,
    prev_hash {bytes} NOT NULL,
    hash {bytes} NOT NULL
);
CREATE INDEX entries_of_cell ON entries (cell, sequence);
CREATE TABLE cells (
    id {sequence},
    fingerprint {bytes} NOT NULL UNIQUE,
    account TEXT NOT NULL,
    line_item TEXT NOT NULL,
    learner TEXT NOT NULL,
    seal_key {bytes} NOT NULL
);
{no_statistics}
CREATE TABLE head (
    one BIGINT PRIMARY KEY,
    sequence BIGINT NOT NULL,
    hash {bytes} NOT NULL,
    anchor_sequence BIGINT NOT NULL,
    anchor_hash {bytes} NOT NULL,
    cells BIGINT NOT NULL,
    erasures BIGINT NOT NULL,
    seal_key {bytes} NOT NULL
);
CREATE TABLE policies (
    generation BIGINT PRIMARY KEY,
    hash {bytes} NOT NULL UNIQUE
);
CREATE TABLE intents (
    receipt TEXT PRIMARY KEY,
    holder TEXT NOT NULL,
    cell BIGINT,
    plain TEXT NOT NULL,
    sealed {bytes} NOT NULL
);
CREATE TABLE holders (
    id TEXT PRIMARY KEY,
    alive_until BIGINT NOT NULL
);
CREATE TABLE leases (
    fingerprint {bytes} PRIMARY KEY,
    holder TEXT NOT NULL
);
";

/// Statistics would keep a copy of a learner's id.
const NO_STATISTICS: &str = "ALTER TABLE cells ALTER COLUMN learner SET STATISTICS 0;";

/// Nor of the keys that an erasure drops, or of hashes that tell a learner. A change of type, to the same,
/// forgets the statistics that there are. And receipts are in the order of their bytes, whatever language
/// the database was made for.
/// Whoever writes locks the head first: a gateway of the version before then waits, and nobody for it.
const KEYS_IN_NO_STATISTICS: &str = "
LOCK TABLE head, entries, cells, leases IN ACCESS EXCLUSIVE MODE;
ALTER TABLE cells
    ALTER COLUMN seal_key SET STATISTICS 0,
    ALTER COLUMN fingerprint SET STATISTICS 0;
ALTER TABLE cells
    ALTER COLUMN seal_key TYPE BYTEA,
    ALTER COLUMN fingerprint TYPE BYTEA;
ALTER TABLE leases ALTER COLUMN fingerprint SET STATISTICS 0;
ALTER TABLE leases ALTER COLUMN fingerprint TYPE BYTEA;
ALTER TABLE entries ALTER COLUMN receipt TYPE TEXT COLLATE \"C\";
";

/// A history is found past the entries of its cell that are not in it, however many a tool had refused. In place
/// of the index that there was: each costs every entry. A gateway of the version before locks the head first, too.
/// And what is sealed says of what a history gains only what differs from what came: that version would read of none.
const HISTORIES_ALONE: &str = "
{lock_entries}
DROP INDEX IF EXISTS entries_of_cell;
CREATE INDEX entries_of_cell ON entries (cell, in_history, sequence);
";

const LOCK_ENTRIES: &str = "LOCK TABLE head, entries IN ACCESS EXCLUSIVE MODE;";

/// How long one statement of a migration may take: millions of rows may have to be put in order.
const MIGRATION: Duration = Duration::from_secs(3_600);

pub const NEWEST: i64 = MIGRATIONS.len() as i64;

/// Brings a database to this version's schema.
pub fn migrate(database: &mut dyn Database) -> Result<(), CannotOpen> {
    let mut is_turn = false;
    let found = in_transaction(database, |database| {
        if database.dialect() == Dialect::Postgres {
            // Two gateways that start at once migrate once.
            database.script("SELECT pg_advisory_xact_lock(7305809012345)")?;
        }
        is_turn = true;
        database.script("CREATE TABLE IF NOT EXISTS schema_version (version BIGINT NOT NULL)")?;
        let found = version(database)?;
        if found < NEWEST {
            tracing::info!(target: "scoregate::ledger", from = found, to = NEWEST, "bringing the ledger to this version's schema");
            database.be_patient(MIGRATION)?;
        }
        for migration in MIGRATIONS.iter().skip(usize::try_from(found).unwrap_or(0)) {
            database.script(&in_dialect(migration.sql, database.dialect()))?;
            (migration.then)(database)?;
        }
        if found == 0 {
            begin_chain(database)?;
        }
        if found < NEWEST {
            database.execute("DELETE FROM schema_version", &[])?;
            let newest = [Input::Integer(NEWEST)];
            database.execute("INSERT INTO schema_version (version) VALUES ($1)", &newest)?;
            database.execute("UPDATE head SET schema_version = $1", &newest)?;
        }
        Ok(found)
    });
    let found = found.map_err(|fault| match !is_turn && fault.has_waited_in_vain() {
        true => CannotOpen::Migrating,
        false => fault.into(),
    })?;
    if found < NEWEST {
        database.be_patient(AS_GATEWAY)?;
    }
    refuse_newer(found)
}

/// Refuses a database whose schema is not this version's.
pub fn require_current(database: &mut dyn Database) -> Result<(), CannotOpen> {
    if !is_used(database)? {
        return Err(CannotOpen::Unused);
    }
    let found = version(database)?;
    refuse_newer(found)?;
    match found < NEWEST {
        true => Err(CannotOpen::Older(found)),
        false => Ok(()),
    }
}

/// Whether a gateway has ever started on it.
fn is_used(database: &mut dyn Database) -> Result<bool, Fault> {
    let find = match database.dialect() {
        Dialect::Sqlite => "SELECT name FROM sqlite_schema WHERE name = 'schema_version'",
        Dialect::Postgres => {
            "SELECT CAST(to_regclass('schema_version') AS TEXT) AS name \
             WHERE to_regclass('schema_version') IS NOT NULL"
        }
    };
    Ok(!database.query(find, &[])?.is_empty())
}

fn refuse_newer(found: i64) -> Result<(), CannotOpen> {
    match found > NEWEST {
        true => Err(CannotOpen::Newer {
            found,
            known: NEWEST,
        }),
        false => Ok(()),
    }
}

fn version(database: &mut dyn Database) -> Result<i64, Fault> {
    let rows = database.query("SELECT version FROM schema_version", &[])?;
    rows.into_iter()
        .next()
        .map_or(Ok(0), |mut row| row.integer())
}

fn in_dialect(migration: &str, dialect: Dialect) -> String {
    let (sequence, bytes) = match dialect {
        Dialect::Sqlite => ("INTEGER PRIMARY KEY", "BLOB"),
        Dialect::Postgres => ("BIGINT PRIMARY KEY", "BYTEA"),
    };
    let (no_statistics, keys_in_no_statistics, lock_entries) = match dialect {
        Dialect::Sqlite => ("", "", ""),
        Dialect::Postgres => (NO_STATISTICS, KEYS_IN_NO_STATISTICS, LOCK_ENTRIES),
    };
    migration
        .replace("{lock_entries}", lock_entries)
        .replace("{keys_in_no_statistics}", keys_in_no_statistics)
        .replace("{sequence}", sequence)
        .replace("{bytes}", bytes)
        .replace("{no_statistics}", no_statistics)
}

/// The chain starts from zeros.
fn begin_chain(database: &mut dyn Database) -> Result<(), Fault> {
    let key = SealKey::random(&mut Random::default())?;
    let (zero, start) = (Input::Integer(0), Input::Bytes(&[0; 32]));
    database.execute(
        "INSERT INTO head (one, sequence, hash, anchor_sequence, anchor_hash, cells, erasures, seal_key) \
         VALUES (1, $1, $2, $3, $4, $5, $6, $7)",
        &[zero, start, zero, start, zero, zero, Input::Bytes(key.bytes())],
    )?;
    Ok(())
}
