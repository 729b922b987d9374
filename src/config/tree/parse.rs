//! Reads TOML text into a tree. Syntax errors name a line and a rule of TOML, never the text of
//! the line: a secret may stand on it.

use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue, Error};

use super::{Entry, Node, Value};
use crate::config::problem::{Place, Problem, Problems};

/// More syntax errors than this are mostly echoes of the first ones.
const MOST_ERRORS: usize = 20;

/// No key of ours is longer.
const LONGEST_KEY: usize = 32;

pub(in crate::config) fn parse(file: &Arc<str>, text: &str) -> Result<Node, Problems> {
    let lines = Lines::of(file.clone(), text);
    let (table, errors) = DeTable::parse_recoverable(text);
    match errors.is_empty() {
        true => Ok(lines.table(Place::File(file.clone()), table.get_ref())),
        false => Err(lines.problems(&errors, text)),
    }
}

/// Where each line of a file begins.
struct Lines {
    file: Arc<str>,
    starts: Vec<usize>,
}

impl Lines {
    fn of(file: Arc<str>, text: &str) -> Self {
        let starts = text.match_indices('\n').map(|(at, _)| at + 1).collect();
        Self { file, starts }
    }

    fn place(&self, offset: usize) -> Place {
        let before = self.starts.partition_point(|&start| start <= offset);
        Place::Line(self.file.clone(), before + 1)
    }

    fn problems(&self, errors: &[Error], text: &str) -> Problems {
        let errors = errors.get(..MOST_ERRORS).unwrap_or(errors);
        let twice = errors.iter().filter_map(|error| Twice::of(error, text));
        let twice = twice.filter(|twice| twice.is_table);
        let tables: Vec<_> = twice.map(|table| table.header).collect();
        let mut problems: Vec<Problem> = Vec::new();
        for error in errors {
            let place = self.place(error.span().map_or(0, |span| span.start));
            let twice = Twice::of(error, text);
            if twice.as_ref().is_some_and(|twice| twice.is_within(&tables)) {
                continue;
            }
            // One line often breaks several rules of TOML; the first is the one to mend.
            if problems.last().is_none_or(|last| last.place != place) {
                problems.push(syntax_problem(place, error, twice.as_ref()));
            }
        }
        problems.sort_by(|one, other| one.place.cmp(&other.place));
        Problems::only(problems)
    }

    fn table(&self, place: Place, table: &DeTable<'_>) -> Node {
        let member = |(key, value): (&Spanned<DeString<'_>>, &Spanned<DeValue<'_>>)| {
            let node = self.node(self.place(key.span().start), value.get_ref());
            (key.get_ref().to_string(), node)
        };
        let value = Value::Table(table.iter().map(member).collect());
        Node { place, value }
    }

    fn node(&self, place: Place, value: &DeValue<'_>) -> Node {
        let value = match value {
            DeValue::Table(table) => return self.table(place, table),
            DeValue::Array(list) => Value::List(self.entries(list)),
            DeValue::String(text) => Value::Text(text.to_string()),
            DeValue::Boolean(value) => Value::Bool(*value),
            DeValue::Datetime(time) => Value::Time(time.to_string()),
            DeValue::Float(number) => {
                Value::Fraction(number.as_str().trim_start_matches('+').to_owned())
            }
            DeValue::Integer(number) => Value::Whole(
                i128::from_str_radix(number.as_str(), number.radix())
                    .map_or_else(|_| number.to_string(), |number| number.to_string()),
            ),
        };
        Node { place, value }
    }

    fn entries(&self, list: &[Spanned<DeValue<'_>>]) -> Vec<Entry> {
        list.iter()
            .enumerate()
            .map(|(index, value)| Entry {
                index,
                node: self.node(self.place(value.span().start), value.get_ref()),
            })
            .collect()
    }
}

/// What is there twice: a table, or a key.
struct Twice<'a> {
    is_table: bool,
    name: &'a str,
    /// What stands before its line.
    before: &'a str,
    /// Where the header begins that it stands under, or is.
    header: Option<usize>,
}

impl<'a> Twice<'a> {
    fn of(error: &Error, text: &'a str) -> Option<Self> {
        let span = error.span()?;
        let until = text.get(..span.start)?;
        let line = until.rfind('\n').map_or(0, |at| at + 1);
        let first = until.starts_with('[').then_some(0);
        let header = until.rfind("\n[").map_or(first, |at| Some(at + 1));
        let twice = Self {
            is_table: header == Some(line),
            name: text.get(span)?,
            before: text.get(..line)?,
            header,
        };
        (error.message() == "duplicate key").then_some(twice)
    }

    /// Whether its table is there twice, which says enough.
    fn is_within(&self, tables: &[Option<usize>]) -> bool {
        !self.is_table && tables.contains(&self.header)
    }

    /// Which one it is, and where the first stands.
    fn told(&self) -> Option<String> {
        let is_of_word = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
        // A key is no secret, unless one was pasted in its place.
        if self.name.len() > LONGEST_KEY || !self.name.bytes().all(is_of_word) {
            return None;
        }
        let written = match self.is_table {
            true => format!("[{}]", self.name),
            false => self.name.to_owned(),
        };
        let first = self.first(&written)?;
        Some(format!(
            ": `{written}` stands on line {first} already; there may be one alone"
        ))
    }

    /// Of tables the first with that header, of keys the nearest line, which is of the same table.
    fn first(&self, written: &str) -> Option<usize> {
        let mut lines: Vec<_> = self.before.lines().enumerate().collect();
        if !self.is_table {
            lines.reverse();
        }
        let begins = |line: &str| {
            let rest = line.trim_start().strip_prefix(written);
            rest.is_some_and(|rest| self.is_table || rest.trim_start().starts_with(['=', '.']))
        };
        let first = lines.into_iter().find(|(_, line)| begins(line));
        first.map(|(index, _)| index + 1)
    }
}

fn syntax_problem(place: Place, error: &Error, twice: Option<&Twice<'_>>) -> Problem {
    let message = error.message();
    let twice = twice.and_then(Twice::told).unwrap_or_default();
    // What begins with a digit is taken for a number.
    let hint = match message.starts_with("invalid float") || message.starts_with("invalid integer")
    {
        true => "; a text stands in quotes, such as \"127.0.0.1:8080\"",
        false => "",
    };
    Problem {
        place,
        key: String::new(),
        given: None,
        message: format!("this is not TOML: {message}{hint}{twice}"),
    }
}

/// Reads one value, as an override gives it; text in no TOML notation is that text.
pub(super) fn parse_value(place: &Place, text: &str) -> Node {
    let lines = Lines::of(Arc::from(""), text);
    let mut node = match DeValue::parse(text) {
        Ok(value) => lines.node(place.clone(), value.get_ref()),
        Err(_) => Node {
            place: place.clone(),
            value: Value::Text(text.to_owned()),
        },
    };
    node.written_at(place);
    node
}

impl Node {
    fn written_at(&mut self, place: &Place) {
        self.place = place.clone();
        match &mut self.value {
            Value::Table(table) => table.values_mut().for_each(|node| node.written_at(place)),
            Value::List(list) => list
                .iter_mut()
                .for_each(|entry| entry.node.written_at(place)),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::path::KeyPath;

    #[test]
    fn numbers_keep_their_exact_value() {
        for (text, expected) in [
            ("99.90", "99.90"),
            ("+1_000.5", "1000.5"),
            ("-0.1", "-0.1"),
            ("1e2", "1e2"),
            (
                "0.1000000000000000055511151231257827",
                "0.1000000000000000055511151231257827",
            ),
            ("+1_000", "1000"),
            ("0xff", "255"),
            (
                "123456789012345678901234567890",
                "123456789012345678901234567890",
            ),
        ] {
            let node = parse_value(&Place::Variable("X".to_owned()), text);
            assert_eq!(node.value.scalar().as_deref(), Some(expected), "{text}");
            assert!(!matches!(node.value, Value::Text(_)), "{text}");
        }
    }

    #[test]
    fn every_value_has_its_line() {
        let text = "a = 1\n[b]\nc = [\n  1,\n  { d = 2 },\n]\n[[e]]\n[[e]]\nf.g = 3\n";
        let tree = parse(&Arc::from("x"), text).unwrap();
        for (path, line) in [
            (KeyPath::default().key("a"), 1),
            (KeyPath::default().key("b"), 2),
            (KeyPath::default().key("b").key("c"), 3),
            (KeyPath::default().key("b").key("c").index(0), 4),
            (KeyPath::default().key("b").key("c").index(1).key("d"), 5),
            (KeyPath::default().key("e").index(0), 7),
            (KeyPath::default().key("e").index(1), 8),
            (KeyPath::default().key("e").index(1).key("f").key("g"), 9),
            (KeyPath::default().key("e").index(1).key("missing"), 8),
        ] {
            let place = &tree.locate(&path).node.place;
            assert_eq!(*place, Place::Line(Arc::from("x"), line), "{path}");
        }
    }
}
