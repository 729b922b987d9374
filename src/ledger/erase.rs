//! Erases a learner: the keys of their cells are dropped, and with them all that was sealed; then
//! the database is compacted (`compact`), so that the id stands nowhere. The chain is over what is sealed, so
//! it stays whole.

use std::thread;
use std::time::Duration;

use super::compact::{compact, number, sync_log};
use super::database::{Database, Dialect, Input, in_transaction};
use super::fault::{CannotErase, CannotOpen, Fault};
use super::head::Head;
use super::open::SWEEP;
use super::place::Place;
use super::reader::Reader;
use super::sqlite::Sqlite;
use super::writer::TICK;
use crate::line_item::Pattern;

/// How long a running gateway takes, beside the time between its looks, to notice an erasure.
const TO_NOTICE: Duration = Duration::from_millis(500);

/// How many entries a cell has.
pub(super) const COUNT: &str = "SELECT COUNT(*) FROM entries WHERE cell = $1";

/// What an erasure takes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Erasure {
    pub cells: Vec<Erased>,
}

/// One cell of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Erased {
    id: i64,
    pub account: String,
    pub line_item: String,
    pub entries: i64,
}

impl Erasure {
    pub fn entries(&self) -> i64 {
        self.cells.iter().map(|cell| cell.entries).sum()
    }
}

impl Reader {
    /// What erasing a learner would take.
    pub fn erasure(
        &mut self,
        user: &str,
        account: Option<&str>,
        line_items: Option<&Pattern>,
    ) -> Result<Erasure, Fault> {
        let find = "SELECT id, account, line_item FROM cells WHERE learner = $1 \
             AND (CAST($2 AS TEXT) IS NULL OR account = $2) ORDER BY id";
        let values = [Input::Text(user), Input::optional_text(account)];
        let mut cells = Vec::new();
        for mut row in self.database.query(find, &values)? {
            let (id, account, line_item) = (row.integer()?, row.text()?, row.text()?);
            if line_items.is_none_or(|pattern| pattern.matches(&line_item)) {
                let entries = self.entries_of(id)?;
                cells.push(Erased {
                    id,
                    account,
                    line_item,
                    entries,
                });
            }
        }
        Ok(Erasure { cells })
    }

    fn entries_of(&mut self, cell: i64) -> Result<i64, Fault> {
        let rows = self.database.query(COUNT, &[Input::Integer(cell)])?;
        rows.into_iter()
            .next()
            .map_or(Ok(0), |mut row| row.integer())
    }

    /// Erases it, gives a running gateway the time to notice, and compacts.
    pub fn erase(&mut self, erasure: &Erasure) -> Result<(), CannotErase> {
        if let Place::Sqlite(path) = &self.place {
            // Opened to read so far.
            self.database = Box::new(Sqlite::open_to_compact(path)?);
        }
        let number = in_transaction(self.database.as_mut(), |database| {
            drop_keys(database, erasure)?;
            number(database)
        });
        let number = number.map_err(CannotOpen::from)?;
        if self.database.dialect() == Dialect::Sqlite {
            // It remembers histories, and looks at its next entry or tick whether they are still good.
            thread::sleep(TICK + TO_NOTICE);
        }
        compact(self.database.as_mut(), number.as_deref())?;
        match &self.place {
            Place::Sqlite(path) => sync_log(path),
            Place::Postgres(_) => Ok(()),
        }
    }
}

fn drop_keys(database: &mut dyn Database, erasure: &Erasure) -> Result<(), Fault> {
    let mut head = Head::read_to_write(database)?;
    let cells: Vec<_> = erasure
        .cells
        .iter()
        .map(|cell| vec![Input::Integer(cell.id)])
        .collect();
    database.execute_each("DELETE FROM cells WHERE id = $1", &cells)?;
    if database.dialect() == Dialect::Postgres {
        database.execute(SWEEP, &[])?;
    }
    head.erasures += 1;
    head.write(database)
}
