//! Tokens that have been verified, so that a signature is checked once: a hit costs a fiftieth of
//! the cheapest check.
//!
//! The whole token is the key and is compared in full, so that no two tokens can be taken for one
//! another; the hash only finds the place, and its seed is random. Bounded by the tokens' length.

use std::sync::Arc;

use jiff::Timestamp;
use quick_cache::Weighter;
use quick_cache::sync::Cache;

use super::Caller;
use crate::meter::Fill;

/// Tokens expected at once, and their length in all, in bytes.
const TOKENS: usize = 10_000;
const BYTES: u64 = 16 * 1024 * 1024;

/// A token that was found valid.
#[derive(Clone)]
pub struct Verified {
    pub caller: Arc<Caller>,
    /// Seconds since 1970.
    pub expiry: i64,
    /// The issuer's place in the configuration, and its key set's generation at the time.
    pub issuer: usize,
    pub generation: u64,
}

pub struct VerifiedTokens(Cache<Box<str>, Verified, ByLength>);

#[derive(Clone)]
struct ByLength;

impl Weighter<Box<str>, Verified> for ByLength {
    fn weight(&self, token: &Box<str>, _: &Verified) -> u64 {
        token.len() as u64 + 128
    }
}

impl Default for VerifiedTokens {
    fn default() -> Self {
        Self(Cache::with_weighter(TOKENS, BYTES, ByLength))
    }
}

impl VerifiedTokens {
    /// What is known of a token that has not expired.
    pub fn get(&self, token: &str, now: Timestamp) -> Option<Verified> {
        self.0
            .get(token)
            .filter(|verified| now.as_second() < verified.expiry)
    }

    /// How full it is, in bytes.
    pub fn fill(&self) -> Fill {
        Fill {
            used: self.0.weight(),
            most: self.0.capacity(),
        }
    }

    pub fn insert(&self, token: &str, verified: Verified) {
        self.0.insert(token.into(), verified);
    }
}
