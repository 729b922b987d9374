//! Each side of `&&` and `||`, and each branch of `?:`, is tried by itself: what stands in front of it
//! keeps the samples from it, and so would hide a fault until the first score that gets there.

use cel::common::ast::{CallExpr, ComprehensionExpr, Expr, operators};
use cel::{Context, ExecutionError, IdedExpr, Value};

use super::{BadCondition, advised, caught, cause, parts};

/// Tries all sides in an expression, on what the samples make of its names.
pub(super) struct Sides<'a> {
    pub samples: &'a [Context<'a, 'static>],
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
                None => self.try_in_parts(node),
            },
            Expr::Comprehension(each) => {
                self.try_in(&each.iter_range)?;
                self.try_in_loop(each)
            }
            _ => self.try_in_parts(node),
        }
    }

    fn try_in_parts(&self, node: &IdedExpr) -> Result<(), BadCondition> {
        let mut parts = parts::of(node).into_iter();
        parts.try_for_each(|part| self.try_in(part))
    }

    /// What is done with each element is tried on those that stand in the condition. No sample has any
    /// other.
    fn try_in_loop(&self, each: &ComprehensionExpr) -> Result<(), BadCondition> {
        let Expr::List(list) = &each.iter_range.expr else {
            return Ok(());
        };
        let of_sample = |sample| list.elements.iter().map(move |element| (sample, element));
        let rounds = self.samples.iter().flat_map(of_sample);
        let samples: Vec<_> = rounds
            .filter_map(|(sample, element)| round(each, sample, element))
            .collect();
        let inner = Sides {
            samples: &samples,
            place: self.place,
        };
        inner.try_in(&each.loop_step)
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
        let reason = advised(reason, side);
        let (line, column) = (self.place)(side.id).unwrap_or((1, 1));
        Err(BadCondition::SideFails {
            line,
            column,
            reason,
        })
    }
}

/// A sample within a loop, at one of its elements.
fn round<'a>(
    each: &ComprehensionExpr,
    sample: &'a Context<'a, 'static>,
    element: &IdedExpr,
) -> Option<Context<'a, 'static>> {
    let value = |part| caught(|| Value::resolve(part, sample))?.ok();
    let (element, accumulated) = (value(element)?, value(&each.accu_init)?);
    let mut round = sample.new_inner_scope();
    round.add_variable_from_value(&each.iter_var, element);
    round.add_variable_from_value(&each.accu_var, accumulated);
    Some(round)
}

fn tried(side: &IdedExpr, kind: Kind, sample: &Context<'_, 'static>) -> Tried {
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
