//! A key set (RFC 7517), as far as it can verify tokens. Bad keys are left out one by one.

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyOperations, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use serde_json::Value;
use thiserror::Error;

/// The most that a set may hold, in bytes.
pub const MOST: usize = 1024 * 1024;

/// The keys of one issuer.
#[derive(Debug, Default)]
pub struct KeySet {
    keys: Vec<Key>,
    /// What was read, to tell whether a later read says anything new.
    source: Vec<Value>,
}

#[derive(Debug)]
struct Key {
    kid: Option<String>,
    algorithms: Vec<Algorithm>,
    decoding: DecodingKey,
}

#[derive(Deserialize)]
struct Document {
    keys: Vec<Value>,
}

/// Why a set has no key for a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum NotFound {
    #[error("the key that the token names does not serve its algorithm")]
    Misfit,
    #[error("no key of the issuer fits the token")]
    NoKey,
    #[error("the token names no key, and several of the issuer's fit it")]
    Several,
}

impl KeySet {
    /// `None` where the bytes are no key set.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        // Because a struct is read from a list as well: `[[]]` would be a set without keys.
        if !bytes.trim_ascii_start().starts_with(b"{") {
            return None;
        }
        let Document { keys: source } = serde_json::from_slice(bytes).ok()?;
        let keys = source.iter().filter_map(Key::read).collect();
        Some(Self { keys, source })
    }

    /// How many of the keys can be used here.
    pub fn usable(&self) -> usize {
        self.keys.len()
    }

    /// How many can't.
    pub fn left_out(&self) -> usize {
        self.source.len() - self.keys.len()
    }

    pub fn says_the_same_as(&self, other: &Self) -> bool {
        self.source == other.source
    }

    /// Whether a token of this algorithm can be verified at all.
    pub fn serves(&self, algorithm: Algorithm) -> bool {
        self.keys
            .iter()
            .any(|key| key.algorithms.contains(&algorithm))
    }

    /// The key for a token: the one it names, or the only one that fits its algorithm.
    pub fn find(&self, kid: Option<&str>, algorithm: Algorithm) -> Result<&DecodingKey, NotFound> {
        let named = |key: &&Key| kid.is_none_or(|kid| key.kid.as_deref() == Some(kid));
        let mut fitting = self
            .keys
            .iter()
            .filter(named)
            .filter(|key| key.algorithms.contains(&algorithm));
        match (fitting.next(), fitting.next()) {
            (None, _) if kid.is_some_and(|kid| self.lists(kid)) => Err(NotFound::Misfit),
            (None, _) => Err(NotFound::NoKey),
            (Some(key), None) => Ok(&key.decoding),
            (Some(_), Some(_)) => Err(NotFound::Several),
        }
    }

    /// Whether a key is known by name, even one that can't be used.
    fn lists(&self, kid: &str) -> bool {
        let named = |key: &Value| key.get("kid").and_then(Value::as_str) == Some(kid);
        self.source.iter().any(named)
    }
}

impl Key {
    fn read(source: &Value) -> Option<Self> {
        let jwk: Jwk = serde_json::from_value(source.clone()).ok()?;
        let common = &jwk.common;
        let signs = common
            .public_key_use
            .as_ref()
            .is_none_or(|purpose| *purpose == PublicKeyUse::Signature);
        let verifies = common
            .key_operations
            .as_ref()
            .is_none_or(|operations| operations.contains(&KeyOperations::Verify));
        let algorithms = algorithms(&jwk)?;
        let decoding = DecodingKey::from_jwk(&jwk).ok()?;
        (signs && verifies).then_some(Self {
            kid: jwk.common.key_id,
            algorithms,
            decoding,
        })
    }
}

/// The algorithms that a key can serve: its own where it names one, else all of its type. A token
/// never chooses: a public key is not a shared secret, whatever its header says.
fn algorithms(jwk: &Jwk) -> Option<Vec<Algorithm>> {
    use Algorithm::{ES256, ES384, EdDSA, PS256, PS384, PS512, RS256, RS384, RS512};
    let of_type = match &jwk.algorithm {
        AlgorithmParameters::RSA(_) => vec![RS256, RS384, RS512, PS256, PS384, PS512],
        AlgorithmParameters::EllipticCurve(key) => match key.curve {
            EllipticCurve::P256 => vec![ES256],
            EllipticCurve::P384 => vec![ES384],
            _ => return None,
        },
        AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => {
            vec![EdDSA]
        }
        // Symmetric keys have no place in a public set.
        _ => return None,
    };
    let Some(named) = jwk.common.key_algorithm else {
        return Some(of_type);
    };
    let named: Algorithm = named.to_string().parse().ok()?;
    of_type.contains(&named).then(|| vec![named])
}
