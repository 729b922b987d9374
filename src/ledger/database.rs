//! The seam between the ledger and its two databases: statements with values, in transactions.
//! Statements are written once for both. They number their parameters in order of appearance,
//! because SQLite takes `$1` for a name.

use std::time::Duration;

use super::fault::Fault;

/// A value that goes in.
#[derive(Clone, Copy, Debug)]
pub enum Input<'a> {
    Null,
    Integer(i64),
    Text(&'a str),
    Bytes(&'a [u8]),
}

impl<'a> Input<'a> {
    pub fn optional_text(text: Option<&'a str>) -> Self {
        text.map_or(Self::Null, Self::Text)
    }

    pub fn optional_integer(integer: Option<i64>) -> Self {
        integer.map_or(Self::Null, Self::Integer)
    }
}

/// A value that comes out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    Null,
    Integer(i64),
    Text(String),
    Bytes(Vec<u8>),
}

/// One row of an answer, read from left to right.
pub struct Cursor(std::vec::IntoIter<Value>);

impl Cursor {
    pub fn new(row: Vec<Value>) -> Self {
        Self(row.into_iter())
    }

    pub fn integer(&mut self) -> Result<i64, Fault> {
        self.optional_integer()?.ok_or_else(unexpected)
    }

    pub fn optional_integer(&mut self) -> Result<Option<i64>, Fault> {
        match self.0.next() {
            Some(Value::Integer(integer)) => Ok(Some(integer)),
            Some(Value::Null) => Ok(None),
            Some(Value::Text(_) | Value::Bytes(_)) | None => Err(unexpected()),
        }
    }

    pub fn text(&mut self) -> Result<String, Fault> {
        self.optional_text()?.ok_or_else(unexpected)
    }

    pub fn optional_text(&mut self) -> Result<Option<String>, Fault> {
        match self.0.next() {
            Some(Value::Text(text)) => Ok(Some(text)),
            Some(Value::Null) => Ok(None),
            Some(Value::Integer(_) | Value::Bytes(_)) | None => Err(unexpected()),
        }
    }

    pub fn bytes(&mut self) -> Result<Vec<u8>, Fault> {
        match self.0.next() {
            Some(Value::Bytes(bytes)) => Ok(bytes),
            Some(Value::Integer(_) | Value::Text(_) | Value::Null) | None => Err(unexpected()),
        }
    }
}

fn unexpected() -> Fault {
    Fault::refused("a value of the ledger has another type than was written")
}

/// The numbers of rows that one statement inserts: many at once cost less than many one by one.
const AT_ONCE: [usize; 3] = [16, 4, 1];

/// An insertion, as a statement for each number of rows.
pub struct Insert([String; AT_ONCE.len()]);

impl Insert {
    /// `into` names a table and its columns.
    pub fn new(into: &str, columns: usize) -> Self {
        Self(AT_ONCE.map(|rows| {
            let mut sql = format!("INSERT INTO {into} VALUES ");
            for row in 0..rows {
                let numbers = (1..=columns).map(|column| format!("${}", row * columns + column));
                let numbers: Vec<_> = numbers.collect();
                let comma = if row > 0 { ", " } else { "" };
                sql.push_str(&format!("{comma}({})", numbers.join(", ")));
            }
            sql
        }))
    }

    pub fn of_one_row(&self) -> &str {
        let [.., one] = &self.0;
        one
    }
}

/// What the two databases differ in, beyond how they are reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    Sqlite,
    Postgres,
}

/// A connection. Every call is over within seconds, good or bad, unless more patience is asked for.
pub trait Database: Send {
    fn dialect(&self) -> Dialect;

    /// How long a statement may take from now on, where that can be told.
    fn be_patient(&mut self, _patience: Duration) -> Result<(), Fault> {
        Ok(())
    }

    /// Starts a transaction that will write.
    fn begin(&mut self) -> Result<(), Fault>;

    fn commit(&mut self) -> Result<(), Fault>;

    /// Whether what was opened is still where it is looked for.
    fn is_in_place(&self) -> Result<(), Fault> {
        Ok(())
    }

    /// Gives a transaction up. Where that fails, so will what comes next.
    fn rollback(&mut self);

    /// Runs a statement once for each set of values, with one wait for all; how many rows each
    /// changed.
    fn execute_each(
        &mut self,
        sql: &'static str,
        sets: &[Vec<Input<'_>>],
    ) -> Result<Vec<u64>, Fault>;

    /// Asks once for each set of values, with one wait for all.
    fn query_each(
        &mut self,
        sql: &'static str,
        sets: &[Vec<Input<'_>>],
    ) -> Result<Vec<Vec<Cursor>>, Fault>;

    /// Runs a statement; how many rows it changed.
    fn execute(&mut self, sql: &'static str, values: &[Input<'_>]) -> Result<u64, Fault> {
        let changed = self.execute_each(sql, &[values.to_vec()])?;
        Ok(changed.into_iter().sum())
    }

    fn query(&mut self, sql: &'static str, values: &[Input<'_>]) -> Result<Vec<Cursor>, Fault> {
        let found = self.query_each(sql, &[values.to_vec()])?;
        Ok(found.into_iter().flatten().collect())
    }

    /// Inserts rows, in as few statements as there are.
    fn insert(&mut self, insert: &'static Insert, rows: Vec<Vec<Input<'_>>>) -> Result<(), Fault> {
        let mut left = rows.as_slice();
        for (sql, at_once) in insert.0.iter().zip(AT_ONCE) {
            let chunks = left.chunks_exact(at_once);
            left = chunks.remainder();
            let sets: Vec<_> = chunks.map(|rows| rows.concat()).collect();
            self.execute_each(sql, &sets)?;
        }
        Ok(())
    }

    /// Runs several statements without values.
    fn script(&mut self, sql: &str) -> Result<(), Fault>;
}

/// Runs `work` in a transaction: all of it, or nothing. A connection that is lost is given up whole, without
/// another wait for it.
pub fn in_transaction<T>(
    database: &mut dyn Database,
    work: impl FnOnce(&mut dyn Database) -> Result<T, Fault>,
) -> Result<T, Fault> {
    database.begin()?;
    let done = work(database).and_then(|value| database.commit().map(|()| value));
    if let Err(Fault::Refused(_)) = &done {
        database.rollback();
    }
    done
}
