//! What a gateway finds when it begins, or begins again: much that waits to be written, and much that others left.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::sync_channel;
use std::thread;
use std::time::{Duration, Instant};

use super::counted::Counted;
use super::failures::{migrated, recorded};
use super::sample::{Home, cell, entry};
use super::suite::{all, soon, tamper, verdict, whole};
use crate::ledger::book::Book;
use crate::ledger::job::{Placed, Record, Write};
use crate::ledger::postgres::{AS_GATEWAY, Postgres};
use crate::ledger::schema::migrate;
use crate::ledger::strays::Strays;
use crate::ledger::writer::Writer;
use crate::ledger::{CannotOpen, Entry, Filter, Ledger, Place};

fn counted(home: &Home) -> (Book, Arc<AtomicUsize>) {
    let (database, waits) = Counted::new(migrated(home));
    let book = Book::new(Box::new(database), "test".into(), Default::default());
    (book, waits)
}

/// A writer with this to write, whose thread is the test's.
fn writer(book: Book, backlog: Vec<Write>) -> Writer {
    let (_, jobs) = sync_channel(1);
    Writer {
        book: Some(book),
        open: Box::new(|| Err(CannotOpen::Unused)),
        jobs,
        health: Arc::default(),
        meter: Arc::default(),
        retention: None,
        is_shared: false,
        locks: Arc::default(),
        strays: Strays::default(),
        served: 0,
        is_patient: false,
        has_company: false,
        backlog: VecDeque::from(backlog),
        end: None,
        retry_at: Instant::now(),
        tick_at: Instant::now(),
        told: Vec::new(),
    }
}

fn settled(entry: Entry) -> Write {
    Write::Record(Record {
        placed: Placed::new(entry),
        is_intended: true,
        held: None,
    })
}

fn intents(from: usize, to: usize) -> Vec<Write> {
    let intent = |number: usize| Write::Intend(Placed::intent(entry(&number.to_string(), "1")));
    (from..to).map(intent).collect()
}

/// The head of the chain is held meanwhile, and all gateways wait for it.
#[test]
fn what_many_were_about_to_send_is_adopted_with_few_waits() {
    let home = Home::sqlite();
    let (mut book, waits) = counted(&home);
    book.write(&intents(0, 450)).unwrap();
    tamper(&home, "UPDATE intents SET holder = 'dead'");
    waits.store(0, Ordering::Relaxed);
    book.adopt_intents().unwrap();
    // Three transactions.
    assert!(waits.load(Ordering::Relaxed) < 60, "{waits:?}");
    drop(book);
    assert_eq!(verdict(&home), whole(450));
}

/// More of them than are read at once.
#[test]
fn intents_that_cant_be_read_hide_no_other() {
    let home = Home::sqlite();
    let (mut book, _) = counted(&home);
    book.write(&intents(0, 500)).unwrap();
    let changed = "UPDATE intents SET plain = 'x' WHERE receipt IN \
         (SELECT receipt FROM intents ORDER BY receipt LIMIT 450)";
    tamper(&home, "UPDATE intents SET holder = 'dead'");
    tamper(&home, changed);
    book.adopt_intents().unwrap();
    drop(book);
    assert_eq!(all(&home, &Filter::default()).len(), 50);
}

#[test]
fn what_stands_already_of_a_long_backlog_is_found_with_few_waits() {
    let home = Home::sqlite();
    let (mut book, waits) = counted(&home);
    let entries: Vec<_> = (0..1_500).map(|_| entry("42", "1")).collect();
    let written = || entries.iter().cloned().map(recorded);
    for writes in written().take(1_000).collect::<Vec<_>>().chunks(500) {
        book.write(writes).unwrap();
    }
    let mut writer = writer(book, written().collect());
    let mut book = writer.book.take().unwrap();
    waits.store(0, Ordering::Relaxed);
    writer.drop_written(&mut book).unwrap();
    assert_eq!(writer.backlog.len(), 500);
    writer.book = Some(book);
    writer.try_flush().unwrap();
    assert!(waits.load(Ordering::Relaxed) < 20, "{waits:?}");
    assert_eq!(all(&home, &Filter::default()).len(), 1_500);
}

/// Between the look at what stands already and the writing another gateway may adopt.
#[test]
fn what_was_adopted_while_it_waited_is_recorded_beside_it() {
    let home = Home::sqlite();
    let (mut book, _) = counted(&home);
    let sent = entry("42", "1");
    let intent = Write::Intend(Placed::intent(sent.clone()));
    book.write(&[intent]).unwrap();
    tamper(&home, "UPDATE intents SET holder = 'dead'");
    book.adopt_intents().unwrap();
    let standing = entry("42", "2");
    book.write(&[recorded(standing.clone())]).unwrap();
    let backlog = vec![
        settled(sent),
        recorded(standing),
        recorded(entry("42", "3")),
    ];
    let mut writer = writer(book, backlog);
    writer.try_flush().unwrap();
    assert!(writer.backlog.is_empty());
    let book = writer.book.as_mut().unwrap();
    let opened = book.open(&[cell("42").fingerprint()]).unwrap();
    let Some(Ok(crate::ledger::job::Opened::History(history))) = opened.first() else {
        panic!("it can't be opened");
    };
    // What was adopted, what stood, what was recorded beside the first, and the last.
    assert_eq!(history.pasts.len(), 4);
    drop(writer);
    assert_eq!(verdict(&home), whole(4));
}

/// A transaction that others hold the head for longer than one statement may take.
#[tokio::test(flavor = "multi_thread")]
async fn a_start_waits_for_whoever_holds_the_head() {
    let home = Home::postgres();
    drop(Ledger::open(&home.settings).unwrap());
    let cluster = home.cluster.clone().unwrap();
    let name = home.name();
    let holding = thread::spawn(move || {
        let hold = "BEGIN; SELECT 1 FROM head FOR UPDATE; SELECT pg_sleep(6); COMMIT";
        cluster.psql(&name, hold);
    });
    let cluster = home.cluster.as_ref().unwrap();
    let held = "SELECT COUNT(*) FROM pg_stat_activity WHERE query LIKE '%FOR UPDATE; SELECT pg_sleep%' \
         AND wait_event = 'PgSleep' AND datname = current_database()";
    let end = soon();
    while cluster.psql(&home.name(), held).trim() != "1" {
        assert!(Instant::now() < end, "nobody holds it");
        thread::sleep(Duration::from_millis(20));
    }
    let began = Instant::now();
    let ledger = tokio::task::block_in_place(|| Ledger::open(&home.settings)).unwrap();
    // It has waited for more than one statement's time, so it has tried again.
    assert!(
        began.elapsed() > Duration::from_secs(4),
        "{:?}",
        began.elapsed()
    );
    assert_eq!(ledger.record(entry("42", "1")).await, Ok(()));
    holding.join().unwrap();
}

/// What a gateway adopts may be long on its way, and its own cells stay its own.
#[test]
fn a_database_hears_of_a_gateway_while_it_adopts() {
    let home = Home::postgres();
    let Place::Postgres(place) = &home.settings.place else {
        panic!("PostgreSQL has a URL");
    };
    let mut database = Postgres::connect(place, AS_GATEWAY).unwrap();
    migrate(&mut database).unwrap();
    let mut book = Book::new(Box::new(database), "me".into(), Default::default());
    book.stay_alive().unwrap();
    book.write(&intents(0, 300)).unwrap();
    tamper(
        &home,
        "UPDATE intents SET holder = 'dead'; \
         CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS \
         $$ BEGIN PERFORM pg_sleep(0.1); RETURN NULL; END $$; \
         CREATE TRIGGER slow AFTER INSERT ON entries FOR EACH STATEMENT EXECUTE FUNCTION slow()",
    );
    let cluster = home.cluster.as_ref().unwrap();
    let heard = || {
        let until = "SELECT alive_until FROM holders WHERE id = 'me'";
        let until = cluster.psql(&home.name(), until);
        until.trim().parse::<i64>().unwrap()
    };
    let before = heard();
    book.adopt_intents().unwrap();
    assert!(heard() > before);
    assert_eq!(verdict(&home), whole(300));
}
