//! Keys that do not exist, with the one that was probably meant.

use super::mask;
use super::path::{KeyPath, Step};
use super::problem::Problem;
use super::schema;
use super::tree::Node;

/// How alike a key must be to be the one that was meant.
const ALIKE: f64 = 0.8;

/// The problem of an unknown key. Its value is never shown.
pub(super) fn problem(tree: &Node, path: &KeyPath) -> Problem {
    let located = tree.locate(path);
    let parent = located.written.parent().unwrap_or_default();
    let known = schema::keys_at(&parent);
    let name = path.last_key().unwrap_or_default();
    let meant = nearest(name, &known);
    // Beside a secret even the name may be one: `api_keys = [{ 4f0c… = "env" }]`.
    let is_hidden = mask::could_be_a_secret(name) || (parent.is_secret() && meant.is_none());
    let key = match is_hidden {
        true => parent.with(Step::Key("***".to_owned())),
        false => located.written.clone(),
    };
    Problem {
        place: located.node.place.clone(),
        key: key.to_string(),
        given: None,
        message: match meant {
            Some(meant) => format!("is an unknown key; did you mean `{meant}`?"),
            None => format!("is an unknown key; known here: {}", listed(&known)),
        },
    }
}

fn nearest<'a>(name: &str, known: &'a [String]) -> Option<&'a str> {
    known
        .iter()
        .map(|key| (strsim::jaro_winkler(name, key), key.as_str()))
        .filter(|(alike, _)| *alike >= ALIKE)
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .map(|(_, key)| key)
}

fn listed(known: &[String]) -> String {
    let known: Vec<_> = known.iter().map(|key| format!("`{key}`")).collect();
    known.join(", ")
}
