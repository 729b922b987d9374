//! What the writer does unasked: entries grow old and go.

use std::time::Duration;

use jiff::Timestamp;

use super::book::Book;
use super::chain::Hash;
use super::database::{Database, Input, in_transaction};
use super::fault::Fault;
use super::head::Head;

/// The most entries that go in one transaction.
const MOST_AT_ONCE: i64 = 1_000;

impl Book {
    /// Deletes the oldest entries that are older than `age`, and says how many. The head keeps where
    /// the chain now begins, so it still verifies.
    pub fn retain(&mut self, age: Duration) -> Result<u64, Fault> {
        let oldest = Timestamp::now().checked_sub(age).map_err(Fault::refused)?;
        let oldest = oldest.as_microsecond();
        // The first alone tells whether there is anything to do.
        if end_of_old(self.database.as_mut(), oldest, 1)?.is_none() {
            return Ok(0);
        }
        let dropped = in_transaction(self.database.as_mut(), |database| {
            delete_old(database, oldest)
        })?;
        if dropped > 0 {
            self.heed_own();
        }
        Ok(dropped)
    }
}

/// The last of the first entries, `most` at most, that all are older.
fn end_of_old(
    database: &mut dyn Database,
    oldest: i64,
    most: i64,
) -> Result<Option<(i64, Hash)>, Fault> {
    let first = "SELECT sequence, time, hash FROM entries ORDER BY sequence LIMIT $1";
    let mut end = None;
    for mut row in database.query(first, &[Input::Integer(most)])? {
        let (sequence, time) = (row.integer()?, row.integer()?);
        if time >= oldest {
            break;
        }
        end = Some((sequence, Hash::read(&row.bytes()?)));
    }
    Ok(end)
}

fn delete_old(database: &mut dyn Database, oldest: i64) -> Result<u64, Fault> {
    let mut head = Head::read_to_write(database)?;
    let Some((end, hash)) = end_of_old(database, oldest, MOST_AT_ONCE)? else {
        return Ok(0);
    };
    let cells = "SELECT DISTINCT cell FROM entries WHERE sequence <= $1 AND cell IS NOT NULL";
    let mut touched = Vec::new();
    for mut row in database.query(cells, &[Input::Integer(end)])? {
        touched.push(vec![Input::Integer(row.integer()?)]);
    }
    let dropped = database.execute(
        "DELETE FROM entries WHERE sequence <= $1",
        &[Input::Integer(end)],
    )?;
    // A learner of whom nothing is left is forgotten.
    let forget = "DELETE FROM cells WHERE id = $1 \
         AND NOT EXISTS (SELECT 1 FROM entries WHERE entries.cell = cells.id) \
         AND NOT EXISTS (SELECT 1 FROM intents WHERE intents.cell = cells.id)";
    database.execute_each(forget, &touched)?;
    head.anchor_sequence = end;
    head.anchor_hash = hash;
    // As after an erasure: nobody may use a forgotten key, or a history that has lost entries.
    head.erasures += 1;
    head.write(database)?;
    Ok(dropped)
}
