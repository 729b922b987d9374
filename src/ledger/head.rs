//! The end of the chain, and what is counted beside it: one row, which whoever writes holds.

use super::chain::{Hash, link};
use super::database::{Cursor, Database, Dialect, Input};
use super::fault::Fault;
use super::row::{Plain, Row};
use super::schema::NEWEST;
use super::seal::SealKey;

pub struct Head {
    pub sequence: i64,
    pub hash: Hash,
    pub anchor_sequence: i64,
    pub anchor_hash: Hash,
    pub cells: i64,
    pub erasures: i64,
    pub key: SealKey,
}

/// The last entry of the chain; 0 and zeros without any.
#[derive(Clone, Copy)]
pub struct End {
    pub sequence: i64,
    pub hash: Hash,
}

const HEAD: &str = "SELECT sequence, hash, anchor_sequence, anchor_hash, cells, erasures, \
     seal_key, schema_version FROM head WHERE one = 1";
/// Whoever has this row writes; the other gateways wait, for the length of one transaction.
const HEAD_TO_WRITE: &str = "SELECT sequence, hash, anchor_sequence, anchor_hash, cells, erasures, \
     seal_key, schema_version FROM head WHERE one = 1 FOR UPDATE";

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
        let head = Self {
            sequence: row.integer()?,
            hash: Hash::read(&row.bytes()?),
            anchor_sequence: row.integer()?,
            anchor_hash: Hash::read(&row.bytes()?),
            cells: row.integer()?,
            erasures: row.integer()?,
            key: SealKey::from_bytes(&row.bytes()?)?,
        };
        // Whoever opens it anew says why.
        match row.integer()? {
            NEWEST => Ok(head),
            _ => Err(Fault::lost(
                "another version of scoregate has migrated the ledger",
            )),
        }
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

    pub fn end(&self) -> End {
        End {
            sequence: self.sequence,
            hash: self.hash,
        }
    }

    pub fn append<'a>(&mut self, plain: Plain<'a>, sealed: Vec<u8>) -> Row<'a> {
        let row = link(self.sequence + 1, self.hash, plain, sealed);
        self.sequence = row.sequence;
        self.hash = row.hash;
        row
    }
}
