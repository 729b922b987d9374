//! Routed request and identity → a request that this caller may make.
//! Refuses with CALLER_NOT_ALLOWED and LINE_ITEM_NOT_ALLOWED.
//!
//! Decides anew for every request: what is cached is that a token was verified, never what its
//! holder may do.

use crate::config::Account;
use crate::error::{Code, Refusal};
use crate::handoff::{Authorized, Identity, Routed};
use crate::line_item::{LineItem, Pattern};
use crate::permission::Permissions;
use crate::routing::Target;

pub fn authorize(routed: Routed, identity: Identity) -> Result<Authorized, Refusal> {
    let Identity { caller, launch } = identity;
    let rights = Rights {
        account: &caller.account,
        permissions: caller.permissions,
        line_items: &caller.line_items,
    };
    rights.check(&routed.target)?;
    Ok(Authorized {
        routed,
        caller,
        launch,
    })
}

/// What a caller may reach.
pub struct Rights<'a> {
    pub account: &'a Account,
    pub permissions: Permissions,
    /// Empty: every line item on the account's platforms.
    pub line_items: &'a [Pattern],
}

impl Rights<'_> {
    pub fn check(&self, target: &Target) -> Result<(), Refusal> {
        self.check_permission(target)?;
        self.check_line_items(target)
    }

    fn check_permission(&self, target: &Target) -> Result<(), Refusal> {
        let needed = target.operation.permission();
        match self.permissions.allows(needed) {
            true => Ok(()),
            false => {
                let description =
                    format!("This caller's `allow` does not list `{}`.", needed.name());
                Err(Refusal::new(Code::CallerNotAllowed, description))
            }
        }
    }

    /// The line item must be one that this caller may reach. The `url`, which LTIAAS would fetch with the
    /// LMS's token, is held to the account's platforms: it names the next page of a list, and such an
    /// address seldom lies beneath a line item.
    fn check_line_items(&self, target: &Target) -> Result<(), Refusal> {
        let platforms = &self.account.platforms;
        let on_platform = |item: &LineItem| platforms.iter().any(|platform| platform.covers(item));
        if ![&target.line_item, &target.url]
            .into_iter()
            .flatten()
            .all(on_platform)
        {
            return Err(elsewhere(
                "The line item, or the `url`, is not on one of this account's platforms.",
            ));
        }
        let is_among = |item: &LineItem| {
            let mut patterns = self.line_items.iter();
            self.line_items.is_empty() || patterns.any(|pattern| pattern.matches(item.normalized()))
        };
        match target.line_item.as_ref().is_none_or(is_among) {
            true => Ok(()),
            false => Err(elsewhere(
                "The line item is not among this caller's `line_items`.",
            )),
        }
    }
}

fn elsewhere(description: &'static str) -> Refusal {
    Refusal::new(Code::LineItemNotAllowed, description)
}
