//! An erasure on PostgreSQL that can't be completed says so: others may keep what was deleted, or be in
//! the way, or the role may not.

use std::time::{Duration, Instant};

use secrecy::SecretString;

use super::sample::{Home, entry};
use super::suite::{reading, tamper};
use crate::ledger::database::Database;
use crate::ledger::postgres::{AS_COMMAND, Postgres};
use crate::ledger::{Ledger, Place};

/// Another session of the database, on a thread of its own.
fn in_session<T: Send>(home: &Home, sql: &str, work: impl FnOnce() -> T + Send) -> T {
    let Place::Postgres(place) = home.settings.place.clone() else {
        panic!("a file has no sessions");
    };
    std::thread::scope(|scope| {
        let working = scope.spawn(move || {
            let mut session = Postgres::connect(&place, AS_COMMAND).unwrap();
            // It may take longer than a gateway's.
            session
                .script("SET idle_in_transaction_session_timeout = 0")
                .unwrap();
            session.script(sql).unwrap();
            work()
        });
        working.join().unwrap()
    })
}

/// Erases, and answers with what was in the way.
fn erase(home: &Home, user: &str) -> Result<(), String> {
    reading(home, |reader| {
        let erasure = reader.erasure(user, None, None).unwrap();
        let erased = reader.erase(&erasure);
        erased.map_err(|cause| crate::error::chain(&cause))
    })
}

async fn recorded(home: &Home) -> Ledger {
    let ledger = Ledger::open(&home.settings).unwrap();
    ledger.record(entry("42", "1")).await.unwrap();
    ledger
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_still_see_what_was_deleted_is_waited_for_and_named() {
    let home = Home::postgres();
    let _ledger = recorded(&home).await;
    let snapshot = "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1";
    let told = in_session(&home, snapshot, || erase(&home, "42")).unwrap_err();
    assert!(
        told.starts_with("erased, but not compacted: erase again when"),
        "{told}"
    );
    assert!(told.contains("(session "), "{told}");
    // It has ended.
    assert_eq!(erase(&home, "42"), Ok(()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_in_use_is_waited_for_no_longer_than_gateways_bear() {
    let home = Home::postgres();
    let _ledger = recorded(&home).await;
    // No snapshot, and no number of its own.
    let lock = "BEGIN; LOCK TABLE cells IN ACCESS SHARE MODE";
    let began = Instant::now();
    let told = in_session(&home, lock, || erase(&home, "42")).unwrap_err();
    assert!(began.elapsed() < Duration::from_secs(20));
    assert!(
        told.starts_with("erased, but not compacted: erase again when no other session"),
        "{told}"
    );
    assert_eq!(erase(&home, "42"), Ok(()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_may_not_compact_does_not_say_that_it_did() {
    let mut home = Home::postgres();
    let _ledger = recorded(&home).await;
    let role = format!("only_writes_{}", home.name());
    tamper(
        &home,
        &format!(
            "CREATE ROLE {role} LOGIN; GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role}"
        ),
    );
    let owner = home.settings.place.clone();
    let Place::Postgres(place) = &mut home.settings.place else {
        panic!("a file has no roles");
    };
    let url = secrecy::ExposeSecret::expose_secret(&place.url);
    place.url = SecretString::from(url.replacen("postgres@", &format!("{role}@"), 1));
    let told = erase(&home, "42").unwrap_err();
    assert_eq!(
        told,
        "erased, but not compacted: erase again as the owner of the table `cells`"
    );
    home.settings.place = owner;
    assert_eq!(erase(&home, "42"), Ok(()));
}

/// PostgreSQL keeps samples of columns, and an erasure looks at no table anew.
#[tokio::test(flavor = "multi_thread")]
async fn no_key_of_an_erased_learner_stands_in_statistics() {
    let home = Home::postgres();
    let ledger = Ledger::open(&home.settings).unwrap();
    for learner in 0..20 {
        let entry = entry(&learner.to_string(), "1");
        ledger.record(entry).await.unwrap();
    }
    let _held = ledger
        .hold(super::sample::cell("1"), super::suite::soon())
        .await
        .unwrap();
    let cluster = home.cluster.as_ref().unwrap();
    let key =
        "SELECT ENCODE(seal_key, 'hex'), ENCODE(fingerprint, 'hex') FROM cells WHERE learner = '1'";
    let secret = cluster.psql(&home.name(), key);
    tamper(&home, "ANALYZE");
    assert_eq!(erase(&home, "1"), Ok(()));
    let statistics = "SELECT * FROM pg_stats WHERE schemaname = 'public'";
    let statistics = cluster.psql(&home.name(), statistics);
    assert!(statistics.contains("quiz-app"));
    for secret in secret.trim().split('|') {
        assert_eq!(secret.len(), 64);
        assert!(!statistics.contains(secret), "{statistics}");
    }
}
