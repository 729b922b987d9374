//! Reads the ledger page by page, from either end, in bounded time: who asks waits for an answer,
//! and a filter may fit nothing among millions. A page that ends early says where to go on.

use std::time::Instant;

use super::database::{Cursor, Input};
use super::entry::Kept;
use super::fault::Fault;
use super::filter::Filter;
use super::found::{Found, Read};
use super::head::Head;
use super::reader::{Order, Reader, Span};
use super::receipt::Receipt;

/// The most entries that one statement looks at, whatever it finds.
const WINDOW: i64 = 2_000;

/// The most that one statement brings where what it brings is compared again.
const MOST_COMPARED: usize = 500;

/// What a page is asked for.
pub struct Browse<'a> {
    pub filter: &'a Filter,
    pub order: Order,
    /// Begins behind this entry, in `order`.
    pub after: Option<&'a Receipt>,
    /// The most entries.
    pub most: usize,
    /// No statement begins after this, save the first.
    pub until: Instant,
    /// Whether a learner's id is meant, where only the asker can tell.
    pub is_meant: Option<&'a dyn Fn(&str) -> bool>,
}

/// One page.
pub struct Leaf {
    pub entries: Vec<Kept>,
    /// How many more would be here that can't be read.
    pub unreadable: usize,
    /// Where the next one begins behind; `None` at the end.
    pub next: Option<Receipt>,
}

impl Reader {
    /// A page of what matches; `None` where there is no entry to begin behind.
    pub fn browse(&mut self, browse: &Browse<'_>) -> Result<Option<Leaf>, Fault> {
        let head = Head::read(self.database.as_mut())?;
        let Some(mut left) = self.whole(browse, &head)? else {
            return Ok(None);
        };
        let (mut entries, mut unreadable) = (Vec::new(), 0);
        while left.after < left.to {
            unreadable += self.read_on(browse, &head, &mut left, &mut entries)?;
            if entries.len() >= browse.most || Instant::now() >= browse.until {
                break;
            }
        }
        let next = self.edge(left, browse.order)?;
        Ok(Some(Leaf {
            entries,
            unreadable,
            next,
        }))
    }

    /// All that can match.
    fn whole(&mut self, browse: &Browse<'_>, head: &Head) -> Result<Option<Span>, Fault> {
        let start = self.start(browse.filter)?;
        let mut span = Span {
            after: start.max(head.anchor_sequence),
            to: head.sequence,
        };
        let Some(receipt) = browse.after else {
            return Ok(Some(span));
        };
        let find = "SELECT sequence FROM entries WHERE receipt = $1";
        let found = self.database.query(find, &[Input::Text(receipt.text())])?;
        let Some(mut found) = found.into_iter().next() else {
            return Ok(None);
        };
        let sequence = found.integer()?;
        match browse.order {
            Order::OldestFirst => span.after = span.after.max(sequence),
            Order::NewestFirst => span.to = span.to.min(sequence - 1),
        }
        Ok(Some(span))
    }

    /// Takes one window off what is left, or as much of it as fills the page. How many can't be read.
    fn read_on(
        &mut self,
        browse: &Browse<'_>,
        head: &Head,
        left: &mut Span,
        entries: &mut Vec<Kept>,
    ) -> Result<usize, Fault> {
        let window = left.window(browse.order);
        let most = browse.most_rows(entries.len());
        let limit = i64::try_from(most).unwrap_or(WINDOW);
        let found = self.part(browse.filter, window, browse.order, limit)?;
        let mut is_whole = found.len() < most;
        let (mut last, mut unreadable) = (None, 0);
        for found in found {
            last = Some(found.sequence);
            if browse.covers(&found) {
                match found.unseal(&head.key) {
                    Some(kept) => entries.push(kept),
                    None => unreadable += 1,
                }
            }
            if entries.len() >= browse.most {
                is_whole = false;
                break;
            }
        }
        left.pass(browse.order, window, last.filter(|_| !is_whole));
        Ok(unreadable)
    }

    /// The last entry that was looked at, where some are left.
    fn edge(&mut self, left: Span, order: Order) -> Result<Option<Receipt>, Fault> {
        if left.after >= left.to {
            return Ok(None);
        }
        let (find, edge) = match order {
            Order::OldestFirst => (
                "SELECT receipt FROM entries WHERE sequence <= $1 ORDER BY sequence DESC LIMIT 1",
                left.after,
            ),
            Order::NewestFirst => (
                "SELECT receipt FROM entries WHERE sequence > $1 ORDER BY sequence LIMIT 1",
                left.to,
            ),
        };
        let found = self.database.query(find, &[Input::Integer(edge)])?;
        let read = |mut row: Cursor| Receipt::parse(&row.text()?).map_err(Fault::refused);
        found.into_iter().next().map(read).transpose()
    }
}

impl Browse<'_> {
    fn covers(&self, found: &Found) -> bool {
        let learner = || found.read.as_ref().and_then(Read::learner);
        let is_meant = |is_meant: &dyn Fn(&str) -> bool| learner().is_some_and(is_meant);
        self.filter.covers(found) && self.is_meant.is_none_or(is_meant)
    }

    fn most_rows(&self, have: usize) -> usize {
        let is_compared = self.is_meant.is_some() || self.filter.line_items.is_some();
        match is_compared {
            true => MOST_COMPARED,
            false => self.most.saturating_sub(have).max(1),
        }
    }
}

impl Span {
    fn window(self, order: Order) -> Self {
        match order {
            Order::OldestFirst => Self {
                to: self.to.min(self.after.saturating_add(WINDOW)),
                ..self
            },
            Order::NewestFirst => Self {
                after: self.after.max(self.to.saturating_sub(WINDOW)),
                ..self
            },
        }
    }

    /// Leaves out what was looked at: up to `last`, or the whole window.
    fn pass(&mut self, order: Order, window: Self, last: Option<i64>) {
        match order {
            Order::OldestFirst => self.after = last.unwrap_or(window.to),
            Order::NewestFirst => self.to = last.map_or(window.after, |last| last - 1),
        }
    }
}
