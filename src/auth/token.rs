//! The parts of a JWT that decide who is asked about it, read before anything is verified.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::Algorithm;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::Unverified;

/// A longer token is not parsed at all, in bytes.
const LONGEST: usize = 8 * 1024;

/// What a token says of itself, unverified.
#[derive(Debug)]
pub struct Peeked {
    pub algorithm: Algorithm,
    pub kid: Option<String>,
    pub issuer: String,
}

#[derive(Deserialize)]
struct Issued {
    iss: String,
}

/// Reads header and issuer. Members such as `jwk`, `jku`, `x5u` and `x5c`, by which a token would
/// bring its own key, are not looked at.
pub fn peek(token: &str) -> Result<Peeked, Unverified> {
    if token.len() > LONGEST {
        return Err(Unverified::TokenTooLong);
    }
    let mut parts = token.split('.');
    let (Some(header), Some(claims), Some(_), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(Unverified::TokenMalformed);
    };
    let header: Map<String, Value> = decode(header)?;
    if header.contains_key("crit") {
        return Err(Unverified::Critical);
    }
    let algorithm = header
        .get("alg")
        .and_then(Value::as_str)
        .ok_or(Unverified::TokenMalformed)?;
    let kid = match header.get("kid") {
        None => None,
        Some(Value::String(kid)) => Some(kid.clone()),
        Some(_) => return Err(Unverified::TokenMalformed),
    };
    Ok(Peeked {
        algorithm: algorithm.parse().map_err(|_| Unverified::Algorithm)?,
        kid,
        issuer: decode::<Issued>(claims)?.iss,
    })
}

fn decode<T: for<'de> Deserialize<'de>>(part: &str) -> Result<T, Unverified> {
    let bytes = URL_SAFE_NO_PAD
        .decode(part)
        .map_err(|_| Unverified::TokenMalformed)?;
    serde_json::from_slice(&bytes).map_err(|_| Unverified::TokenMalformed)
}
