//! `[[caller]]`: a tool that authenticates with gateway keys.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::access::Access;
use super::account::Account;
use super::findings::At;
use super::key_digest::{KeyDigest, KeyEntry};
use super::rate_limit::{RateLimit, RateLimitSection};
use super::{accounts::Accounts, max_in_flight, name, rate_limit};
use crate::line_item::Pattern;
use crate::permission::{Permission, Permissions};

/// How long before a caller's last key ends there is a warning.
const SOON: SignedDuration = SignedDuration::from_hours(30 * 24);

/// A tool that authenticates with gateway keys.
#[derive(Debug)]
pub struct Caller {
    pub name: String,
    pub account: Arc<Account>,
    pub keys: Vec<KeyDigest>,
    pub allow: Permissions,
    /// Empty: every line item on the account's platforms.
    pub line_items: Vec<Pattern>,
    pub rate_limit: Option<RateLimit>,
    /// Of its requests.
    pub max_in_flight: Option<usize>,
}

/// A tool that authenticates with gateway keys.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, expecting = "a table, `[[caller]]`")]
#[schemars(deny_unknown_fields)]
pub struct CallerSection {
    /// What policies and logs call it.
    #[schemars(required)]
    pub name: Option<String>,
    /// The account it works with.
    #[schemars(required)]
    pub account: Option<String>,
    /// The digests of its keys, as `scoregate key new` prints them. Several, for rotation.
    #[schemars(required, length(min = 1))]
    pub keys: Vec<KeyEntry>,
    /// What it may do. Nothing is allowed that is not listed.
    pub allow: Vec<Permission>,
    /// The line items it may name: `*` stands for anything within a path segment, `**` across
    /// them. Without it, every line item on the account's platforms.
    pub line_items: Vec<String>,
    /// How often it may ask. Without it there is no limit but those of `[server]`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate_limit: Option<RateLimitSection>,
    /// How many of its requests may be in flight at once, 1 to 1,000,000; those beyond are answered
    /// RATE_LIMITED. Without it there is no limit but those of `[server]`: set it where several share
    /// a gateway, well below `server.max_in_flight`, so that none takes every place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_in_flight: Option<u64>,
}

impl CallerSection {
    pub(super) fn check(&self, at: &At<'_>, accounts: &Accounts, now: Timestamp) -> Option<Caller> {
        let name = name::check(at, &self.name);
        let access = Access {
            account: &self.account,
            allow: &self.allow,
            line_items: &self.line_items,
        };
        let access = access.check(at, accounts);
        let keys = self.check_keys(&at.key("keys"), now);
        let rate_limit = rate_limit::check(&at.key("rate_limit"), self.rate_limit.as_ref());
        let in_flight = max_in_flight::check(&at.key("max_in_flight"), self.max_in_flight);
        let (account, allow, line_items) = access?;
        Some(Caller {
            name: name?,
            account,
            keys: keys?,
            allow,
            line_items,
            rate_limit: rate_limit?,
            max_in_flight: in_flight?,
        })
    }

    fn check_keys(&self, at: &At<'_>, now: Timestamp) -> Option<Vec<KeyDigest>> {
        match self.keys.is_empty() {
            true => at.missing("needs at least one digest, as `scoregate key new` prints it"),
            false => {
                let keys = at.each(&self.keys, |at, key| key.check(at, now))?;
                warn_of_the_end(at, &keys, now);
                Some(keys)
            }
        }
    }
}

/// Where no key is left afterwards. Those that have ended were told of one by one.
fn warn_of_the_end(at: &At<'_>, keys: &[KeyDigest], now: Timestamp) {
    let ends: Option<Vec<_>> = keys.iter().map(|key| key.not_after).collect();
    let Some(last) = ends.and_then(|ends| ends.into_iter().max()) else {
        return;
    };
    if last > now && last.duration_since(now) < SOON {
        at.warn(format_args!(
            "the last of them ends at {last}: `scoregate key new` makes another"
        ));
    }
}

/// One key can't tell two callers apart, nor have two ends.
pub(super) fn check_keys_apart(at: &At<'_>, sections: &[CallerSection]) {
    let mut owners: HashMap<&str, (usize, usize)> = HashMap::new();
    for (position, section) in sections.iter().enumerate() {
        for (index, key) in section.keys.iter().enumerate() {
            let Some(digest) = key.digest() else { continue };
            let at = at.index(position).key("keys").index(index);
            let (owner, first) = *owners.entry(digest).or_insert((position, index));
            if owner != position {
                at.problem::<()>(format_args!("is a key of `caller[{owner}]` already"));
            } else if first != index {
                at.problem::<()>(format_args!("is the key of `keys[{first}]` already"));
            }
        }
    }
}
