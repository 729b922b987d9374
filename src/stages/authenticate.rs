//! `Authorization` → a caller who may make this request, and the launch credential it brought.
//! Refuses with the 401 family, CALLER_NOT_ALLOWED and LINE_ITEM_NOT_ALLOWED.
//! Decides anew for every request: what is cached is that a token was verified, never what its
//! holder may do.

use std::sync::Arc;

use jiff::Timestamp;

use crate::auth::{Caller, Verifier};
use crate::authorization::{Presented, read};
use crate::error::{Cause, Code, Refusal};
use crate::handoff::{Authenticated, Routed};
use crate::line_item::LineItem;

pub async fn authenticate(routed: Routed, verifier: &Verifier) -> Result<Authenticated, Refusal> {
    let presented =
        read(&routed.traced.head.headers).map_err(|fault| unauthorized(fault.code(), fault))?;
    let Presented {
        scheme,
        credential,
        launch,
    } = presented;
    let caller = verifier
        .verify(credential, Timestamp::now())
        .await
        .map_err(|reason| unauthorized(scheme.refusal(), reason))?;
    let _ = routed.traced.trail.caller.set(caller.clone());
    check_permission(&routed, &caller)?;
    check_line_items(&routed, &caller)?;
    Ok(Authenticated {
        routed,
        caller,
        launch,
    })
}

/// One text for every cause: the reason goes to the log alone.
fn unauthorized(code: Code, reason: impl Into<Cause>) -> Refusal {
    let description = match code {
        Code::MissingAuthorization => {
            "Send one Authorization header: LTIK-AUTH-V2 <key>:<ltik>, SERVICE-AUTH-V1 <key>:<service key> or Bearer <key>."
        }
        _ => {
            "The caller could not be verified: check the gateway key or token, and the header's form."
        }
    };
    Refusal::new(code, description).because(reason)
}

fn check_permission(routed: &Routed, caller: &Arc<Caller>) -> Result<(), Refusal> {
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
fn check_line_items(routed: &Routed, caller: &Arc<Caller>) -> Result<(), Refusal> {
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
