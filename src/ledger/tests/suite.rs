//! The conformance suite: what both databases must do, each as a test of its own.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use super::sample::{Home, cell, entry, history, json, past, points};
use crate::explanation::read_recorded;
use crate::ledger::head::Head;
use crate::ledger::verify::{Break, Reason};
use crate::ledger::writer::RETRY;
use crate::ledger::{
    CannotOpen, Decision, Durability, Erasure, Filter, Json, Kept, Learner, Ledger, Reader,
    Receipt, Unavailable, Verdict,
};
use crate::line_item::Pattern;
use crate::policy::Fate;

macro_rules! suite {
    ($($name:ident)*) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() { super::$name(super::Home::sqlite()).await })*
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() { super::$name(super::Home::postgres()).await })*
        }
    };
}
pub(super) use suite;

suite! {
    keeps_every_member_of_an_entry
    keeps_a_score_and_what_differs_from_it
    keeps_entries_without_a_learner
    finds_by_each_filter
    gives_a_cell_its_history
    remembers_what_was_recorded_while_a_cell_was_held
    forgets_what_was_erased_while_a_cell_was_held
    remembers_a_history_past_what_is_no_part_of_it
    judges_one_submission_of_a_cell_after_another
    opens_the_others_beside_a_cell_that_cant_be_read
    keeps_only_the_comment_that_left_last
    frees_a_cell_whose_holder_gave_up
    does_not_wait_for_a_cell_beyond_the_deadline
    turns_intents_of_a_crash_into_entries_of_unknown_fate
    goes_on_past_an_intent_that_cant_be_read
    leaves_no_intent_behind_what_was_settled_or_withdrawn
    tells_a_whole_chain_and_where_it_is_broken
    erases_a_learner_and_keeps_the_chain
    erases_single_cells
    notices_an_erasure_while_it_runs
    drops_what_is_too_old_and_keeps_the_chain
    goes_on_with_no_database_that_lacks_what_was_recorded
    numbers_policies_for_good
    writes_in_one_transaction_what_waits
    survives_texts_that_a_database_dislikes
}

/// With a reader, as a command has one: away from the test's runtime.
pub fn reading<T>(home: &Home, work: impl FnOnce(&mut Reader) -> T) -> T {
    tokio::task::block_in_place(|| work(&mut Reader::open(&home.settings).unwrap()))
}

/// What an erasure takes; done, if there is anything.
fn erase(home: &Home, user: &str, account: Option<&str>, items: Option<&Pattern>) -> Erasure {
    reading(home, |reader| {
        let erasure = reader.erasure(user, account, items).unwrap();
        if !erasure.cells.is_empty() {
            reader.erase(&erasure).unwrap();
        }
        erasure
    })
}

pub fn all(home: &Home, filter: &Filter) -> Vec<Kept> {
    reading(home, |reader| {
        let mut found = Vec::new();
        let take = |kept| {
            found.push(kept);
            ControlFlow::Continue(())
        };
        reader.each(filter, take).unwrap();
        found
    })
}

/// What `verify` finds, without the last hash.
pub fn verdict(home: &Home) -> (i64, Option<Break>) {
    let Verdict {
        entries, broken, ..
    } = reading(home, |reader| reader.verify().unwrap());
    (entries, broken)
}

pub fn whole(entries: i64) -> (i64, Option<Break>) {
    (entries, None)
}

pub fn soon() -> Instant {
    Instant::now() + Duration::from_secs(10)
}

pub async fn until_healthy(ledger: &Ledger) {
    let end = Instant::now() + Duration::from_secs(20);
    while !ledger.is_healthy() {
        assert!(Instant::now() < end, "it does not recover");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn keeps_every_member_of_an_entry(home: Home) {
    let ledger = Ledger::open(&home.settings).unwrap();
    let given = entry("learner-7", "83.25");
    ledger.record(given.clone()).await.unwrap();
    let find = |receipt: &Receipt| reading(&home, |reader| reader.find(receipt).unwrap());
    let kept = find(&given.receipt).unwrap();
    assert_eq!(kept.sequence, 1);
    assert_eq!(kept.user(), Some("learner-7"));
    assert_eq!(kept.prev_hash, "0".repeat(64));
    assert!(kept.digest.starts_with("hmac-sha256:") && kept.digest.len() == 76);
    let read = kept.entry;
    assert_eq!(read.receipt, given.receipt);
    assert_eq!(read.time.as_microsecond(), given.time.as_microsecond());
    assert_eq!((read.account, read.caller), (given.account, given.caller));
    assert_eq!((read.line_item, read.user), (given.line_item, given.user));
    assert_eq!((read.decision, read.code), (given.decision, given.code));
    assert_eq!((read.rules, read.judged), (given.rules, given.judged));
    assert_eq!(read.policy_generation, given.policy_generation);
    assert_eq!(
        (read.upstream, read.duration_ms),
        (given.upstream, given.duration_ms)
    );
    assert_eq!(read.past, given.past);
    for (read, given) in [
        (read.submission, given.submission),
        (read.sent, given.sent),
        (read.explanation, given.explanation),
    ] {
        assert_eq!(read.unwrap().bytes(), given.unwrap().bytes());
    }
    for sent in [None, Some("{\"scoreGiven\":100}")] {
        let mut given = entry("learner-7", "110");
        given.sent = sent.map(json);
        ledger.record(given.clone()).await.unwrap();
        let read = find(&given.receipt).unwrap().entry.sent;
        assert_eq!(read.as_ref().map(Json::bytes), sent.map(str::as_bytes));
    }
    let other = Receipt::mint(given.time).unwrap();
    assert!(find(&other).is_none());
}

/// As the path records it: the score itself, and what its history gains by it.
async fn keeps_a_score_and_what_differs_from_it(home: Home) {
    let ledger = Ledger::open(&home.settings).unwrap();
    let canonical = r#"{"userId":"learner \"7\"","activityProgress":"Completed","gradingProgress":"FullyGraded","scoreGiven":7,"scoreMaximum":10,"comment":"well done","timestamp":"2026-01-01T00:00:00.123+01:00"}"#;
    let score = read_recorded(canonical.as_bytes()).unwrap();
    let mut gains = Vec::new();
    for sent in [Some(canonical), Some("{\"scoreGiven\":5}"), None] {
        let mut given = entry(&score.user, "7");
        given.submission = None;
        given.score = Some(score.clone());
        given.sent = sent.map(json);
        let past = given.past.as_mut().unwrap();
        past.points = score.points;
        if sent.is_none() {
            past.sent = None;
            past.fate = Fate::Unknown;
        }
        gains.push(past.clone());
        ledger.record(given.clone()).await.unwrap();
        let find = |receipt: &Receipt| reading(&home, |reader| reader.find(receipt).unwrap());
        let kept = find(&given.receipt).unwrap();
        assert_eq!(kept.user(), Some("learner \"7\""));
        let read = kept.entry;
        assert_eq!(read.time, given.kept_time());
        assert_eq!(
            read.submission.as_ref().map(Json::bytes),
            Some(canonical.as_bytes())
        );
        assert_eq!(read.sent.as_ref().map(Json::bytes), sent.map(str::as_bytes));
        assert_eq!(read.past, given.past);
    }
    ledger.close(Instant::now() + Duration::from_secs(5)).await;
    let ledger = Ledger::open(&home.settings).unwrap();
    let held = ledger.hold(cell(&score.user), soon()).await.unwrap();
    assert_eq!(**held.history(), history(gains));
    assert_eq!(verdict(&home), whole(3));
}

async fn keeps_entries_without_a_learner(home: Home) {
    let ledger = Ledger::open(&home.settings).unwrap();
    let mut given = entry("x", "1");
    (given.user, given.score, given.submission) = (None, None, None);
    (given.sent, given.past) = (None, None);
    (given.decision, given.code) = (Decision::Refused, Some("MALFORMED_BODY".into()));
    given.judged = None;
    ledger.record(given).await.unwrap();
    let kept = all(&home, &Filter::default()).pop().unwrap();
    assert_eq!((kept.user(), kept.learner), (None, Learner::Absent));
    assert_eq!(
        kept.entry.explanation.unwrap().bytes(),
        b"{\"decision\":\"forwarded\"}"
    );
    assert_eq!(verdict(&home), whole(1));
}

async fn finds_by_each_filter(home: Home) {
    let ledger = Ledger::open(&home.settings).unwrap();
    let (one, mut two) = (entry("u1", "1"), entry("u2", "2"));
    two.caller = "code-lab".into();
    two.account = "other".into();
    two.decision = Decision::Refused;
    two.code = Some("POLICY_REFUSED".into());
    two.line_item = "https://moodle.example.edu/7".into();
    two.time = one.time + Duration::from_secs(60);
    two.receipt = Receipt::mint(two.time).unwrap();
    ledger.record(one).await.unwrap();
    ledger.record(two.clone()).await.unwrap();
    let everything = Filter::default;
    for filter in [
        Filter {
            since: Some(two.time),
            ..everything()
        },
        Filter {
            decision: Some(Decision::Refused),
            ..everything()
        },
        Filter {
            code: two.code.clone(),
            ..everything()
        },
        Filter {
            account: Some("other".into()),
            ..everything()
        },
        Filter {
            caller: Some("code-lab".into()),
            ..everything()
        },
        Filter {
            user: Some("u2".into()),
            ..everything()
        },
        Filter {
            line_items: Pattern::parse("https://moodle.example.edu/*").ok(),
            ..everything()
        },
        Filter {
            after: 1,
            ..everything()
        },
    ] {
        let found = all(&home, &filter);
        assert_eq!(found.len(), 1, "{filter:?}");
        assert_eq!(found[0].entry.receipt, two.receipt, "{filter:?}");
    }
    assert_eq!(all(&home, &everything()).len(), 2);
}

async fn gives_a_cell_its_history(home: Home) {
    let ledger = Ledger::open(&home.settings).unwrap();
    for given in ["10", "30", "20"] {
        let held = ledger.hold(cell("42"), soon()).await.unwrap();
        ledger.settle(held, entry("42", given)).await.unwrap();
    }
    ledger.record(entry("43", "5")).await.unwrap();
    let mut aside = entry("42", "9");
    aside.past = None;
    ledger.record(aside).await.unwrap();
    let expected = history([past("10"), past("30"), past("20")]);
    let held = ledger.hold(cell("42"), soon()).await.unwrap();
    assert_eq!(**held.history(), expected);
    drop(held);
    drop(ledger);
    let again = reopen(&home).await;
    let held = again.hold(cell("42"), soon()).await.unwrap();
    assert_eq!(**held.history(), expected);
    assert!(held.is_still_held());
    let other = again.hold(cell("none"), soon()).await.unwrap();
    assert!(other.history().is_empty());
}

/// Where no key in force looks back, a submission is recorded without the cell.
async fn remembers_what_was_recorded_while_a_cell_was_held(home: Home) {
    let ledger = Ledger::open(&home.settings).unwrap();
    let held = ledger.hold(cell("42"), soon()).await.unwrap();
    ledger.record(entry("42", "7")).await.unwrap();
    ledger.settle(held, entry("42", "8")).await.unwrap();
    let held = ledger.hold(cell("42"), soon()).await.unwrap();
    assert_eq!(**held.history(), history([past("7"), past("8")]));
}

async fn forgets_what_was_erased_while_a_cell_was_held(home: Home) {
    let ledger = Ledger::open(&home.settings).unwrap();
    ledger.record(entry("42", "7")).await.unwrap();
    let held = ledger.hold(cell("42"), soon()).await.unwrap();
    erase(&home, "42", None, None);
    ledger.settle(held, entry("42", "8")).await.unwrap();
    let held = ledger.hold(cell("42"), soon()).await.unwrap();
    assert_eq!(**held.history(), vec![past("8")]);
}

/// The writer's thread lets the file go a moment after the last handle went.
pub async fn reopen(home: &Home) -> Ledger {
    let end = soon();
    loop {
        match Ledger::open(&home.settings) {
            Ok(ledger) => return ledger,
            // Each try keeps a file open for good: to close it would take SQLite's own lock away.
            Err(CannotOpen::InUse(_)) if Instant::now() < end => {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            Err(cause) => panic!("{cause}"),
        }
    }
}

/// A tool that is refused all the time would have it read each time.
async fn remembers_a_history_past_what_is_no_part_of_it(home: Home) {
    let ledger = Ledger::open(&home.settings).unwrap();
    let held = ledger.hold(cell("42"), soon()).await.unwrap();
    ledger.settle(held, entry("42", "1")).await.unwrap();
    let refused = || {
        let mut refused = entry("42", "2");
        (refused.past, refused.sent) = (None, None);
        refused
    };
    let remembered = || ledger.inner.histories.get(&cell("42").fingerprint());
    let held = ledger.hold(cell("42"), soon()).await.unwrap();
    ledger.settle(held, refused()).await.unwrap();
    assert_eq!(remembered().unwrap().pasts.len(), 1);
    ledger.record(refused()).await.unwrap();
    assert_eq!(remembered().unwrap().pasts.len(), 1);
    // One that nobody held it for is a part of it, and not known to whoever held it meanwhile.
    let held = ledger.hold(cell("42"), soon()).await.unwrap();
    ledger.record(entry("42", "3")).await.unwrap();
    ledger.settle(held, refused()).await.unwrap();
    assert!(remembered().is_none());
    let held = ledger.hold(cell("42"), soon()).await.unwrap();
    assert_eq!(held.history().len(), 2);
}

async fn judges_one_submission_of_a_cell_after_another(home: Home) {
    let ledger = Ledger::open(&home.settings).unwrap();
    let submit = |number: usize| {
        let ledger = ledger.clone();
        async move {
            let held = ledger.hold(cell("42"), soon()).await.unwrap();
            let seen = held.history().len();
            tokio::task::yield_now().await;
            ledger
                .settle(held, entry("42", &number.to_string()))
                .await
                .unwrap();
            seen
        }
    };
    let tasks: Vec<_> = (0..64).map(|number| tokio::spawn(submit(number))).collect();
    let mut seen = Vec::new();
    for task in tasks {
        seen.push(task.await.unwrap());
    }
    seen.sort_unstable();
    assert_eq!(seen, (0..64).collect::<Vec<_>>());
    assert_eq!(ledger.locks().count(), 0);
    assert_eq!(verdict(&home), whole(64));
}

/// However many are opened at once.
async fn opens_the_others_beside_a_cell_that_cant_be_read(home: Home) {
    const LEARNERS: usize = 20;
    let ledger = Ledger::open(&home.settings).unwrap();
    for learner in 0..LEARNERS {
        let entry = entry(&learner.to_string(), "1");
        ledger.record(entry).await.unwrap();
    }
    drop(ledger);
    let key = match home.cluster {
        Some(_) => "'\\x00'",
        None => "X'00'",
    };
    tamper(
        &home,
        &format!("UPDATE cells SET seal_key = {key} WHERE learner = '7'"),
    );
    // Once nobody has it: it remembers keys and histories.
    let ledger = reopen(&home).await;
    let open = |learner: usize| {
        let ledger = ledger.clone();
        tokio::spawn(async move { ledger.hold(cell(&learner.to_string()), soon()).await })
    };
    let opening: Vec<_> = (0..LEARNERS).map(open).collect();
    for (learner, opened) in opening.into_iter().enumerate() {
        let opened = opened.await.unwrap();
        let length = opened.map(|held| held.history().len());
        match learner {
            7 => assert_eq!(length, Err(Unavailable::Unusable)),
            _ => assert_eq!(length, Ok(1), "{learner}"),
        }
    }
    assert!(ledger.is_healthy());
}

/// A history may be long, and comments are.
async fn keeps_only_the_comment_that_left_last(home: Home) {
    let ledger = Ledger::open(&home.settings).unwrap();
    let commented = |comment: &str| {
        let mut entry = entry("42", "1");
        let sent = entry.past.as_mut().and_then(|past| past.sent.as_mut());
        sent.unwrap().comment = Some(comment.to_owned());
        entry
    };
    for comment in ["first", "second"] {
        ledger.record(commented(comment)).await.unwrap();
    }
    for count in [2, 3] {
        let held = ledger.hold(cell("42"), soon()).await.unwrap();
        let comments = held.history().iter().map(|past| {
            let sent = past.sent.as_ref().unwrap();
            sent.comment.clone()
        });
        let comments: Vec<_> = comments.collect();
        let mut expected = vec![None; count];
        expected[count - 1] = Some(["second", "third"][count - 2].to_owned());
        assert_eq!(comments, expected);
        ledger.settle(held, commented("third")).await.unwrap();
    }
    // Whoever judges anew from some time on needs what had left last by then.
    let whole = reading(&home, |reader| reader.history(&cell("42")).unwrap());
    let comments = whole.iter().map(|past| {
        let sent = past.sent.as_ref().unwrap();
        sent.comment.as_deref().unwrap()
    });
    let comments: Vec<_> = comments.collect();
    assert_eq!(comments, ["first", "second", "third", "third"]);
}

async fn frees_a_cell_whose_holder_gave_up(home: Home) {
    let ledger = Ledger::open(&home.settings).unwrap();
    drop(ledger.hold(cell("42"), soon()).await.unwrap());
    let held = ledger.hold(cell("42"), soon()).await.unwrap();
    let waiting = tokio::spawn({
        let ledger = ledger.clone();
        async move { ledger.hold(cell("42"), soon()).await }
    });
    while ledger.locks().count() == 0 {
        tokio::task::yield_now().await;
    }
    waiting.abort();
    assert!(waiting.await.is_err());
    drop(held);
    ledger.hold(cell("42"), soon()).await.unwrap();
    assert_eq!(ledger.locks().count(), 0);
}

async fn does_not_wait_for_a_cell_beyond_the_deadline(home: Home) {
    let ledger = Ledger::open(&home.settings).unwrap();
    let _held = ledger.hold(cell("42"), soon()).await.unwrap();
    let second = ledger
        .hold(cell("42"), Instant::now() + Duration::from_millis(20))
        .await;
    assert_eq!(second.err(), Some(Unavailable::CellBusy));
    ledger.hold(cell("43"), soon()).await.unwrap();
}

async fn turns_intents_of_a_crash_into_entries_of_unknown_fate(mut home: Home) {
    home.settings.durability = Durability::Always;
    let ledger = Ledger::open(&home.settings).unwrap();
    let lost = entry("42", "10");
    ledger.intend(lost.clone()).await.unwrap();
    assert_eq!(all(&home, &Filter::default()).len(), 0);
    drop(ledger);
    let ledger = reopen(&home).await;
    let end = soon();
    // Leaving takes the other process's sign of life with it; its thread does that on its own.
    while all(&home, &Filter::default()).is_empty() {
        assert!(Instant::now() < end, "the intent stays");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let held = ledger.hold(cell("42"), soon()).await.unwrap();
    assert_eq!(held.history().len(), 1);
    assert_eq!(held.history()[0].fate, Fate::Unknown);
    let kept = all(&home, &Filter::default()).pop().unwrap();
    assert_eq!(
        (kept.entry.receipt, kept.entry.upstream),
        (lost.receipt, None)
    );
    assert_eq!(verdict(&home), whole(1));
}

async fn goes_on_past_an_intent_that_cant_be_read(mut home: Home) {
    home.settings.durability = Durability::Always;
    let ledger = Ledger::open(&home.settings).unwrap();
    let mut old = entry("43", "1");
    old.time -= Duration::from_secs(9 * 86_400);
    let (recorded, lost) = (entry("42", "9"), entry("42", "10"));
    ledger.record(old).await.unwrap();
    ledger.record(recorded.clone()).await.unwrap();
    ledger.intend(lost.clone()).await.unwrap();
    drop(ledger);
    // One is no JSON, one is another's, one was recorded already, one is sealed otherwise.
    let (recorded, lost, third) = (recorded.receipt, lost.receipt, entry("42", "11").receipt);
    let (one, other, third) = (recorded.text(), lost.text(), third.text());
    tamper(
        &home,
        &format!(
            "INSERT INTO intents VALUES ('0', 'dead', NULL, '{{', X'00'); \
             INSERT INTO intents SELECT '1', holder, cell, plain, sealed FROM intents \
             WHERE receipt = '{other}'; \
             INSERT INTO intents SELECT '{one}', holder, cell, REPLACE(plain, receipt, '{one}'), \
             sealed FROM intents WHERE receipt = '{other}'; \
             INSERT INTO intents SELECT '{third}', holder, cell, REPLACE(plain, receipt, '{third}'), \
             sealed FROM intents WHERE receipt = '{other}'"
        ),
    );
    home.settings.retention = Some(Duration::from_secs(86_400));
    let ledger = reopen(&home).await;
    let end = soon();
    let receipts = || {
        let all = all(&home, &Filter::default()).into_iter();
        all.map(|kept| kept.entry.receipt).collect::<Vec<_>>()
    };
    // Adopted, and what is old is gone.
    while receipts() != [recorded.clone(), lost.clone()] {
        assert!(Instant::now() < end, "{}", receipts().len());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let held = ledger.hold(cell("42"), soon()).await.unwrap();
    assert_eq!(held.history().len(), 2);
    assert_eq!(verdict(&home).1, None);
}

async fn leaves_no_intent_behind_what_was_settled_or_withdrawn(mut home: Home) {
    home.settings.durability = Durability::Always;
    let ledger = Ledger::open(&home.settings).unwrap();
    let (settled, withdrawn) = (entry("42", "10"), entry("42", "11"));
    let held = ledger.hold(cell("42"), soon()).await.unwrap();
    ledger.intend(settled.clone()).await.unwrap();
    ledger.intend(withdrawn.clone()).await.unwrap();
    ledger.withdraw(withdrawn.receipt);
    ledger.settle(held, settled).await.unwrap();
    drop(ledger);
    let ledger = reopen(&home).await;
    let held = ledger.hold(cell("42"), soon()).await.unwrap();
    assert_eq!(**held.history(), vec![past("10")]);
    assert_eq!(verdict(&home), whole(1));
}

/// Runs a statement behind the ledger's back.
pub fn tamper(home: &Home, sql: &str) {
    use crate::ledger::database::Database;
    use crate::ledger::place::Place;
    match &home.settings.place {
        Place::Sqlite(path) => crate::ledger::sqlite::Sqlite::open(path, Durability::Batched)
            .unwrap()
            .script(sql)
            .unwrap(),
        Place::Postgres(place) => {
            let place = place.clone();
            // Its bytes are written otherwise. A receipt may end with an X, too.
            let sql = sql.replace(" X'", " '\\x").replace("(X'", "('\\x");
            std::thread::spawn(move || {
                use crate::ledger::postgres::{AS_COMMAND, Postgres};
                let mut database = Postgres::connect(&place, AS_COMMAND).unwrap();
                database.script(&sql).unwrap();
            })
            .join()
            .unwrap();
        }
    }
}

async fn tells_a_whole_chain_and_where_it_is_broken(home: Home) {
    let ledger = Ledger::open(&home.settings).unwrap();
    let entries: Vec<_> = (0..6)
        .map(|number| entry("42", &number.to_string()))
        .collect();
    for entry in &entries {
        ledger.record(entry.clone()).await.unwrap();
    }
    assert_eq!(verdict(&home), whole(6));
    let keep = "CREATE TABLE spare AS SELECT * FROM entries";
    tamper(&home, keep);
    tamper(&home, "CREATE TABLE spare_cells AS SELECT * FROM cells");
    for (change, left, place, reason) in [
        (
            "UPDATE entries SET judged = '{}' WHERE sequence = 3",
            6,
            3,
            Reason::Hash,
        ),
        (
            "UPDATE entries SET decision = 'kept' WHERE sequence = 1",
            6,
            1,
            Reason::Hash,
        ),
        (
            "UPDATE entries SET sealed = X'00' WHERE sequence = 4",
            6,
            4,
            Reason::Hash,
        ),
        (
            "UPDATE entries SET hash = X'00' WHERE sequence = 2",
            6,
            2,
            Reason::Hash,
        ),
        ("DELETE FROM entries WHERE sequence = 3", 5, 4, Reason::Link),
        ("DELETE FROM entries WHERE sequence = 1", 5, 2, Reason::Link),
        ("DELETE FROM entries WHERE sequence = 6", 5, 5, Reason::Link),
        (
            "UPDATE entries SET sequence = -2 WHERE sequence = 2; UPDATE entries SET sequence = 2 \
             WHERE sequence = 3; UPDATE entries SET sequence = 3 WHERE sequence = -2",
            6,
            3,
            Reason::Link,
        ),
        (
            "UPDATE entries SET sequence = 9 WHERE sequence = 6",
            6,
            6,
            Reason::Link,
        ),
        ("UPDATE cells SET learner = 'another'", 6, 1, Reason::Seal),
        ("UPDATE cells SET account = 'another'", 6, 1, Reason::Seal),
        (
            "UPDATE cells SET line_item = 'https://x'",
            6,
            1,
            Reason::Seal,
        ),
        ("UPDATE cells SET fingerprint = X'00'", 6, 1, Reason::Seal),
        ("UPDATE cells SET seal_key = X'00'", 6, 1, Reason::Seal),
    ] {
        tamper(&home, change);
        let receipt = entries[place - 1].receipt.text().to_owned();
        let broken = Some(Break {
            receipt: Some(receipt),
            reason,
        });
        assert_eq!(verdict(&home), (left, broken), "{change}");
        let restore = "DELETE FROM entries; INSERT INTO entries SELECT * FROM spare; \
             DELETE FROM cells; INSERT INTO cells SELECT * FROM spare_cells";
        tamper(&home, restore);
        assert_eq!(verdict(&home), whole(6));
    }
    let add = "INSERT INTO entries (sequence, receipt, time, account, caller, line_item, cell, \
         in_history, decision, code, rules, judged, policy_generation, upstream_status, \
         duration_ms, digest, sealed, prev_hash, hash) SELECT 7, 'added', time, account, caller, \
         line_item, cell, in_history, decision, code, rules, judged, policy_generation, \
         upstream_status, duration_ms, digest, sealed, prev_hash, hash FROM entries WHERE sequence = 6";
    tamper(&home, add);
    let broken = Some(Break {
        receipt: Some("added".into()),
        reason: Reason::Link,
    });
    assert_eq!(verdict(&home), (7, broken));
}

async fn erases_a_learner_and_keeps_the_chain(home: Home) {
    let secret = "learner-canary-4711";
    let ledger = Ledger::open(&home.settings).unwrap();
    ledger.record(entry(secret, "10")).await.unwrap();
    ledger.record(entry("other", "20")).await.unwrap();
    assert!(stands_somewhere(&home, secret));
    let erasure = erase(&home, secret, None, None);
    assert_eq!((erasure.cells.len(), erasure.entries()), (1, 1));
    assert!(!stands_somewhere(&home, secret));
    assert_eq!(verdict(&home), whole(2));
    let entries = all(&home, &Filter::default());
    assert_eq!(entries[0].user(), Some("erased"));
    assert!(entries[0].entry.submission.is_none() && entries[0].entry.sent.is_none());
    assert_eq!(entries[0].entry.judged, Some(points("10", "100")));
    assert_eq!(entries[1].user(), Some("other"));
    assert!(erase(&home, secret, None, None).cells.is_empty());
}

/// Whether a text stands in the files of the database, or in what it holds.
fn stands_somewhere(home: &Home, text: &str) -> bool {
    match &home.cluster {
        None => std::fs::read_dir(home.folder.path()).unwrap().any(|file| {
            let bytes = std::fs::read(file.unwrap().path()).unwrap();
            bytes
                .windows(text.len())
                .any(|window| window == text.as_bytes())
        }),
        Some(cluster) => cluster.dump(&home.name()).contains(text),
    }
}

async fn erases_single_cells(home: Home) {
    let ledger = Ledger::open(&home.settings).unwrap();
    let mut elsewhere = entry("42", "20");
    elsewhere.line_item = "https://moodle.example.edu/7".into();
    ledger.record(entry("42", "10")).await.unwrap();
    ledger.record(elsewhere).await.unwrap();
    let pattern = Pattern::parse("https://moodle.example.edu/**").unwrap();
    assert!(erase(&home, "42", Some("none"), None).cells.is_empty());
    let erasure = erase(&home, "42", Some("main"), Some(&pattern));
    assert_eq!(erasure.cells[0].line_item, "https://moodle.example.edu/7");
    let users: Vec<_> = all(&home, &Filter::default())
        .iter()
        .map(|kept| kept.user().unwrap().to_owned())
        .collect();
    assert_eq!(users, ["42", "erased"]);
    assert_eq!(verdict(&home), whole(2));
}

async fn notices_an_erasure_while_it_runs(home: Home) {
    let ledger = Ledger::open(&home.settings).unwrap();
    let held = ledger.hold(cell("42"), soon()).await.unwrap();
    ledger.settle(held, entry("42", "10")).await.unwrap();
    erase(&home, "42", None, None);
    ledger.record(entry("42", "20")).await.unwrap();
    let users: Vec<_> = all(&home, &Filter::default())
        .iter()
        .map(|kept| kept.user().unwrap().to_owned())
        .collect();
    assert_eq!(users, ["erased", "42"]);
    let held = ledger.hold(cell("42"), soon()).await.unwrap();
    assert_eq!(**held.history(), vec![past("20")]);
    assert_eq!(verdict(&home), whole(2));
}

async fn drops_what_is_too_old_and_keeps_the_chain(mut home: Home) {
    let ledger = Ledger::open(&home.settings).unwrap();
    // Two were stamped by a clock that was wrong.
    for (user, age) in [
        ("old", -400),
        ("old", 9),
        ("old", -2),
        ("old", 8),
        ("young", 0),
    ] {
        let mut entry = entry(user, "10");
        entry.time -= jiff::SignedDuration::from_hours(age * 24);
        ledger.record(entry).await.unwrap();
    }
    drop(ledger);
    let head = |reader: &mut Reader| Head::read(reader.database.as_mut()).unwrap();
    let before = reading(&home, head);
    home.settings.retention = Some(Duration::from_secs(7 * 86_400));
    let ledger = reopen(&home).await;
    let end = soon();
    while all(&home, &Filter::default()).len() > 1 {
        assert!(Instant::now() < end, "nothing goes");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(verdict(&home), whole(1));
    // Who had just begun to verify is not misled.
    let begun_before = reading(&home, |reader| reader.verify_up_to(before).unwrap());
    assert_eq!(begun_before.broken, None);
    assert!(!stands_in_cells(&home, "old"));
    ledger.record(entry("young", "11")).await.unwrap();
    assert_eq!(verdict(&home), whole(2));
}

/// Such as an older copy that somebody has put back, or one that had not heard of all when it took over. Who
/// restarts has seen it.
async fn goes_on_with_no_database_that_lacks_what_was_recorded(home: Home) {
    let ledger = Ledger::open(&home.settings).unwrap();
    for given in ["90", "91"] {
        ledger.record(entry("42", given)).await.unwrap();
    }
    tamper(
        &home,
        "DELETE FROM entries WHERE sequence = 2; \
         UPDATE head SET sequence = 1, hash = (SELECT hash FROM entries WHERE sequence = 1)",
    );
    let held = ledger.hold(cell("43"), soon()).await;
    assert_eq!(held.err(), Some(Unavailable::Failing));
    // Not when it tries again either, also where there is nothing at all any more.
    tokio::time::sleep(RETRY * 3).await;
    assert!(!ledger.is_healthy());
    let refused = ledger.intend(entry("43", "1")).await;
    assert_eq!(refused, Err(Unavailable::Failing));
    drop(ledger);
    let again = reopen(&home).await;
    let held = again.hold(cell("42"), soon()).await.unwrap();
    assert_eq!(**held.history(), history([past("90")]));
}

fn stands_in_cells(home: &Home, user: &str) -> bool {
    reading(home, |reader| {
        !reader.erasure(user, None, None).unwrap().cells.is_empty()
    })
}

async fn numbers_policies_for_good(home: Home) {
    let ledger = Ledger::open(&home.settings).unwrap();
    assert_eq!(ledger.generation("a").await, Ok(1));
    assert_eq!(ledger.generation("b").await, Ok(2));
    drop(ledger);
    let ledger = reopen(&home).await;
    assert_eq!(ledger.generation("a").await, Ok(1));
    assert_eq!(ledger.generation("c").await, Ok(3));
}

async fn writes_in_one_transaction_what_waits(home: Home) {
    let ledger = Ledger::open(&home.settings).unwrap();
    let users = 0..300;
    let record = |number: i32| {
        let ledger = ledger.clone();
        async move {
            ledger
                .record(entry(&format!("u{}", number % 50), "1"))
                .await
        }
    };
    let tasks: Vec<_> = users.map(|number| tokio::spawn(record(number))).collect();
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    assert_eq!(verdict(&home), whole(300));
    assert!(ledger.is_healthy());
}

async fn survives_texts_that_a_database_dislikes(home: Home) {
    let ledger = Ledger::open(&home.settings).unwrap();
    let user = format!("u\u{0}'; DROP TABLE entries; --{}", "x".repeat(60_000));
    let mut odd = entry(&user, "1");
    odd.caller = "idp/a\u{0}b".into();
    odd.line_item = format!("https://canvas.example.edu/{}", "x".repeat(8_000));
    ledger.record(odd).await.unwrap();
    let kept = all(&home, &Filter::default()).pop().unwrap();
    assert_eq!(kept.user(), Some(user.as_str()));
    assert_eq!(kept.entry.caller, "idp/a\u{fffd}b");
    assert_eq!(verdict(&home), whole(1));
}
