//! `match`: the scores a policy is for.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::settings;
use crate::config::findings::At;
use crate::config::line_items;
use crate::config::policy_names::Names;
use crate::policy::Match;

/// The scores a policy is for: those that fit every key that is set.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, expecting = "a table, `{ callers = [\"…\"] }`")]
#[schemars(deny_unknown_fields)]
pub struct MatchSection {
    /// Names of callers; those of an issuer are `ISSUER/CLAIM`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub callers: Option<Vec<String>>,
    /// Names of accounts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accounts: Option<Vec<String>>,
    /// Patterns of whole line item ids: `*` stands for anything within a path segment, `**` across them; only a closing
    /// `**` takes what follows a `?` too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line_items: Option<Vec<String>>,
    /// A condition in CEL over `score`, `caller`, `line_item` and `now`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
}

impl MatchSection {
    pub(super) fn check(&self, at: &At<'_>, names: &Names<'_>) -> Option<Match> {
        let callers = some_names(&at.key("callers"), &self.callers, |at, name| {
            names.check_caller(at, name)
        });
        let accounts = some_names(&at.key("accounts"), &self.accounts, |at, name| {
            names.check_account(at, name)
        });
        let patterns = at.key("line_items");
        let line_items = some_names(&patterns, &self.line_items, |_, text| Some(text.to_owned()))
            .and_then(|texts| line_items::check(&patterns, &texts));
        let when = at.optional("when", &self.when, |text, at| settings::condition(text, at));
        Some(Match {
            callers: callers?,
            accounts: accounts?,
            line_items: line_items?,
            when: when?,
        })
    }
}

/// An empty list would read as "none" to one and as "any" to another.
fn some_names(
    at: &At<'_>,
    names: &Option<Vec<String>>,
    check: impl Fn(&At<'_>, &str) -> Option<String>,
) -> Option<Vec<String>> {
    match names.as_deref() {
        None => Some(Vec::new()),
        Some([]) => at.missing("must not be empty; without this key the policy matches any"),
        Some(names) => at.each(names, |at, name| check(at, name)),
    }
}
