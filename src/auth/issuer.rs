//! One issuer: which tokens it vouches for, and what their holders may do.

use std::fs;
use std::sync::Arc;

use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use rustls::ClientConfig;
use secrecy::ExposeSecret;

use super::cache::Verified;
use super::claims::{Claims, caller, expiry};
use super::key_set::KeySet;
use super::key_source::{KeySource, Timing};
use super::scope::narrow;
use super::token::Peeked;
use super::{Caller, CannotVerify, Unverified};
use crate::config::{self, IssuerKeys};
use crate::line_item::Pattern;

/// How far our clock and the issuer's may differ, in seconds.
const LEEWAY: u64 = 10;

pub struct Issuer {
    pub settings: Arc<config::Issuer>,
    line_items: Arc<[Pattern]>,
    keys: Keys,
}

enum Keys {
    Shared(DecodingKey),
    File(KeySet),
    Fetched(Arc<KeySource>),
}

impl Issuer {
    pub fn new(
        settings: Arc<config::Issuer>,
        tls: &Arc<ClientConfig>,
        upstream: &config::Upstream,
        timing: Timing,
    ) -> Result<Self, CannotVerify> {
        let keys = match &settings.keys {
            IssuerKeys::Secret(secret) => {
                Keys::Shared(DecodingKey::from_secret(secret.expose_secret()))
            }
            IssuerKeys::File(path) => {
                let bytes =
                    fs::read(path).map_err(|cause| CannotVerify::File(path.clone(), cause))?;
                let set = KeySet::parse(&bytes);
                Keys::File(set.ok_or_else(|| CannotVerify::NotAKeySet(path.clone()))?)
            }
            IssuerKeys::Url(url) => {
                let (name, url, tls) = (&settings.name, url.clone(), tls.clone());
                let (refresh, timeout) = (settings.refresh, upstream.key_set_timeout);
                let source = KeySource::new(name, url, tls, refresh, timeout, timing)?;
                Keys::Fetched(Arc::new(source))
            }
        };
        let line_items = settings.line_items.as_slice().into();
        Ok(Self {
            settings,
            line_items,
            keys,
        })
    }

    /// The source of a fetched key set.
    pub fn source(&self) -> Option<&Arc<KeySource>> {
        match &self.keys {
            Keys::Fetched(source) => Some(source),
            Keys::Shared(_) | Keys::File(_) => None,
        }
    }

    /// Raised when the keys change.
    pub fn generation(&self) -> u64 {
        self.source().map_or(0, |source| source.generation())
    }

    /// Whether nothing more is to be waited for.
    pub fn is_ready(&self) -> bool {
        !self.settings.required || self.source().is_none_or(|source| source.has_loaded())
    }

    /// Verifies a token; waits for a read of the key set only if its key is unknown.
    pub async fn verify(
        &self,
        token: &str,
        peeked: &Peeked,
        place: usize,
    ) -> Result<Verified, Unverified> {
        if !self.settings.algorithms.contains(&peeked.algorithm) {
            return Err(Unverified::Algorithm);
        }
        match &self.keys {
            Keys::Shared(key) => self.check(token, key, peeked.algorithm, place, 0),
            Keys::File(set) => {
                let key = set.find(peeked.kid.as_deref(), peeked.algorithm)?;
                self.check(token, key, peeked.algorithm, place, 0)
            }
            Keys::Fetched(source) => {
                let first = self.check_against(source, token, peeked, place);
                match first {
                    Err(Unverified::NoKey | Unverified::NoKeySet) => {
                        source.catch_up().await;
                        self.check_against(source, token, peeked, place)
                    }
                    known => known,
                }
            }
        }
    }

    fn check_against(
        &self,
        source: &KeySource,
        token: &str,
        peeked: &Peeked,
        place: usize,
    ) -> Result<Verified, Unverified> {
        // The generation first: a set that changes in between makes this entry void, not valid.
        let generation = source.generation();
        let set = source.current().ok_or(Unverified::NoKeySet)?;
        let key = set.find(peeked.kid.as_deref(), peeked.algorithm)?;
        self.check(token, key, peeked.algorithm, place, generation)
    }

    fn check(
        &self,
        token: &str,
        key: &DecodingKey,
        algorithm: Algorithm,
        place: usize,
        generation: u64,
    ) -> Result<Verified, Unverified> {
        let claims = decode::<Claims>(token, key, &self.validation(algorithm))
            .map_err(Unverified::Invalid)?
            .claims;
        let caller = Arc::new(self.caller(&claims)?);
        Ok(Verified {
            caller,
            expiry: expiry(&claims),
            issuer: place,
            generation,
        })
    }

    /// One algorithm at a time: a list that mixes key types is refused by the library.
    fn validation(&self, algorithm: Algorithm) -> Validation {
        let mut validation = Validation::new(algorithm);
        validation.leeway = LEEWAY;
        validation.validate_nbf = true;
        validation.set_audience(&self.settings.audiences);
        validation.set_issuer(&[&self.settings.issuer]);
        validation.set_required_spec_claims(&["exp", "iss", "aud"]);
        validation
    }

    fn caller(&self, claims: &Claims) -> Result<Caller, Unverified> {
        let settings = &self.settings;
        let name = caller(claims, &settings.caller_claim)?;
        Ok(Caller {
            name: format!("{}/{name}", settings.name).into(),
            label: settings.name.as_str().into(),
            account: settings.account.clone(),
            permissions: narrow(settings.allow, claims.get(&settings.scope_claim))?,
            line_items: self.line_items.clone(),
        })
    }
}
