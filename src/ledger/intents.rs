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

const ORPHANS_OF_SQLITE: &str =
    "SELECT receipt, plain, sealed FROM intents WHERE holder <> $1 ORDER BY receipt LIMIT 1000";

const ORPHANS_OF_POSTGRES: &str = concat!(
    "SELECT receipt, plain, sealed FROM intents WHERE holder <> $1 AND ",
    holder_is_gone!("intents"),
    " ORDER BY receipt LIMIT 1000"
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

    /// Intents of processes that are no more become entries of unknown fate. How many. Those that can't be
    /// read stay where they are.
    pub fn adopt_intents(&mut self) -> Result<usize, Fault> {
        self.database.begin()?;
        let done = self.adopt_all();
        let done = done.and_then(|count| self.database.commit().map(|()| count));
        if done.is_err() {
            self.database.rollback();
        }
        done
    }

    /// Adopts what gateways left that are no more. On SQLite that was done at the start.
    pub fn adopt_orphans(&mut self) -> Result<(), Fault> {
        if self.database.dialect() == Dialect::Sqlite {
            return Ok(());
        }
        let me = [Input::Text(&self.holder)];
        let mut is_new = false;
        for mut row in self.database.query(ORPHANS_OF_POSTGRES, &me)? {
            is_new |= !self.unreadable.contains(&row.text()?);
        }
        if is_new {
            self.adopt_intents()?;
        }
        Ok(())
    }

    fn adopt_all(&mut self) -> Result<usize, Fault> {
        let mut head = Head::read_to_write(self.database.as_mut())?;
        let orphans = match self.database.dialect() {
            // The lock on the file says that no other gateway lives.
            Dialect::Sqlite => ORPHANS_OF_SQLITE,
            Dialect::Postgres => ORPHANS_OF_POSTGRES,
        };
        let mut rows = Vec::new();
        for mut orphan in self.database.query(orphans, &[Input::Text(&self.holder)])? {
            let receipt = orphan.text().unwrap_or_default();
            match self.read_orphan(&receipt, &mut orphan, &head.key) {
                Ok((plain, sealed)) => rows.push(head.append(plain, sealed)),
                Err(Fault::Refused(_)) => self.note_unreadable(receipt),
                Err(fault) => return Err(fault),
            }
        }
        if rows.is_empty() {
            return Ok(0);
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

    /// One that somebody changed is refused here, where it harms no other.
    fn read_orphan(
        &mut self,
        receipt: &str,
        orphan: &mut Cursor,
        of_nobody: &SealKey,
    ) -> Result<(Plain<'static>, Vec<u8>), Fault> {
        let plain: Plain = serde_json::from_str(&orphan.text()?).map_err(Fault::refused)?;
        let receipt = Receipt::parse(receipt).map_err(Fault::refused)?;
        if plain.receipt != receipt.text() || self.has(&receipt)? {
            return Err(Fault::refused("it is another entry's"));
        }
        let sealed = orphan.bytes()?;
        let key = match plain.cell {
            Some(cell) => self.key_of(cell)?,
            None => Some(of_nobody.clone()),
        };
        // Of an erased learner's nobody can tell; of another the cell's history would be unreadable.
        if key.is_some_and(|key| key.open(&receipt, &sealed).is_none()) {
            return Err(Fault::refused("its seal doesn't open"));
        }
        Ok((plain, sealed))
    }

    fn key_of(&mut self, cell: i64) -> Result<Option<SealKey>, Fault> {
        let find = "SELECT seal_key FROM cells WHERE id = $1";
        let found = self.database.query(find, &[Input::Integer(cell)])?;
        let key = |mut row: Cursor| SealKey::from_bytes(&row.bytes()?);
        found.into_iter().next().map(key).transpose()
    }

    /// Once while the process lives.
    fn note_unreadable(&mut self, receipt: String) {
        if !self.unreadable.contains(&receipt) {
            tracing::error!(target: "scoregate::ledger", receipt, "what was about to be sent can't be read");
            self.unreadable.insert(receipt);
        }
    }
}
