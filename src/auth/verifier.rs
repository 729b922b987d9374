//! Credential → caller: gateway keys by digest, tokens by their issuer.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use rustls::ClientConfig;

use super::cache::{Verified, VerifiedTokens};
use super::gateway_keys::GatewayKeys;
use super::issuer::Issuer;
use super::key_source::KeySource;
use super::self_test::self_test;
use super::tally::KeySetState;
use super::timing::Timing;
use super::token::Token;
use super::{Caller, CannotVerify, Unverified};
use crate::config::Config;
use crate::gateway_key::PREFIX;
use crate::meter::Fill;

/// So many may wait where few may be in flight, unless that is half of them.
const A_FEW: usize = 64;

/// The most requests that wait for one issuer's keys: anybody can send them, and each has a place in
/// flight.
fn most_waiting(config: &Config) -> usize {
    let most = config.server.max_in_flight;
    (most / 16).max(most.div_ceil(2).min(A_FEW))
}

/// Shared by all workers. Takes no lock but that of the cache's shard.
pub struct Verifier {
    keys: GatewayKeys,
    issuers: Vec<Issuer>,
    verified: VerifiedTokens,
}

impl Verifier {
    /// Key sets that were fetched for the verifier `before` are kept where their issuer and its address
    /// are the same: those that are to be read in another way are read again at once. What it verified is not: each configuration verifies anew.
    pub fn new(
        config: &Config,
        tls: &Arc<ClientConfig>,
        before: Option<&Self>,
    ) -> Result<Self, CannotVerify> {
        Self::with_timing(config, tls, Timing::default(), before)
    }

    /// The same with other intervals between the reads of key sets.
    pub(super) fn with_timing(
        config: &Config,
        tls: &Arc<ClientConfig>,
        timing: Timing,
        before: Option<&Self>,
    ) -> Result<Self, CannotVerify> {
        self_test()?;
        let issuers = config.issuers.iter().cloned().enumerate();
        let issuers = issuers.map(|(place, issuer)| {
            let most_waiting = most_waiting(config);
            let upstream = &config.upstream;
            Issuer::new(place, issuer, tls, upstream, timing, most_waiting, before)
        });
        Ok(Self {
            keys: GatewayKeys::new(&config.callers, before.map(|before| &before.keys)),
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
        // Boxed: rare, and large.
        Box::pin(self.verify_token(credential, now)).await
    }

    /// Two issuers may share an `iss` with different audiences: the first that accepts it counts, also where
    /// its keys have not loaded yet. Else it would depend on the moment who the caller is.
    async fn verify_token(&self, token: &str, now: Timestamp) -> Result<Arc<Caller>, Unverified> {
        if !token.contains('.') {
            return Err(Unverified::Form);
        }
        let read = Token::read(token)?;
        let mut refusal = Unverified::UnknownIssuer;
        let is_of_known_key = self.issuers_of(&read).any(|issuer| issuer.knows(&read));
        let mut is_first = true;
        for issuer in self.issuers_of(&read) {
            // Only a token of a key that nobody knows is worth a wait.
            if !(is_of_known_key && issuer.has_keys()) {
                issuer.catch_up(&read).await?;
            }
            match issuer.verify(&read, now) {
                Ok(verified) if is_first => return Ok(self.keep(token, verified)),
                // Not remembered: an earlier one may have its key with the next read.
                Ok(verified) => return Ok(verified.caller),
                // It is this one's to judge, once its keys are here.
                Err(reason @ Unverified::NoKeySet) if issuer.is_meant(&read) => return Err(reason),
                Err(reason) => refusal = reason,
            }
            is_first &= !issuer.is_meant(&read);
        }
        Err(refusal)
    }

    fn issuers_of(&self, token: &Token<'_>) -> impl Iterator<Item = &Issuer> {
        let issuers = self.issuers.iter();
        issuers.filter(|issuer| issuer.settings.issuer == token.issuer)
    }

    fn keep(&self, token: &str, verified: Verified) -> Arc<Caller> {
        let caller = verified.caller.clone();
        self.verified.insert(token, verified);
        caller
    }

    /// Whether the keys of every issuer that is required have loaded once.
    pub fn is_ready(&self) -> bool {
        self.issuers.iter().all(Issuer::is_ready)
    }

    /// How each issuer's keys are.
    pub fn key_sets(&self) -> Vec<KeySetState> {
        self.issuers.iter().map(Issuer::state).collect()
    }

    /// How full the cache of verified tokens is, in bytes.
    pub fn cached(&self) -> Fill {
        self.verified.fill()
    }

    /// How full the places are of each caller that has so many, and of each issuer's fullest.
    pub fn in_flight(&self) -> impl Iterator<Item = (String, Fill)> {
        let callers = self.keys.places();
        let callers = callers.map(|(name, fill)| (format!("caller.{name}.max_in_flight"), fill));
        let issuers = self.issuers.iter().filter_map(|issuer| {
            let name = &issuer.settings.name;
            let fill = issuer.places.as_ref()?.fill();
            Some((format!("issuer.{name}.max_in_flight"), fill))
        });
        callers.chain(issuers)
    }

    /// When the last gateway key of each caller ends whose keys all do.
    pub fn key_ends(&self) -> BTreeMap<&str, Timestamp> {
        self.keys.ends()
    }

    /// How full the places are of those who wait for each key set that is fetched.
    pub fn waiting(&self) -> impl Iterator<Item = (String, Fill)> {
        self.issuers.iter().filter_map(|issuer| {
            let name = format!("issuer.{}.jwks", issuer.settings.name);
            Some((name, issuer.source()?.waiting()))
        })
    }

    /// The issuer of a name.
    pub(super) fn issuer(&self, name: &str) -> Option<&Issuer> {
        let mut issuers = self.issuers.iter();
        issuers.find(|issuer| issuer.settings.name == name)
    }

    /// Where fetched key sets come from.
    pub(super) fn sources(&self) -> impl Iterator<Item = Arc<KeySource>> {
        self.issuers.iter().filter_map(Issuer::source).cloned()
    }
}
