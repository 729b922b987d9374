//! What a caller and an issuer have in common: the account they work with, what they may do, and
//! on which line items.

use std::sync::Arc;

use super::account::Account;
use super::accounts::Accounts;
use super::findings::At;
use super::line_items;
use crate::line_item::Pattern;
use crate::permission::{Permission, Permissions};

pub(super) struct Access<'a> {
    pub account: &'a Option<String>,
    pub allow: &'a [Permission],
    pub line_items: &'a [String],
}

impl Access<'_> {
    pub fn check(
        &self,
        at: &At<'_>,
        accounts: &Accounts,
    ) -> Option<(Arc<Account>, Permissions, Vec<Pattern>)> {
        let patterns = at.key("line_items");
        let line_items = line_items::check(&patterns, self.line_items);
        let account_at = at.key("account");
        let name = account_at.required(self.account);
        let account = name.and_then(|name| accounts.find(&account_at, name));
        if self.allow.is_empty() && !at.key("allow").is_unread() {
            at.key("allow")
                .warn("is empty: nothing is allowed that is not listed");
        }
        match (&line_items, name) {
            (Some(_), _) if self.line_items.is_empty() && !patterns.is_unread() => {
                patterns.warn("without it, every line item on the account's platforms is reached");
            }
            (Some(line_items), Some(name)) => {
                line_items::warn_of_unreachable(&patterns, line_items, accounts.platforms(name));
            }
            _ => {}
        }
        Some((account?, self.allow.iter().copied().collect(), line_items?))
    }
}
