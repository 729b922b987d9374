//! Variables that look like an override but are none, as `SCOREGATE_SERVER_LISTEN`: its levels are
//! parted by one underscore where two are needed. Nothing reads them, which nothing else shows.

use super::environment::Environment;
use super::path::KeyPath;
use super::problem::{Place, Problem};
use super::schema;
use super::tree::{Node, PREFIX, Value};

/// What all our variables begin with.
const OURS: &str = "SCOREGATE_";

/// A warning for each variable that was probably meant for a key.
pub(super) fn warnings(tree: &Node, environment: &dyn Environment) -> Vec<Problem> {
    let variables = environment.starting_with(OURS);
    let names = variables
        .keys()
        // A secret may come from a variable of any name.
        .filter(|name| !name.starts_with(PREFIX) && !mentions(tree, name));
    names.filter_map(|name| warning(name)).collect()
}

fn warning(name: &str) -> Option<Problem> {
    let rest = name.strip_prefix(OURS)?.to_lowercase();
    let levels = levels(&rest, &KeyPath::default())?;
    // A section alone is nothing that a variable can set.
    let meant = match levels.as_slice() {
        [] | [_] => return None,
        levels => format!("{PREFIX}{}", levels.join("__").to_uppercase()),
    };
    Some(Problem {
        place: Place::Variable(name.to_owned()),
        key: String::new(),
        given: None,
        message: format!("is not read: the levels of a key are parted by `__`, as in `{meant}`"),
    })
}

/// The levels of a key from names that one underscore or more part; nothing where no key has them.
fn levels(rest: &str, path: &KeyPath) -> Option<Vec<String>> {
    let keys = schema::keys_at(path);
    if rest.is_empty() {
        // A secret's place is no value of a variable, but its name may well be the secret's own.
        let is_secret = keys.iter().any(|key| key == "env");
        return (!is_secret).then(Vec::new);
    }
    let (first, more) = rest.split_once('_').unwrap_or((rest, ""));
    if let Ok(index) = first.parse() {
        return with(first, more, &path.index(index));
    }
    keys.iter().find_map(|key| {
        let more = rest.strip_prefix(key.as_str())?;
        match more.is_empty() || more.starts_with('_') {
            true => with(key, more, &path.key(key)),
            false => None,
        }
    })
}

fn with(level: &str, more: &str, path: &KeyPath) -> Option<Vec<String>> {
    let more = levels(more.trim_start_matches('_'), path)?;
    Some([vec![level.to_owned()], more].concat())
}

/// Whether a text of the configuration is this name.
fn mentions(node: &Node, name: &str) -> bool {
    match &node.value {
        Value::Text(text) => text == name,
        Value::List(list) => list.iter().any(|entry| mentions(&entry.node, name)),
        Value::Table(table) => table.values().any(|node| mentions(node, name)),
        Value::Whole(_) | Value::Fraction(_) | Value::Bool(_) | Value::Time(_) => false,
    }
}
