//! The patterns of `matches`. The evaluator reads one anew for each text it is matched with, and looks
//! at each letter of the text for as long as the pattern is large: minutes, for a large one and a long
//! comment. So a pattern stands in the condition, is read at most once for a score, and is small.

use cel::IdedExpr;
use cel::common::ast::{CallExpr, Expr, LiteralValue};
use regex_syntax::hir::{Hir, HirKind};

use super::BadCondition;

/// The function that takes one.
pub(super) const MATCHES: &str = "matches";

/// The most places that the patterns of a condition may have. A comment of 64 KiB then takes two seconds
/// at the very worst, and mostly a thousandth of that.
pub(super) const MOST_PLACES: usize = 256;

/// The places of the pattern that a call is given, if it takes one.
pub(super) fn places_of(call: &CallExpr, is_in_loop: bool) -> Result<usize, BadCondition> {
    let pattern = call.args.last();
    let Some(pattern) = pattern.filter(|_| call.func_name == MATCHES) else {
        return Ok(0);
    };
    if is_in_loop {
        return Err(BadCondition::MatchesInLoop);
    }
    let text = written(pattern).ok_or(BadCondition::PatternNotWritten)?;
    let read = regex_syntax::parse(text).map_err(|_| BadCondition::NoPattern)?;
    Ok(places(&read))
}

/// Of all patterns of a condition.
pub(super) fn check_places(all: usize) -> Result<(), BadCondition> {
    match all <= MOST_PLACES {
        true => Ok(()),
        false => Err(BadCondition::LargePatterns),
    }
}

fn written(pattern: &IdedExpr) -> Option<&str> {
    match &pattern.expr {
        Expr::Literal(LiteralValue::String(text)) => Some(text.inner()),
        _ => None,
    }
}

/// How many letters it has once its repetitions are written out.
fn places(pattern: &Hir) -> usize {
    match pattern.kind() {
        HirKind::Empty => 0,
        HirKind::Literal(text) => text.0.len(),
        HirKind::Class(_) | HirKind::Look(_) => 1,
        HirKind::Capture(group) => places(&group.sub),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => {
            let all = parts.iter().map(places);
            all.fold(0, usize::saturating_add)
        }
        HirKind::Repetition(repeated) => {
            let times = repeated.max.unwrap_or(repeated.min).max(1);
            let times = usize::try_from(times).unwrap_or(usize::MAX);
            places(&repeated.sub).saturating_mul(times)
        }
    }
}
