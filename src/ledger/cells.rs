//! The cells of what is written: each has a number and a key, made with its first entry. Those of hot
//! cells are remembered.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::book::Book;
use super::cell::Fingerprint;
use super::database::{Input, Insert};
use super::draft::Draft;
use super::fault::Fault;
use super::head::Head;
use super::job::{Placed, Write};
use super::seal::{SealKey, Uses};

static CELLS: LazyLock<Insert> = LazyLock::new(|| {
    Insert::new(
        "cells (id, fingerprint, account, line_item, learner, seal_key)",
        6,
    )
});

/// A cell as the database knows it.
#[derive(Clone)]
pub struct CellKey {
    pub id: i64,
    pub uses: Uses,
}

/// What an entry is sealed with, and its cell.
pub(super) struct Sealing {
    pub cell: Option<i64>,
    pub uses: Uses,
}

impl Book {
    /// Finds the cells of what is written, and makes those that are new.
    pub(super) fn know_cells(&mut self, writes: &[Write], head: &mut Head) -> Result<(), Fault> {
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

    pub(super) fn sealing(&self, placed: &Placed, head: &Head) -> Result<Sealing, Fault> {
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
}
