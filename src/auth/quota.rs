//! A caller's quota: how often it may ask. Kept across reloads that leave the limit as it is, since
//! otherwise each would hand out a fresh burst.

use std::sync::Arc;
use std::time::Duration;

use governor::DefaultDirectRateLimiter;
use governor::clock::{Clock, DefaultClock};
use quick_cache::sync::Cache;

use crate::config::RateLimit;

/// Callers of one issuer whose use is remembered. One that is forgotten starts with a full burst.
const CALLERS: usize = 10_000;

/// What one caller has left. Taking from it is one atomic step.
#[derive(Debug)]
pub struct Quota {
    limit: RateLimit,
    limiter: DefaultDirectRateLimiter,
}

/// Those of an issuer's callers, each with its own.
pub struct Quotas {
    limit: RateLimit,
    callers: Cache<Arc<str>, Arc<Quota>>,
}

impl Quota {
    fn new(limit: RateLimit) -> Self {
        let quota = governor::Quota::per_second(limit.per_second).allow_burst(limit.burst);
        Self {
            limit,
            limiter: DefaultDirectRateLimiter::direct(quota),
        }
    }

    /// The one before, if its limit is this one.
    pub fn kept_or_new(limit: RateLimit, before: Option<&Arc<Self>>) -> Arc<Self> {
        match before.filter(|before| before.limit == limit) {
            Some(before) => before.clone(),
            None => Arc::new(Self::new(limit)),
        }
    }

    /// Takes one request from it, or says how long there is none.
    pub fn take(&self) -> Result<(), Duration> {
        let taken = self.limiter.check();
        taken.map_err(|not_until| not_until.wait_time_from(DefaultClock::default().now()))
    }

    pub fn limit(&self) -> RateLimit {
        self.limit
    }
}

impl Quotas {
    /// Those before, if their limit is this one.
    pub fn kept_or_new(limit: RateLimit, before: Option<&Arc<Self>>) -> Arc<Self> {
        match before.filter(|before| before.limit == limit) {
            Some(before) => before.clone(),
            None => Arc::new(Self {
                limit,
                callers: Cache::new(CALLERS),
            }),
        }
    }

    /// The caller's own.
    pub fn of(&self, caller: &Arc<str>) -> Arc<Quota> {
        let made = self.callers.get_or_insert_with(caller, || {
            Ok::<_, std::convert::Infallible>(Arc::new(Quota::new(self.limit)))
        });
        match made {
            Ok(quota) => quota,
            Err(never) => match never {},
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit(per_second: u32, burst: u32) -> RateLimit {
        RateLimit {
            per_second: per_second.try_into().unwrap(),
            burst: burst.try_into().unwrap(),
        }
    }

    #[test]
    fn gives_the_burst_and_then_says_how_long_to_wait() {
        let quota = Quota::new(limit(1, 3));
        for _ in 0..3 {
            assert_eq!(quota.take(), Ok(()));
        }
        let wait = quota.take().unwrap_err();
        assert!(
            wait > Duration::ZERO && wait <= Duration::from_secs(1),
            "{wait:?}"
        );
    }

    #[test]
    fn outlives_a_reload_unless_the_limit_changes() {
        let quota = Arc::new(Quota::new(limit(1, 1)));
        assert!(Arc::ptr_eq(
            &quota,
            &Quota::kept_or_new(limit(1, 1), Some(&quota))
        ));
        assert!(!Arc::ptr_eq(
            &quota,
            &Quota::kept_or_new(limit(1, 2), Some(&quota))
        ));
    }

    #[test]
    fn is_each_callers_own() {
        let quotas = Quotas::kept_or_new(limit(1, 1), None);
        let (one, other) = (Arc::from("id/one"), Arc::from("id/other"));
        assert_eq!(quotas.of(&one).take(), Ok(()));
        assert!(quotas.of(&one).take().is_err());
        assert_eq!(quotas.of(&other).take(), Ok(()));
    }
}
