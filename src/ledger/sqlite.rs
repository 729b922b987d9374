//! The ledger in a SQLite file: write-ahead log, one writer, any number of readers. What is
//! deleted is overwritten (`secure_delete`), so that an erased id leaves no trace in free pages.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::types::{ToSql, ToSqlOutput, ValueRef};
use rusqlite::{Connection, ErrorCode, OpenFlags, params_from_iter};

use super::database::{Cursor, Database, Dialect, Input, Insert, Value};
use super::fault::{CannotOpen, Fault};
use super::lock_file::{Identity, LockFile, require_folder};
use super::log_sync::LogSync;
use super::place::Durability;

/// The longest wait for a lock that another process holds, such as an erasure.
const BUSY: Duration = Duration::from_secs(5);

pub struct Sqlite {
    connection: Connection,
    /// A gateway's own file, which it has locked, and the log that was opened with it.
    locked: Option<(Arc<LockFile>, Identity)>,
    /// Where nobody waits for the disk.
    sync: Option<LogSync>,
}

impl Sqlite {
    /// For the gateway.
    pub fn open_locked(file: Arc<LockFile>, durability: Durability) -> Result<Self, CannotOpen> {
        file.is_in_place()?;
        let mut database = Self::open(file.path(), durability)?;
        // What is read first opens the log.
        database.query("SELECT COUNT(*) FROM sqlite_schema", &[])?;
        let log = file.log()?;
        database.sync = match durability {
            Durability::Batched => Some(LogSync::start(file.log_path()).map_err(Fault::lost)?),
            // Each transaction waits for it.
            Durability::Always => None,
        };
        database.locked = Some((file, log));
        Ok(database)
    }

    /// For whoever writes. Creates nothing.
    pub fn open(path: &Path, durability: Durability) -> Result<Self, CannotOpen> {
        let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        let synchronous = match durability {
            Durability::Batched => "NORMAL",
            Durability::Always => "FULL",
        };
        let pragmas = format!(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = {synchronous}; \
             PRAGMA secure_delete = ON; PRAGMA temp_store = MEMORY;"
        );
        connection.execute_batch(&pragmas).map_err(fault)?;
        Ok(Self::of(connection))
    }

    /// For commands that only read. Creates nothing.
    pub fn open_to_read(path: &Path) -> Result<Self, CannotOpen> {
        require_folder(path)?;
        if !path.exists() {
            return Err(CannotOpen::Missing(path.to_owned()));
        }
        let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)
            .or_else(|_| connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY))?;
        connection
            .execute_batch("PRAGMA query_only = ON;")
            .map_err(fault)?;
        Ok(Self::of(connection))
    }

    /// For a compaction, which makes a copy of the whole database meanwhile: on disk, in the database's own
    /// folder, and for nobody else to see, since SQLite takes its name away as soon as it is made.
    pub fn open_to_compact(path: &Path) -> Result<Self, CannotOpen> {
        let database = Self::open(path, Durability::Always)?;
        let script = |sql: &str| database.connection.execute_batch(sql).map_err(fault);
        script("PRAGMA temp_store = FILE;")?;
        if let Some(folder) = path.parent().and_then(Path::to_str) {
            let folder = if folder.is_empty() { "." } else { folder };
            let folder = folder.replace('\'', "''");
            // Where it may not write there, SQLite takes the system's.
            let _ = script(&format!("PRAGMA temp_store_directory = '{folder}';"));
        }
        Ok(database)
    }

    fn of(connection: Connection) -> Self {
        Self {
            connection,
            locked: None,
            sync: None,
        }
    }

    fn ask(&self, sql: &'static str, values: &[Input<'_>]) -> Result<Vec<Cursor>, Fault> {
        let mut statement = self.connection.prepare_cached(sql).map_err(fault)?;
        let columns = statement.column_count();
        let mut rows = statement.query(params_from_iter(values)).map_err(fault)?;
        let mut found = Vec::new();
        while let Some(row) = rows.next().map_err(fault)? {
            let column = |index| row.get_ref(index).map_err(fault).and_then(value);
            found.push(Cursor::new(
                (0..columns).map(column).collect::<Result<_, _>>()?,
            ));
        }
        Ok(found)
    }

    /// Kept prepared.
    fn run(&self, sql: &'static str) -> Result<(), Fault> {
        let mut statement = self.connection.prepare_cached(sql).map_err(fault)?;
        statement.execute([]).map(drop).map_err(fault)
    }

    #[cfg(test)]
    pub fn connection(&self) -> &Connection {
        &self.connection
    }
}

fn connect(path: &Path, how: OpenFlags) -> Result<Connection, CannotOpen> {
    let connection = Connection::open_with_flags(path, how | OpenFlags::SQLITE_OPEN_NO_MUTEX);
    let connection = connection.map_err(fault)?;
    connection.busy_timeout(BUSY).map_err(fault)?;
    connection.set_prepared_statement_cache_capacity(64);
    // SQLite opens whatever it is, and looks at it later.
    let look = connection.query_row("PRAGMA schema_version", [], |_| Ok(()));
    match look.map_err(|cause| (cause.sqlite_error_code(), cause)) {
        Ok(()) => Ok(connection),
        Err((Some(ErrorCode::NotADatabase), _)) => Err(CannotOpen::NotSqlite(path.to_owned())),
        Err((_, cause)) => Err(fault(cause).into()),
    }
}

fn fault(cause: rusqlite::Error) -> Fault {
    match cause.sqlite_error_code() {
        Some(ErrorCode::ConstraintViolation | ErrorCode::TypeMismatch | ErrorCode::TooBig) => {
            Fault::refused(cause)
        }
        _ => Fault::lost(cause),
    }
}

impl ToSql for Input<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Integer(integer) => ValueRef::Integer(*integer),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Bytes(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

fn value(value: ValueRef<'_>) -> Result<Value, Fault> {
    match value {
        ValueRef::Null => Ok(Value::Null),
        ValueRef::Integer(integer) => Ok(Value::Integer(integer)),
        ValueRef::Text(text) => Ok(Value::Text(String::from_utf8_lossy(text).into_owned())),
        ValueRef::Blob(bytes) => Ok(Value::Bytes(bytes.to_vec())),
        // Nothing that was written: whoever reads it finds no column of such a type.
        ValueRef::Real(number) => Ok(Value::Text(number.to_string())),
    }
}

impl Database for Sqlite {
    fn dialect(&self) -> Dialect {
        Dialect::Sqlite
    }

    fn begin(&mut self) -> Result<(), Fault> {
        self.run("BEGIN IMMEDIATE")
    }

    fn commit(&mut self) -> Result<(), Fault> {
        self.run("COMMIT")?;
        if let Some(sync) = &self.sync {
            sync.note();
        }
        // Nobody may be told of what went into a file that is gone.
        self.is_in_place()
    }

    fn is_in_place(&self) -> Result<(), Fault> {
        let Some((file, log)) = &self.locked else {
            return Ok(());
        };
        file.is_in_place()?;
        self.sync.as_ref().map_or(Ok(()), LogSync::is_good)?;
        file.has_log(*log).inspect_err(|_| {
            // This connection alone can still copy it into the database's file. Closing it would not, where somebody
            // reads.
            let _ = self.connection.execute_batch("PRAGMA wal_checkpoint(FULL)");
        })
    }

    fn rollback(&mut self) {
        // SQLite has rolled back by itself where the disk was full.
        if !self.connection.is_autocommit() {
            let _ = self.script("ROLLBACK");
        }
    }

    fn execute_each(
        &mut self,
        sql: &'static str,
        sets: &[Vec<Input<'_>>],
    ) -> Result<Vec<u64>, Fault> {
        if sets.is_empty() {
            return Ok(Vec::new());
        }
        let mut statement = self.connection.prepare_cached(sql).map_err(fault)?;
        let mut run = |values: &Vec<Input<'_>>| {
            let changed = statement.execute(params_from_iter(values));
            changed.map(|rows| rows as u64).map_err(fault)
        };
        sets.iter().map(&mut run).collect()
    }

    /// One by one: no statement waits for an answer of another machine here, and one of many rows keeps
    /// what it would take to undo it alone.
    fn insert(&mut self, insert: &'static Insert, rows: Vec<Vec<Input<'_>>>) -> Result<(), Fault> {
        self.execute_each(insert.of_one_row(), &rows).map(drop)
    }

    fn query_each(
        &mut self,
        sql: &'static str,
        sets: &[Vec<Input<'_>>],
    ) -> Result<Vec<Vec<Cursor>>, Fault> {
        let ask = |values: &Vec<Input<'_>>| self.ask(sql, values);
        sets.iter().map(ask).collect()
    }

    fn script(&mut self, sql: &str) -> Result<(), Fault> {
        self.connection.execute_batch(sql).map_err(fault)
    }
}
