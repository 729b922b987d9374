//! Chooses what stands beside the account's API key upstream: the launch credential that the
//! caller brought, or the service key that is configured for the line item.
//! Refuses with CREDENTIALS_MISSING.

use crate::authorization::Launch;
use crate::config::Account;
use crate::error::{Code, Refusal};
use crate::handoff::{Authorized, Credentialed, UpstreamLaunch};
use crate::line_item::{LineItem, Pattern};
use crate::routing::LaunchKind;

pub fn attach_credentials(authorized: Authorized) -> Result<Credentialed, Refusal> {
    let Authorized {
        routed,
        caller,
        launch: brought,
    } = authorized;
    let launch = match routed.target.operation.launch() {
        LaunchKind::KeyOnly => UpstreamLaunch::None,
        LaunchKind::Ltik => UpstreamLaunch::With(ltik(brought)?),
        LaunchKind::LtikOrServiceKey => {
            let item = routed.target.line_item.as_ref();
            UpstreamLaunch::With(any_launch(brought, &caller.account, item)?)
        }
    };
    Ok(Credentialed {
        routed,
        caller,
        launch,
    })
}

fn ltik(brought: Option<Launch>) -> Result<Launch, Refusal> {
    match brought {
        Some(launch @ Launch::Ltik(_)) => Ok(launch),
        Some(Launch::ServiceKey(_)) | None => Err(Refusal::new(
            Code::CredentialsMissing,
            "This operation needs an ltik: send LTIK-AUTH-V2 <key>:<ltik>, or the header scoregate-ltik beside Bearer.",
        )),
    }
}

fn any_launch(
    brought: Option<Launch>,
    account: &Account,
    item: Option<&LineItem>,
) -> Result<Launch, Refusal> {
    let configured = || configured_launch(account, item?);
    brought.or_else(configured).ok_or_else(|| {
        Refusal::new(
            Code::CredentialsMissing,
            "This operation needs a launch credential: send an ltik or a service key, or configure a service key for the line item (account.service_keys).",
        )
    })
}

/// The service key that an account has for a line item: the first that names it.
pub fn configured_launch(account: &Account, item: &LineItem) -> Option<Launch> {
    let names = |pattern: &Pattern| pattern.matches(item.normalized());
    let mut keys = account.service_keys.iter();
    let key = keys.find(|key| key.line_items.iter().any(names))?;
    Some(Launch::ServiceKey(key.key.clone()))
}
