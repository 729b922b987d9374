//! What the writer does unasked: entries grow old and go.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::book::Book;
use super::chain::Hash;
use super::database::{Database, Dialect, Input, in_transaction};
use super::fault::Fault;
use super::head::Head;
use super::open::now;

/// The most entries that go in one transaction.
const MOST_AT_ONCE: i64 = 1_000;

/// How many thousand entries from ahead are looked past.
const MOST_AHEAD: usize = 20;

/// An entry from so far ahead was stamped by a clock that was wrong, and keeps none behind it from going.
const AHEAD: SignedDuration = SignedDuration::from_hours(24);

/// A learner of whom nothing is left is forgotten.
pub(super) const FORGET: &str = "DELETE FROM cells WHERE id = $1 \
     AND NOT EXISTS (SELECT 1 FROM entries WHERE entries.cell = cells.id) \
     AND NOT EXISTS (SELECT 1 FROM intents WHERE intents.cell = cells.id)";

/// What is old, and what can't be: microseconds since 1970.
#[derive(Clone, Copy)]
struct Limits {
    old: i64,
    ahead: i64,
}

impl Book {
    /// Deletes the oldest entries that are older than `age`, and says how many. The head keeps where
    /// the chain now begins, so it still verifies.
    pub fn retain(&mut self, age: Duration) -> Result<u64, Fault> {
        let now = self.now()?;
        let limits = Limits {
            old: now
                .checked_sub(age)
                .map_err(Fault::refused)?
                .as_microsecond(),
            ahead: now
                .checked_add(AHEAD)
                .map_err(Fault::refused)?
                .as_microsecond(),
        };
        // The first alone tells whether there is anything to do, unless it can't be.
        if first(self.database.as_mut())?.is_none_or(|time| limits.keeps(time)) {
            return Ok(0);
        }
        let Some(end) = end_of_old(self.database.as_mut(), limits)? else {
            return Ok(0);
        };
        let dropped = in_transaction(self.database.as_mut(), |database| {
            delete_up_to(database, end)
        })?;
        if dropped > 0 {
            self.heed_own();
        }
        Ok(dropped)
    }

    /// By PostgreSQL's clock, where gateways share one: one whose own is wrong must not drop what others keep.
    fn now(&mut self) -> Result<Timestamp, Fault> {
        match self.database.dialect() {
            Dialect::Sqlite => Ok(Timestamp::now()),
            Dialect::Postgres => {
                let now = self.database.query(concat!("SELECT ", now!()), &[])?;
                let now = now.into_iter().next().map(|mut row| row.integer());
                let now = now.transpose()?.unwrap_or_default();
                Timestamp::from_millisecond(now).map_err(Fault::refused)
            }
        }
    }
}

impl Limits {
    fn keeps(self, time: i64) -> bool {
        (self.old..self.ahead).contains(&time)
    }
}

/// When the first entry was made.
fn first(database: &mut dyn Database) -> Result<Option<i64>, Fault> {
    let first = "SELECT time FROM entries ORDER BY sequence LIMIT 1";
    let row = database.query(first, &[])?.into_iter().next();
    row.map(|mut row| row.integer()).transpose()
}

/// The last old one of the first entries, before any that is kept.
fn end_of_old(database: &mut dyn Database, limits: Limits) -> Result<Option<i64>, Fault> {
    let next = "SELECT sequence, time FROM entries WHERE sequence > $1 ORDER BY sequence LIMIT $2";
    let (mut after, mut end) = (0, None);
    for _ in 0..MOST_AHEAD {
        let values = [after, MOST_AT_ONCE].map(Input::Integer);
        let before = after;
        for mut row in database.query(next, &values)? {
            let (sequence, time) = (row.integer()?, row.integer()?);
            if limits.keeps(time) {
                return Ok(end);
            }
            after = sequence;
            if time < limits.old {
                end = Some(sequence);
            }
        }
        if end.is_some() || after == before {
            break;
        }
    }
    Ok(end)
}

/// A bounded number of the first entries, up to this one.
fn delete_up_to(database: &mut dyn Database, end: i64) -> Result<u64, Fault> {
    let mut head = Head::read_to_write(database)?;
    let first =
        "SELECT sequence, hash FROM entries WHERE sequence <= $1 ORDER BY sequence LIMIT $2";
    let first = database.query(first, &[end, MOST_AT_ONCE].map(Input::Integer))?;
    let Some(mut last) = first.into_iter().last() else {
        return Ok(0);
    };
    let (end, hash) = (last.integer()?, Hash::read(&last.bytes()?));
    let cells = "SELECT DISTINCT cell FROM entries WHERE sequence <= $1 AND cell IS NOT NULL";
    let mut touched = Vec::new();
    for mut row in database.query(cells, &[Input::Integer(end)])? {
        touched.push(vec![Input::Integer(row.integer()?)]);
    }
    let dropped = database.execute(
        "DELETE FROM entries WHERE sequence <= $1",
        &[Input::Integer(end)],
    )?;
    database.execute_each(FORGET, &touched)?;
    head.anchor_sequence = end;
    head.anchor_hash = hash;
    // As after an erasure: nobody may use a forgotten key, or a history that has lost entries.
    head.erasures += 1;
    head.write(database)?;
    Ok(dropped)
}
