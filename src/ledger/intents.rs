//! Intents: what is about to be sent, written down before it is. One that is never settled becomes an
//! entry of unknown fate.

use std::sync::LazyLock;

use super::book::Book;
use super::cells::Sealing;
use super::database::{Dialect, Input, Insert};
use super::fault::Fault;
use super::head::Head;
use super::job::{Placed, Record, Write};
use super::receipt::Receipt;
use super::row::{ENTRIES, Plain, Row};

static INTENTS: LazyLock<Insert> =
    LazyLock::new(|| Insert::new("intents (receipt, holder, cell, plain, sealed)", 5));

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
        let values: Vec<_> = receipts
            .map(|receipt: &Receipt| vec![Input::Text(receipt.text())])
            .collect();
        self.database
            .execute_each("DELETE FROM intents WHERE receipt = $1", &values)?;
        Ok(())
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
}
