//! `[[policy]]`: rules for the scores they match.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::findings::At;
use super::number::Number;
use super::{line_items, name, policy_names::Names};
use crate::policy::{Keys, Match, Maximum, Over, Policy};
use crate::score::Decimal;

/// Rules for the scores they match. All policies that match a score are merged key by key, in the
/// order of the file; a later one wins.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, expecting = "a table, `[[policy]]`")]
#[schemars(deny_unknown_fields)]
pub struct PolicySection {
    /// What refusals and explanations call it.
    #[schemars(required)]
    pub name: Option<String>,
    /// The scores it is for. Without it, all.
    #[serde(rename = "match", skip_serializing_if = "Option::is_none")]
    pub matching: Option<MatchSection>,
    /// The most a score may be, as a share of its maximum.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub maximum: Option<MaximumSection>,
}

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
    /// Patterns of line item ids: `*` stands for anything within a path segment, `**` across them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line_items: Option<Vec<String>>,
}

/// The most a score may be.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, expecting = "a table, `{ percent = 100, over = \"cap\" }`")]
#[schemars(deny_unknown_fields)]
pub struct MaximumSection {
    /// The share of the score's maximum, 0 or more; may be a fraction.
    #[schemars(required)]
    pub percent: Option<Number>,
    /// What becomes of a score above it: `cap` lowers it, `refuse` answers POLICY_REFUSED,
    /// `allow` leaves it (to lift what another policy set).
    pub over: OverText,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum OverText {
    #[default]
    Cap,
    Refuse,
    Allow,
}

impl PolicySection {
    pub(super) fn check(&self, at: &At<'_>, names: &Names<'_>) -> Option<Policy> {
        let name = name::check(at, &self.name);
        if self.maximum.is_none() && !at.key("maximum").is_unread() {
            at.warn("this policy sets no rule, so it does nothing");
        }
        let matching = match &self.matching {
            Some(section) => section.check(&at.key("match"), names),
            None => Some(Match::default()),
        };
        let maximum = match &self.maximum {
            Some(section) => section.check(&at.key("maximum")).map(Some),
            None => Some(None),
        };
        Some(Policy {
            name: name?.into(),
            matching: matching?,
            mode: crate::policy::Mode::Enforce,
            keys: Keys {
                maximum: maximum?,
                ..Keys::default()
            },
        })
    }
}

impl MatchSection {
    fn check(&self, at: &At<'_>, names: &Names<'_>) -> Option<Match> {
        let callers = some_names(&at.key("callers"), &self.callers, |at, name| {
            names.check_caller(at, name)
        });
        let accounts = some_names(&at.key("accounts"), &self.accounts, |at, name| {
            names.check_account(at, name)
        });
        let patterns = at.key("line_items");
        let line_items = some_names(&patterns, &self.line_items, |_, text| Some(text.to_owned()))
            .and_then(|texts| line_items::check(&patterns, &texts));
        names.warn_of_no_caller(at, self);
        Some(Match {
            callers: callers?,
            accounts: accounts?,
            line_items: line_items?,
            when: None,
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

impl MaximumSection {
    fn check(&self, at: &At<'_>) -> Option<Maximum> {
        let at = at.key("percent");
        let percent = at.required(&self.percent)?;
        let over = match self.over {
            OverText::Cap => Over::Cap,
            OverText::Refuse => Over::Refuse,
            OverText::Allow => Over::Allow,
        };
        match percent.text().starts_with('-') {
            true => at.problem("must be 0 or more"),
            false => Some(Maximum {
                percent: decimal(&at, percent)?,
                over,
            }),
        }
    }
}

/// The one place where a number of the configuration becomes one of the scores.
fn decimal(at: &At<'_>, number: &Number) -> Option<Decimal> {
    match Decimal::from_json(number.text()) {
        Ok(decimal) => Some(decimal),
        Err(_) => at.problem("must be a plain number of at most 28 digits"),
    }
}
