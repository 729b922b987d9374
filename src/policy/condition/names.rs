//! What a condition names, and how deep it goes: checked before it is ever evaluated.

use cel::IdedExpr;
use cel::common::ast::{EntryExpr, Expr, SelectExpr};

use super::{BadCondition, functions, patterns};

/// The deepest an expression may be.
const DEEPEST: usize = 48;

/// The most opening brackets, or signs before a value, in a row of nesting.
const MOST_NESTED: usize = 24;

const SCORE: &[&str] = &[
    "userId",
    "activityProgress",
    "gradingProgress",
    "scoreGiven",
    "scoreMaximum",
    "percent",
    "comment",
    "timestamp",
    "scoringUserId",
    "submission",
];
const SUBMISSION: &[&str] = &["startedAt", "submittedAt"];
const CALLER: &[&str] = &["name", "account"];
const TOP: &[&str] = &["score", "caller", "line_item", "now"];

/// Types that CEL has names for, as in `type(x) == double`.
const TYPES: &[&str] = &[
    "bool",
    "int",
    "uint",
    "double",
    "string",
    "bytes",
    "list",
    "map",
    "null_type",
    "type",
];

/// Before the text is parsed, since the parser descends as deep as it is nested. Brackets in texts
/// are counted too, which errs on the safe side.
pub(super) fn check_nesting(text: &str) -> Result<(), BadCondition> {
    let (mut depth, mut signs) = (0_usize, 0_usize);
    for byte in text.bytes() {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        signs = match byte {
            b'!' | b'-' => signs + 1,
            b' ' => signs,
            _ => 0,
        };
        if depth > MOST_NESTED || signs > MOST_NESTED {
            return Err(BadCondition::TooDeep);
        }
    }
    match text.matches('?').count() > MOST_NESTED {
        true => Err(BadCondition::TooDeep),
        false => Ok(()),
    }
}

/// What a condition looks at.
#[derive(Default)]
pub(super) struct Seen<'a> {
    /// Whether it looks at `score` beyond the members that have names here: at its extensions, perhaps.
    pub whole_score: bool,
    /// What it gives to `matches`.
    pub patterns: Vec<&'a str>,
}

pub(super) fn check(expression: &IdedExpr) -> Result<Seen<'_>, BadCondition> {
    let mut walk = Walk {
        locals: Vec::new(),
        depth: 0,
        seen: Seen::default(),
    };
    walk.walk(expression)?;
    Ok(walk.seen)
}

/// Where in the expression the check is.
struct Walk<'a> {
    /// The names of the loops around it.
    locals: Vec<&'a str>,
    depth: usize,
    seen: Seen<'a>,
}

impl<'a> Walk<'a> {
    fn walk(&mut self, node: &'a IdedExpr) -> Result<(), BadCondition> {
        if self.depth > DEEPEST {
            return Err(BadCondition::TooDeep);
        }
        self.depth += 1;
        let result = self.walk_into(node);
        self.depth -= 1;
        result
    }

    fn walk_into(&mut self, node: &'a IdedExpr) -> Result<(), BadCondition> {
        match &node.expr {
            Expr::Unspecified | Expr::Literal(_) => Ok(()),
            Expr::Ident(name) => self.name(name),
            Expr::Select(select) => self.select(select),
            Expr::Call(call) => {
                functions::check(call)?;
                let pattern = patterns::pattern_of(call, !self.locals.is_empty())?;
                self.seen.patterns.extend(pattern);
                functions::check_values(call)?;
                let parts = call.target.iter().map(|target| &**target).chain(&call.args);
                self.all(parts)
            }
            Expr::List(list) => self.all(&list.elements),
            Expr::Map(map) => self.entries(map.entries.iter().map(|entry| &entry.expr)),
            // The type that it would make a value of.
            Expr::Struct(_) => Err(BadCondition::UnknownName),
            Expr::Comprehension(each) => {
                if !self.locals.is_empty() {
                    return Err(BadCondition::NestedLoop);
                }
                self.walk(&each.iter_range)?;
                self.locals.extend([each.iter_var.as_str(), &each.accu_var]);
                self.locals.extend(each.iter_var2.as_deref());
                let parts = [
                    &each.accu_init,
                    &each.loop_cond,
                    &each.loop_step,
                    &each.result,
                ];
                let result = self.all(parts);
                self.locals.clear();
                result
            }
        }
    }

    fn all(&mut self, nodes: impl IntoIterator<Item = &'a IdedExpr>) -> Result<(), BadCondition> {
        nodes.into_iter().try_for_each(|node| self.walk(node))
    }

    fn entries(
        &mut self,
        entries: impl Iterator<Item = &'a EntryExpr>,
    ) -> Result<(), BadCondition> {
        for entry in entries {
            match entry {
                EntryExpr::StructField(field) => self.walk(&field.value)?,
                EntryExpr::MapEntry(entry) => self.all([&entry.key, &entry.value])?,
            }
        }
        Ok(())
    }

    fn name(&mut self, name: &str) -> Result<(), BadCondition> {
        self.seen.whole_score |= name == "score" && !self.locals.contains(&name);
        let is_known = TOP.contains(&name) || TYPES.contains(&name) || self.locals.contains(&name);
        match is_known || name.starts_with('@') {
            true => Ok(()),
            false => Err(BadCondition::UnknownName),
        }
    }

    fn select(&mut self, select: &'a SelectExpr) -> Result<(), BadCondition> {
        let known = match &select.operand.expr {
            Expr::Ident(name) if self.locals.contains(&name.as_str()) => None,
            Expr::Ident(name) if name == "score" => Some(SCORE),
            Expr::Ident(name) if name == "caller" => Some(CALLER),
            Expr::Select(inner) if is_submission(inner) => Some(SUBMISSION),
            _ => None,
        };
        match known {
            Some(known) if !known.contains(&select.field.as_str()) => {
                Err(BadCondition::UnknownMember {
                    name: select.field.clone(),
                    known,
                })
            }
            Some(_) => Ok(()),
            None => self.walk(&select.operand),
        }
    }
}

/// `score.submission`.
pub(super) fn is_submission(select: &SelectExpr) -> bool {
    let of_score = matches!(&select.operand.expr, Expr::Ident(name) if name == "score");
    of_score && select.field == "submission"
}
