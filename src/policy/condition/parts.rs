//! What an expression is made of.

use cel::IdedExpr;
use cel::common::ast::{EntryExpr, Expr};

/// The parts it is made of, but not theirs.
pub(super) fn of(node: &IdedExpr) -> Vec<&IdedExpr> {
    match &node.expr {
        Expr::Unspecified | Expr::Literal(_) | Expr::Ident(_) => Vec::new(),
        Expr::Call(call) => {
            let target = call.target.iter().map(|target| &**target);
            target.chain(&call.args).collect()
        }
        Expr::Select(select) => vec![&select.operand],
        Expr::List(list) => list.elements.iter().collect(),
        Expr::Map(map) => of_entries(map.entries.iter().map(|entry| &entry.expr)),
        Expr::Struct(made) => of_entries(made.entries.iter().map(|entry| &entry.expr)),
        Expr::Comprehension(each) => vec![
            &each.iter_range,
            &each.accu_init,
            &each.loop_cond,
            &each.loop_step,
            &each.result,
        ],
    }
}

fn of_entries<'a>(entries: impl Iterator<Item = &'a EntryExpr>) -> Vec<&'a IdedExpr> {
    let parts = |entry: &'a EntryExpr| match entry {
        EntryExpr::StructField(field) => vec![&field.value],
        EntryExpr::MapEntry(entry) => vec![&entry.key, &entry.value],
    };
    entries.flat_map(parts).collect()
}

/// Whether something holds for it, or for anything in it.
pub(super) fn any(node: &IdedExpr, holds: &impl Fn(&IdedExpr) -> bool) -> bool {
    holds(node) || of(node).into_iter().any(|part| any(part, holds))
}
