//! What the writer opens: cells, many with one wait for the database, each for somebody who waits for its
//! history.

use std::collections::HashSet;

use super::cell::Cell;
use super::fault::{Fault, Unavailable};
use super::job::{Opened, Reply, Write};
use super::writer::{Writer, tell_of_refusal};

/// The most cells that are opened with one wait for the database: whoever is first waits for the last.
const MOST_OPENED: usize = 64;

impl Writer {
    pub(super) fn open_cells(&mut self, mut opens: Vec<(Cell, Reply<Opened>)>) {
        while !opens.is_empty() {
            let rest = opens.split_off(opens.len().min(MOST_OPENED));
            self.open_some(opens);
            opens = rest;
            // Or the leases of a long line would grow too old to be sure of.
            self.tick_if_due();
        }
    }

    fn open_some(&mut self, opens: Vec<(Cell, Reply<Opened>)>) {
        let cells: Vec<_> = opens.iter().map(|(cell, _)| cell.fingerprint()).collect();
        let done = self.with_book_raw(|book| book.open(&cells));
        let was_asked = done.is_some();
        let opened = match done {
            Some(Ok(opened)) => opened.into_iter().map(of_its_own).collect(),
            // One of them is at fault: each alone, so that the others are opened.
            Some(Err(Fault::Refused(_))) if opens.len() > 1 => {
                for open in opens {
                    self.open_some(vec![open]);
                    self.tick_if_due();
                }
                return;
            }
            Some(Err(Fault::Refused(_))) => vec![Err(Unavailable::Unusable)],
            Some(Err(Fault::Lost(_))) | None => vec![Err(Unavailable::Failing); cells.len()],
        };
        let (mut held, mut left) = (HashSet::new(), HashSet::new());
        for ((cell, (_, reply)), opened) in cells.into_iter().zip(opens).zip(opened) {
            let is_busy = matches!(opened, Ok(Opened::Busy));
            let is_open = matches!(opened, Ok(Opened::History(_)));
            let is_told = reply.send(opened).is_ok();
            match is_open && is_told {
                true => held.insert(cell),
                false => !is_busy && left.insert(cell),
            };
        }
        // Leases that were taken, or may have been, and that nobody has.
        if self.is_shared && was_asked {
            let unused: Vec<_> = left.difference(&held).copied().collect();
            unused
                .into_iter()
                .for_each(|cell| self.keep(Write::Free(cell)));
        }
        self.flush();
    }
}

/// A cell that can't be opened, though the database can be used.
fn of_its_own(opened: Result<Opened, Fault>) -> Result<Opened, Unavailable> {
    opened.map_err(|fault| {
        tell_of_refusal(&fault);
        Unavailable::Unusable
    })
}
