//! `Authorization` → the caller, and the launch credential it brought.
//! Refuses with the 401 family, and with OVERLOADED where a token's keys are not here and there is no time
//! or place to wait for them.

use jiff::Timestamp;

use crate::auth::{Unverified, Verifier};
use crate::authorization::{Presented, read};
use crate::error::{Cause, Code, Refusal, chain};
use crate::handoff::{Identity, Routed};
use crate::telemetry::Trail;

const TOO_MANY: &str = "The gateway is at its limit of requests that wait for an issuer's keys (a share of server.max_in_flight).";

const OUT_OF_TIME: &str =
    "The issuer's keys did not come within the time of a request (server.request_deadline).";

/// Whom the request is from. By reference, as everything that waits on the path: what a future
/// owns is moved with it.
pub async fn authenticate(routed: &Routed, verifier: &Verifier) -> Result<Identity, Refusal> {
    let trail = &routed.traced.trail;
    let presented = read(&routed.traced.head.headers)
        .map_err(|fault| unauthorized(trail, fault.code(), fault.into()))?;
    let Presented {
        scheme,
        credential,
        launch,
    } = presented;
    let verifying = verifier.verify(credential, Timestamp::now());
    let verified = routed.traced.deadline.limit(verifying).await;
    let verified = verified.map_err(|elapsed| overloaded(OUT_OF_TIME, elapsed.into()))?;
    let caller = verified.map_err(|reason| unverified(trail, scheme.refusal(), reason))?;
    let _ = trail.caller.set(caller.clone());
    Ok(Identity { caller, launch })
}

fn unverified(trail: &Trail, code: Code, reason: Unverified) -> Refusal {
    match reason {
        Unverified::TooManyWait => overloaded(TOO_MANY, reason.into()),
        reason => unauthorized(trail, code, reason.into()),
    }
}

/// Nothing is known of the credential, so this is no 401.
fn overloaded(limit: &'static str, reason: Cause) -> Refusal {
    Refusal::new(Code::Overloaded, limit).because(reason)
}

/// One text for every cause: the reason goes to the access line alone.
fn unauthorized(trail: &Trail, code: Code, reason: Cause) -> Refusal {
    let _ = trail.reason.set(chain(&*reason));
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
