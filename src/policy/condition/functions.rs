//! The functions that a condition may call, and with how many values. The evaluator has no list of
//! them to ask for, so this is one; a test calls each.

use cel::common::ast::{CallExpr, Expr, LiteralValue};
use cel::{Context, IdedExpr, Value};

use super::patterns::MATCHES;
use super::{BadCondition, STANDARD};

/// A function, and how many values it takes beside the one it is called on.
struct Function {
    name: &'static str,
    /// As `name(…)`.
    alone: &'static [usize],
    /// As `value.name(…)`.
    on_value: &'static [usize],
}

const fn function(
    name: &'static str,
    alone: &'static [usize],
    on_value: &'static [usize],
) -> Function {
    Function {
        name,
        alone,
        on_value,
    }
}

/// Those that the parser makes loops or tests of are calls only where they have too many or too few
/// values.
const FUNCTIONS: &[Function] = &[
    function("has", &[], &[]),
    function("size", &[1], &[0]),
    function("contains", &[], &[1]),
    function("startsWith", &[], &[1]),
    function("endsWith", &[], &[1]),
    function(MATCHES, &[2], &[1]),
    function("all", &[], &[]),
    function("exists", &[], &[]),
    function("exists_one", &[], &[]),
    function("existsOne", &[], &[]),
    function("map", &[], &[]),
    function("filter", &[], &[]),
    function("timestamp", &[1], &[]),
    function("duration", &[1], &[]),
    function("bool", &[1], &[]),
    function("bytes", &[1], &[]),
    function("double", &[1], &[]),
    function("int", &[1], &[]),
    function("string", &[1], &[]),
    function("uint", &[1], &[]),
    function("dyn", &[1], &[]),
    function("type", &[1], &[]),
    function("getFullYear", &[], &[0, 1]),
    function("getMonth", &[], &[0, 1]),
    function("getDate", &[], &[0, 1]),
    function("getDayOfMonth", &[], &[0, 1]),
    function("getDayOfWeek", &[], &[0, 1]),
    function("getDayOfYear", &[], &[0, 1]),
    function("getHours", &[], &[0, 1]),
    function("getMinutes", &[], &[0, 1]),
    function("getSeconds", &[], &[0, 1]),
    function("getMilliseconds", &[], &[0, 1]),
];

/// Whether there is what a call names, and takes as many values.
pub(super) fn check(call: &CallExpr) -> Result<(), BadCondition> {
    if is_operator(&call.func_name) {
        return Ok(());
    }
    let name = || call.func_name.clone();
    let known = FUNCTIONS
        .iter()
        .find(|function| function.name == call.func_name);
    let Some(Function {
        alone, on_value, ..
    }) = known
    else {
        return Err(BadCondition::UnknownFunction { name: name() });
    };
    let (counts, other) = match call.target {
        None => (alone, on_value),
        Some(_) => (on_value, alone),
    };
    match (counts.contains(&call.args.len()), counts.is_empty()) {
        (true, _) => Ok(()),
        (false, true) if !other.is_empty() => Err(match call.target {
            None => BadCondition::CalledAlone { name: name() },
            Some(_) => BadCondition::CalledOnValue { name: name() },
        }),
        (false, _) => Err(BadCondition::ValueCount { name: name() }),
    }
}

/// `_&&_`, `_[_]`, `@in`: no name has such signs.
pub(super) fn is_operator(name: &str) -> bool {
    let is_of_name = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    !name.chars().all(is_of_name)
}

/// Whether a function fails for whatever score, since all that it is given stands in the condition, or the
/// time zone does.
pub(super) fn check_values(call: &CallExpr) -> Result<(), BadCondition> {
    let is_written = |part: &IdedExpr| matches!(part.expr, Expr::Literal(_));
    let mut parts = call.target.iter().map(|target| &**target).chain(&call.args);
    let name = call.func_name.clone();
    // What is wrong with a pattern is found where it is read.
    let is_tried = name != MATCHES && !is_operator(&name);
    let fails_as_written = is_tried && parts.all(is_written) && fails(call.clone());
    let has_zone = name.starts_with("get") && !call.args.is_empty();
    let zone_fails = has_zone && call.args.iter().all(is_written) && fails(of_some_time(call));
    match fails_as_written || zone_fails {
        true => Err(BadCondition::AlwaysFails { name }),
        false => Ok(()),
    }
}

/// The same call, of a time that does not depend on the score.
fn of_some_time(call: &CallExpr) -> CallExpr {
    let part = |expr| IdedExpr { id: 0, expr };
    let time = CallExpr {
        func_name: "timestamp".to_owned(),
        target: None,
        args: vec![part(Expr::Literal(LiteralValue::Int(0.into())))],
    };
    CallExpr {
        target: Some(Box::new(part(Expr::Call(time)))),
        ..call.clone()
    }
}

fn fails(call: CallExpr) -> bool {
    let call = IdedExpr {
        id: 0,
        expr: Expr::Call(call),
    };
    let context = Context::with_env(STANDARD.clone());
    super::caught(|| Value::resolve(&call, &context)).is_none_or(|result| result.is_err())
}

/// For people: those that are called by both names once.
pub(super) fn names() -> String {
    let names = FUNCTIONS.iter().map(|function| function.name);
    let shown = names.filter(|name| *name != "existsOne");
    shown.collect::<Vec<_>>().join("`, `")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Calls of each, that go well.
    const CALLS: &[&str] = &[
        "has({'a': 1}.a)",
        "size('a') == 'a'.size()",
        "'a'.contains('a') && 'a'.startsWith('a') && 'a'.endsWith('a')",
        "matches('a', 'a') && 'a'.matches('a')",
        "[1].all(a, a == 1) && [1].exists(a, a == 1) && [1].exists_one(a, a == 1) && [1].existsOne(a, a == 1)",
        "[1].map(a, a) == [1] && [1].map(a, a == 1, a) == [1] && [1].filter(a, a == 1) == [1]",
        "timestamp('2026-01-01T00:00:00Z') + duration('1h') > timestamp(0)",
        "bool('true') && bytes('a') == b'a' && double('1') == 1.0 && int('1') == 1 && string(1) == '1'",
        "uint('1') == 1u && dyn(1) == 1 && type(1) == int",
        "now.getFullYear() == 1970 && now.getMonth() == 0 && now.getDate() == 1 && now.getDayOfMonth() == 0",
        "now.getDayOfWeek() == 4 && now.getDayOfYear() == 0 && now.getHours() == 0 && now.getMinutes() == 0",
        "now.getSeconds() == 0 && now.getMilliseconds() == 0",
        "now.getFullYear('+01:00') == 1970 && now.getMonth('+01:00') == 0 && now.getDate('+01:00') == 1",
        "now.getDayOfMonth('+01:00') == 0 && now.getDayOfWeek('+01:00') == 4 && now.getDayOfYear('+01:00') == 0",
        "now.getHours('+01:00') == 1 && now.getMinutes('+01:00') == 0 && now.getSeconds('+01:00') == 0",
        "now.getMilliseconds('+01:00') == 0 && duration('90m').getHours() == 1",
    ];

    #[test]
    fn each_is_one_that_the_evaluator_has() {
        for text in CALLS {
            let condition = super::super::Condition::compile(text);
            let condition = condition.unwrap_or_else(|fault| panic!("{text}: {fault}"));
            let [score, ..] = super::super::samples::scores();
            let holds = condition.holds(&super::super::samples::subject(&score));
            assert_eq!(holds, Ok(true), "{text}");
        }
        for Function { name, .. } in FUNCTIONS {
            let is_called = |text: &str| text.contains(&format!("{name}("));
            assert!(CALLS.iter().any(|text| is_called(text)), "{name}");
        }
    }
}
