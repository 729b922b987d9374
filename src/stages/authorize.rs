//! Routed request and identity → a request that this caller may make.
//! Refuses with CALLER_NOT_ALLOWED and LINE_ITEM_NOT_ALLOWED.
//!
//! Decides anew for every request: what is cached is that a token was verified, never what its
//! holder may do.

use crate::auth::Caller;
use crate::error::{Code, Refusal};
use crate::handoff::{Authorized, Identity, Routed};
use crate::line_item::LineItem;

pub fn authorize(routed: Routed, identity: Identity) -> Result<Authorized, Refusal> {
    check_permission(&routed, &identity.caller)?;
    check_line_items(&routed, &identity.caller)?;
    let Identity { caller, launch } = identity;
    Ok(Authorized {
        routed,
        caller,
        launch,
    })
}

fn check_permission(routed: &Routed, caller: &Caller) -> Result<(), Refusal> {
    let needed = routed.target.operation.permission();
    match caller.permissions.allows(needed) {
        true => Ok(()),
        false => {
            let description = format!("This caller's `allow` does not list `{}`.", needed.name());
            Err(Refusal::new(Code::CallerNotAllowed, description))
        }
    }
}

/// The line item, and the `url` that LTIAAS would fetch with the LMS's token, must both be ones
/// this caller may reach.
fn check_line_items(routed: &Routed, caller: &Caller) -> Result<(), Refusal> {
    let target = &routed.target;
    let on_platform = |item: &LineItem| {
        caller
            .account
            .platforms
            .iter()
            .any(|platform| platform.covers(item))
    };
    if ![&target.line_item, &target.url]
        .into_iter()
        .flatten()
        .all(on_platform)
    {
        return Err(elsewhere("It is not on one of this account's platforms."));
    }
    let is_among = |item: &LineItem| {
        caller.line_items.is_empty()
            || caller
                .line_items
                .iter()
                .any(|pattern| pattern.matches(item.normalized()))
    };
    match target.line_item.as_ref().is_none_or(is_among) {
        true => Ok(()),
        false => Err(elsewhere("It is not among this caller's line items.")),
    }
}

fn elsewhere(description: &'static str) -> Refusal {
    Refusal::new(Code::LineItemNotAllowed, description)
}
