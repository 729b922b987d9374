//! `rate_limit`: how often one caller may ask.

use std::num::NonZeroU32;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::findings::At;

/// How often one caller may ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    pub per_second: NonZeroU32,
    /// How much may come at once after a pause.
    pub burst: NonZeroU32,
}

/// How often one caller may ask: beyond it, requests are answered RATE_LIMITED.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, expecting = "a table, `{ per_second = 50, burst = 100 }`")]
#[schemars(deny_unknown_fields)]
pub struct RateLimitSection {
    /// Requests a second in the long run, 1 to 1,000,000.
    #[schemars(required)]
    pub per_second: Option<u64>,
    /// Requests that may come at once after a pause, 1 to 1,000,000. Without it, `per_second`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub burst: Option<u64>,
}

impl RateLimitSection {
    fn check(&self, at: &At<'_>) -> Option<RateLimit> {
        let per_second = at.key("per_second");
        let per_second = number(&per_second, *per_second.required(&self.per_second)?);
        let burst = self.burst.map(|burst| number(&at.key("burst"), burst));
        let burst = burst.unwrap_or(per_second);
        Some(RateLimit {
            per_second: per_second?,
            burst: burst?,
        })
    }
}

/// The limit, if there is one; `None` where it is wrong.
pub(super) fn check(at: &At<'_>, section: Option<&RateLimitSection>) -> Option<Option<RateLimit>> {
    match section {
        None => Some(None),
        Some(section) => section.check(at).map(Some),
    }
}

fn number(at: &At<'_>, number: u64) -> Option<NonZeroU32> {
    let size = u32::try_from(number).ok().filter(|size| *size <= 1_000_000);
    match size.and_then(NonZeroU32::new) {
        Some(size) => Some(size),
        None => at.problem("must be from 1 to 1000000"),
    }
}
