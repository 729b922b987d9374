//! Reads the ledger for people and for `replay`: entries in order, unsealed, in bounded memory,
//! while a gateway writes. A reader changes nothing and creates no file.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::cell::Cell;
use super::database::{Database, Input};
use super::entry::Kept;
use super::fault::{CannotOpen, Fault};
use super::filter::Filter;
use super::found::{Found, columns};
use super::head::Head;
use super::open::read_history;
use super::place::{Place, Settings};
use super::postgres::{AS_COMMAND, AS_GATEWAY, Postgres};
use super::receipt::Receipt;
use super::schema::require_current;
use super::seal::SealKey;
use super::sqlite::Sqlite;
use crate::policy::{Decision, Past};

/// Entries that are in memory at once.
const PAGE: i64 = 500;

pub struct Reader {
    pub(super) database: Box<dyn Database>,
    pub(super) place: Place,
}

macro_rules! page_of_entries {
    ($order:literal) => {
        concat!(
            "SELECT ",
            columns!(),
            " FROM entries LEFT JOIN cells ON cells.id = entries.cell \
             WHERE sequence > $1 AND sequence <= $2 \
             AND (CAST($3 AS BIGINT) IS NULL OR time >= $3) \
             AND (CAST($4 AS TEXT) IS NULL OR decision = $4) \
             AND (CAST($5 AS TEXT) IS NULL OR code = $5) \
             AND (CAST($6 AS TEXT) IS NULL OR entries.account = $6) \
             AND (CAST($7 AS TEXT) IS NULL OR caller = $7) \
             AND (CAST($8 AS TEXT) IS NULL OR learner = $8) ORDER BY sequence ",
            $order,
            " LIMIT $9"
        )
    };
}

const OLDEST_FIRST: &str = page_of_entries!("ASC");
const NEWEST_FIRST: &str = page_of_entries!("DESC");

const ONE_ENTRY: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM entries LEFT JOIN cells ON cells.id = entries.cell WHERE receipt = $1"
);

/// Which end of the chain comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    OldestFirst,
    NewestFirst,
}

/// A part of the chain, by its entries' numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    /// Not in it.
    pub after: i64,
    /// In it.
    pub to: i64,
}

impl Reader {
    /// Opens what is there already: a reader neither creates nor migrates.
    pub fn open(settings: &Settings) -> Result<Self, CannotOpen> {
        Self::open_for(settings, AS_COMMAND)
    }

    /// For a page that somebody waits for: no statement takes longer than a gateway's may.
    pub fn open_briefly(settings: &Settings) -> Result<Self, CannotOpen> {
        Self::open_for(settings, AS_GATEWAY)
    }

    fn open_for(settings: &Settings, patience: Duration) -> Result<Self, CannotOpen> {
        let place = settings.place.clone();
        let mut database: Box<dyn Database> = match &place {
            Place::Sqlite(path) => Box::new(Sqlite::open_to_read(path)?),
            Place::Postgres(place) => Box::new(Postgres::connect(place, patience)?),
        };
        require_current(database.as_mut())?;
        Ok(Self { database, place })
    }

    /// Each entry that matches, in the chain's order, until `each` breaks. How many can't be read.
    pub fn each(
        &mut self,
        filter: &Filter,
        mut each: impl FnMut(Kept) -> ControlFlow<()>,
    ) -> Result<u64, Fault> {
        let head = Head::read(self.database.as_mut())?;
        let mut after = self.start(filter)?;
        let mut unreadable = 0;
        loop {
            let page = self.page(filter, after)?;
            let Some(last) = page.last() else {
                return Ok(unreadable);
            };
            after = last.sequence;
            for found in page.into_iter().filter(|found| filter.covers(found)) {
                let Some(kept) = found.unseal(&head.key) else {
                    unreadable += 1;
                    continue;
                };
                if each(kept).is_break() {
                    return Ok(unreadable);
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
        let unreadable = || Fault::refused("the entry holds what no version of scoregate wrote");
        row.map(|row| Found::read(row)?.unseal(&head.key).ok_or_else(unreadable))
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
        let history = read_history(self.database.as_mut(), id, &key, Vec::push)?;
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
    pub(super) fn start(&mut self, filter: &Filter) -> Result<i64, Fault> {
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
        // Where nothing arrived since then, nothing is looked at.
        Ok(filter.after.max(first.map_or(i64::MAX, |first| first - 1)))
    }

    pub(super) fn page(&mut self, filter: &Filter, after: i64) -> Result<Vec<Found>, Fault> {
        let span = Span {
            after,
            to: i64::MAX,
        };
        self.part(filter, span, Order::OldestFirst, PAGE)
    }

    /// The first of a span's entries that the filter's statement finds, `most` of them.
    pub(super) fn part(
        &mut self,
        filter: &Filter,
        span: Span,
        order: Order,
        most: i64,
    ) -> Result<Vec<Found>, Fault> {
        let decision = filter.decision.map(Decision::as_str);
        let values = [
            Input::Integer(span.after),
            Input::Integer(span.to),
            Input::optional_integer(filter.since.map(Timestamp::as_microsecond)),
            Input::optional_text(decision),
            Input::optional_text(filter.code.as_deref()),
            Input::optional_text(filter.account.as_deref()),
            Input::optional_text(filter.caller.as_deref()),
            Input::optional_text(filter.user.as_deref()),
            Input::Integer(most),
        ];
        let statement = match order {
            Order::OldestFirst => OLDEST_FIRST,
            Order::NewestFirst => NEWEST_FIRST,
        };
        let rows = self.database.query(statement, &values)?;
        rows.into_iter().map(Found::read).collect()
    }
}
