//! Reads TOML text into a tree. Syntax errors name a line and a rule of TOML, never the text of
//! the line: a secret may stand on it.

use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue, Error};

use super::{Entry, Node, Value};
use crate::config::problem::{Place, Problem, Problems};

/// More syntax errors than this are mostly echoes of the first ones.
const MOST_ERRORS: usize = 20;

pub(in crate::config) fn parse(file: &Arc<str>, text: &str) -> Result<Node, Problems> {
    let lines = Lines::of(file.clone(), text);
    let (table, errors) = DeTable::parse_recoverable(text);
    match errors.is_empty() {
        true => Ok(lines.table(Place::File(file.clone()), table.get_ref())),
        false => Err(lines.problems(&errors)),
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

    fn problems(&self, errors: &[Error]) -> Problems {
        let mut problems: Vec<Problem> = Vec::new();
        for error in errors.iter().take(MOST_ERRORS) {
            let place = self.place(error.span().map_or(0, |span| span.start));
            // One line often breaks several rules of TOML; the first is the one to mend.
            if problems.last().is_none_or(|last| last.place != place) {
                problems.push(syntax_problem(place, error));
            }
        }
        problems.sort_by(|one, other| one.place.cmp(&other.place));
        Problems {
            problems,
            warnings: Vec::new(),
        }
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
            DeValue::Float(number) => Value::Fraction(number.as_str().to_owned()),
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

fn syntax_problem(place: Place, error: &Error) -> Problem {
    Problem {
        place,
        key: String::new(),
        given: None,
        message: format!("this is not TOML: {}", error.message()),
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
