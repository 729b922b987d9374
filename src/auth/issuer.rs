//! One issuer: which tokens it vouches for, and what their holders may do.

use std::sync::Arc;

use jiff::Timestamp;
use jsonwebtoken::DecodingKey;
use rustls::ClientConfig;
use secrecy::ExposeSecret;

use super::cache::Verified;
use super::claims::Claims;
use super::key_source::KeySource;
use super::places::IssuerPlaces;
use super::quota::Quotas;
use super::scope::narrow;
use super::tally::KeySetState;
use super::timing::Timing;
use super::token::Token;
use super::{Caller, CannotVerify, Unverified, Verifier};
use crate::config::{self, IssuerKeys};
use crate::key_set::{KeySet, NotFound};
use crate::line_item::Pattern;
use crate::meter::CallerHandle;

pub struct Issuer {
    pub settings: Arc<config::Issuer>,
    /// Where it stands in the configuration.
    place: usize,
    line_items: Arc<[Pattern]>,
    pub quotas: Option<Arc<Quotas>>,
    pub places: Option<IssuerPlaces>,
    keys: Keys,
}

enum Keys {
    Shared(DecodingKey),
    File(Arc<KeySet>),
    Fetched(Arc<KeySource>),
}

impl Issuer {
    pub fn new(
        place: usize,
        settings: Arc<config::Issuer>,
        tls: &Arc<ClientConfig>,
        upstream: &config::Upstream,
        timing: Timing,
        most_waiting: usize,
        before: Option<&Verifier>,
    ) -> Result<Self, CannotVerify> {
        let itself = before.and_then(|before| before.issuer(&settings.name));
        let spent = itself.and_then(|before| before.quotas.as_ref());
        let quotas = settings
            .rate_limit
            .map(|limit| Quotas::kept_or_new(limit, spent));
        let taken = itself.and_then(|before| before.places.as_ref());
        let places = settings
            .max_in_flight
            .map(|most| IssuerPlaces::after(taken, most));
        let keys = match &settings.keys {
            IssuerKeys::Secret(secret) => {
                Keys::Shared(DecodingKey::from_secret(secret.expose_secret()))
            }
            IssuerKeys::File(set) => Keys::File(set.clone()),
            IssuerKeys::Url(url) => {
                let name = &settings.name;
                let (refresh, timeout) = (settings.refresh, upstream.key_set_timeout);
                let known = itself.and_then(Self::source);
                let known = known.filter(|source| source.is_of(url));
                Keys::Fetched(match known {
                    Some(source) if source.reads_as(tls, refresh, timeout) => source.clone(),
                    known => {
                        let (url, tls) = (url.clone(), tls.clone());
                        let new =
                            KeySource::new(name, url, tls, refresh, timeout, timing, most_waiting)?;
                        Arc::new(match known {
                            Some(source) => new.after(source),
                            None => new,
                        })
                    }
                })
            }
        };
        let line_items = settings.line_items.as_slice().into();
        Ok(Self {
            settings,
            place,
            line_items,
            quotas,
            places,
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

    /// How its keys are.
    pub fn state(&self) -> KeySetState {
        let keys = match &self.keys {
            Keys::Shared(_) => Some(1),
            Keys::File(set) => Some(set.usable()),
            Keys::Fetched(source) => source.current().map(|set| set.usable()),
        };
        KeySetState {
            issuer: self.settings.name.to_string(),
            keys,
            reads: self.source().map(|source| source.tally()),
        }
    }

    /// Verifies a token with the keys that are here.
    pub fn verify(&self, token: &Token<'_>, now: Timestamp) -> Result<Verified, Unverified> {
        let algorithm = token.algorithm;
        if !self.settings.algorithms.contains(&algorithm) {
            return Err(Unverified::Algorithm);
        }
        // The generation first: a set that changes in between makes this entry void, not valid.
        let generation = self.generation();
        let kid = token.kid.as_deref();
        let claims = match &self.keys {
            Keys::Shared(key) => token.signed_with(key)?,
            Keys::File(set) => token.signed_with(set.find(kid, algorithm)?)?,
            Keys::Fetched(source) => {
                let set = source.current().ok_or(Unverified::NoKeySet)?;
                token.signed_with(set.find(kid, algorithm)?)?
            }
        };
        claims.check(&self.settings.issuer, &self.settings.audiences, now)?;
        Ok(Verified {
            caller: Arc::new(self.caller(&claims)?),
            expiry: claims.expiry(),
            issuer: self.place,
            generation,
        })
    }

    /// Whether a token says that it is for this issuer's audience, which decides who is asked about it.
    pub fn is_meant(&self, token: &Token<'_>) -> bool {
        token.is_for(&self.settings.audiences)
    }

    /// Whether it has keys, be they current or not.
    pub fn has_keys(&self) -> bool {
        self.source().is_none_or(|source| source.has_loaded())
    }

    /// Whether a token is for it, and signed by a key of its own, as far as the token says.
    pub fn knows(&self, token: &Token<'_>) -> bool {
        let (kid, algorithm) = (token.kid.as_deref(), token.algorithm);
        let has = |set: &KeySet| set.find(kid, algorithm).is_ok();
        let has_key = match &self.keys {
            Keys::Shared(_) => true,
            Keys::File(set) => has(set),
            Keys::Fetched(source) => source.current().is_some_and(|set| has(&set)),
        };
        has_key && self.settings.algorithms.contains(&algorithm) && self.is_meant(token)
    }

    /// Waits until the keys are as current as they get, where newer ones may verify the token: only one that
    /// names an unknown key, and is not refused whatever its key, is worth a wait.
    pub async fn catch_up(&self, token: &Token<'_>) -> Result<(), Unverified> {
        match &self.keys {
            Keys::Fetched(source) if self.lacks_key(source, token) => {
                let is_enough = || !self.lacks_key(source, token);
                source.catch_up(is_enough).await
            }
            Keys::Shared(_) | Keys::File(_) | Keys::Fetched(_) => Ok(()),
        }
    }

    fn lacks_key(&self, source: &KeySource, token: &Token<'_>) -> bool {
        let Some(kid) = token.kid.as_deref() else {
            return false;
        };
        let algorithm = token.algorithm;
        if !self.settings.algorithms.contains(&algorithm) || !self.is_meant(token) {
            return false;
        }
        source.current().is_none_or(|set| {
            let found = set.find(Some(kid), algorithm);
            matches!(found, Err(NotFound::NoKey))
        })
    }

    fn caller(&self, claims: &Claims) -> Result<Caller, Unverified> {
        let settings = &self.settings;
        let name = claims.caller(&settings.caller_claim)?;
        let name: Arc<str> = format!("{}/{name}", settings.name).into();
        Ok(Caller {
            quota: self.quotas.as_ref().map(|quotas| quotas.of(&name)),
            places: self.places.as_ref().map(|places| places.of(&name)),
            name,
            label: settings.name.as_str().into(),
            meter: CallerHandle::default(),
            account: settings.account.clone(),
            permissions: narrow(settings.allow, claims.get(&settings.scope_claim))?,
            line_items: self.line_items.clone(),
        })
    }
}
