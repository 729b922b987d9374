//! Members that are times are texts to a condition, which is easily forgotten.

use cel::IdedExpr;
use cel::common::ast::{CallExpr, Expr, LiteralValue, operators};

use super::parts;

const MEMBERS: &[&str] = &["timestamp", "startedAt", "submittedAt"];

const ORDERS: &[&str] = &[
    operators::LESS,
    operators::LESS_EQUALS,
    operators::GREATER,
    operators::GREATER_EQUALS,
];

/// Whether a text is taken for a time in it, which fails for every score.
pub(super) fn takes_text_for_time(node: &IdedExpr) -> bool {
    parts::any(node, &|part| {
        let Expr::Call(call) = &part.expr else {
            return false;
        };
        match (&call.target, call.args.as_slice()) {
            (Some(target), _) => is_member(target) && call.func_name.starts_with("get"),
            (None, [one, other]) if orders(call) => {
                is_member(one) && !is_text(other)
                    || !is_text(one) && is_member(other)
                    || is_time(one) && is_text(other)
                    || is_text(one) && is_time(other)
            }
            (None, [one, other]) if adds(call) => is_member(one) || is_member(other),
            (None, _) => false,
        }
    })
}

/// Whether a member that is a time is compared with another text, letter by letter.
pub(super) fn compares_texts(node: &IdedExpr) -> bool {
    parts::any(node, &|part| match &part.expr {
        Expr::Call(call) if orders(call) => {
            call.args.iter().any(is_member) && call.args.iter().all(is_text)
        }
        _ => false,
    })
}

fn orders(call: &CallExpr) -> bool {
    ORDERS.contains(&call.func_name.as_str())
}

fn adds(call: &CallExpr) -> bool {
    [operators::ADD, operators::SUBSTRACT].contains(&call.func_name.as_str())
}

fn is_text(node: &IdedExpr) -> bool {
    is_member(node) || matches!(&node.expr, Expr::Literal(LiteralValue::String(_)))
}

/// `score.timestamp`, `score.submission.submittedAt`.
fn is_member(node: &IdedExpr) -> bool {
    let Expr::Select(select) = &node.expr else {
        return false;
    };
    let is_of_score = match &select.operand.expr {
        Expr::Ident(name) => name == "score",
        Expr::Select(inner) => super::names::is_submission(inner),
        _ => false,
    };
    is_of_score && !select.test && MEMBERS.contains(&select.field.as_str())
}

fn is_time(node: &IdedExpr) -> bool {
    match &node.expr {
        Expr::Ident(name) => name == "now",
        Expr::Call(call) => call.target.is_none() && call.func_name == "timestamp",
        _ => false,
    }
}
