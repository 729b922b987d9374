//! Intents: what is about to be sent, written down before it is. One that is never settled becomes an
//! entry of unknown fate.

use std::sync::LazyLock;

use super::book::Book;
use super::cells::Sealing;
use super::database::{Cursor, Dialect, Input, Insert};
use super::fault::Fault;
use super::head::Head;
use super::job::{Placed, Record, Write};
use super::open::{holder_is_gone, now};
use super::receipt::Receipt;
use super::row::{ENTRIES, Plain, Row};
use super::seal::SealKey;

static INTENTS: LazyLock<Insert> =
    LazyLock::new(|| Insert::new("intents (receipt, holder, cell, plain, sealed)", 5));

/// The most that are adopted in one transaction: whoever writes waits for it.
const MOST_AT_ONCE: i64 = 200;

/// The lock on the file says that no other gateway lives.
const ORPHANS_OF_SQLITE: &str = "SELECT receipt, plain, sealed FROM intents \
     WHERE holder <> $1 AND receipt > $2 ORDER BY receipt LIMIT $3";

const ORPHANS_OF_POSTGRES: &str = concat!(
    "SELECT receipt, plain, sealed FROM intents WHERE holder <> $1 AND receipt > $2 AND ",
    holder_is_gone!("intents"),
    " ORDER BY receipt LIMIT $3"
);

const RECEIPTS_OF_ORPHANS: &str = concat!(
    "SELECT receipt FROM intents WHERE holder <> $1 AND ",
    holder_is_gone!("intents"),
    " ORDER BY receipt LIMIT $2"
);

/// An intent: an entry without a place in the chain.
struct Intent {
    receipt: String,
    cell: Option<i64>,
    plain: String,
    sealed: Vec<u8>,
}

impl Book {
    pub(super) fn insert_intents(&mut self, writes: &[Write], head: &Head) -> Result<(), Fault> {
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

    pub(super) fn delete_intents(&mut self, writes: &[Write]) -> Result<(), Fault> {
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
        let mut receipts: Vec<_> = receipts.map(Receipt::text).collect();
        // As whoever adopts takes them: or two gateways would wait for each other.
        receipts.sort_unstable();
        let values: Vec<_> = receipts
            .into_iter()
            .map(|receipt| vec![Input::Text(receipt)])
            .collect();
        self.database
            .execute_each("DELETE FROM intents WHERE receipt = $1", &values)?;
        Ok(())
    }

    /// Intents of processes that are no more become entries of unknown fate. Those that can't be read stay where
    /// they are.
    pub fn adopt_intents(&mut self) -> Result<(), Fault> {
        let mut next = Some(String::new());
        while let Some(after) = next {
            next = self.adopt_after(&after)?;
            // Others write between two transactions, and must not take this process for dead.
            self.stay_alive_if_due()?;
        }
        Ok(())
    }

    /// Adopts what gateways left that are no more. On SQLite that was done at the start.
    pub fn adopt_orphans(&mut self) -> Result<(), Fault> {
        if self.database.dialect() == Dialect::Sqlite {
            return Ok(());
        }
        // One more than are known: among so many is a new one, if there is any.
        let most = i64::try_from(self.unreadable.len() + 1).map_err(Fault::refused)?;
        let values = [Input::Text(&self.holder), Input::Integer(most)];
        let mut is_new = false;
        for mut row in self.database.query(RECEIPTS_OF_ORPHANS, &values)? {
            is_new |= !self.unreadable.contains(&row.text()?);
        }
        match is_new {
            true => self.adopt_intents(),
            false => Ok(()),
        }
    }

    /// Some of those behind a receipt; with which the next ones begin, if there may be any.
    fn adopt_after(&mut self, after: &str) -> Result<Option<String>, Fault> {
        self.database.begin()?;
        let done = self.adopt_some(after);
        let done = done.and_then(|next| self.database.commit().map(|()| next));
        let is_usable = |fault: &Fault| match fault {
            Fault::Refused(_) => true,
            // A connection that is lost is given up whole, without another wait for it.
            Fault::Lost(_) => fault.has_waited_in_vain(),
        };
        if done.as_ref().is_err_and(is_usable) {
            self.database.rollback();
        }
        done
    }

    fn adopt_some(&mut self, after: &str) -> Result<Option<String>, Fault> {
        let mut head = Head::read_to_write(self.database.as_mut())?;
        let orphans = self.orphans(after)?;
        let is_full = orphans.len() as i64 >= MOST_AT_ONCE;
        let next = orphans.last().map(|last| last.receipt.clone());
        // In the database's order, which may not be that of bytes.
        let next = next.filter(|next| is_full && next.as_str() != after);
        let mut rows = Vec::new();
        for (plain, sealed) in self.readable(orphans, &head.key)? {
            rows.push(head.append(plain, sealed));
        }
        if rows.is_empty() {
            return Ok(next);
        }
        let values = rows.iter().map(Row::values).collect();
        self.database.insert(&ENTRIES, values)?;
        let receipts = rows.iter().map(|row| vec![Input::Text(&row.plain.receipt)]);
        let receipts: Vec<_> = receipts.collect();
        self.database
            .execute_each("DELETE FROM intents WHERE receipt = $1", &receipts)?;
        head.write(self.database.as_mut())?;
        self.histories.clear();
        Ok(next)
    }

    fn orphans(&mut self, after: &str) -> Result<Vec<Orphan>, Fault> {
        let orphans = match self.database.dialect() {
            Dialect::Sqlite => ORPHANS_OF_SQLITE,
            Dialect::Postgres => ORPHANS_OF_POSTGRES,
        };
        let most = Input::Integer(MOST_AT_ONCE);
        let values = [Input::Text(&self.holder), Input::Text(after), most];
        let rows = self.database.query(orphans, &values)?;
        Ok(rows.into_iter().map(Orphan::read).collect())
    }

    /// Those that nobody changed. What stands already and the keys are asked for with one wait each: the chain's head
    /// is held meanwhile.
    fn readable(
        &mut self,
        orphans: Vec<Orphan>,
        of_nobody: &SealKey,
    ) -> Result<Vec<(Plain<'static>, Vec<u8>)>, Fault> {
        let receipts = orphans.iter().map(|it| vec![Input::Text(&it.receipt)]);
        let find = "SELECT sequence FROM entries WHERE receipt = $1";
        let standing = self
            .database
            .query_each(find, &receipts.collect::<Vec<_>>())?;
        let cells = orphans
            .iter()
            .map(|it| vec![Input::optional_integer(it.cell())]);
        let find = "SELECT seal_key FROM cells WHERE id = $1";
        let keys = self.database.query_each(find, &cells.collect::<Vec<_>>())?;
        let mut readable = Vec::with_capacity(orphans.len());
        for ((orphan, standing), keys) in orphans.into_iter().zip(standing).zip(keys) {
            let receipt = orphan.receipt.clone();
            let key = keys.into_iter().next();
            match orphan.adoptable(!standing.is_empty(), key, of_nobody) {
                Ok(adoptable) => readable.push(adoptable),
                Err(Fault::Refused(_)) => self.note_unreadable(receipt),
                Err(fault) => return Err(fault),
            }
        }
        Ok(readable)
    }

    /// Once while the process lives.
    fn note_unreadable(&mut self, receipt: String) {
        if !self.unreadable.contains(&receipt) {
            tracing::error!(target: "scoregate::ledger", receipt, "what was about to be sent can't be read");
            self.unreadable.insert(receipt);
        }
    }
}

/// An intent that somebody left.
struct Orphan {
    receipt: String,
    read: Result<(Plain<'static>, Vec<u8>), Fault>,
}

impl Orphan {
    fn read(mut row: Cursor) -> Self {
        let receipt = row.text().unwrap_or_default();
        let mut read = || {
            let plain: Plain = serde_json::from_str(&row.text()?).map_err(Fault::refused)?;
            Ok((plain, row.bytes()?))
        };
        Self {
            receipt,
            read: read(),
        }
    }

    fn cell(&self) -> Option<i64> {
        let (plain, _) = self.read.as_ref().ok()?;
        plain.cell
    }

    /// One that somebody changed is refused here, where it harms no other.
    fn adoptable(
        self,
        is_standing: bool,
        key: Option<Cursor>,
        of_nobody: &SealKey,
    ) -> Result<(Plain<'static>, Vec<u8>), Fault> {
        let (plain, sealed) = self.read?;
        let receipt = Receipt::parse(&self.receipt).map_err(Fault::refused)?;
        if plain.receipt != receipt.text() || is_standing {
            return Err(Fault::refused("it is another entry's"));
        }
        let read = |mut row: Cursor| SealKey::from_bytes(&row.bytes()?);
        let key = match plain.cell {
            Some(_) => key.map(read).transpose()?,
            None => Some(of_nobody.clone()),
        };
        // Of an erased learner's nobody can tell; of another the cell's history would be unreadable.
        if key.is_some_and(|key| key.open(&receipt, &sealed).is_none()) {
            return Err(Fault::refused("its seal doesn't open"));
        }
        Ok((plain, sealed))
    }
}
