//! Keyed hashes of ids: what stands in the log where a learner's or a line item's id would help.
//! Without the key a hash says nothing about the id, not even to somebody who guesses at it.

use std::fmt;

use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign};
use secrecy::{ExposeSecret, SecretBox};
use serde::{Serialize, Serializer};

/// Keys the hashes of one configuration.
#[derive(Debug)]
pub struct IdKey(Key);

/// The first eight bytes of an id's HMAC-SHA256: enough to tell the learners of an institution
/// apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdHash([u8; 8]);

impl IdKey {
    /// A random key where none is configured: hashes then compare within one run alone.
    pub fn new(configured: Option<&SecretBox<[u8]>>) -> Result<Self, getrandom::Error> {
        if let Some(key) = configured {
            return Ok(Self(Key::new(HMAC_SHA256, key.expose_secret())));
        }
        let mut random = [0; 32];
        getrandom::fill(&mut random)?;
        Ok(Self(Key::new(HMAC_SHA256, &random)))
    }

    pub fn hash(&self, id: &str) -> IdHash {
        let whole = sign(&self.0, id.as_bytes());
        let first = whole.as_ref().first_chunk();
        IdHash(first.copied().unwrap_or_default())
    }
}

impl fmt::Display for IdHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", u64::from_be_bytes(self.0))
    }
}

impl Serialize for IdHash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> IdKey {
        IdKey::new(Some(&SecretBox::new(text.as_bytes().into()))).unwrap()
    }

    /// As `printf %s Jefe… | openssl dgst -sha256 -hmac Jefe` has it (RFC 4231, case 2).
    #[test]
    fn is_the_beginning_of_the_hmac() {
        let hash = key("Jefe").hash("what do ya want for nothing?");
        assert_eq!(hash.to_string(), "5bdcc146bf60754e");
    }

    #[test]
    fn depends_on_the_key_and_a_missing_one_is_random() {
        assert_ne!(key("a").hash("u"), key("b").hash("u"));
        let (one, other) = (IdKey::new(None).unwrap(), IdKey::new(None).unwrap());
        assert_eq!(one.hash("u"), one.hash("u"));
        assert_ne!(one.hash("u"), other.hash("u"));
    }
}
