//! How the databases find what is asked of a cell: by the index, past whatever else the cell has. It is the
//! writer's one thread that asks.

use std::time::Instant;

use super::sample::{Home, cell, entry};
use super::suite::{reopen, soon, suite, tamper};
use crate::ledger::{Ledger, Place, book, erase, open, retain};

suite! {
    a_cell_that_was_refused_all_the_time_costs_no_more_than_others
}

fn plan_of_sqlite(home: &Home, statement: &str) -> String {
    let Place::Sqlite(path) = &home.settings.place else {
        panic!("SQLite has a path");
    };
    let connection = rusqlite::Connection::open(path).unwrap();
    let explain = format!("EXPLAIN QUERY PLAN {statement}");
    let mut explain = connection.prepare(&explain).unwrap();
    let values = vec![1; explain.parameter_count()];
    let steps = explain.query_map(rusqlite::params_from_iter(values), |row| {
        row.get::<_, String>("detail")
    });
    let steps: Vec<_> = steps.unwrap().map(Result::unwrap).collect();
    steps.join("\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_finds_a_cells_entries_by_the_index_and_in_order() {
    let home = Home::sqlite();
    let _ledger = Ledger::open(&home.settings).unwrap();
    for (statement, used) in [
        (open::NEWEST, "cell=? AND in_history=?"),
        (
            open::HISTORY_OF_SQLITE,
            "cell=? AND in_history=? AND sequence>?",
        ),
        (erase::COUNT, "cell=?"),
        (retain::FORGET, "cell=?"),
    ] {
        let plan = plan_of_sqlite(&home, statement);
        let found = format!("INDEX entries_of_cell ({used})");
        assert!(plan.contains(&found), "{statement}\n{plan}");
        assert!(!plan.contains("TEMP B-TREE"), "{statement}\n{plan}");
        assert!(!plan.contains("SCAN entries"), "{statement}\n{plan}");
    }
}

/// Entries of other cells and of that of sequence 1, which are in no history: those of a tool that was refused all
/// the time.
fn add_refused(home: &Home, entries: u64) {
    let hash = "X'0000000000000000000000000000000000000000000000000000000000000000'";
    tamper(
        home,
        &format!(
            "INSERT INTO entries SELECT number + 10, 'refused' || number, time, account, caller, line_item, \
             CASE WHEN number % 4 = 0 THEN number ELSE cell END, CASE WHEN number % 4 = 0 THEN 1 ELSE 0 END, \
             'refused', code, rules, judged, policy_generation, NULL, 1, digest, sealed, {hash}, {hash} \
             FROM entries, (WITH RECURSIVE numbers (number) AS (SELECT 1 UNION ALL SELECT number + 1 \
             FROM numbers WHERE number < {entries}) SELECT number FROM numbers) AS all_numbers \
             WHERE sequence = 1; ANALYZE entries; UPDATE head SET sequence = sequence + {entries} + 10"
        ),
    );
}

/// What statistics say of such a cell is wrong: that each fourth of its entries is in its history.
#[tokio::test(flavor = "multi_thread")]
async fn postgres_finds_a_cells_entries_by_the_index() {
    let home = Home::postgres();
    let ledger = Ledger::open(&home.settings).unwrap();
    ledger.record(entry("x", "1")).await.unwrap();
    add_refused(&home, 20_000);
    let cluster = home.cluster.as_ref().unwrap();
    for (statement, types, values, condition) in [
        (open::NEWEST, "BIGINT, BIGINT", "1, 20001", "(in_history = "),
        (
            open::HISTORY_OF_POSTGRES,
            "BIGINT, BIGINT, BIGINT",
            "1, 0, 64",
            "(ROW(in_history, sequence) > ",
        ),
        (
            book::RECORDED_SINCE,
            "BYTEA, BIGINT",
            "'', 0",
            "(ROW(in_history, sequence) > ",
        ),
        (erase::COUNT, "BIGINT", "1", "(cell = "),
        (retain::FORGET, "BIGINT", "1", "(cell = "),
    ] {
        for mode in ["force_custom_plan", "force_generic_plan"] {
            let explain = format!(
                "SET enable_seqscan = off; SET plan_cache_mode = {mode}; \
                 PREPARE it ({types}) AS {statement}; EXPLAIN EXECUTE it ({values})"
            );
            let plan = cluster.psql(&home.name(), &explain);
            assert!(plan.contains("entries_of_cell"), "{statement}\n{plan}");
            assert!(!plan.contains("entries_pkey"), "{statement}\n{plan}");
            let mut conditions = plan.lines().filter(|line| line.contains("Index Cond"));
            let is_used = conditions.any(|line| line.contains(condition));
            assert!(is_used, "{statement}\n{plan}");
        }
    }
}

/// As the database is really asked, with what it has counted of its tables.
async fn a_cell_that_was_refused_all_the_time_costs_no_more_than_others(home: Home) {
    let ledger = Ledger::open(&home.settings).unwrap();
    ledger.record(entry("x", "1")).await.unwrap();
    ledger.close(soon()).await;
    drop(ledger);
    add_refused(&home, 100_000);
    let ledger = reopen(&home).await;
    ledger.record(entry("y", "1")).await.unwrap();
    let mut took = [vec![], vec![]];
    // As often as PostgreSQL looks for a plan of its own, and more.
    for _ in 0..15 {
        for (took, user) in took.iter_mut().zip(["x", "y"]) {
            ledger.inner.histories.clear();
            let began = Instant::now();
            let held = ledger.hold(cell(user), soon()).await.unwrap();
            took.push(began.elapsed());
            assert_eq!(held.history().len(), 1);
        }
    }
    let [refused, other] = took.map(|mut took| {
        took.sort();
        took[took.len() / 2]
    });
    // To look at all of them takes tens of milliseconds.
    assert!(refused < other * 4, "{refused:?}, and {other:?} elsewhere");
}
