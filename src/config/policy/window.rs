//! `opens`, `due`, `grace`, `closes`, `extensions`: instants and a length of time.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::duration::DurationText;
use crate::config::findings::At;
use crate::config::instant::unreadable;
use crate::policy::{Extension, Extensions, Span};
use crate::score::Timestamp;

/// Another `due` for some learners.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, expecting = "a table, `{ users = [\"…\"], due = \"…\" }`")]
#[schemars(deny_unknown_fields)]
pub struct ExtensionSection {
    /// LTI user ids.
    #[schemars(required, length(min = 1))]
    pub users: Vec<String>,
    /// RFC 3339, with seconds and a zone.
    #[schemars(required)]
    pub due: Option<String>,
}

pub(super) fn instant(text: &str, at: &At<'_>) -> Option<Timestamp> {
    Timestamp::parse(text).or_else(|| unreadable(text, at, "2027-01-31T23:59:00Z"))
}

/// Whole seconds, up to ten years.
pub(super) fn span(text: &DurationText, at: &At<'_>) -> Option<Span> {
    const LONGEST: Duration = Duration::from_secs(3_650 * 86_400);
    let length = text.check_seconds(at, Duration::ZERO..=LONGEST)?;
    Some(Span::new(length.as_secs(), text.text()))
}

pub(super) fn extensions(list: &[ExtensionSection], at: &At<'_>) -> Option<Extensions> {
    let all = at.each(list, |at, extension| extension.check(at))?;
    warn_of_twice(&all, at);
    Some(Extensions(all.into()))
}

fn warn_of_twice(all: &[Extension], at: &At<'_>) {
    for (index, extension) in all.iter().enumerate() {
        let before = || all.iter().take(index).flat_map(|before| &before.users);
        let is_known = |user: &&String| before().any(|known| known == *user);
        if extension.users.iter().any(|user| is_known(&user)) {
            // Learner ids are for no log.
            at.index(index)
                .key("users")
                .warn("has a learner who is in an extension above; the first counts");
        }
    }
}

impl ExtensionSection {
    fn check(&self, at: &At<'_>) -> Option<Extension> {
        let users = match self.users.is_empty() {
            true => at.key("users").missing("must not be empty"),
            false => Some(self.users.clone()),
        };
        let due_at = at.key("due");
        let due = due_at
            .required(&self.due)
            .and_then(|text| instant(text, &due_at));
        Some(Extension {
            users: users?,
            due: due?,
        })
    }
}
