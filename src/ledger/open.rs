//! Opening a cell: its history and, where several gateways share a database, its lease. A lease
//! belongs to a process that says every second that it is alive; one whose holder is silent for
//! ten may be taken. No transaction stays open while a lease is held.

use std::sync::Arc;

use super::book::{Book, CellKey, Head};
use super::cell::{Cell, Fingerprint};
use super::content::{PastAlone, PastContent};
use super::database::{Cursor, Database, Dialect, Input, in_transaction};
use super::fault::Fault;
use super::histories::History;
use super::job::Opened;
use super::receipt::Receipt;
use super::seal::SealKey;
use crate::policy::Past;

/// How long a silent process keeps its leases.
pub const LEASE_MILLIS: i64 = 10_000;

const TAKE: &str = "INSERT INTO leases (fingerprint, holder) VALUES ($1, $2) \
     ON CONFLICT (fingerprint) DO UPDATE SET holder = EXCLUDED.holder \
     WHERE leases.holder = EXCLUDED.holder";

const IS_ORPHAN: &str = "SELECT holder FROM leases WHERE fingerprint = $1 AND NOT EXISTS (\
     SELECT 1 FROM holders WHERE holders.id = leases.holder AND holders.alive_until > \
     CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT))";

const TAKE_OVER: &str = "UPDATE leases SET holder = $1 WHERE fingerprint = $2 AND NOT EXISTS (\
     SELECT 1 FROM holders WHERE holders.id = leases.holder AND holders.alive_until > \
     CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT))";

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
        self.adopt_intents()?;
        let me = Input::Text(&self.holder);
        Ok(self.database.execute(TAKE_OVER, &[me, lease])? == 1)
    }

    fn history(&mut self, fingerprint: Fingerprint) -> Result<Arc<Vec<Past>>, Fault> {
        let Some(CellKey { id, key }) = self.known(fingerprint)? else {
            return Ok(Arc::default());
        };
        let newest =
            "SELECT COALESCE(MAX(sequence), 0) FROM entries WHERE cell = $1 AND in_history = 1";
        let version = self.database.query(newest, &[Input::Integer(id)])?;
        let version = version
            .into_iter()
            .next()
            .map_or(Ok(0), |mut row| row.integer())?;
        let cached = self.histories.get(&fingerprint);
        if let Some(history) = cached.filter(|history| history.version == version) {
            return Ok(history.pasts);
        }
        let pasts = Arc::new(read_history(self.database.as_mut(), id, &key)?);
        let history = History {
            version,
            pasts: pasts.clone(),
        };
        self.histories.put(fingerprint, history);
        Ok(pasts)
    }

    fn known(&mut self, fingerprint: Fingerprint) -> Result<Option<CellKey>, Fault> {
        if let Some(known) = self.keys.get(&fingerprint) {
            return Ok(Some(known.clone()));
        }
        let found = self.find_cells(&[fingerprint])?.into_iter().next();
        Ok(found.map(|(_, cell)| {
            self.keys.insert(fingerprint, cell.clone());
            cell
        }))
    }

    /// Says that this process lives, and so keeps its leases.
    pub fn stay_alive(&mut self) -> Result<(), Fault> {
        match self.database.dialect() {
            Dialect::Sqlite => Ok(()),
            Dialect::Postgres => self.beat(),
        }
    }

    fn beat(&mut self) -> Result<(), Fault> {
        let beat = "INSERT INTO holders (id, alive_until) VALUES ($1, \
             CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT) + $2) \
             ON CONFLICT (id) DO UPDATE SET alive_until = EXCLUDED.alive_until";
        let me = Input::Text(&self.holder);
        self.database
            .execute(beat, &[me, Input::Integer(LEASE_MILLIS)])?;
        Ok(())
    }

    /// Gives back what this process held. What is not freed here frees itself.
    pub fn leave(&mut self) -> Result<(), Fault> {
        let holder = self.holder.clone();
        in_transaction(self.database.as_mut(), |database| {
            let me = Input::Text(&holder);
            database.execute("DELETE FROM leases WHERE holder = $1", &[me])?;
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
) -> Result<Vec<Past>, Fault> {
    let read = "SELECT receipt, sealed FROM entries WHERE cell = $1 AND in_history = 1 \
         ORDER BY sequence";
    let rows = database.query(read, &[Input::Integer(cell)])?;
    rows.into_iter().map(|row| read_past(row, key)).collect()
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
