//! What is written, in one transaction at a time: entries onto the chain, intents, leases. The
//! same for both databases. Only the writer's thread has one.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use quick_cache::unsync::Cache;

use super::cell::Fingerprint;
use super::chain::{Hash, link};
use super::database::{Cursor, Database, Dialect, Input, Insert};
use super::draft::Draft;
use super::fault::Fault;
use super::histories::{Histories, History};
use super::job::{Placed, Record, Write};
use super::random::Random;
use super::receipt::Receipt;
use super::row::{ENTRIES, Plain, Row};
use super::seal::{SealKey, Uses};

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
    random: Random,
}

static CELLS: LazyLock<Insert> = LazyLock::new(|| {
    Insert::new(
        "cells (id, fingerprint, account, line_item, learner, seal_key)",
        6,
    )
});

static INTENTS: LazyLock<Insert> =
    LazyLock::new(|| Insert::new("intents (receipt, holder, cell, plain, sealed)", 5));

/// A cell as the database knows it.
#[derive(Clone)]
pub struct CellKey {
    pub id: i64,
    pub uses: Uses,
}

/// What an entry is sealed with, and its cell.
struct Sealing {
    cell: Option<i64>,
    uses: Uses,
}

/// The end of the chain, and what is counted beside it.
pub struct Head {
    pub sequence: i64,
    pub hash: Hash,
    pub anchor_sequence: i64,
    pub anchor_hash: Hash,
    pub cells: i64,
    pub erasures: i64,
    pub key: SealKey,
}

const HEAD: &str = "SELECT sequence, hash, anchor_sequence, anchor_hash, cells, erasures, seal_key \
     FROM head WHERE one = 1";
/// Whoever has this row writes; the other gateways wait, for the length of one transaction.
const HEAD_TO_WRITE: &str = "SELECT sequence, hash, anchor_sequence, anchor_hash, cells, erasures, \
     seal_key FROM head WHERE one = 1 FOR UPDATE";

impl Head {
    pub fn read(database: &mut dyn Database) -> Result<Self, Fault> {
        Self::from_rows(database.query(HEAD, &[])?)
    }

    pub fn read_to_write(database: &mut dyn Database) -> Result<Self, Fault> {
        let sql = match database.dialect() {
            // The transaction has the file's lock.
            Dialect::Sqlite => HEAD,
            Dialect::Postgres => HEAD_TO_WRITE,
        };
        Self::from_rows(database.query(sql, &[])?)
    }

    fn from_rows(rows: Vec<Cursor>) -> Result<Self, Fault> {
        let mut row = rows
            .into_iter()
            .next()
            .ok_or_else(|| Fault::lost("the ledger has lost the head of its chain"))?;
        Ok(Self {
            sequence: row.integer()?,
            hash: Hash::read(&row.bytes()?),
            anchor_sequence: row.integer()?,
            anchor_hash: Hash::read(&row.bytes()?),
            cells: row.integer()?,
            erasures: row.integer()?,
            key: SealKey::from_bytes(&row.bytes()?)?,
        })
    }

    pub fn write(&self, database: &mut dyn Database) -> Result<(), Fault> {
        database.execute(
            "UPDATE head SET sequence = $1, hash = $2, anchor_sequence = $3, anchor_hash = $4, \
             cells = $5, erasures = $6 WHERE one = 1",
            &[
                Input::Integer(self.sequence),
                Input::Bytes(self.hash.bytes()),
                Input::Integer(self.anchor_sequence),
                Input::Bytes(self.anchor_hash.bytes()),
                Input::Integer(self.cells),
                Input::Integer(self.erasures),
            ],
        )?;
        Ok(())
    }

    fn append<'a>(&mut self, plain: Plain<'a>, sealed: Vec<u8>) -> Row<'a> {
        let row = link(self.sequence + 1, self.hash, plain, sealed);
        self.sequence = row.sequence;
        self.hash = row.hash;
        row
    }
}

/// An intent: an entry without a place in the chain.
struct Intent {
    receipt: String,
    cell: Option<i64>,
    plain: String,
    sealed: Vec<u8>,
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

    /// Finds the cells of what is written, and makes those that are new.
    fn know_cells(&mut self, writes: &[Write], head: &mut Head) -> Result<(), Fault> {
        let placed = writes.iter().filter_map(Write::placed);
        let cells = placed.filter_map(|placed| Some((placed.cell?, placed.draft.as_ref())));
        let mut unknown: HashMap<Fingerprint, &Draft> = cells
            .filter(|(fingerprint, _)| self.keys.get(fingerprint).is_none())
            .collect();
        if unknown.is_empty() {
            return Ok(());
        }
        let wanted: Vec<Fingerprint> = unknown.keys().copied().collect();
        for (fingerprint, id, key) in self.find_cells(&wanted)? {
            unknown.remove(&fingerprint);
            let uses = key.uses();
            self.keys.insert(fingerprint, CellKey { id, uses });
        }
        self.make_cells(&unknown, head)
    }

    pub(super) fn find_cells(
        &mut self,
        wanted: &[Fingerprint],
    ) -> Result<Vec<(Fingerprint, i64, SealKey)>, Fault> {
        let values: Vec<_> = wanted
            .iter()
            .map(|fingerprint| vec![Input::Bytes(&fingerprint.0)])
            .collect();
        let find = "SELECT id, seal_key FROM cells WHERE fingerprint = $1";
        let answers = self.database.query_each(find, &values)?;
        let mut found = Vec::new();
        for (fingerprint, rows) in wanted.iter().zip(answers) {
            for mut row in rows {
                let id = row.integer()?;
                let key = SealKey::from_bytes(&row.bytes()?)?;
                found.push((*fingerprint, id, key));
            }
        }
        Ok(found)
    }

    fn make_cells(
        &mut self,
        cells: &HashMap<Fingerprint, &Draft>,
        head: &mut Head,
    ) -> Result<(), Fault> {
        let mut made = Vec::new();
        for (fingerprint, draft) in cells {
            head.cells += 1;
            let key = SealKey::random(&mut self.random)?;
            made.push((*fingerprint, head.cells, key, *draft));
        }
        let values = made.iter().map(|(fingerprint, id, key, draft)| {
            vec![
                Input::Integer(*id),
                Input::Bytes(&fingerprint.0),
                Input::Text(&draft.account),
                Input::Text(&draft.line_item),
                Input::Text(draft.user.as_deref().unwrap_or_default()),
                Input::Bytes(key.bytes()),
            ]
        });
        self.database.insert(&CELLS, values.collect())?;
        for (fingerprint, id, key, ..) in made {
            let uses = key.uses();
            self.keys.insert(fingerprint, CellKey { id, uses });
        }
        Ok(())
    }

    fn sealing(&self, placed: &Placed, head: &Head) -> Result<Sealing, Fault> {
        let Some(fingerprint) = &placed.cell else {
            return Ok(Sealing {
                cell: None,
                uses: head.key.uses(),
            });
        };
        let known = self.keys.peek(fingerprint).cloned();
        let CellKey { id, uses } = known
            .ok_or_else(|| Fault::refused("more cells in one transaction than are remembered"))?;
        Ok(Sealing {
            cell: Some(id),
            uses,
        })
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

    fn insert_intents(&mut self, writes: &[Write], head: &Head) -> Result<(), Fault> {
        let mut intents = Vec::new();
        for write in writes {
            if let Write::Intend(placed) = write {
                intents.push(self.intent(placed, head)?);
            }
        }
        let values = intents.iter().map(|intent| {
            vec![
                Input::Text(&intent.receipt),
                Input::Text(&self.holder),
                Input::optional_integer(intent.cell),
                Input::Text(&intent.plain),
                Input::Bytes(&intent.sealed),
            ]
        });
        self.database.insert(&INTENTS, values.collect())
    }

    fn intent(&mut self, placed: &Placed, head: &Head) -> Result<Intent, Fault> {
        let draft = &placed.draft;
        let Sealing { cell, uses } = self.sealing(placed, head)?;
        let plain = Plain::of(draft, cell, &uses);
        Ok(Intent {
            receipt: plain.receipt.to_string(),
            cell,
            plain: serde_json::to_string(&plain).map_err(Fault::refused)?,
            sealed: uses.seal(&draft.receipt, &draft.content, &mut self.random)?,
        })
    }

    fn delete_intents(&mut self, writes: &[Write]) -> Result<(), Fault> {
        let settled = |write| match write {
            &Write::Record(Record {
                ref placed,
                is_intended: true,
                ..
            }) => Some(&placed.draft.receipt),
            Write::Withdraw(receipt) => Some(receipt),
            Write::Record(_) | Write::Intend(_) | Write::Free(_) => None,
        };
        let receipts = writes.iter().filter_map(settled);
        let values: Vec<_> = receipts
            .map(|receipt: &Receipt| vec![Input::Text(receipt.text())])
            .collect();
        self.database
            .execute_each("DELETE FROM intents WHERE receipt = $1", &values)?;
        Ok(())
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

    /// Intents of processes that are no more become entries of unknown fate. How many.
    pub fn adopt_intents(&mut self) -> Result<usize, Fault> {
        self.database.begin()?;
        let done = self.adopt_all();
        let done = done.and_then(|count| self.database.commit().map(|()| count));
        if done.is_err() {
            self.database.rollback();
        }
        done
    }

    fn adopt_all(&mut self) -> Result<usize, Fault> {
        let mut head = Head::read_to_write(self.database.as_mut())?;
        let orphans = match self.database.dialect() {
            // The lock on the file says that no other gateway lives.
            Dialect::Sqlite => {
                "SELECT plain, sealed FROM intents WHERE holder <> $1 ORDER BY receipt LIMIT 1000"
            }
            Dialect::Postgres => {
                "SELECT plain, sealed FROM intents WHERE holder <> $1 AND NOT EXISTS (\
                 SELECT 1 FROM holders WHERE holders.id = intents.holder AND holders.alive_until > \
                 CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)) \
                 ORDER BY receipt LIMIT 1000"
            }
        };
        let mut rows = Vec::new();
        for mut orphan in self.database.query(orphans, &[Input::Text(&self.holder)])? {
            let plain = serde_json::from_str(&orphan.text()?).map_err(Fault::refused)?;
            rows.push(head.append(plain, orphan.bytes()?));
        }
        let values = rows.iter().map(Row::values).collect();
        self.database.insert(&ENTRIES, values)?;
        let receipts = rows.iter().map(|row| vec![Input::Text(&row.plain.receipt)]);
        let receipts: Vec<_> = receipts.collect();
        self.database
            .execute_each("DELETE FROM intents WHERE receipt = $1", &receipts)?;
        head.write(self.database.as_mut())?;
        self.histories.clear();
        Ok(rows.len())
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
