//! Opening a cell: its history and, where several gateways share a database, its lease. A lease
//! belongs to a process that says every second that it is alive; one whose holder is silent for
//! ten may be taken, and a holder that was silent for so long learns it with its next word. No
//! transaction stays open while a lease is held.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use jiff::Timestamp;

use super::book::Book;
use super::cell::Fingerprint;
use super::cells::CellKey;
use super::content::PastAlone;
use super::database::{Database, Dialect, Input, in_transaction};
use super::fault::Fault;
use super::head::Head;
use super::histories::{History, append};
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

/// That the process which a lease or an intent names no longer says that it lives. A lease whose holder begins
/// with `-` was overtaken: somebody has recorded what its holder does not know of.
macro_rules! holder_is_gone {
    ($table:literal) => {
        concat!(
            "NOT EXISTS (SELECT 1 FROM holders WHERE holders.id = LTRIM(",
            $table,
            ".holder, '-') AND holders.alive_until > ",
            now!(),
            ")"
        )
    };
}
pub(super) use {holder_is_gone, now};

/// Locks no lease that is there: its holder may be about to free it, among others, in a transaction.
const TAKE: &str = "INSERT INTO leases (fingerprint, holder) VALUES ($1, $2) \
     ON CONFLICT (fingerprint) DO NOTHING";

/// Whose a lease is that was there: `OURS`, `NOBODYS`, or another's.
const WHOSE: &str = concat!(
    "SELECT CAST(CASE WHEN holder = $1 THEN 1 WHEN ",
    holder_is_gone!("leases"),
    " THEN 2 ELSE 0 END AS BIGINT) FROM leases WHERE fingerprint = $2"
);
const OURS: i64 = 1;
const NOBODYS: i64 = 2;

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
/// One that is being taken or freed is left to whoever does it, who may wait for another of these.
pub(super) const SWEEP: &str = concat!(
    "DELETE FROM leases WHERE fingerprint IN (SELECT fingerprint FROM leases WHERE ",
    holder_is_gone!("leases"),
    " AND NOT EXISTS (SELECT 1 FROM intents WHERE intents.holder = LTRIM(leases.holder, '-')) \
     FOR UPDATE SKIP LOCKED)"
);

/// The most that a cell's history may hold: more would be read and judged for each submission, at the cost
/// of all others.
pub(super) const MOST_PASTS: usize = 20_000;

/// How many are counted of a cell that has more.
const MOST_COUNTED: i64 = MOST_PASTS as i64 + 1;

/// The sequence of a history's last entry, and how many it has. Of one that has too many, of some of it.
pub(super) const NEWEST: &str = "SELECT COALESCE(MAX(sequence), 0), COUNT(*) FROM \
     (SELECT sequence FROM entries WHERE cell = $1 AND in_history = 1 LIMIT $2) AS found";

/// Some of a history's entries, in order.
pub(super) const HISTORY_OF_SQLITE: &str = "SELECT sequence, receipt, time, sealed FROM entries \
     WHERE cell = $1 AND in_history = 1 AND sequence > $2 ORDER BY sequence LIMIT $3";

/// In an order that the primary key doesn't have: PostgreSQL believes that it soon comes to an entry of the history
/// if it looks at all that there are.
pub(super) const HISTORY_OF_POSTGRES: &str = "SELECT sequence, receipt, time, sealed FROM entries \
     WHERE cell = $1 AND (in_history, sequence) > (1, $2) ORDER BY in_history, sequence LIMIT $3";

/// How many entries of a history are read at once; many more where they are small.
const ROWS: i64 = 64;
const SMALL_ROWS: i64 = 512;

/// What an entry may have sealed, in bytes, to be small.
const SMALL: i64 = 2_048;

/// How long a silent process is remembered.
const FORGET_AFTER_MILLIS: i64 = 24 * 3_600 * 1_000;

/// What became of the leases that this process has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leases {
    Kept,
    /// It was silent for too long: others may have taken them, and judged.
    Lapsed,
}

/// A cell that has an entry.
struct Known {
    id: i64,
    key: SealKey,
    /// The sequence of its history's last entry; 0 without any.
    version: i64,
    /// How many entries its history has.
    count: usize,
}

impl Book {
    /// Heeds erasures, then opens each cell. One whose history can't be read harms no other. Where it fails
    /// as a whole, some leases may have been taken.
    pub fn open(&mut self, cells: &[Fingerprint]) -> Result<Vec<Result<Opened, Fault>>, Fault> {
        let head = Head::read(self.database.as_mut())?;
        self.heed(&head)?;
        let mine: HashSet<Fingerprint> = match self.database.dialect() {
            Dialect::Sqlite => cells.iter().copied().collect(),
            Dialect::Postgres => self.take_leases(cells)?,
        };
        let known = self.look_up(&mine)?;
        let mut opened = Vec::with_capacity(cells.len());
        for cell in cells {
            let history = match (mine.contains(cell), known.get(cell)) {
                (false, _) => Ok(Opened::Busy),
                (true, None) => Ok(Opened::History(History::default())),
                (true, Some(known)) => self.history(*cell, known).map(Opened::History),
            };
            match history {
                Err(Fault::Lost(cause)) => return Err(Fault::Lost(cause)),
                of_this_cell => opened.push(of_this_cell),
            }
        }
        Ok(opened)
    }

    /// Those of the cells whose leases are ours now. Many are taken in one transaction, with one wait for the
    /// disk, and always in the same order: or two gateways would wait for each other.
    fn take_leases(&mut self, cells: &[Fingerprint]) -> Result<HashSet<Fingerprint>, Fault> {
        let mut wanted = cells.to_vec();
        wanted.sort_unstable();
        wanted.dedup();
        let holder = self.holder.clone();
        let me = Input::Text(&holder);
        let leases: Vec<_> = wanted
            .iter()
            .map(|cell| vec![Input::Bytes(&cell.0), me])
            .collect();
        let taken = match leases.len() {
            0 | 1 => self.database.execute_each(TAKE, &leases)?,
            _ => in_transaction(self.database.as_mut(), |database| {
                database.execute_each(TAKE, &leases)
            })?,
        };
        let (mut mine, mut there) = (HashSet::new(), Vec::new());
        for (cell, rows) in wanted.iter().zip(taken) {
            match rows {
                0 => there.push(*cell),
                _ => _ = mine.insert(*cell),
            }
        }
        let asked: Vec<_> = there
            .iter()
            .map(|cell| vec![me, Input::Bytes(&cell.0)])
            .collect();
        let mut orphans = Vec::new();
        for (cell, rows) in there.iter().zip(self.database.query_each(WHOSE, &asked)?) {
            // One that was freed meanwhile is looked for again.
            for mut row in rows {
                match row.integer()? {
                    OURS => _ = mine.insert(*cell),
                    NOBODYS => orphans.push(*cell),
                    _ => {}
                }
            }
        }
        mine.extend(self.take_over(&orphans)?);
        Ok(mine)
    }

    /// Takes leases whose holders are gone.
    fn take_over(&mut self, orphans: &[Fingerprint]) -> Result<Vec<Fingerprint>, Fault> {
        if orphans.is_empty() {
            return Ok(Vec::new());
        }
        // Before the leases: what their holders were about to send belongs to the histories.
        self.adopt_intents()?;
        let me = Input::Text(&self.holder);
        let leases: Vec<_> = orphans
            .iter()
            .map(|cell| vec![me, Input::Bytes(&cell.0)])
            .collect();
        let taken = self.database.execute_each(TAKE_OVER, &leases)?;
        let taken = orphans.iter().zip(taken).filter(|(_, rows)| *rows == 1);
        Ok(taken.map(|(cell, _)| *cell).collect())
    }

    /// What the database knows of these cells; what seals their next entries is remembered.
    fn look_up(
        &mut self,
        cells: &HashSet<Fingerprint>,
    ) -> Result<HashMap<Fingerprint, Known>, Fault> {
        let wanted: Vec<_> = cells.iter().copied().collect();
        let found = self.find_cells(&wanted)?;
        let ids: Vec<_> = found
            .iter()
            .map(|(_, id, _)| vec![Input::Integer(*id), Input::Integer(MOST_COUNTED)])
            .collect();
        let versions = self.database.query_each(NEWEST, &ids)?;
        let mut known = HashMap::with_capacity(found.len());
        for ((cell, id, key), rows) in found.into_iter().zip(versions) {
            let (mut version, mut count) = (0, 0);
            for mut row in rows {
                version = row.integer()?;
                count = usize::try_from(row.integer()?).map_err(Fault::refused)?;
            }
            let uses = key.uses();
            self.keys.insert(cell, CellKey { id, uses });
            let cell_known = Known {
                id,
                key,
                version,
                count,
            };
            known.insert(cell, cell_known);
        }
        Ok(known)
    }

    fn history(&mut self, fingerprint: Fingerprint, known: &Known) -> Result<History, Fault> {
        let &Known {
            id, version, count, ..
        } = known;
        if count > MOST_PASTS {
            return Err(Fault::refused(format!(
                "a cell has more than {MOST_PASTS} recorded submissions, too many to judge by"
            )));
        }
        let cached = self.histories.get(&fingerprint);
        // The count too: another gateway may have recorded before what was last written here.
        let is_current =
            |history: &History| history.version == version && history.pasts.len() == count;
        if let Some(history) = cached.filter(is_current) {
            return Ok(history);
        }
        let history = read_history(self.database.as_mut(), id, &known.key, append)?;
        self.histories.put(fingerprint, history.clone());
        Ok(history)
    }

    /// Says that this process lives, and so keeps its leases; and tells others here what became of those. Fails
    /// where the database is no longer the one that was opened.
    pub fn stay_alive(&mut self) -> Result<(), Fault> {
        self.database.is_in_place()?;
        // Before the database hears of it: no lease may last longer here than there.
        let now = self.health.now();
        let leases = match self.database.dialect() {
            Dialect::Sqlite => Leases::Kept,
            Dialect::Postgres => self.beat()?,
        };
        self.health.heard(now, leases);
        Ok(())
    }

    /// Between the parts of what may take long.
    pub(super) fn stay_alive_if_due(&mut self) -> Result<(), Fault> {
        match self.health.is_beat_due() {
            true => self.stay_alive(),
            false => Ok(()),
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
            let leases = "DELETE FROM leases WHERE LTRIM(holder, '-') = $1 \
                 AND NOT EXISTS (SELECT 1 FROM intents WHERE intents.holder = $1)";
            database.execute(leases, &[me])?;
            database.execute("DELETE FROM holders WHERE id = $1", &[me])?;
            Ok(())
        })
    }
}

/// What was recorded of a cell and took effect, in order, by `add`. Read bit by bit: what is sealed of an entry may be
/// a hundred times what its past takes.
pub(super) fn read_history(
    database: &mut dyn Database,
    cell: i64,
    key: &SealKey,
    add: fn(&mut Vec<Past>, Past),
) -> Result<History, Fault> {
    let history = match database.dialect() {
        Dialect::Sqlite => HISTORY_OF_SQLITE,
        Dialect::Postgres => HISTORY_OF_POSTGRES,
    };
    let (mut version, mut pasts, mut at_once) = (0, Vec::new(), ROWS);
    loop {
        let values = [cell, version, at_once].map(Input::Integer);
        let rows = database.query(history, &values)?;
        let (count, mut size) = (rows.len() as i64, 0);
        for mut row in rows {
            version = row.integer()?;
            let (receipt, time, sealed) = (row.text()?, row.integer()?, row.bytes()?);
            size += sealed.len() as i64;
            let time = Timestamp::from_microsecond(time).map_err(Fault::refused)?;
            add(&mut pasts, read_past(&receipt, time, &sealed, key)?);
        }
        if count < at_once {
            let pasts = Arc::new(pasts);
            return Ok(History { version, pasts });
        }
        at_once = match size <= SMALL * count {
            true => SMALL_ROWS,
            false => ROWS,
        };
    }
}

/// A past that can't be read stops the judging: without it the judgement would be another.
fn read_past(receipt: &str, time: Timestamp, sealed: &[u8], key: &SealKey) -> Result<Past, Fault> {
    let unreadable =
        || Fault::refused("a cell's history can't be read: run `scoregate ledger verify`");
    let receipt = Receipt::parse(receipt).map_err(Fault::refused)?;
    let content = key.open(&receipt, sealed).ok_or_else(unreadable)?;
    let content: PastAlone = serde_json::from_slice(&content).map_err(Fault::refused)?;
    content.past(time).ok_or_else(unreadable)
}
