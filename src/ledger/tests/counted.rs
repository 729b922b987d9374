//! A database that counts how often it is waited for: each wait is a way to another machine and back.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::ledger::Fault;
use crate::ledger::database::{Cursor, Database, Dialect, Input};
use crate::ledger::sqlite::Sqlite;

pub struct Counted {
    database: Sqlite,
    waits: Arc<AtomicUsize>,
}

impl Counted {
    pub fn new(database: Sqlite) -> (Self, Arc<AtomicUsize>) {
        let waits = Arc::<AtomicUsize>::default();
        let counted = Self {
            database,
            waits: waits.clone(),
        };
        (counted, waits)
    }

    fn count(&mut self) -> &mut Sqlite {
        self.waits.fetch_add(1, Ordering::Relaxed);
        &mut self.database
    }
}

impl Database for Counted {
    fn dialect(&self) -> Dialect {
        self.database.dialect()
    }

    fn begin(&mut self) -> Result<(), Fault> {
        self.count().begin()
    }

    fn commit(&mut self) -> Result<(), Fault> {
        self.count().commit()
    }

    fn rollback(&mut self) {
        self.count().rollback();
    }

    fn execute_each(
        &mut self,
        sql: &'static str,
        sets: &[Vec<Input<'_>>],
    ) -> Result<Vec<u64>, Fault> {
        self.count().execute_each(sql, sets)
    }

    fn query_each(
        &mut self,
        sql: &'static str,
        sets: &[Vec<Input<'_>>],
    ) -> Result<Vec<Vec<Cursor>>, Fault> {
        self.count().query_each(sql, sets)
    }

    fn script(&mut self, sql: &str) -> Result<(), Fault> {
        self.count().script(sql)
    }
}
