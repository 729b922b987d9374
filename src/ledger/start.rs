//! The start of a ledger: its database is opened, migrated and rid of what another run left, on the thread
//! that will write.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;
use std::time::Instant;

use arc_swap::ArcSwap;

use super::book::Book;
use super::cell::CellLocks;
use super::database::Database;
use super::fault::{CannotOpen, Fault};
use super::health::Health;
use super::histories::Histories;
use super::job::Job;
use super::lock_file::LockFile;
use super::meter::LedgerMeter;
use super::place::{Durability, Place, PostgresPlace, Settings};
use super::postgres::{AS_GATEWAY, Postgres};
use super::receipt::Receipt;
use super::schema::{migrate, require_current};
use super::sqlite::Sqlite;
use super::strays::Strays;
use super::writer::{Opener, Writer};
use crate::error::chain;

/// How often a start tries to write what gateways that are no more were about to send, for four seconds each time.
const MOST_TRIES: usize = 8;

/// Where the next connection to PostgreSQL is made, and with what password.
pub type Whereabouts = Arc<ArcSwap<PostgresPlace>>;

/// The database is opened on the writer's thread too: its connection may have a runtime, and the
/// caller another.
pub fn start_writer(
    mut open: Opener,
    jobs: Receiver<Job>,
    (health, meter, locks): (Arc<Health>, Arc<LedgerMeter>, Arc<CellLocks>),
    settings: &Settings,
) -> Result<(), CannotOpen> {
    let (opened, result) = sync_channel(1);
    let retention = settings.retention;
    let is_batched = settings.durability == Durability::Batched;
    // PostgreSQL waits for its disk under either.
    let is_shared = matches!(settings.place, Place::Postgres(_));
    let is_patient = is_batched && !is_shared;
    let run = move || {
        let book = match first_open(&mut open) {
            Ok(book) => book,
            Err(cause) => {
                // The file's lock goes first, so that who is told may try again.
                drop(open);
                let _ = opened.send(Err(cause));
                return;
            }
        };
        let _ = opened.send(Ok(()));
        let writer = Writer {
            book: Some(book),
            open,
            jobs,
            health,
            meter,
            retention,
            is_shared,
            locks,
            strays: Strays::default(),
            served: 0,
            is_patient,
            has_company: false,
            backlog: VecDeque::new(),
            end: None,
            retry_at: Instant::now(),
            tick_at: Instant::now(),
            told: Vec::new(),
        };
        writer.run();
    };
    let thread = thread::Builder::new().name("ledger".into());
    thread.spawn(run).map_err(CannotOpen::Thread)?;
    let ended = || CannotOpen::Database(Fault::lost("the ledger's thread has ended"));
    result.recv().unwrap_or_else(|_| Err(ended()))
}

fn first_open(open: &mut Opener) -> Result<Book, CannotOpen> {
    let mut book = open()?;
    book.stay_alive()?;
    adopt_patiently(&mut book)?;
    Ok(book)
}

/// Others may adopt for long, and one that is killed while it writes is noticed late: that ends no start.
fn adopt_patiently(book: &mut Book) -> Result<(), Fault> {
    for _ in 1..MOST_TRIES {
        match book.adopt_intents() {
            Err(fault) if fault.has_waited_in_vain() => {
                tracing::warn!(target: "scoregate::ledger", cause = chain(&fault), "the ledger is busy; the start waits for it");
                book.stay_alive()?;
            }
            done => return done,
        }
    }
    book.adopt_intents()
}

/// Opens the database anew each time; a SQLite file's lock is taken once, for good.
pub fn opener(
    settings: &Settings,
    memory: (Arc<Histories>, Arc<Health>),
) -> Result<(Opener, Option<Whereabouts>), CannotOpen> {
    let holder = Receipt::mint(jiff::Timestamp::now())
        .map_err(Fault::lost)?
        .text()
        .to_owned();
    let durability = settings.durability;
    Ok(match settings.place.clone() {
        Place::Sqlite(path) => {
            let file = Arc::new(LockFile::take(&path)?);
            let mut bring_up_to_date = at_first();
            let open: Opener = Box::new(move || {
                let mut database = Sqlite::open_locked(file.clone(), durability)?;
                bring_up_to_date(&mut database)?;
                Ok(Book::new(
                    Box::new(database),
                    holder.clone(),
                    memory.clone(),
                ))
            });
            (open, None)
        }
        Place::Postgres(place) => {
            let whereabouts = Arc::new(ArcSwap::from_pointee(place));
            let known = whereabouts.clone();
            let mut bring_up_to_date = at_first();
            let open: Opener = Box::new(move || {
                let mut database = Postgres::connect(&known.load(), AS_GATEWAY)?;
                database.require_every_text()?;
                bring_up_to_date(&mut database)?;
                Ok(Book::new(
                    Box::new(database),
                    holder.clone(),
                    memory.clone(),
                ))
            });
            (open, Some(whereabouts))
        }
    })
}

/// Migrates the first database. One that takes its place later has what was recorded in this one, or is not gone
/// on with: whoever brings back a copy finds it as it was.
fn at_first() -> impl FnMut(&mut dyn Database) -> Result<(), CannotOpen> + Send {
    let mut is_first = true;
    move |database| match is_first {
        true => migrate(database).inspect(|()| is_first = false),
        false => require_current(database),
    }
}
