//! `[[account]]`: one LTIAAS subdomain, its keys, and where its line items live.

use schemars::JsonSchema;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use super::findings::At;
use super::secret::SecretPlace;
use super::{line_items, name, shared_hosts};
use crate::line_item::{Pattern, Platform};
use crate::origin::Origin;

/// One LTIAAS subdomain.
#[derive(Debug)]
pub struct Account {
    pub name: String,
    pub origin: Origin,
    /// At least one; the second is tried when the first is rejected.
    pub api_keys: Vec<SecretString>,
    pub platforms: Vec<Platform>,
    pub service_keys: Vec<ServiceKey>,
}

#[derive(Debug)]
pub struct ServiceKey {
    pub line_items: Vec<Pattern>,
    pub key: SecretString,
}

/// One LTIAAS subdomain.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, expecting = "a table, `[[account]]`")]
#[schemars(deny_unknown_fields)]
pub struct AccountSection {
    /// What callers, issuers and policies call it.
    #[schemars(required)]
    pub name: Option<String>,
    /// Its address, without path: `https://`, or `http://` to this machine.
    #[schemars(required)]
    pub url: Option<String>,
    /// Allows `http://` to another machine: the API key then crosses the network in the clear.
    pub insecure_http: bool,
    /// Its API keys. The second is tried when LTIAAS rejects the first, so that a key is rotated
    /// without downtime.
    #[schemars(required, length(min = 1))]
    pub api_keys: Vec<SecretPlace>,
    /// Where its line items live (not the LTI issuer): https origins, with a path prefix where
    /// several schools share a host. `["*"]` is any host.
    #[schemars(required, length(min = 1))]
    pub platforms: Vec<String>,
    /// Service keys for callers that send neither ltik nor service key; the first that names the
    /// line item is used.
    pub service_keys: Vec<ServiceKeySection>,
}

/// A service key and the line items it is used for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(
    default,
    expecting = "a table, `{ line_items = [\"…\"], key = { … } }`"
)]
#[schemars(deny_unknown_fields)]
pub struct ServiceKeySection {
    /// Patterns of line item ids: `*` stands for anything within a path segment, `**` across them.
    #[schemars(required, length(min = 1))]
    pub line_items: Vec<String>,
    /// The service key.
    #[schemars(required)]
    pub key: Option<SecretPlace>,
}

impl AccountSection {
    pub(super) fn check(&self, at: &At<'_>) -> Option<Account> {
        let name = name::check(at, &self.name);
        let url = at.key("url");
        let origin = url
            .required(&self.url)
            .and_then(|text| check_url(&url, text, self.insecure_http));
        let api_keys = self.check_api_keys(&at.key("api_keys"));
        let platforms = self.check_platforms(&at.key("platforms"));
        let service_keys = at
            .key("service_keys")
            .each(&self.service_keys, |at, key| key.check(at, &self.platforms));
        Some(Account {
            name: name?,
            origin: origin?,
            api_keys: api_keys?,
            platforms: platforms?,
            service_keys: service_keys?,
        })
    }

    fn check_api_keys(&self, at: &At<'_>) -> Option<Vec<SecretString>> {
        match self.api_keys.is_empty() {
            true => at.missing("needs at least one key, such as `{ env = \"LTIAAS_API_KEY\" }`"),
            false => at.each(&self.api_keys, check_api_key),
        }
    }

    fn check_platforms(&self, at: &At<'_>) -> Option<Vec<Platform>> {
        match self.platforms.is_empty() {
            true => at.missing("needs the origins at which line items live, such as \"https://canvas.example.edu\""),
            false => at.each(&self.platforms, |at, text| check_platform(at, text)),
        }
    }
}

/// A key to send, or what stands for it where nothing is sent.
fn text(at: &At<'_>, key: &SecretPlace) -> Option<SecretString> {
    match at.environment().has_account_keys() {
        true => key.text(at),
        false => Some("***".into()),
    }
}

/// The key is followed by `:` and the ltik in what we send, so it can't hold one itself.
fn check_api_key(at: &At<'_>, key: &SecretPlace) -> Option<SecretString> {
    let key = text(at, key)?;
    match key.expose_secret().contains(':') {
        true => at.problem("holds a `:`, which no API key of LTIAAS does"),
        false => Some(key),
    }
}

fn check_platform(at: &At<'_>, text: &str) -> Option<Platform> {
    let Ok(platform) = Platform::parse(text) else {
        return at.problem("must be an https origin, with a path prefix at most, or \"*\"");
    };
    if platform.is_anywhere() {
        at.warn("lets line items live on any host, and LTIAAS sends the LMS's token to whatever host a caller names");
    } else if shared_hosts::is_shared(text) {
        at.warn("is shared by many schools: callers reach the line items of all of them");
    }
    Some(platform)
}

const URL: &str =
    "must be an https:// URL without path or query, such as \"https://your.ltiaas.com\"";

fn check_url(at: &At<'_>, text: &str, insecure_http: bool) -> Option<Origin> {
    let url: Option<http::Uri> = text.parse().ok();
    let is_bare = |url: &http::Uri| matches!(url.path(), "" | "/") && url.query().is_none();
    let is_bare = url.as_ref().is_some_and(is_bare) && !text.contains('#');
    let Some(origin) = url
        .filter(|_| is_bare)
        .and_then(|url| Origin::of(&url).ok())
    else {
        return at.problem(URL);
    };
    if origin.is_secure() || origin.is_loopback() {
        return Some(origin);
    }
    if !insecure_http {
        return at.problem(
            "must be https://: over http:// the API key crosses the network in the clear \
             (`insecure_http = true` allows it all the same)",
        );
    }
    at.warn("is plain HTTP to another machine: the API key crosses the network in the clear");
    Some(origin)
}

impl ServiceKeySection {
    fn check(&self, at: &At<'_>, platforms: &[String]) -> Option<ServiceKey> {
        let patterns = at.key("line_items");
        let line_items = match self.line_items.is_empty() {
            true => patterns
                .missing("needs at least one pattern, such as \"https://canvas.example.edu/**\""),
            false => line_items::check(&patterns, &self.line_items),
        };
        if let Some(line_items) = &line_items {
            line_items::warn_of_unreachable(&patterns, line_items, platforms);
        }
        let at = at.key("key");
        let key = at
            .required(&self.key)
            .and_then(|key| check_service_key(&at, key));
        Some(ServiceKey {
            line_items: line_items?,
            key: key?,
        })
    }
}

fn check_service_key(at: &At<'_>, key: &SecretPlace) -> Option<SecretString> {
    let key = text(at, key)?;
    match key.expose_secret().contains(',') {
        true => at.problem("holds a `,`, which no service key of LTIAAS does"),
        false => Some(key),
    }
}
