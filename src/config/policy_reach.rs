//! Which scores a policy can ever meet, by who may submit them. One that nobody's scores reach, or a
//! pattern of one, is a mistake that nothing else shows.

use super::account::Account;
use super::caller::Caller;
use super::findings::At;
use super::issuer::Issuer;
use crate::line_item::Pattern;
use crate::permission::{Permission, Permissions};
use crate::policy::{Match, Policy};

/// One caller, or all of an issuer.
struct Reach<'a> {
    name: &'a str,
    is_issuer: bool,
    account: &'a Account,
    allow: Permissions,
    line_items: &'a [Pattern],
}

pub(super) fn warn(at: &At<'_>, policies: &[Policy], callers: &[Caller], issuers: &[Issuer]) {
    let reaches: Vec<_> = of_callers(callers).chain(of_issuers(issuers)).collect();
    if reaches.is_empty() {
        return; // which is told of already
    }
    for (index, policy) in policies.iter().enumerate() {
        warn_of(&at.index(index).key("match"), &policy.matching, &reaches);
    }
}

fn of_callers(callers: &[Caller]) -> impl Iterator<Item = Reach<'_>> {
    callers.iter().map(|caller| Reach {
        name: &caller.name,
        is_issuer: false,
        account: &caller.account,
        allow: caller.allow,
        line_items: &caller.line_items,
    })
}

fn of_issuers(issuers: &[Issuer]) -> impl Iterator<Item = Reach<'_>> {
    issuers.iter().map(|issuer| Reach {
        name: &issuer.name,
        is_issuer: true,
        account: &issuer.account,
        allow: issuer.allow,
        line_items: &issuer.line_items,
    })
}

fn warn_of(at: &At<'_>, matching: &Match, reaches: &[Reach<'_>]) {
    let Match {
        callers,
        accounts,
        line_items,
        when: _,
    } = matching;
    if callers.is_empty() && accounts.is_empty() && line_items.is_empty() {
        return;
    }
    let matched = reaches.iter().filter(|reach| reach.is_matched(matching));
    let matched: Vec<_> = matched.collect();
    if matched.is_empty() {
        let who = match callers.is_empty() {
            true => "no caller",
            false => "none of these callers",
        };
        at.warn(format_args!(
            "{who} works with any of these accounts, so the policy matches nothing; correct the names, or remove it"
        ));
        return;
    }
    if !matched.iter().any(|reach| reach.may_submit()) {
        at.warn("none of the callers that it matches may submit scores, so the policy matches nothing; put `scores:write` into the `allow` of one, or remove it");
        return;
    }
    for (index, pattern) in line_items.iter().enumerate() {
        if !matched.iter().any(|reach| reach.may_submit_to(pattern)) {
            at.key("line_items").index(index).warn("matches no line item that a caller of this policy may submit to, by its `line_items` and its account's `platforms`; correct the pattern, or let a caller in");
        }
    }
}

impl Reach<'_> {
    fn is_matched(&self, matching: &Match) -> bool {
        let Match {
            callers, accounts, ..
        } = matching;
        let is_named = callers.is_empty() || callers.iter().any(|name| self.is(name));
        is_named && (accounts.is_empty() || accounts.contains(&self.account.name))
    }

    /// Callers of an issuer are named `ISSUER/CLAIM`.
    fn is(&self, name: &str) -> bool {
        match self.is_issuer {
            true => name
                .split_once('/')
                .is_some_and(|(issuer, _)| issuer == self.name),
            false => name == self.name,
        }
    }

    fn may_submit(&self) -> bool {
        self.allow.allows(Permission::ScoresWrite)
    }

    fn may_submit_to(&self, pattern: &Pattern) -> bool {
        let platforms = &self.account.platforms;
        let may_name = |own: &Pattern| own.may_meet(pattern);
        self.may_submit()
            && platforms.iter().any(|platform| platform.may_hold(pattern))
            && (self.line_items.is_empty() || self.line_items.iter().any(may_name))
    }
}
