//! Several gateways on one PostgreSQL. Two handles share nothing but the database, as two
//! processes do.

use std::time::{Duration, Instant};

use super::sample::{Home, cell, entry, history, past};
use super::suite::{all, reading, soon, tamper, until_healthy, verdict};
use crate::ledger::{Durability, Filter, Ledger, Unavailable};
use crate::policy::{Fate, Role};

/// Two gateways on one database.
fn two(home: &Home) -> [Ledger; 2] {
    [(); 2].map(|()| Ledger::open(&home.settings).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn two_gateways_judge_one_after_another() {
    let home = Home::postgres();
    let gateways = two(&home);
    let submit = |number: usize| {
        let ledger = gateways[number % 2].clone();
        async move {
            let deadline = Instant::now() + Duration::from_secs(30);
            let held = ledger.hold(cell("42"), deadline).await.unwrap();
            let seen = held.history().len();
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
    assert_eq!(verdict(&home), (64, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cell_that_another_gateway_holds_is_waited_for() {
    let home = Home::postgres();
    let [one, other] = two(&home);
    let held = one.hold(cell("42"), soon()).await.unwrap();
    let early = other
        .hold(cell("42"), Instant::now() + Duration::from_millis(100))
        .await;
    assert_eq!(early.err(), Some(Unavailable::CellBusy));
    drop(held);
    other.hold(cell("42"), soon()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_cell_of_a_crashed_gateway_is_taken() {
    let home = Home::postgres();
    let [one, other] = two(&home);
    // A holder whose time is over, with a cell and an intent: what a kill leaves.
    let held = one.hold(cell("42"), soon()).await.unwrap();
    one.intend(entry("42", "7")).await.unwrap();
    tamper(
        &home,
        "UPDATE leases SET holder = 'dead'; UPDATE intents SET holder = 'dead'; \
         INSERT INTO holders (id, alive_until) VALUES ('dead', 0)",
    );
    let taken = other.hold(cell("42"), soon()).await.unwrap();
    assert_eq!(taken.history().len(), 1);
    drop(held);
    assert!(verdict(&home).1.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_gateway_recorded_past_a_held_cell_is_in_its_history() {
    let home = Home::postgres();
    let [one, other] = two(&home);
    let held = one.hold(cell("42"), soon()).await.unwrap();
    other.record(entry("42", "7")).await.unwrap();
    one.settle(held, entry("42", "8")).await.unwrap();
    let held = one.hold(cell("42"), soon()).await.unwrap();
    assert_eq!(**held.history(), history([past("7"), past("8")]));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_cell_of_an_entry_that_is_refused_is_free() {
    let home = Home::postgres();
    let [one, other] = two(&home);
    tamper(
        &home,
        "ALTER TABLE entries ADD CONSTRAINT no CHECK (caller <> 'bad')",
    );
    let held = one.hold(cell("42"), soon()).await.unwrap();
    let mut bad = entry("42", "1");
    bad.caller = "bad".into();
    assert_eq!(one.settle(held, bad).await, Err(Unavailable::Failing));
    other.hold(cell("42"), soon()).await.unwrap();
}

/// Every start is a holder of its own, and those that were killed can't take themselves out.
#[tokio::test(flavor = "multi_thread")]
async fn a_start_forgets_gateways_that_are_long_gone() {
    let home = Home::postgres();
    drop(Ledger::open(&home.settings).unwrap());
    tamper(
        &home,
        "INSERT INTO holders (id, alive_until) VALUES ('killed last year', 0); \
         INSERT INTO leases (fingerprint, holder) VALUES (X'00', 'killed last year')",
    );
    let _ledger = Ledger::open(&home.settings).unwrap();
    let cluster = home.cluster.as_ref().unwrap();
    let ids = cluster.psql(&home.name(), "SELECT id FROM holders");
    assert!(!ids.contains("killed last year"), "{ids}");
    assert_eq!(cluster.psql(&home.name(), "SELECT holder FROM leases"), "");
}

/// Whose cell it was can be found out from its hash, which is of nothing secret.
#[tokio::test(flavor = "multi_thread")]
async fn an_erasure_takes_the_leases_of_gateways_that_are_gone() {
    let home = Home::postgres();
    let ledger = Ledger::open(&home.settings).unwrap();
    ledger.record(entry("42", "1")).await.unwrap();
    let held = ledger.hold(cell("43"), soon()).await.unwrap();
    tamper(
        &home,
        "INSERT INTO leases (fingerprint, holder) SELECT fingerprint, 'dead' FROM cells",
    );
    reading(&home, |reader| {
        let erasure = reader.erasure("42", None, None).unwrap();
        reader.erase(&erasure).unwrap();
    });
    // Those of the living stay.
    let cluster = home.cluster.as_ref().unwrap();
    let left = cluster.psql(&home.name(), "SELECT COUNT(*) FROM leases");
    assert_eq!(left.trim(), "1");
    assert!(held.is_still_held());
}

/// A process that stood still for longer than its lease lives on, and must not go on with what
/// others have judged since.
#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_was_silent_for_too_long_no_longer_holds_its_cells() {
    let home = Home::postgres();
    let ledger = Ledger::open(&home.settings).unwrap();
    let held = ledger.hold(cell("42"), soon()).await.unwrap();
    assert!(held.is_still_held());
    tamper(&home, "UPDATE holders SET alive_until = 0");
    let end = soon();
    while held.is_still_held() {
        assert!(Instant::now() < end, "it believes to hold it still");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    drop(held);
    // What it takes now is its own again.
    let held = ledger.hold(cell("42"), soon()).await.unwrap();
    assert!(held.is_still_held());
}

/// The lease is taken, and the history can't be read.
#[tokio::test(flavor = "multi_thread")]
async fn a_cell_that_could_not_be_opened_is_free() {
    let home = Home::postgres();
    let [one, other] = two(&home);
    one.record(entry("42", "1")).await.unwrap();
    tamper(&home, "ALTER TABLE entries RENAME TO gone");
    let held = one.hold(cell("42"), soon()).await;
    assert_eq!(held.err(), Some(Unavailable::Failing));
    tamper(&home, "ALTER TABLE gone RENAME TO entries");
    until_healthy(&one).await;
    let held = other.hold(cell("42"), soon()).await.unwrap();
    assert_eq!(held.history().len(), 1);
}

/// It waited for the database, and another gateway has judged meanwhile: nobody knows whose score arrived
/// last.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_settled_after_its_cell_was_lost_is_of_unknown_fate() {
    let home = Home::postgres();
    let [one, other] = two(&home);
    let lost = one.hold(cell("42"), soon()).await.unwrap();
    tamper(&home, "UPDATE leases SET holder = 'dead'");
    let held = other.hold(cell("42"), soon()).await.unwrap();
    other.settle(held, entry("42", "50")).await.unwrap();
    // Sent again, it is judged by both.
    let settled = one.settle(lost, entry("42", "90")).await;
    assert_eq!(settled, Err(Unavailable::Overtaken));
    let mut unknown = past("90");
    unknown.fate = Fate::Unknown;
    for gateway in [&one, &other] {
        let held = gateway.hold(cell("42"), soon()).await.unwrap();
        assert_eq!(**held.history(), history([past("50"), unknown.clone()]));
    }
    let kept = all(&home, &Filter::default());
    assert_eq!(kept.last().unwrap().entry.past, Some(unknown));
    assert_eq!(verdict(&home), (2, None));
}

/// The database was away for so long that the lease ran out, and nobody has judged: what arrived is certain.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_settled_without_its_lease_is_certain_where_nobody_had_the_cell() {
    let home = Home::postgres();
    let [one, other] = two(&home);
    one.record(entry("42", "10")).await.unwrap();
    let held = one.hold(cell("42"), soon()).await.unwrap();
    tamper(&home, "DELETE FROM leases");
    one.settle(held, entry("42", "90")).await.unwrap();
    let held = other.hold(cell("42"), soon()).await.unwrap();
    assert_eq!(**held.history(), history([past("10"), past("90")]));
}

/// Nothing is recorded of what another gateway is judging just now.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_settled_while_another_has_the_cell_is_of_unknown_fate() {
    let home = Home::postgres();
    let [one, other] = two(&home);
    let lost = one.hold(cell("42"), soon()).await.unwrap();
    tamper(&home, "UPDATE leases SET holder = 'dead'");
    let held = other.hold(cell("42"), soon()).await.unwrap();
    let settled = one.settle(lost, entry("42", "90")).await;
    assert_eq!(settled, Err(Unavailable::Overtaken));
    // It is nobody else's before that is recorded too.
    let third = Ledger::open(&home.settings).unwrap();
    let briefly = Instant::now() + Duration::from_millis(300);
    let busy = third.hold(cell("42"), briefly).await;
    assert_eq!(busy.err(), Some(Unavailable::CellBusy));
    // Who had it meanwhile can't know either: its score may have been the first to arrive.
    let settled = other.settle(held, entry("42", "50")).await;
    assert_eq!(settled, Err(Unavailable::Overtaken));
    let kept = all(&home, &Filter::default());
    let fates = kept
        .iter()
        .map(|kept| kept.entry.past.as_ref().unwrap().fate);
    assert_eq!(fates.collect::<Vec<_>>(), [Fate::Unknown; 2]);
    assert!(third.hold(cell("42"), soon()).await.is_ok());
}

/// What LTIAAS has refused is nobody's to wonder about.
#[tokio::test(flavor = "multi_thread")]
async fn a_definite_failure_stays_one_though_its_cell_was_lost() {
    let home = Home::postgres();
    let [one, other] = two(&home);
    let lost = one.hold(cell("42"), soon()).await.unwrap();
    tamper(&home, "UPDATE leases SET holder = 'dead'");
    let held = other.hold(cell("42"), soon()).await.unwrap();
    let mut failed = entry("42", "90");
    (failed.past, failed.upstream) = (None, Some(404));
    assert_eq!(one.settle(lost, failed).await, Ok(()));
    // Nor does it change anything for who has the cell.
    other.settle(held, entry("42", "50")).await.unwrap();
    let held = other.hold(cell("42"), soon()).await.unwrap();
    assert_eq!(**held.history(), history([past("50")]));
}

/// What was on its way stands as of unknown fate then; to be told that it can't be recorded would have it
/// sent again.
#[tokio::test(flavor = "multi_thread")]
async fn an_intent_that_others_have_adopted_is_recorded_beside_it() {
    let mut home = Home::postgres();
    home.settings.durability = Durability::Always;
    let [one, other] = two(&home);
    let held = one.hold(cell("42"), soon()).await.unwrap();
    let sent = entry("42", "1");
    one.intend(sent.clone()).await.unwrap();
    tamper(
        &home,
        "UPDATE intents SET holder = 'dead'; UPDATE leases SET holder = 'dead'",
    );
    let taken = other.hold(cell("42"), soon()).await.unwrap();
    assert_eq!(taken.history().len(), 1);
    drop(taken);
    // It arrived after all, perhaps after what another has sent since.
    let settled = one.settle(held, sent).await;
    assert_eq!(settled, Err(Unavailable::Overtaken));
    let held = one.hold(cell("42"), soon()).await.unwrap();
    let (fates, roles): (Vec<_>, Vec<_>) = held
        .history()
        .iter()
        .map(|past| (past.fate, past.role))
        .unzip();
    assert_eq!(fates, [Fate::Unknown; 2]);
    // It is one attempt, and has no time of its own to be known by.
    assert_eq!(roles, [Role::Attempt, Role::Aside]);
    assert_eq!(verdict(&home), (2, None));
}

/// Many cells are taken in one transaction and freed in another, and each gateway looks at those of the other
/// all the time: none may wait for what waits for it.
#[tokio::test(flavor = "multi_thread")]
async fn gateways_that_take_and_free_many_cells_never_wait_for_each_other() {
    const CELLS: usize = 12;
    let home = Home::postgres();
    let gateways = two(&home);
    let submit = |number: usize| {
        let ledger = gateways[number % 2].clone();
        async move {
            // Each gateway comes to the cells in an order of its own.
            let place = number / 2;
            let learner = match number % 2 {
                0 => place % CELLS,
                _ => (place * 5 + 7) % CELLS,
            };
            let learner = learner.to_string();
            let deadline = Instant::now() + Duration::from_secs(60);
            let held = ledger.hold(cell(&learner), deadline).await.unwrap();
            ledger.settle(held, entry(&learner, "1")).await.unwrap();
        }
    };
    let tasks: Vec<_> = (0..400)
        .map(|number| tokio::spawn(submit(number)))
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(verdict(&home), (400, None));
    let cluster = home.cluster.as_ref().unwrap();
    assert_eq!(
        cluster
            .psql(&home.name(), "SELECT COUNT(*) FROM leases")
            .trim(),
        "0"
    );
}

/// Whatever a database's owner has set for other programs.
#[tokio::test(flavor = "multi_thread")]
async fn gateways_write_side_by_side_whatever_isolation_is_the_default() {
    let home = Home::postgres();
    let cluster = home.cluster.as_ref().unwrap();
    let name = home.name();
    let isolation =
        format!("ALTER DATABASE {name} SET default_transaction_isolation = 'serializable'");
    cluster.psql(&name, &isolation);
    let gateways = two(&home);
    let record = |number: usize| {
        let ledger = gateways[number % 2].clone();
        tokio::spawn(async move { ledger.record(entry(&number.to_string(), "1")).await })
    };
    let recording: Vec<_> = (0..200).map(record).collect();
    for recorded in recording {
        assert_eq!(recorded.await.unwrap(), Ok(()));
    }
}

/// As if what a connection that was given up had still on its way had arrived after all.
#[tokio::test(flavor = "multi_thread")]
async fn a_lease_that_nobody_has_is_freed() {
    let home = Home::postgres();
    let [one, other] = two(&home);
    let stray = crate::hex::hex(&cell("42").fingerprint().0);
    let held = one.hold(cell("43"), soon()).await.unwrap();
    let mine = "SELECT DISTINCT holder FROM leases";
    tamper(
        &home,
        &format!("INSERT INTO leases (fingerprint, holder) SELECT '\\x{stray}', ({mine})"),
    );
    let far = Instant::now() + Duration::from_secs(30);
    assert!(other.hold(cell("42"), far).await.is_ok());
    // What somebody has stays.
    let busy = other.hold(cell("43"), soon()).await;
    assert_eq!(busy.err(), Some(Unavailable::CellBusy));
    one.settle(held, entry("43", "1")).await.unwrap();
}
