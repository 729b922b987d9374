//! Credential → caller: gateway keys by digest, tokens by their issuer.

use std::sync::Arc;

use futures_util::future::join_all;
use jiff::Timestamp;

use super::cache::VerifiedTokens;
use super::gateway_keys::{GatewayKeys, PREFIX};
use super::issuer::Issuer;
use super::key_source::Timing;
use super::self_test::self_test;
use super::token::peek;
use super::{Caller, CannotVerify, Unverified};
use crate::config::Config;
use crate::tls::client_config;

/// Shared by all workers. Takes no lock but that of the cache's shard.
pub struct Verifier {
    keys: GatewayKeys,
    issuers: Vec<Issuer>,
    verified: VerifiedTokens,
}

impl Verifier {
    pub fn new(config: &Config) -> Result<Self, CannotVerify> {
        Self::with_timing(config, Timing::default())
    }

    /// The same with other intervals between the reads of key sets.
    pub(super) fn with_timing(config: &Config, timing: Timing) -> Result<Self, CannotVerify> {
        self_test()?;
        let tls = client_config(config.upstream.ca_file.as_deref(), &["http/1.1"])?;
        let issuers = config.issuers.iter().cloned();
        let issuers = issuers.map(|issuer| Issuer::new(issuer, &tls, &config.upstream, timing));
        Ok(Self {
            keys: GatewayKeys::new(&config.callers),
            issuers: issuers.collect::<Result<_, _>>()?,
            verified: VerifiedTokens::default(),
        })
    }

    /// Whom a credential stands for, at this moment.
    pub async fn verify(
        &self,
        credential: &str,
        now: Timestamp,
    ) -> Result<Arc<Caller>, Unverified> {
        if credential.starts_with(PREFIX) {
            return self.keys.verify(credential, now);
        }
        if let Some(verified) = self.verified.get(credential, now) {
            let issuer = self.issuers.get(verified.issuer);
            if issuer.is_some_and(|issuer| issuer.generation() == verified.generation) {
                return Ok(verified.caller);
            }
        }
        self.verify_token(credential).await
    }

    /// Two issuers may share an `iss` with different audiences: the first that accepts it counts.
    async fn verify_token(&self, token: &str) -> Result<Arc<Caller>, Unverified> {
        if !token.contains('.') {
            return Err(Unverified::Form);
        }
        let peeked = peek(token)?;
        let mut refusal = Unverified::UnknownIssuer;
        for (place, issuer) in self.issuers.iter().enumerate() {
            if issuer.settings.issuer != peeked.issuer {
                continue;
            }
            match issuer.verify(token, &peeked, place).await {
                Ok(verified) => {
                    let caller = verified.caller.clone();
                    self.verified.insert(token, verified);
                    return Ok(caller);
                }
                Err(reason) => refusal = reason,
            }
        }
        Err(refusal)
    }

    /// Whether the keys of every issuer that is required have loaded once.
    pub fn is_ready(&self) -> bool {
        self.issuers.iter().all(Issuer::is_ready)
    }

    /// Keeps fetched key sets current, until it is dropped.
    pub async fn maintain(self: Arc<Self>) {
        let sources = self.issuers.iter().filter_map(Issuer::source);
        join_all(sources.map(|source| source.keep_current())).await;
    }
}
