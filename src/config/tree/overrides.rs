//! Puts an override (`SCOREGATE__ACCOUNT__0__URL`) into the tree.

use std::collections::BTreeMap;

use super::parse::parse_value;
use super::{Entry, Node, Value};
use crate::config::path::{KeyPath, Step};
use crate::config::problem::Place;

/// What stands before the names of all overrides; the levels after it are parted by `__` too.
pub(in crate::config) const PREFIX: &str = "SCOREGATE__";

/// Why an override leads nowhere.
#[derive(Debug, thiserror::Error)]
pub(in crate::config) enum NoSuchPlace {
    #[error(
        "its name must be the levels of a key, each after `__`, like `SCOREGATE__SERVER__LISTEN`"
    )]
    Name,
    #[error("`{0}` is no table or list here, so it has nothing to override within")]
    NotATable(KeyPath),
    #[error("`{0}` is a list: the level after it must be an index, 0 for the first entry")]
    NotAnIndex(KeyPath),
    #[error("the list `{0}` ends before this index; the next one that can be added is {1}")]
    Beyond(KeyPath, usize),
}

/// Sets the key that the variable names, adding tables and one entry of a list where they are missing.
pub(in crate::config) fn apply(root: &mut Node, name: &str, text: &str) -> Result<(), NoSuchPlace> {
    let place = Place::Variable(name.to_owned());
    let levels = levels(name).ok_or(NoSuchPlace::Name)?;
    let mut node = root;
    let mut path = KeyPath::default();
    for (position, level) in levels.iter().enumerate() {
        let next = levels.get(position + 1);
        let empty = Node {
            place: place.clone(),
            value: empty_for(next.map(String::as_str)),
        };
        (node, path) = enter(node, path, level, empty)?;
    }
    *node = parse_value(&place, text);
    Ok(())
}

fn levels(name: &str) -> Option<Vec<String>> {
    let levels: Vec<String> = name
        .strip_prefix(PREFIX)?
        .split("__")
        .map(str::to_lowercase)
        .collect();
    levels
        .iter()
        .all(|level| !level.is_empty())
        .then_some(levels)
}

/// What a missing level is made: a list where the next one is an index.
fn empty_for(next: Option<&str>) -> Value {
    match next.map(str::parse::<usize>) {
        Some(Ok(_)) => Value::List(Vec::new()),
        _ => Value::Table(BTreeMap::new()),
    }
}

fn enter<'a>(
    node: &'a mut Node,
    path: KeyPath,
    level: &str,
    empty: Node,
) -> Result<(&'a mut Node, KeyPath), NoSuchPlace> {
    match &mut node.value {
        Value::Table(table) => {
            let path = path.key(level);
            Ok((table.entry(level.to_owned()).or_insert(empty), path))
        }
        Value::List(list) => {
            let Ok(index) = level.parse::<usize>() else {
                return Err(NoSuchPlace::NotAnIndex(path));
            };
            let length = list.len();
            if index == length {
                list.push(Entry { index, node: empty });
            }
            match list.get_mut(index) {
                Some(entry) => Ok((&mut entry.node, path.with(Step::Index(index)))),
                None => Err(NoSuchPlace::Beyond(path, length)),
            }
        }
        _ => Err(NoSuchPlace::NotATable(path)),
    }
}
