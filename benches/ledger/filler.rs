//! Rows that are there already, put in past the ledger: what they say can't be unsealed, and their
//! chain is none. They are of the size that tells: the trees are as deep, the indexes as large and
//! their keys as scattered as a real record's. Only what is sealed is shorter, to spare the disk.

use std::path::Path;

use rusqlite::Connection;

/// Entries of one cell.
const OF_A_CELL: u64 = 3;

/// Rows in one transaction.
const AT_ONCE: u64 = 500_000;

pub fn fill(file: &Path, rows: u64) {
    let database = Connection::open(file).expect("a database");
    let run = |sql: &str| database.execute_batch(sql).expect("a statement that fits");
    run("PRAGMA synchronous = OFF; PRAGMA cache_size = -200000; PRAGMA temp_store = FILE");
    let indexes = indexes(&database);
    for (name, _) in &indexes {
        run(&format!("DROP INDEX {name}"));
    }
    let cells = rows / OF_A_CELL;
    for start in (0..cells).step_by(AT_ONCE as usize) {
        run(&cells_from(start, AT_ONCE.min(cells - start)));
    }
    for start in (0..rows).step_by(AT_ONCE as usize) {
        run(&entries_from(
            start,
            AT_ONCE.min(rows - start),
            cells.max(1),
        ));
    }
    for (_, sql) in &indexes {
        run(sql);
    }
    run(&format!(
        "UPDATE head SET sequence = {rows}, anchor_sequence = {rows}, cells = {cells}; \
         PRAGMA wal_checkpoint(TRUNCATE)"
    ));
}

/// Those that can be made anew afterwards, which is faster than to keep them.
fn indexes(database: &Connection) -> Vec<(String, String)> {
    let mut statement = database
        .prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL")
        .expect("a query");
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
    let rows = rows.expect("rows");
    rows.map(|row| row.expect("a row")).collect()
}

fn cells_from(start: u64, count: u64) -> String {
    // In the order of the fingerprints: those of a line item together, line items in that of a hash.
    format!(
        "WITH RECURSIVE n(i) AS (VALUES ({start} + 1) UNION ALL SELECT i + 1 FROM n WHERE i < {start} + {count}) \
         INSERT INTO cells (id, fingerprint, account, line_item, learner, seal_key) \
         SELECT i, CAST(printf('%08x%08x', (i / 30) * 2654435761 % 4294967296, i / 30) || hex(randomblob(8)) AS BLOB), \
         'main', 'https://canvas.example.edu/api/lti/courses/' || (i / 30) || '/line_items/7', \
         'earlier-' || i, randomblob(32) FROM n ORDER BY 2"
    )
}

fn entries_from(start: u64, count: u64, cells: u64) -> String {
    format!(
        "WITH RECURSIVE n(i) AS (VALUES ({start} + 1) UNION ALL SELECT i + 1 FROM n WHERE i < {start} + {count}) \
         INSERT INTO entries (sequence, receipt, time, account, caller, line_item, cell, in_history, decision, code, rules, \
         judged, policy_generation, upstream_status, duration_ms, digest, sealed, prev_hash, hash) \
         SELECT i, printf('01J0%022d', i), 1750000000000000 + i, 'main', 'quiz-app', 'https://canvas.example.edu/api/lti/courses/1/line_items/7', \
         1 + i % {cells}, 1, 'forwarded', NULL, '[]', '{{\"scoreGiven\":83,\"scoreMaximum\":100}}', 1, 204, 12, \
         zeroblob(32), zeroblob(64), zeroblob(32), zeroblob(32) FROM n"
    )
}
