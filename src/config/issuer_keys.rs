//! The keys of an issuer, bound to the algorithms they are for. A token signed with a public key
//! taken for a shared secret is the classic forgery, so the two kinds never meet in one issuer.

use std::sync::Arc;

use http::Uri;
use jsonwebtoken::Algorithm;
use schemars::JsonSchema;
use secrecy::{ExposeSecret, SecretBox};
use serde::{Deserialize, Serialize};

use super::files;
use super::findings::At;
use super::issuer::{IssuerKeys, IssuerSection};
use super::secret::SecretPlace;
use crate::bounded::read_file;
use crate::key_set::{KeySet, MOST};
use crate::origin::Origin;

/// Where a key set is read: a `url` or a `file`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(
    default,
    expecting = "a table, `{ url = \"…\" }` or `{ file = \"…\" }`"
)]
#[schemars(deny_unknown_fields)]
pub struct JwksSection {
    /// An https URL, or an http one to this machine. Redirects are not followed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// A file; a relative name starts at the configuration's folder.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
}

macro_rules! algorithm_names {
    ($($name:ident)*) => {
        /// A signature algorithm, by its name in RFC 7518 and RFC 8037.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
        #[schemars(inline)]
        pub enum AlgorithmName { $($name,)* }

        impl AlgorithmName {
            pub(super) fn algorithm(self) -> Algorithm {
                match self { $(Self::$name => Algorithm::$name,)* }
            }
        }
    };
}

algorithm_names! { ES256 ES384 RS256 RS384 RS512 PS256 PS384 PS512 EdDSA HS256 HS384 HS512 }

impl AlgorithmName {
    fn is_of_a_secret(self) -> bool {
        matches!(self, Self::HS256 | Self::HS384 | Self::HS512)
    }
}

/// A shorter secret can be guessed offline from one token.
const SHORTEST_SECRET: usize = 32;

impl IssuerSection {
    pub(super) fn check_keys(&self, at: &At<'_>) -> Option<IssuerKeys> {
        let are_fit = self.check_algorithms(&at.key("algorithms"));
        let keys = match (&self.jwks, &self.secret) {
            (Some(jwks), None) => self.check_jwks(&at.key("jwks"), jwks),
            (None, Some(secret)) => check_secret(&at.key("secret"), secret),
            (Some(jwks), Some(secret)) => {
                // Whichever stays has to be good.
                let _ = self.check_jwks(&at.key("jwks"), jwks);
                let _ = check_secret(&at.key("secret"), secret);
                at.key("secret")
                    .problem("stands in the place of `jwks`; remove one of them")
            }
            (None, None) if at.key("secret").is_unread() => None,
            (None, None) => at
                .key("jwks")
                .missing("is required, or `secret` in its place: where the keys come from"),
        };
        are_fit.and(keys)
    }

    fn check_algorithms(&self, at: &At<'_>) -> Option<()> {
        if self.algorithms.is_empty() {
            return at.missing("needs at least one algorithm, such as \"ES256\"");
        }
        let are_of_a_secret = self.secret.is_some() && self.jwks.is_none();
        at.each(&self.algorithms, |at, name| {
            match (name.is_of_a_secret(), are_of_a_secret) {
                (true, false) => at.problem("is for a shared `secret`; with `jwks` only ES…, RS…, PS… and EdDSA are allowed"),
                (false, true) => at.problem("is for a key set; with `secret` only HS256, HS384 and HS512 are allowed"),
                _ => Some(()),
            }
        })
        .map(drop)
    }

    fn check_jwks(&self, at: &At<'_>, jwks: &JwksSection) -> Option<IssuerKeys> {
        match (&jwks.url, &jwks.file) {
            (Some(url), None) => check_url(&at.key("url"), url).map(IssuerKeys::Url),
            (None, Some(file)) => self.check_file(&at.key("file"), file),
            (None, None) => at.missing("needs `url` or `file`"),
            (Some(_), Some(_)) => at.problem("takes `url` or `file`, not both"),
        }
    }

    fn check_file(&self, at: &At<'_>, name: &str) -> Option<IssuerKeys> {
        let bytes = match read_file(&at.file(name), MOST) {
            Ok(bytes) => bytes,
            Err(cause) => return at.problem(files::unreadable(&cause)),
        };
        let Some(set) = KeySet::parse(&bytes) else {
            return at.problem("holds no key set, which is a JSON object with a list `keys`");
        };
        let mut algorithms = self.algorithms.iter().map(|name| name.algorithm());
        if !algorithms.any(|algorithm| set.serves(algorithm)) {
            at.warn("holds no key that serves one of `algorithms`, so every token is refused");
        }
        Some(IssuerKeys::File(Arc::new(set)))
    }
}

fn check_url(at: &At<'_>, text: &str) -> Option<Uri> {
    let url: Option<Uri> = text.parse().ok();
    let is_trusted =
        |url: &Uri| Origin::of(url).is_ok_and(|origin| origin.is_secure() || origin.is_loopback());
    match url.filter(|url| is_trusted(url) && !text.contains('#')) {
        Some(url) => Some(url),
        None => at.problem("must be an https:// URL, or an http:// one to this machine"),
    }
}

fn check_secret(at: &At<'_>, place: &SecretPlace) -> Option<IssuerKeys> {
    let secret: SecretBox<[u8]> = place.bytes(at)?;
    match secret.expose_secret().len() < SHORTEST_SECRET {
        true => at.problem(format_args!(
            "the secret must have {SHORTEST_SECRET} bytes or more"
        )),
        false => Some(IssuerKeys::Secret(secret)),
    }
}
