//! The document as it was written: every value with the place it was written at, numbers as
//! their exact text. It knows nothing of what the keys mean.

mod deserialize;
mod overrides;
mod parse;

use std::collections::BTreeMap;

use super::path::{KeyPath, Step};
use super::problem::Place;

pub(super) use deserialize::{Mismatch, NUMBER, NUMBER_OR_TEXT};
pub(super) use overrides::{PREFIX, apply as apply_override};
pub(super) use parse::parse;

#[derive(Clone, Debug)]
pub(super) struct Node {
    pub place: Place,
    pub value: Value,
}

#[derive(Clone, Debug)]
pub(super) enum Value {
    Text(String),
    /// A whole number, in plain digits.
    Whole(String),
    /// Any other number, as it was written.
    Fraction(String),
    Bool(bool),
    /// A date or time without quotes.
    Time(String),
    List(Vec<Entry>),
    Table(BTreeMap<String, Node>),
}

/// An entry of a list, with the index it was written at: it keeps that when others are removed.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub index: usize,
    pub node: Node,
}

/// What a path leads to.
pub(super) struct Located<'a> {
    /// The node at the path, or the last one on the way to it.
    pub node: &'a Node,
    /// Whether the whole path exists.
    pub exists: bool,
    /// The path with the indexes as written.
    pub written: KeyPath,
}

impl Node {
    /// Follows a path whose indexes count what is left of each list.
    pub fn locate(&self, path: &KeyPath) -> Located<'_> {
        let mut node = Some(self);
        let mut last = self;
        let mut written = Vec::new();
        for step in path.steps() {
            let (found, step) = match (node, step) {
                (Some(node), Step::Key(name)) => (node.value.member(name), step.clone()),
                (Some(node), Step::Index(position)) => match node.value.entry(*position) {
                    Some(entry) => (Some(&entry.node), Step::Index(entry.index)),
                    None => (None, step.clone()),
                },
                (None, _) => (None, step.clone()),
            };
            written.push(step);
            last = found.unwrap_or(last);
            node = found;
        }
        Located {
            node: last,
            exists: node.is_some(),
            written: written.into_iter().collect(),
        }
    }

    /// A member of a table, alone.
    pub fn into_member(self, name: &str) -> Option<Self> {
        match self.value {
            Value::Table(mut table) => table.remove(name),
            _ => None,
        }
    }

    /// Puts a member into a table, in place of what has its name.
    pub fn put(&mut self, name: &str, member: Self) {
        if let Value::Table(table) = &mut self.value {
            table.insert(name.to_owned(), member);
        }
    }

    /// Takes away what stands at the path. `false` where nothing does.
    pub fn remove(&mut self, path: &KeyPath) -> bool {
        let Some((last, way)) = path.steps().split_last() else {
            return false;
        };
        let mut node = self;
        for step in way {
            let Some(next) = node.child_mut(step) else {
                return false;
            };
            node = next;
        }
        match (&mut node.value, last) {
            (Value::Table(table), Step::Key(name)) => table.remove(name).is_some(),
            (Value::List(list), Step::Index(position)) if *position < list.len() => {
                list.remove(*position);
                true
            }
            _ => false,
        }
    }

    fn child_mut(&mut self, step: &Step) -> Option<&mut Node> {
        match (&mut self.value, step) {
            (Value::Table(table), Step::Key(name)) => table.get_mut(name),
            (Value::List(list), Step::Index(position)) => {
                list.get_mut(*position).map(|entry| &mut entry.node)
            }
            _ => None,
        }
    }
}

impl Value {
    /// The text of a value that is no list or table.
    pub fn scalar(&self) -> Option<String> {
        match self {
            Self::Text(text) | Self::Whole(text) | Self::Fraction(text) | Self::Time(text) => {
                Some(text.clone())
            }
            Self::Bool(value) => Some(value.to_string()),
            Self::List(_) | Self::Table(_) => None,
        }
    }

    fn member(&self, name: &str) -> Option<&Node> {
        match self {
            Self::Table(table) => table.get(name),
            _ => None,
        }
    }

    fn entry(&self, position: usize) -> Option<&Entry> {
        match self {
            Self::List(list) => list.get(position),
            _ => None,
        }
    }
}
