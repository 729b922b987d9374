//! Opening a cell: its history and, where several gateways share a database, its lease. A lease
//! belongs to a process that says every second that it is alive; one whose holder is silent for
//! ten may be taken, and a holder that was silent for so long learns it with its next word. No
//! transaction stays open while a lease is held.

use std::sync::Arc;

use super::book::Book;
use super::cell::{Cell, Fingerprint};
use super::cells::CellKey;
use super::content::{PastAlone, PastContent};
use super::database::{Cursor, Database, Dialect, Input, in_transaction};
use super::fault::Fault;
use super::head::Head;
use super::histories::History;
use super::job::Opened;
use super::receipt::Receipt;
use super::seal::SealKey;
use crate::policy::Past;

/// How long a silent process keeps its leases.
pub const LEASE_MILLIS: i64 = 10_000;

/// PostgreSQL's clock, which all gateways share, in milliseconds. Cast, since its type changed with 14.
macro_rules! now {
    () => {
        "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)"
    };
}

/// That the process which a lease or an intent names no longer says that it lives.
macro_rules! holder_is_gone {
    ($table:literal) => {
        concat!(
            "NOT EXISTS (SELECT 1 FROM holders WHERE holders.id = ",
            $table,
            ".holder AND holders.alive_until > ",
            now!(),
            ")"
        )
    };
}
pub(super) use {holder_is_gone, now};

const TAKE: &str = "INSERT INTO leases (fingerprint, holder) VALUES ($1, $2) \
     ON CONFLICT (fingerprint) DO UPDATE SET holder = EXCLUDED.holder \
     WHERE leases.holder = EXCLUDED.holder";

const IS_ORPHAN: &str = concat!(
    "SELECT holder FROM leases WHERE fingerprint = $1 AND ",
    holder_is_gone!("leases")
);

const TAKE_OVER: &str = concat!(
    "UPDATE leases SET holder = $1 WHERE fingerprint = $2 AND ",
    holder_is_gone!("leases")
);

const KEEP: &str = concat!(
    "UPDATE holders SET alive_until = ",
    now!(),
    " + $1 WHERE id = $2 AND alive_until > ",
    now!()
);

const BEGIN: &str = concat!(
    "INSERT INTO holders (id, alive_until) VALUES ($1, ",
    now!(),
    " + $2) ON CONFLICT (id) DO UPDATE SET alive_until = EXCLUDED.alive_until"
);

/// Those that were killed. One that lives after all begins anew, as after any long silence.
const FORGET: &str = concat!("DELETE FROM holders WHERE alive_until < ", now!(), " - $1");

/// What they held: a lease names its cell by an unkeyed hash. Whoever left intents is left alone; whoever
/// takes such a lease must adopt them first.
pub(super) const SWEEP: &str = concat!(
    "DELETE FROM leases WHERE ",
    holder_is_gone!("leases"),
    " AND NOT EXISTS (SELECT 1 FROM intents WHERE intents.holder = leases.holder)"
);

/// How long a silent process is remembered.
const FORGET_AFTER_MILLIS: i64 = 24 * 3_600 * 1_000;

/// What became of the leases that this process has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leases {
    Kept,
    /// It was silent for too long: others may have taken them, and judged.
    Lapsed,
}

impl Book {
    /// Heeds erasures, then opens each cell.
    pub fn open(&mut self, cells: &[&Cell]) -> Result<Vec<Opened>, Fault> {
        let head = Head::read(self.database.as_mut())?;
        self.heed(&head);
        cells.iter().map(|cell| self.open_one(cell)).collect()
    }

    fn open_one(&mut self, cell: &Cell) -> Result<Opened, Fault> {
        let fingerprint = cell.fingerprint();
        match self.database.dialect() {
            Dialect::Sqlite => {}
            Dialect::Postgres if self.take_lease(&fingerprint)? => {}
            Dialect::Postgres => return Ok(Opened::Busy),
        }
        Ok(Opened::History(self.history(fingerprint)?))
    }

    fn take_lease(&mut self, fingerprint: &Fingerprint) -> Result<bool, Fault> {
        let lease = Input::Bytes(&fingerprint.0);
        let me = Input::Text(&self.holder);
        if self.database.execute(TAKE, &[lease, me])? == 1 {
            return Ok(true);
        }
        if self.database.query(IS_ORPHAN, &[lease])?.is_empty() {
            return Ok(false);
        }
        // Before the lease: what its holder was about to send belongs to the history.
        while self.adopt_intents()? > 0 {}
        let me = Input::Text(&self.holder);
        Ok(self.database.execute(TAKE_OVER, &[me, lease])? == 1)
    }

    fn history(&mut self, fingerprint: Fingerprint) -> Result<Arc<Vec<Past>>, Fault> {
        let Some((id, key)) = self.find_cell(&fingerprint)? else {
            return Ok(Arc::default());
        };
        let (version, count) = self.version(id)?;
        let cached = self.histories.get(&fingerprint);
        // The count too: another gateway may have recorded before what was last written here.
        let is_current =
            |history: &History| history.version == version && history.pasts.len() == count;
        if let Some(history) = cached.filter(is_current) {
            return Ok(history.pasts);
        }
        let history = read_history(self.database.as_mut(), id, &key)?;
        let pasts = history.pasts.clone();
        self.histories.put(fingerprint, history);
        Ok(pasts)
    }

    /// The sequence of a history's last entry, and how many it has.
    fn version(&mut self, cell: i64) -> Result<(i64, usize), Fault> {
        let newest = "SELECT COALESCE(MAX(sequence), 0), COUNT(*) FROM entries \
             WHERE cell = $1 AND in_history = 1";
        let rows = self.database.query(newest, &[Input::Integer(cell)])?;
        let Some(mut row) = rows.into_iter().next() else {
            return Ok((0, 0));
        };
        let (version, count) = (row.integer()?, row.integer()?);
        Ok((version, usize::try_from(count).map_err(Fault::refused)?))
    }

    /// Its number and key; what seals its next entry is remembered.
    fn find_cell(&mut self, fingerprint: &Fingerprint) -> Result<Option<(i64, SealKey)>, Fault> {
        let Some((_, id, key)) = self.find_cells(&[*fingerprint])?.into_iter().next() else {
            return Ok(None);
        };
        let uses = key.uses();
        self.keys.insert(*fingerprint, CellKey { id, uses });
        Ok(Some((id, key)))
    }

    /// Says that this process lives, and so keeps its leases. Fails where the database is no longer the
    /// one that was opened.
    pub fn stay_alive(&mut self) -> Result<Leases, Fault> {
        self.database.is_in_place()?;
        match self.database.dialect() {
            Dialect::Sqlite => Ok(Leases::Kept),
            Dialect::Postgres => self.beat(),
        }
    }

    fn beat(&mut self) -> Result<Leases, Fault> {
        let (me, time) = (Input::Text(&self.holder), Input::Integer(LEASE_MILLIS));
        if self.database.execute(KEEP, &[time, me])? == 1 {
            return Ok(Leases::Kept);
        }
        self.database.execute(BEGIN, &[me, time])?;
        let age = Input::Integer(FORGET_AFTER_MILLIS);
        self.database.execute(FORGET, &[age])?;
        self.database.execute(SWEEP, &[])?;
        Ok(Leases::Lapsed)
    }

    /// Gives back what this process held. What is not freed here frees itself: where intents are
    /// left, whoever takes a lease must adopt them first.
    pub fn leave(&mut self) -> Result<(), Fault> {
        let holder = self.holder.clone();
        in_transaction(self.database.as_mut(), |database| {
            let me = Input::Text(&holder);
            let leases = "DELETE FROM leases WHERE holder = $1 \
                 AND NOT EXISTS (SELECT 1 FROM intents WHERE intents.holder = leases.holder)";
            database.execute(leases, &[me])?;
            database.execute("DELETE FROM holders WHERE id = $1", &[me])?;
            Ok(())
        })
    }
}

/// What was recorded of a cell and took effect, in order.
pub(super) fn read_history(
    database: &mut dyn Database,
    cell: i64,
    key: &SealKey,
) -> Result<History, Fault> {
    let read = "SELECT sequence, receipt, sealed FROM entries WHERE cell = $1 AND in_history = 1 \
         ORDER BY sequence";
    let (mut version, mut pasts) = (0, Vec::new());
    for mut row in database.query(read, &[Input::Integer(cell)])? {
        version = row.integer()?;
        pasts.push(read_past(row, key)?);
    }
    let pasts = Arc::new(pasts);
    Ok(History { version, pasts })
}

/// A past that can't be read stops the judging: without it the judgement would be another.
fn read_past(mut row: Cursor, key: &SealKey) -> Result<Past, Fault> {
    let unreadable =
        || Fault::refused("a cell's history can't be read: run `scoregate ledger verify`");
    let receipt = Receipt::parse(&row.text()?).map_err(Fault::refused)?;
    let content = key.open(&receipt, &row.bytes()?).ok_or_else(unreadable)?;
    let PastAlone { past } = serde_json::from_slice(&content).map_err(Fault::refused)?;
    past.and_then(PastContent::read).ok_or_else(unreadable)
}
