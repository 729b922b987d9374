//! What is written, in one transaction at a time: entries onto the chain, intents, leases. The
//! same for both databases. Only the writer's thread has one.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;

use quick_cache::unsync::Cache;

use super::cell::Fingerprint;
use super::cells::{CellKey, Sealing};
use super::chain::Hash;
use super::database::{Cursor, Database, Dialect, Input};
use super::fault::Fault;
use super::head::{End, Head};
use super::health::Health;
use super::histories::Histories;
use super::job::{HeldCell, Record, Write};
use super::random::Random;
use super::receipt::Receipt;
use super::row::{ENTRIES, Plain, Row};
use crate::policy::Past;

/// Cells whose keys are remembered.
const MOST_CELLS: usize = 65_536;

/// Whether anything is in a cell's history behind an entry. Of PostgreSQL alone, where cells are lost; by the index
/// of cells, and not through all entries since.
pub(super) const RECORDED_SINCE: &str = "SELECT CAST(1 AS BIGINT) FROM entries \
     WHERE cell = (SELECT id FROM cells WHERE fingerprint = $1) AND (in_history, sequence) > (1, $2) LIMIT 1";

pub struct Book {
    pub(super) database: Box<dyn Database>,
    /// What this process calls itself in the database.
    pub(super) holder: String,
    pub(super) histories: Arc<Histories>,
    pub(super) health: Arc<Health>,
    pub(super) keys: Cache<Fingerprint, CellKey>,
    /// As the head last said.
    erasures: Option<i64>,
    pub(super) end: Option<End>,
    /// Erasures by others since `take_heeded`.
    heeded: u64,
    pub(super) random: Random,
    /// Receipts of intents that can't be read, of which it was told: no more than somebody left.
    pub(super) unreadable: HashSet<String>,
}

impl Book {
    pub fn new(
        database: Box<dyn Database>,
        holder: String,
        (histories, health): (Arc<Histories>, Arc<Health>),
    ) -> Self {
        Self {
            database,
            holder,
            histories,
            health,
            keys: Cache::new(MOST_CELLS),
            erasures: None,
            end: None,
            heeded: 0,
            random: Random::default(),
            unreadable: HashSet::new(),
        }
    }

    /// Writes all of it or nothing. Which of the cells were lost: others may have judged meanwhile.
    pub fn write(&mut self, writes: &[Write]) -> Result<HashSet<Fingerprint>, Fault> {
        let done = self.write_while(writes, Others::MayTakeLeases);
        // Rare: to hold others off costs them a wait.
        let done = match done {
            Ok(done) if !done.lost.is_empty() => self.write_while(writes, Others::Wait),
            done => done,
        };
        let done = done?;
        self.remember(writes, &done);
        Ok(done.lost)
    }

    /// Writes nothing where cells were lost while others could take leases.
    fn write_while(&mut self, writes: &[Write], others: Others) -> Result<Done, Fault> {
        self.database.begin()?;
        let mut done = self.write_all(writes, others);
        let stands = |done: &Done| done.lost.is_empty() || others == Others::Wait;
        let stands = done.as_ref().is_ok_and(stands);
        if stands {
            done = done.and_then(|done| self.database.commit().map(|()| done));
        }
        match &done {
            Ok(done) if stands => self.end = done.end.or(self.end),
            // The connection is given up whole, without another wait for it.
            Err(Fault::Lost(_)) => self.forget(),
            Ok(_) | Err(Fault::Refused(_)) => {
                self.database.rollback();
                self.forget();
            }
        }
        done
    }

    fn write_all(&mut self, writes: &[Write], others: Others) -> Result<Done, Fault> {
        let (mut before, mut end) = (0, None);
        let mut lost = HashSet::new();
        if writes.iter().any(Write::needs_head) {
            let mut head = Head::read_to_write(self.database.as_mut())?;
            before = head.sequence;
            self.heed(&head)?;
            self.know_cells(writes, &mut head)?;
            if others == Others::Wait {
                // After the head, which whoever writes locks first: nobody waits for this one in turn.
                let lock = "LOCK TABLE leases IN SHARE ROW EXCLUSIVE MODE";
                self.database.script(lock)?;
            }
            let gone = self.free_leases(writes)?;
            let gone: Vec<_> = held(writes).filter(|held| held.is_of(&gone)).collect();
            lost = match others {
                Others::MayTakeLeases => gone.iter().map(|held| held.fingerprint).collect(),
                Others::Wait => self.had_by_others(&gone)?,
            };
            let rows = self.rows(writes, &lost, &mut head)?;
            let values = rows.iter().map(Row::values).collect();
            self.database.insert(&ENTRIES, values)?;
            self.insert_intents(writes, &head)?;
            head.write(self.database.as_mut())?;
            end = Some(head.end());
        } else {
            self.free_leases(writes)?;
        }
        self.delete_intents(writes)?;
        Ok(Done { before, end, lost })
    }

    /// A full disk lets itself be opened and read.
    pub fn try_to_write(&mut self) -> Result<(), Fault> {
        let something_new = match self.database.dialect() {
            // It writes nothing where nothing changes; and it has no use for this table otherwise.
            Dialect::Sqlite => {
                "INSERT INTO holders (id, alive_until) VALUES ('tried', 1) \
                 ON CONFLICT (id) DO UPDATE SET alive_until = holders.alive_until + 1"
            }
            Dialect::Postgres => "UPDATE head SET sequence = sequence WHERE one = 1",
        };
        self.database.execute(something_new, &[]).map(drop)
    }

    /// Another process erased learners: no key that it dropped may be used again. Fails where the chain ends
    /// before what stood in it: behind whatever leads to the database there is another one.
    pub(super) fn heed(&mut self, head: &Head) -> Result<(), Fault> {
        if self.end.is_some_and(|end| head.sequence < end.sequence) {
            return Err(lost_entries());
        }
        self.end = Some(head.end());
        let known = self.erasures.replace(head.erasures);
        if known != Some(head.erasures) {
            self.forget();
            let more = known.map_or(0, |known| head.erasures - known);
            self.heeded += u64::try_from(more).unwrap_or(0);
        }
        Ok(())
    }

    /// Whether the chain still has what was its end: or the database is a copy from before, or another one.
    pub fn require(&mut self, end: End) -> Result<(), Fault> {
        let find = "SELECT hash FROM entries WHERE sequence = $1";
        let found = self.database.query(find, &[Input::Integer(end.sequence)])?;
        let found = found.into_iter().next().map(|mut row| row.bytes());
        // Afterwards: the retention may go on meanwhile.
        let head = Head::read(self.database.as_mut())?;
        let is_there = match found.transpose()? {
            Some(hash) => Hash::read(&hash) == end.hash,
            // The first of all has none before it; and the retention drops old ones.
            None => end.sequence <= head.anchor_sequence,
        };
        match is_there {
            true => Ok(()),
            false => Err(lost_entries()),
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

    fn rows<'a>(
        &mut self,
        writes: &'a [Write],
        lost: &HashSet<Fingerprint>,
        head: &mut Head,
    ) -> Result<Vec<Row<'a>>, Fault> {
        let mut rows = Vec::new();
        for record in writes.iter().filter_map(as_record) {
            let Sealing { cell, uses } = self.sealing(&record.placed, head)?;
            let draft = &record.placed.draft;
            let plain = Plain::of(draft, cell, &uses);
            let content = match record.is_uncertain(lost) {
                true => Cow::Owned(draft.content_of_unknown_fate()),
                false => Cow::Borrowed(draft.content.as_slice()),
            };
            let sealed = uses.seal(&draft.receipt, &content, &mut self.random)?;
            rows.push(head.append(plain, sealed));
        }
        Ok(rows)
    }

    /// Frees the cells that were held. Those whose leases this process no longer had, because it was silent for
    /// too long, or that were overtaken.
    fn free_leases(&mut self, writes: &[Write]) -> Result<HashSet<Fingerprint>, Fault> {
        let mut leases: Vec<_> = writes.iter().filter_map(Write::lease).collect();
        leases.sort_unstable();
        leases.dedup();
        let values: Vec<_> = leases
            .iter()
            .map(|lease| vec![Input::Bytes(&lease.0), Input::Text(&self.holder)])
            .collect();
        let free = "DELETE FROM leases WHERE fingerprint = $1 AND holder = $2";
        let freed = self.database.execute_each(free, &values)?;
        let all = leases.iter().zip(values).zip(freed);
        let (lost, values): (HashSet<_>, Vec<_>) = all
            .filter(|(_, rows)| *rows == 0)
            .map(|((lease, values), _)| (*lease, values))
            .unzip();
        let overtaken = "DELETE FROM leases WHERE fingerprint = $1 AND holder = '-' || $2";
        self.database.execute_each(overtaken, &values)?;
        Ok(lost)
    }

    /// Those of the cells, whose leases are gone, that others have, or have judged for. Whoever has one keeps
    /// it, overtaken: what is recorded now is not in the history that it judges by.
    fn had_by_others(&mut self, held: &[&HeldCell]) -> Result<HashSet<Fingerprint>, Fault> {
        let overtake =
            "UPDATE leases SET holder = '-' || LTRIM(holder, '-') WHERE fingerprint = $1";
        let values: Vec<_> = held
            .iter()
            .map(|held| vec![Input::Bytes(&held.fingerprint.0)])
            .collect();
        let leased = self.database.execute_each(overtake, &values)?;
        let version = |held: &&HeldCell| Input::Integer(held.history.version);
        let values = held
            .iter()
            .map(|held| vec![Input::Bytes(&held.fingerprint.0), version(held)]);
        let values: Vec<_> = values.collect();
        let recorded = self.database.query_each(RECORDED_SINCE, &values)?;
        let all = held.iter().zip(leased).zip(recorded);
        let had = all.filter(|((_, leased), recorded)| *leased > 0 || !recorded.is_empty());
        Ok(had.map(|((held, _), _)| held.fingerprint).collect())
    }

    /// What is written now stands in the cached histories too.
    fn remember(&mut self, writes: &[Write], done: &Done) {
        let records = || writes.iter().filter_map(as_record);
        let held = |record: &'_ Record| {
            let held = record.held.as_ref();
            held.is_some_and(|held| !held.is_of(&done.lost))
        };
        // Recorded past the lock: whoever judges next reads. First, so that no history is put back without it.
        let beside = records().filter(|record| record.placed.draft.past.is_some() && !held(record));
        let beside = beside.filter_map(|record| record.placed.cell.as_ref());
        beside.for_each(|fingerprint| self.histories.bypass(fingerprint));
        for (record, version) in records().zip(done.before + 1..) {
            if let (true, Some(held)) = (held(record), &record.held) {
                let past = record.placed.draft.past.as_ref();
                self.remember_held(held.fingerprint, held, past, version);
            }
        }
    }

    /// The history of a cell that was held, with what was recorded now if it is of it.
    fn remember_held(
        &self,
        fingerprint: Fingerprint,
        held: &HeldCell,
        past: Option<&Past>,
        version: i64,
    ) {
        let is_current = self.histories.changes(&fingerprint) == held.changes;
        let history = match (is_current, past) {
            (true, Some(past)) => held.history.with(past, version),
            // Whoever settled took it out.
            (true, None) => Some(held.history.clone()),
            (false, _) => None,
        };
        match history {
            Some(history) => self.histories.put(fingerprint, history),
            None => self.histories.remove(&fingerprint),
        }
    }

    /// Whether an entry stands already: a commit whose answer was lost may have happened.
    pub fn has(&mut self, receipt: &Receipt) -> Result<bool, Fault> {
        let find = "SELECT sequence FROM entries WHERE receipt = $1";
        let rows = self.database.query(find, &[Input::Text(receipt.text())])?;
        Ok(!rows.is_empty())
    }

    /// What stands under the receipt of each record, asked with one wait for all.
    pub fn found(&mut self, writes: &[Write]) -> Result<Vec<Found>, Fault> {
        let find = "SELECT upstream_status, duration_ms FROM entries WHERE receipt = $1";
        // Nothing stands under none.
        let receipt = |write| as_record(write).map(|record| record.placed.draft.receipt.text());
        let values = writes
            .iter()
            .map(|write| vec![Input::optional_text(receipt(write))]);
        let answers = self
            .database
            .query_each(find, &values.collect::<Vec<_>>())?;
        let all = writes.iter().zip(answers);
        all.map(|(write, rows)| Found::read(write, rows)).collect()
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

fn lost_entries() -> Fault {
    Fault::lost(
        "it lacks entries that were recorded: bring back the database that has them, or restart to go on \
         with what is there",
    )
}

/// What stands under a receipt.
pub enum Found {
    Nothing,
    Ours,
    /// What another gateway made of its intent.
    Adopted,
}

impl Found {
    fn read(write: &Write, rows: Vec<Cursor>) -> Result<Self, Fault> {
        let (Some(record), Some(mut row)) = (as_record(write), rows.into_iter().next()) else {
            return Ok(Self::Nothing);
        };
        let draft = &record.placed.draft;
        let found = (row.optional_integer()?, row.integer()?);
        let own = (draft.upstream.map(i64::from), draft.duration_ms);
        match record.is_intended && found != own {
            true => Ok(Self::Adopted),
            false => Ok(Self::Ours),
        }
    }
}

/// What others may do while something is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Others {
    MayTakeLeases,
    Wait,
}

/// What a transaction has done.
struct Done {
    /// The sequence of the last entry before those that were written.
    before: i64,
    /// The end of the chain since.
    end: Option<End>,
    /// Cells that were no longer held: others may have judged meanwhile.
    lost: HashSet<Fingerprint>,
}

/// Cells of which something is recorded now that others have to know of.
fn held(writes: &[Write]) -> impl Iterator<Item = &HeldCell> {
    let records = writes.iter().filter_map(as_record);
    let records = records.filter(|record| record.placed.draft.past.is_some());
    records.filter_map(|record| record.held.as_ref())
}

fn as_record(write: &Write) -> Option<&Record> {
    match write {
        Write::Record(record) => Some(record),
        Write::Intend(_) | Write::Free(_) | Write::Withdraw(_) => None,
    }
}
