//! Which scores a policy is for.

use crate::line_item::Pattern;

/// What must fit. An empty list fits everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Match {
    pub callers: Vec<String>,
    pub accounts: Vec<String>,
    pub line_items: Vec<Pattern>,
}

/// Where a score comes from and goes to.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// `ISSUER/CLAIM` for the caller of a JWT.
    pub caller: &'a str,
    pub account: &'a str,
    /// The normalized id.
    pub line_item: &'a str,
}

impl Match {
    pub fn covers(&self, subject: &Subject<'_>) -> bool {
        names(&self.callers, subject.caller)
            && names(&self.accounts, subject.account)
            && (self.line_items.is_empty()
                || self
                    .line_items
                    .iter()
                    .any(|pattern| pattern.matches(subject.line_item)))
    }
}

fn names(list: &[String], name: &str) -> bool {
    list.is_empty() || list.iter().any(|listed| listed == name)
}
