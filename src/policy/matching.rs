//! Which scores a policy is for.

use jiff::Timestamp as Instant;

use super::condition::{Condition, EvaluationFailed};
use crate::line_item::Pattern;
use crate::score::Score;

/// What must fit. An empty list fits everything.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Match {
    pub callers: Vec<String>,
    pub accounts: Vec<String>,
    pub line_items: Vec<Pattern>,
    pub when: Option<Condition>,
}

/// A submission: where it comes from, where it goes and what it says.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// `ISSUER/CLAIM` for the caller of a JWT.
    pub caller: &'a str,
    pub account: &'a str,
    /// The normalized id.
    pub line_item: &'a str,
    pub score: &'a Score,
    /// Its arrival.
    pub now: Instant,
}

impl Match {
    /// Whether all but `when` fits.
    pub fn covers(&self, caller: &str, account: &str, line_item: &str) -> bool {
        names(&self.callers, caller)
            && names(&self.accounts, account)
            && (self.line_items.is_empty()
                || self
                    .line_items
                    .iter()
                    .any(|pattern| pattern.matches(line_item)))
    }

    /// Whether this matches all that the other matches. Never wrongly true.
    pub fn includes(&self, other: &Self) -> bool {
        let names = |wide: &[String], narrow: &[String]| {
            wide.is_empty() || !narrow.is_empty() && narrow.iter().all(|name| wide.contains(name))
        };
        let is_within = |item: &Pattern| self.line_items.iter().any(|wide| wide.includes(item));
        let has_items = self.line_items.is_empty()
            || !other.line_items.is_empty() && other.line_items.iter().all(is_within);
        let has_condition = self.when.is_none() || self.when == other.when;
        let has_names =
            names(&self.callers, &other.callers) && names(&self.accounts, &other.accounts);
        has_names && has_items && has_condition
    }

    /// Whether both may match one score. Never wrongly false.
    pub fn may_meet(&self, other: &Self) -> bool {
        let names = |one: &[String], other: &[String]| {
            one.is_empty() || other.is_empty() || one.iter().any(|name| other.contains(name))
        };
        let (one, two) = (&self.line_items, &other.line_items);
        let meets = |item: &Pattern| two.iter().any(|two| two.may_meet(item));
        let items_meet = one.is_empty() || two.is_empty() || one.iter().any(meets);
        names(&self.callers, &other.callers) && names(&self.accounts, &other.accounts) && items_meet
    }

    /// Whether the condition holds, as far as there is one.
    pub fn holds(&self, subject: &Subject<'_>) -> Result<bool, EvaluationFailed> {
        self.when
            .as_ref()
            .map_or(Ok(true), |when| when.holds(subject))
    }
}

fn names(list: &[String], name: &str) -> bool {
    list.is_empty() || list.iter().any(|listed| listed == name)
}
