//! What is written, in one transaction at a time: entries onto the chain, intents, leases. The
//! same for both databases. Only the writer's thread has one.

use std::collections::HashSet;
use std::sync::Arc;

use quick_cache::unsync::Cache;

use super::cell::Fingerprint;
use super::cells::{CellKey, Sealing};
use super::database::{Database, Input};
use super::fault::Fault;
use super::head::Head;
use super::histories::{Histories, History};
use super::job::{Record, Write};
use super::random::Random;
use super::receipt::Receipt;
use super::row::{ENTRIES, Plain, Row};

/// Cells whose keys are remembered.
const MOST_CELLS: usize = 65_536;

pub struct Book {
    pub(super) database: Box<dyn Database>,
    /// What this process calls itself in the database.
    pub(super) holder: String,
    pub(super) histories: Arc<Histories>,
    pub(super) keys: Cache<Fingerprint, CellKey>,
    /// As the head last said.
    erasures: Option<i64>,
    /// Erasures by others since `take_heeded`.
    heeded: u64,
    pub(super) random: Random,
    /// Receipts of intents that can't be read, of which it was told: no more than somebody left.
    pub(super) unreadable: HashSet<String>,
}

impl Book {
    pub fn new(database: Box<dyn Database>, holder: String, histories: Arc<Histories>) -> Self {
        Self {
            database,
            holder,
            histories,
            keys: Cache::new(MOST_CELLS),
            erasures: None,
            heeded: 0,
            random: Random::default(),
            unreadable: HashSet::new(),
        }
    }

    /// Writes all of it or nothing.
    pub fn write(&mut self, writes: &[Write]) -> Result<(), Fault> {
        self.database.begin()?;
        let written = self.write_all(writes);
        let done = written.and_then(|before| self.database.commit().map(|()| before));
        match done {
            Ok(before) => self.remember(writes, before),
            Err(fault) => {
                self.database.rollback();
                self.forget();
                return Err(fault);
            }
        }
        Ok(())
    }

    /// The sequence of the last entry before those that were written.
    fn write_all(&mut self, writes: &[Write]) -> Result<i64, Fault> {
        let mut before = 0;
        if writes.iter().any(Write::needs_head) {
            let mut head = Head::read_to_write(self.database.as_mut())?;
            before = head.sequence;
            self.heed(&head);
            self.know_cells(writes, &mut head)?;
            let rows = self.rows(writes, &mut head)?;
            let values = rows.iter().map(Row::values).collect();
            self.database.insert(&ENTRIES, values)?;
            self.insert_intents(writes, &head)?;
            head.write(self.database.as_mut())?;
        }
        self.delete_intents(writes)?;
        self.free_leases(writes)?;
        Ok(before)
    }

    /// Another process erased learners: no key that it dropped may be used again.
    pub(super) fn heed(&mut self, head: &Head) {
        let known = self.erasures.replace(head.erasures);
        if known != Some(head.erasures) {
            self.forget();
            let more = known.map_or(0, |known| head.erasures - known);
            self.heeded += u64::try_from(more).unwrap_or(0);
        }
    }

    /// An erasure of our own, by the retention.
    pub(super) fn heed_own(&mut self) {
        self.erasures = self.erasures.map(|erasures| erasures + 1);
        self.forget();
    }

    /// How many erasures by others were heeded since the last call.
    pub fn take_heeded(&mut self) -> u64 {
        std::mem::take(&mut self.heeded)
    }

    fn forget(&mut self) {
        self.keys = Cache::new(MOST_CELLS);
        self.histories.clear();
    }

    fn rows<'a>(&mut self, writes: &'a [Write], head: &mut Head) -> Result<Vec<Row<'a>>, Fault> {
        let mut rows = Vec::new();
        for record in writes.iter().filter_map(as_record) {
            let Sealing { cell, uses } = self.sealing(&record.placed, head)?;
            let draft = &record.placed.draft;
            let plain = Plain::of(draft, cell, &uses);
            let sealed = uses.seal(&draft.receipt, &draft.content, &mut self.random)?;
            rows.push(head.append(plain, sealed));
        }
        Ok(rows)
    }

    fn free_leases(&mut self, writes: &[Write]) -> Result<(), Fault> {
        let leases: Vec<_> = writes.iter().filter_map(Write::lease).collect();
        let values: Vec<_> = leases
            .iter()
            .map(|lease| vec![Input::Bytes(&lease.0), Input::Text(&self.holder)])
            .collect();
        self.database.execute_each(
            "DELETE FROM leases WHERE fingerprint = $1 AND holder = $2",
            &values,
        )?;
        Ok(())
    }

    /// What is written now stands in the cached histories too. The entries follow `before`.
    fn remember(&mut self, writes: &[Write], before: i64) {
        for (record, version) in writes.iter().filter_map(as_record).zip(before + 1..) {
            let (Some(fingerprint), Some(past)) = (record.placed.cell, &record.placed.draft.past)
            else {
                continue;
            };
            let Some(held) = &record.held else {
                // Recorded past the lock: whoever judges next reads.
                self.histories.bypass(&fingerprint);
                continue;
            };
            if self.histories.changes(&fingerprint) != held.changes {
                self.histories.remove(&fingerprint);
                continue;
            }
            let mut pasts = Vec::with_capacity(held.history.len() + 1);
            pasts.extend_from_slice(&held.history);
            pasts.push(past.clone());
            let history = History {
                version,
                pasts: pasts.into(),
            };
            self.histories.put(fingerprint, history);
        }
    }

    /// Whether an entry stands already: a commit whose answer was lost may have happened.
    pub fn has(&mut self, receipt: &Receipt) -> Result<bool, Fault> {
        let find = "SELECT sequence FROM entries WHERE receipt = $1";
        let rows = self.database.query(find, &[Input::Text(receipt.text())])?;
        Ok(!rows.is_empty())
    }

    /// The number of a set of policies: the same after every restart.
    pub fn generation(&mut self, hash: &[u8; 32]) -> Result<i64, Fault> {
        super::database::in_transaction(self.database.as_mut(), |database| {
            Head::read_to_write(database)?;
            let hash = Input::Bytes(hash);
            let find = "SELECT generation FROM policies WHERE hash = $1";
            if let Some(mut row) = database.query(find, &[hash])?.into_iter().next() {
                return row.integer();
            }
            let count = database.query("SELECT COUNT(*) FROM policies", &[])?;
            let next = count
                .into_iter()
                .next()
                .map_or(Ok(0), |mut row| row.integer())?
                + 1;
            let insert = "INSERT INTO policies (generation, hash) VALUES ($1, $2)";
            database.execute(insert, &[Input::Integer(next), hash])?;
            Ok(next)
        })
    }
}

fn as_record(write: &Write) -> Option<&Record> {
    match write {
        Write::Record(record) => Some(record),
        Write::Intend(_) | Write::Free(_) | Write::Withdraw(_) => None,
    }
}
