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
