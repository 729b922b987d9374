//! Chooses what stands beside the account's API key upstream: the launch credential that the
//! caller brought, or the service key that is configured for the line item.
//! Refuses with CREDENTIALS_MISSING.

use crate::authorization::Launch;
use crate::error::{Code, Refusal};
use crate::handoff::{Authenticated, Credentialed, UpstreamLaunch};
use crate::routing::LaunchKind;

pub fn attach_credentials(authenticated: Authenticated) -> Result<Credentialed, Refusal> {
    let launch = match authenticated.routed.target.operation.launch() {
        LaunchKind::KeyOnly => UpstreamLaunch::None,
        LaunchKind::Ltik => UpstreamLaunch::With(ltik(&authenticated)?),
        LaunchKind::LtikOrServiceKey => UpstreamLaunch::With(any_launch(&authenticated)?),
    };
    let Authenticated {
        routed,
        caller,
        launch: _,
    } = authenticated;
    Ok(Credentialed {
        routed,
        caller,
        launch,
    })
}

fn ltik(authenticated: &Authenticated) -> Result<Launch, Refusal> {
    match &authenticated.launch {
        Some(launch @ Launch::Ltik(_)) => Ok(launch.clone()),
        Some(Launch::ServiceKey(_)) | None => Err(Refusal::new(
            Code::CredentialsMissing,
            "This operation needs an ltik: send LTIK-AUTH-V2 <key>:<ltik>, or the header scoregate-ltik beside Bearer.",
        )),
    }
}

fn any_launch(authenticated: &Authenticated) -> Result<Launch, Refusal> {
    let brought = authenticated.launch.clone();
    brought.or_else(|| configured(authenticated)).ok_or_else(|| {
        Refusal::new(
            Code::CredentialsMissing,
            "This operation needs a launch credential: send an ltik or a service key, or configure a service key for the line item (account.service_keys).",
        )
    })
}

fn configured(authenticated: &Authenticated) -> Option<Launch> {
    let item = authenticated.routed.target.line_item.as_ref()?.normalized();
    let keys = &authenticated.caller.account.service_keys;
    let key = keys
        .iter()
        .find(|key| key.line_items.iter().any(|pattern| pattern.matches(item)))?;
    Some(Launch::ServiceKey(key.key.clone()))
}
