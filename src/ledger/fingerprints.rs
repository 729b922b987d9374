//! The third migration: a cell's fingerprint begins with its line item's. Until then it was the cell's
//! SHA-256 alone.

use super::cell::{Fingerprint, sum};
use super::content::Content;
use super::database::{Cursor, Database, Input};
use super::fault::Fault;
use super::receipt::Receipt;
use super::seal::SealKey;

/// Cells that are changed with one wait.
const AT_ONCE: usize = 1_000;

struct Old {
    id: i64,
    fingerprint: Vec<u8>,
    account: String,
    line_item: String,
    learner: String,
    key: Vec<u8>,
}

pub(super) fn begin_with_line_items(database: &mut dyn Database) -> Result<(), Fault> {
    // They name cells by what is no fingerprint any more, and are free again when a gateway starts.
    database.execute("DELETE FROM leases", &[])?;
    let mut after = 0;
    loop {
        let cells = read(database, after)?;
        let Some(last) = cells.last() else {
            return Ok(());
        };
        after = last.id;
        let mut changed = Vec::with_capacity(cells.len());
        for cell in &cells {
            if let Some(fingerprint) = renewed(database, cell)? {
                changed.push((fingerprint, cell.id));
            }
        }
        let values = changed
            .iter()
            .map(|(fingerprint, id)| vec![Input::Bytes(&fingerprint.0), Input::Integer(*id)]);
        let change = "UPDATE cells SET fingerprint = $1 WHERE id = $2";
        database.execute_each(change, &values.collect::<Vec<_>>())?;
    }
}

fn read(database: &mut dyn Database, after: i64) -> Result<Vec<Old>, Fault> {
    let find = "SELECT id, fingerprint, account, line_item, learner, seal_key FROM cells \
         WHERE id > $1 ORDER BY id LIMIT $2";
    let most = i64::try_from(AT_ONCE).map_err(Fault::refused)?;
    let found = database.query(find, &[Input::Integer(after), Input::Integer(most)])?;
    let old = |mut row: Cursor| {
        Ok(Old {
            id: row.integer()?,
            fingerprint: row.bytes()?,
            account: row.text()?,
            line_item: row.text()?,
            learner: row.text()?,
            key: row.bytes()?,
        })
    };
    found.into_iter().map(old).collect()
}

/// `None` for one that somebody changed, which `verify` finds as it did before.
fn renewed(database: &mut dyn Database, cell: &Old) -> Result<Option<Fingerprint>, Fault> {
    let Old {
        account, line_item, ..
    } = cell;
    let is_of = |user: &str| sum(&[account, line_item, user])[..] == cell.fingerprint;
    let renewed = |user: &str| Some(Fingerprint::of(account, line_item, user));
    if is_of(&cell.learner) {
        return Ok(renewed(&cell.learner));
    }
    // Of a learner whose id has a NUL, which the column can't hold.
    let user = sealed_user(database, cell)?;
    Ok(user
        .filter(|user| is_of(user))
        .and_then(|user| renewed(&user)))
}

fn sealed_user(database: &mut dyn Database, cell: &Old) -> Result<Option<String>, Fault> {
    let find = "SELECT receipt, sealed FROM entries WHERE cell = $1 ORDER BY sequence LIMIT 1";
    let found = database.query(find, &[Input::Integer(cell.id)])?;
    let (Some(mut row), Ok(key)) = (found.into_iter().next(), SealKey::from_bytes(&cell.key))
    else {
        return Ok(None);
    };
    let (receipt, sealed) = (row.text()?, row.bytes()?);
    let content = Receipt::parse(&receipt)
        .ok()
        .and_then(|receipt| key.open(&receipt, &sealed));
    let content = content.and_then(|content| Content::read(&content));
    Ok(content.and_then(|content| content.user))
}
