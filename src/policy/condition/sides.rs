//! Each side of `&&` and `||`, and each branch of `?:`, is tried by itself: what stands in front of it
//! keeps the samples from it, and so would hide a fault until the first score that gets there.

use cel::common::ast::{CallExpr, EntryExpr, Expr, operators};
use cel::{Context, ExecutionError, IdedExpr, Value};

use super::{BadCondition, caught, cause};

/// Tries all sides in an expression, on what the samples make of its names.
pub(super) struct Sides<'a> {
    pub samples: &'a [Context<'static, 'static>],
    /// Where a part of it stands: line and column.
    pub place: &'a dyn Fn(u64) -> Option<(usize, usize)>,
}

/// What a side must give.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Boolean,
    Any,
}

/// What a side makes of one sample.
enum Tried {
    Good,
    /// The sample has not what it looks at, or has another value than a score that gets there.
    Unknown,
    Fails(&'static str),
}

impl Sides<'_> {
    /// All sides in what is tried already as a whole.
    pub fn try_in(&self, node: &IdedExpr) -> Result<(), BadCondition> {
        match &node.expr {
            Expr::Call(call) => match sides_of(call) {
                Some(sides) => self.try_each(sides),
                None => parts_of(call).try_for_each(|part| self.try_in(part)),
            },
            Expr::Select(select) => self.try_in(&select.operand),
            Expr::List(list) => list.elements.iter().try_for_each(|part| self.try_in(part)),
            Expr::Map(map) => map
                .entries
                .iter()
                .try_for_each(|entry| self.try_in_entry(&entry.expr)),
            // What it does with each element has a name that no sample gives a value to.
            Expr::Comprehension(each) => self.try_in(&each.iter_range),
            Expr::Struct(_) | Expr::Unspecified | Expr::Literal(_) | Expr::Ident(_) => Ok(()),
        }
    }

    fn try_in_entry(&self, entry: &EntryExpr) -> Result<(), BadCondition> {
        match entry {
            EntryExpr::StructField(field) => self.try_in(&field.value),
            EntryExpr::MapEntry(entry) => {
                self.try_in(&entry.key)?;
                self.try_in(&entry.value)
            }
        }
    }

    fn try_each<'e>(
        &self,
        sides: impl IntoIterator<Item = (&'e IdedExpr, Kind)>,
    ) -> Result<(), BadCondition> {
        sides
            .into_iter()
            .try_for_each(|(side, kind)| self.try_side(side, kind))
    }

    fn try_side(&self, side: &IdedExpr, kind: Kind) -> Result<(), BadCondition> {
        // What is made of sides again is as good as they are.
        let is_made_of_sides = match &side.expr {
            Expr::Call(call) => sides_of(call).is_some(),
            _ => false,
        };
        match is_made_of_sides {
            true => {}
            false => self.try_alone(side, kind)?,
        }
        self.try_in(side)
    }

    /// Bad where no sample can be judged by it, and one of them should be.
    fn try_alone(&self, side: &IdedExpr, kind: Kind) -> Result<(), BadCondition> {
        let mut failure = None;
        for sample in self.samples {
            match tried(side, kind, sample) {
                Tried::Good => return Ok(()),
                Tried::Unknown => {}
                Tried::Fails(reason) => failure = failure.or(Some(reason)),
            }
        }
        let Some(reason) = failure else {
            return Ok(());
        };
        let (line, column) = (self.place)(side.id).unwrap_or((1, 1));
        Err(BadCondition::SideFails {
            line,
            column,
            reason,
        })
    }
}

fn tried(side: &IdedExpr, kind: Kind, sample: &Context<'static, 'static>) -> Tried {
    use ExecutionError as E;
    match caught(|| Value::resolve(side, sample)) {
        Some(Ok(Value::Bool(_))) => Tried::Good,
        Some(Ok(_)) => match kind {
            Kind::Any => Tried::Good,
            Kind::Boolean => Tried::Fails(super::NO_TRUTH),
        },
        Some(Err(
            E::NoSuchKey(_)
            | E::FunctionError { .. }
            | E::DivisionByZero(_)
            | E::RemainderByZero(_)
            | E::Overflow(..)
            | E::IndexOutOfBounds(_)
            | E::DuplicateKey(_),
        )) => Tried::Unknown,
        Some(Err(error)) => Tried::Fails(cause(&error)),
        None => Tried::Fails(super::EVALUATOR_FAILED),
    }
}

fn parts_of(call: &CallExpr) -> impl Iterator<Item = &IdedExpr> {
    call.target.iter().map(|target| &**target).chain(&call.args)
}

/// The sides of `&&` and `||`, the branches of `?:`, what `!` turns round; nothing of any other call.
fn sides_of(call: &CallExpr) -> Option<Vec<(&IdedExpr, Kind)>> {
    match (call.func_name.as_str(), call.args.as_slice()) {
        (operators::LOGICAL_AND | operators::LOGICAL_OR, [left, right]) => {
            Some(vec![(left, Kind::Boolean), (right, Kind::Boolean)])
        }
        (operators::LOGICAL_NOT, [turned]) => Some(vec![(turned, Kind::Boolean)]),
        (operators::CONDITIONAL, [asked, yes, no]) => Some(vec![
            (asked, Kind::Boolean),
            (yes, Kind::Any),
            (no, Kind::Any),
        ]),
        _ => None,
    }
}
