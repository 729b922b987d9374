//! Reads the ledger for people and for `replay`: entries in order, unsealed, in bounded memory,
//! while a gateway writes. A reader changes nothing and creates no file.

use std::ops::ControlFlow;
use std::sync::Arc;

use jiff::Timestamp;

use super::book::Head;
use super::cell::Cell;
use super::database::{Cursor, Database, Input};
use super::entry::{Decision, Kept};
use super::fault::{CannotOpen, Fault};
use super::open::read_history;
use super::place::{Place, Settings};
use super::postgres::{AS_COMMAND, Postgres};
use super::receipt::Receipt;
use super::row::Row;
use super::schema::require_current;
use super::seal::SealKey;
use super::sqlite::Sqlite;
use crate::line_item::Pattern;
use crate::policy::Past;

/// Entries that are in memory at once.
const PAGE: i64 = 500;

pub struct Reader {
    pub(super) database: Box<dyn Database>,
    pub(super) place: Place,
}

/// Which entries. All that is `None` matches everything.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub since: Option<Timestamp>,
    pub decision: Option<Decision>,
    pub code: Option<String>,
    pub account: Option<String>,
    pub caller: Option<String>,
    pub user: Option<String>,
    pub line_items: Option<Pattern>,
    /// Only entries after this one.
    pub after: i64,
}

const PAGE_OF_ENTRIES: &str = "SELECT sequence, receipt, time, entries.account, caller, \
     entries.line_item, cell, in_history, decision, code, rules, judged, policy_generation, \
     upstream_status, duration_ms, digest, sealed, prev_hash, hash, learner, seal_key \
     FROM entries LEFT JOIN cells ON cells.id = entries.cell WHERE sequence > $1 \
     AND (CAST($2 AS BIGINT) IS NULL OR time >= $2) \
     AND (CAST($3 AS TEXT) IS NULL OR decision = $3) \
     AND (CAST($4 AS TEXT) IS NULL OR code = $4) \
     AND (CAST($5 AS TEXT) IS NULL OR entries.account = $5) \
     AND (CAST($6 AS TEXT) IS NULL OR caller = $6) \
     AND (CAST($7 AS TEXT) IS NULL OR learner = $7) ORDER BY sequence LIMIT $8";

const ONE_ENTRY: &str = "SELECT sequence, receipt, time, entries.account, caller, \
     entries.line_item, cell, in_history, decision, code, rules, judged, policy_generation, \
     upstream_status, duration_ms, digest, sealed, prev_hash, hash, learner, seal_key \
     FROM entries LEFT JOIN cells ON cells.id = entries.cell WHERE receipt = $1";

/// A row with what its cell says: whose it is, and the key. Neither after an erasure.
pub(super) struct Read {
    pub row: Row<'static>,
    pub learner: Option<String>,
    pub key: Option<SealKey>,
}

impl Reader {
    /// Opens what is there already: a reader neither creates nor migrates.
    pub fn open(settings: &Settings) -> Result<Self, CannotOpen> {
        let place = settings.place.clone();
        let mut database: Box<dyn Database> = match &place {
            Place::Sqlite(path) => Box::new(Sqlite::open_to_read(path)?),
            Place::Postgres(place) => Box::new(Postgres::connect(place, AS_COMMAND)?),
        };
        require_current(database.as_mut())?;
        Ok(Self { database, place })
    }

    /// Each entry that matches, in the chain's order, until `each` breaks.
    pub fn each(
        &mut self,
        filter: &Filter,
        mut each: impl FnMut(Kept) -> ControlFlow<()>,
    ) -> Result<(), Fault> {
        let head = Head::read(self.database.as_mut())?;
        let mut after = self.start(filter)?;
        loop {
            let page = self.page(filter, after)?;
            let Some(last) = page.last() else {
                return Ok(());
            };
            after = last.row.sequence;
            for read in page.into_iter().filter(|read| filter.covers(&read.row)) {
                if each(read.unseal(&head.key)?).is_break() {
                    return Ok(());
                }
            }
        }
    }

    /// The entry with this receipt.
    pub fn find(&mut self, receipt: &Receipt) -> Result<Option<Kept>, Fault> {
        let head = Head::read(self.database.as_mut())?;
        let rows = self
            .database
            .query(ONE_ENTRY, &[Input::Text(receipt.text())])?;
        let row = rows.into_iter().next();
        row.map(|mut row| read(&mut row)?.unseal(&head.key))
            .transpose()
    }

    /// What was recorded of a cell and took effect, in order. Nothing of a cell that is unknown.
    pub fn history(&mut self, cell: &Cell) -> Result<Vec<Past>, Fault> {
        let find = "SELECT id, seal_key FROM cells WHERE fingerprint = $1";
        let fingerprint = cell.fingerprint();
        let found = self
            .database
            .query(find, &[Input::Bytes(&fingerprint.0)])?
            .into_iter()
            .next();
        let Some(mut found) = found else {
            return Ok(Vec::new());
        };
        let id = found.integer()?;
        let key = SealKey::from_bytes(&found.bytes()?)?;
        let history = read_history(self.database.as_mut(), id, &key)?;
        Ok(Arc::unwrap_or_clone(history.pasts))
    }

    /// How many entries there are.
    pub fn count(&mut self) -> Result<i64, Fault> {
        let rows = self.database.query("SELECT COUNT(*) FROM entries", &[])?;
        rows.into_iter()
            .next()
            .map_or(Ok(0), |mut row| row.integer())
    }

    /// Where to begin: receipts sort by time and have an index.
    fn start(&mut self, filter: &Filter) -> Result<i64, Fault> {
        let Some(since) = filter.since else {
            return Ok(filter.after);
        };
        let first = Receipt::first_at(since);
        let find = "SELECT MIN(sequence) FROM entries WHERE receipt >= $1";
        let rows = self.database.query(find, &[Input::Text(first.text())])?;
        let first = rows
            .into_iter()
            .next()
            .map_or(Ok(None), |mut row| row.optional_integer())?;
        Ok(filter.after.max(first.map_or(0, |first| first - 1)))
    }

    pub(super) fn page(&mut self, filter: &Filter, after: i64) -> Result<Vec<Read>, Fault> {
        let decision = filter.decision.map(Decision::as_str);
        let values = [
            Input::Integer(after),
            Input::optional_integer(filter.since.map(Timestamp::as_microsecond)),
            Input::optional_text(decision),
            Input::optional_text(filter.code.as_deref()),
            Input::optional_text(filter.account.as_deref()),
            Input::optional_text(filter.caller.as_deref()),
            Input::optional_text(filter.user.as_deref()),
            Input::Integer(PAGE),
        ];
        let rows = self.database.query(PAGE_OF_ENTRIES, &values)?;
        rows.into_iter().map(|mut row| read(&mut row)).collect()
    }
}

impl Filter {
    fn covers(&self, row: &Row<'_>) -> bool {
        let covers = |pattern: &Pattern| pattern.matches(&row.plain.line_item);
        self.line_items.as_ref().is_none_or(covers)
    }
}

impl Read {
    fn unseal(self, of_nobody: &SealKey) -> Result<Kept, Fault> {
        let key = match self.row.plain.cell {
            None => Some(of_nobody.clone()),
            Some(_) => self.key,
        };
        self.row.unseal(key.as_ref())
    }
}

fn read(row: &mut Cursor) -> Result<Read, Fault> {
    let entry = Row::read(row)?;
    let learner = row.optional_text()?;
    let key = learner.is_some().then(|| row.bytes()).transpose()?;
    Ok(Read {
        row: entry,
        learner,
        key: key.map(|key| SealKey::from_bytes(&key)).transpose()?,
    })
}
