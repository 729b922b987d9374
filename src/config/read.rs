//! From the tree to the document: every key of the wrong kind and every unknown key, at once.

use serde::Deserialize;

use super::document::Document;
use super::mask;
use super::path::{KeyPath, Step};
use super::problem::Problem;
use super::tree::{Mismatch, Node, Value};
use super::unknown;

/// What could be read, and what not.
pub(super) struct Read {
    /// Nothing where too much of it could not be read.
    pub document: Option<Document>,
    pub problems: Vec<Problem>,
    /// The keys that were left out because of a problem, as written.
    pub unread: Vec<KeyPath>,
}

/// After so many values of the wrong kind, the others are left unsaid: each takes a reading of the
/// whole document.
const MOST_ROUNDS: usize = 1_000;

/// Reads the document. serde stops at the first value of the wrong kind, so that value is taken
/// out of the tree and the rest is read again; each round removes one, so the rounds end.
pub(super) fn read(tree: &mut Node) -> Read {
    let mut problems = Vec::new();
    let mut unread = Vec::new();
    loop {
        let (path, mismatch) = match attempt(tree) {
            Ok((document, ignored)) => {
                problems.extend(ignored.iter().map(|path| unknown::problem(tree, path)));
                return Read {
                    document: Some(document),
                    problems,
                    unread,
                };
            }
            Err(mismatch) => mismatch,
        };
        problems.push(mismatch_problem(tree, &path, &mismatch));
        unread.push(tree.locate(&path).written);
        let document = match tree.remove(&path) {
            true if unread.len() < MOST_ROUNDS => continue,
            true => {
                problems.push(and_more(tree));
                None
            }
            false => Some(Document::default()),
        };
        return Read {
            document,
            problems,
            unread,
        };
    }
}

fn and_more(tree: &Node) -> Problem {
    Problem {
        place: tree.place.clone(),
        key: String::new(),
        given: None,
        message: "there are more problems than these: mend them first".to_owned(),
    }
}

/// The document and the keys that serde did not ask for; or the first key of the wrong kind.
fn attempt(tree: &Node) -> Result<(Document, Vec<KeyPath>), (KeyPath, Mismatch)> {
    let mut ignored = Vec::new();
    let mut note = |path: serde_ignored::Path<'_>| ignored.push(ignored_path(&path));
    let mut track = serde_path_to_error::Track::new();
    let tracked = serde_path_to_error::Deserializer::new(tree, &mut track);
    let read = Document::deserialize(serde_ignored::Deserializer::new(tracked, &mut note));
    match read {
        Ok(document) => Ok((document, ignored)),
        Err(mismatch) => Err((tracked_path(&track.path()), mismatch)),
    }
}

fn mismatch_problem(tree: &Node, path: &KeyPath, mismatch: &Mismatch) -> Problem {
    let located = tree.locate(path);
    let given = located.node.value.scalar().filter(|_| path.may_be_shown());
    Problem {
        place: located.node.place.clone(),
        key: located.written.to_string(),
        given: given.map(|text| mask::shown(&text)),
        message: written_once(path, located.node).unwrap_or_else(|| mismatch.to_string()),
    }
}

/// A table of which there may be several, as though there were one of it.
fn written_once(path: &KeyPath, node: &Node) -> Option<String> {
    match (path.steps(), &node.value) {
        ([Step::Key(name)], Value::Table(_)) if SEVERAL.contains(&&**name) => Some(format!(
            "there may be several: write `[[{name}]]`, not `[{name}]`"
        )),
        _ => None,
    }
}

const SEVERAL: [&str; 4] = ["account", "caller", "issuer", "policy"];

fn tracked_path(path: &serde_path_to_error::Path) -> KeyPath {
    use serde_path_to_error::Segment;
    path.iter()
        .filter_map(|segment| match segment {
            Segment::Seq { index } => Some(Step::Index(*index)),
            Segment::Map { key } => Some(Step::Key(key.clone())),
            Segment::Enum { .. } | Segment::Unknown => None,
        })
        .collect()
}

fn ignored_path(path: &serde_ignored::Path<'_>) -> KeyPath {
    use serde_ignored::Path;
    match path {
        Path::Root => KeyPath::default(),
        Path::Seq { parent, index } => ignored_path(parent).index(*index),
        Path::Map { parent, key } => ignored_path(parent).key(key),
        Path::Some { parent }
        | Path::NewtypeStruct { parent }
        | Path::NewtypeVariant { parent } => ignored_path(parent),
    }
}
