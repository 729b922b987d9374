//! Holds a caller to its own rate. After Authenticate, which says whose request it is, and before
//! anything is done for it. Refuses with RATE_LIMITED.

use std::time::Duration;

use http::HeaderValue;
use http::header::RETRY_AFTER;

use crate::auth::Quota;
use crate::error::{Code, Refusal};
use crate::handoff::Identity;

/// Takes the request from the caller's quota, where there is one.
pub fn limit_rate(identity: Identity) -> Result<Identity, Refusal> {
    match &identity.caller.quota {
        None => Ok(identity),
        Some(quota) => match quota.take() {
            Ok(()) => Ok(identity),
            Err(wait) => Err(refuse(quota, wait)),
        },
    }
}

fn refuse(quota: &Quota, wait: Duration) -> Refusal {
    let limit = quota.limit();
    let description = format!(
        "This caller is at its limit of {} requests a second, {} at once (rate_limit); nothing was sent.",
        limit.per_second, limit.burst
    );
    let refusal = Refusal::new(Code::RateLimited, description);
    refusal.with_header(RETRY_AFTER, HeaderValue::from(whole_seconds(wait)))
}

/// Rounded up: whoever comes back then is not too early.
fn whole_seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_told_to_come_back_too_early() {
        for (millis, seconds) in [(1, 1), (999, 1), (1_000, 1), (1_001, 2)] {
            assert_eq!(whole_seconds(Duration::from_millis(millis)), seconds);
        }
    }
}
