//! `[[issuer]]`: an identity provider whose JWTs are accepted.

use std::sync::Arc;
use std::time::Duration;

use jsonwebtoken::Algorithm;
use schemars::JsonSchema;
use secrecy::SecretBox;
use serde::{Deserialize, Serialize};

use super::access::Access;
use super::account::Account;
use super::accounts::Accounts;
use super::duration::DurationText;
use super::findings::At;
use super::issuer_keys::{AlgorithmName, JwksSection};
use super::rate_limit::{RateLimit, RateLimitSection};
use super::secret::SecretPlace;
use super::{max_in_flight, name, rate_limit};
use crate::key_set::KeySet;
use crate::line_item::Pattern;
use crate::permission::{Permission, Permissions};

/// An issuer of JWTs.
#[derive(Debug)]
pub struct Issuer {
    pub name: String,
    pub account: Arc<Account>,
    /// The `iss` claim.
    pub issuer: String,
    /// One of them must be in `aud`.
    pub audiences: Vec<String>,
    pub algorithms: Vec<Algorithm>,
    pub keys: IssuerKeys,
    pub caller_claim: String,
    pub scope_claim: String,
    pub allow: Permissions,
    /// Empty: every line item on the account's platforms.
    pub line_items: Vec<Pattern>,
    /// Of each of its callers.
    pub rate_limit: Option<RateLimit>,
    /// Of each of its callers' requests.
    pub max_in_flight: Option<usize>,
    /// Whether the gateway is not ready before the keys are here.
    pub required: bool,
    /// How often a key set is read again.
    pub refresh: Duration,
}

#[derive(Debug)]
pub enum IssuerKeys {
    /// A key set that is fetched.
    Url(http::Uri),
    /// A key set that was read from a file.
    File(Arc<KeySet>),
    /// A shared secret, for HS256, HS384 and HS512 alone.
    Secret(SecretBox<[u8]>),
}

/// An identity provider whose JWTs are accepted. Its callers are named `ISSUER/CLAIM`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, expecting = "a table, `[[issuer]]`")]
#[schemars(deny_unknown_fields)]
pub struct IssuerSection {
    /// What policies and logs call it.
    #[schemars(required)]
    pub name: Option<String>,
    /// The account its callers work with.
    #[schemars(required)]
    pub account: Option<String>,
    /// What the `iss` claim must be, to the letter.
    #[schemars(required)]
    pub issuer: Option<String>,
    /// One of these must be in the `aud` claim.
    #[schemars(required, length(min = 1))]
    pub audiences: Vec<String>,
    /// The algorithms that are accepted: of a key set (ES256, ES384, RS256, RS384, RS512, PS256,
    /// PS384, PS512, EdDSA) or of a shared secret (HS256, HS384, HS512).
    #[schemars(required, length(min = 1))]
    pub algorithms: Vec<AlgorithmName>,
    /// Where the provider's public keys are read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks: Option<JwksSection>,
    /// The secret shared with the provider, in place of `jwks`: 32 bytes or more, for HS256,
    /// HS384 and HS512 alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<SecretPlace>,
    /// The claim that names the caller.
    pub caller_claim: String,
    /// The claim that narrows `allow`, where a token has it; `scp` for some providers.
    pub scope_claim: String,
    /// What its callers may do. Nothing is allowed that is not listed.
    pub allow: Vec<Permission>,
    /// The line items its callers may name: `*` stands for anything within a path segment, `**`
    /// across them. Without it, every line item on the account's platforms.
    pub line_items: Vec<String>,
    /// How often each of its callers may ask. Without it there is no limit but those of `[server]`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate_limit: Option<RateLimitSection>,
    /// How many of each caller's requests may be in flight at once, 1 to 1,000,000; those beyond are answered
    /// RATE_LIMITED. Without it there is no limit but those of `[server]`: set it where several share
    /// a gateway, well below `server.max_in_flight`, so that none takes every place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_in_flight: Option<u64>,
    /// Whether the gateway is not ready before the keys are here.
    pub required: bool,
    /// How often a key set is read again, from 1 s to 1 day.
    pub refresh: DurationText,
}

impl Default for IssuerSection {
    fn default() -> Self {
        Self {
            name: None,
            account: None,
            issuer: None,
            audiences: Vec::new(),
            algorithms: Vec::new(),
            jwks: None,
            secret: None,
            caller_claim: "sub".to_owned(),
            scope_claim: "scope".to_owned(),
            allow: Vec::new(),
            line_items: Vec::new(),
            rate_limit: None,
            max_in_flight: None,
            required: true,
            refresh: DurationText::new("5m"),
        }
    }
}

impl IssuerSection {
    pub(super) fn check(&self, at: &At<'_>, accounts: &Accounts<'_>) -> Option<Issuer> {
        let name = name::check(at, &self.name);
        let access = Access {
            account: &self.account,
            allow: &self.allow,
            line_items: &self.line_items,
        };
        let access = access.check(at, accounts);
        let issuer = at.key("issuer");
        let issuer = issuer
            .required(&self.issuer)
            .and_then(|text| check_text(&issuer, text));
        let audiences = self.check_audiences(&at.key("audiences"));
        let keys = self.check_keys(at);
        let caller_claim = check_text(&at.key("caller_claim"), &self.caller_claim);
        let scope_claim = check_text(&at.key("scope_claim"), &self.scope_claim);
        let bounds = Duration::from_secs(1)..=Duration::from_secs(86_400);
        let refresh = self.refresh.check(&at.key("refresh"), bounds);
        let rate_limit = rate_limit::check(&at.key("rate_limit"), self.rate_limit.as_ref());
        let in_flight = max_in_flight::check(&at.key("max_in_flight"), self.max_in_flight);
        let (account, allow, line_items) = access?;
        Some(Issuer {
            name: name?,
            account,
            issuer: issuer?,
            audiences: audiences?,
            algorithms: self
                .algorithms
                .iter()
                .map(|name| name.algorithm())
                .collect(),
            keys: keys?,
            caller_claim: caller_claim?,
            scope_claim: scope_claim?,
            allow,
            line_items,
            rate_limit: rate_limit?,
            max_in_flight: in_flight?,
            required: self.required,
            refresh: refresh?,
        })
    }

    fn check_audiences(&self, at: &At<'_>) -> Option<Vec<String>> {
        match self.audiences.is_empty() {
            true => at.missing("needs at least one audience: without it a token meant for another service would do"),
            false => at.each(&self.audiences, |at, text| check_text(at, text)),
        }
    }
}

fn check_text(at: &At<'_>, text: &str) -> Option<String> {
    match text.trim().is_empty() {
        true => at.problem("must not be empty"),
        false => Some(text.to_owned()),
    }
}

/// Two issuers of one `iss` and audience would both claim the same token.
pub(super) fn check_apart(at: &At<'_>, sections: &[IssuerSection]) {
    for (index, later) in sections.iter().enumerate() {
        let clashes = |earlier: &IssuerSection| {
            later.issuer.is_some()
                && earlier.issuer == later.issuer
                && later
                    .audiences
                    .iter()
                    .any(|audience| earlier.audiences.contains(audience))
        };
        if let Some(owner) = sections.iter().take(index).position(clashes) {
            at.index(index).key("issuer").problem::<()>(format_args!(
                "has an audience in common with `issuer[{owner}]`, so a token could be of either"
            ));
        }
    }
}
