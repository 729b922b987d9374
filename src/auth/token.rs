//! A JWT, taken apart without the token library's own type for headers: that one reads `jwk`, `x5c`
//! and their like, and refuses a token over members that nobody here asks for.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, crypto};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::Unverified;
use super::claims::{Audience, Claims};

/// A longer token is not parsed at all, in bytes.
const LONGEST: usize = 8 * 1024;

/// A token, and what it says of itself, unverified, which decides who is asked about it.
#[derive(Debug)]
pub struct Token<'t> {
    pub algorithm: Algorithm,
    pub kid: Option<String>,
    pub issuer: String,
    audience: Option<Audience>,
    /// What is signed.
    message: &'t str,
    signature: &'t str,
    claims: Vec<u8>,
}

/// Members such as `jwk`, `jku`, `x5u` and `x5c`, by which a token would bring its own key, are not
/// looked at. One of these that stands twice is refused, by virtue of being read into a struct.
#[derive(Deserialize)]
struct Header {
    alg: String,
    #[serde(default, deserialize_with = "present")]
    kid: Option<String>,
    #[serde(default, deserialize_with = "present")]
    crit: Option<Value>,
}

#[derive(Deserialize)]
struct Issued {
    iss: String,
    aud: Option<Audience>,
}

impl<'t> Token<'t> {
    pub fn read(text: &'t str) -> Result<Self, Unverified> {
        if text.len() > LONGEST {
            return Err(Unverified::TokenTooLong);
        }
        let (message, signature) = text.rsplit_once('.').ok_or(Unverified::TokenMalformed)?;
        // A fourth part would be in the claims, where no dot can be decoded.
        let (header, claims) = message.split_once('.').ok_or(Unverified::TokenMalformed)?;
        let Header { alg, kid, crit } = object(&decoded(header)?)?;
        if crit.is_some() {
            return Err(Unverified::Critical);
        }
        let claims = decoded(claims)?;
        let Issued { iss: issuer, aud } = object(&claims)?;
        Ok(Self {
            algorithm: alg.parse().map_err(|_| Unverified::Algorithm)?,
            kid,
            issuer,
            audience: aud,
            message,
            signature,
            claims,
        })
    }

    /// Whether it says that it is for one of these audiences.
    pub fn is_for(&self, audiences: &[String]) -> bool {
        let audience = self.audience.as_ref();
        audience.is_some_and(|audience| audience.names(audiences))
    }

    /// The claims, where they are signed with this key. It must be one for the token's algorithm:
    /// which that may be is not for the token to say.
    pub fn signed_with(&self, key: &DecodingKey) -> Result<Claims, Unverified> {
        self.verify(key)?;
        Claims::read(&self.claims)
    }

    /// Checks the signature alone.
    pub(super) fn verify(&self, key: &DecodingKey) -> Result<(), Unverified> {
        let message = self.message.as_bytes();
        match crypto::verify(self.signature, message, key, self.algorithm)? {
            true => Ok(()),
            false => Err(Unverified::Signature),
        }
    }
}

fn decoded(part: &str) -> Result<Vec<u8>, Unverified> {
    let bytes = URL_SAFE_NO_PAD.decode(part);
    bytes.map_err(|_| Unverified::TokenMalformed)
}

/// A JSON object. A list won't do, from which a struct would be read as well.
pub(super) fn object<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Unverified> {
    match bytes.trim_ascii_start().starts_with(b"{") {
        true => serde_json::from_slice(bytes).map_err(|_| Unverified::TokenMalformed),
        false => Err(Unverified::TokenMalformed),
    }
}

/// Unlike an `Option` alone, for which `null` is as good as absent.
pub(super) fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    from: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(from).map(Some)
}
