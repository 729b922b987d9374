//! Gateway keys: `sgk_`, 43 characters of 256 random bits, and a checksum of 6 by which secret
//! scanners and people tell a whole key from a clipped one.
//!
//! A caller is known by the digest alone, so an operator may bring keys of another shape; nothing
//! here decides whether a key is accepted.

use aws_lc_rs::digest::{SHA256, digest as hash};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::SecretString;

use crate::hex::hex;

/// What every gateway key begins with.
pub const PREFIX: &str = "sgk_";
const CHECKSUM_CHARACTERS: usize = 6;

/// Makes a key, and its digest. Fails only where the system has no randomness to give.
pub fn generate() -> Result<(SecretString, [u8; 32]), getrandom::Error> {
    let mut random = [0; 32];
    getrandom::fill(&mut random)?;
    let mut key = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(random));
    key.push_str(&checksum(&key));
    let digest = digest(&key);
    Ok((key.into(), digest))
}

/// The SHA-256 digest of a key's whole text.
pub fn digest(key: &str) -> [u8; 32] {
    sha256(key.as_bytes())
}

/// A digest as the configuration writes it: `sha256:` and 64 hex digits in lower case.
pub fn written(digest: &[u8; 32]) -> String {
    format!("sha256:{}", hex(digest))
}

/// Whether a text has the shape of our keys, its checksum right.
#[cfg(test)]
pub fn is_well_formed(key: &str) -> bool {
    const RANDOM_CHARACTERS: usize = 43;
    let is_whole = key.len() == PREFIX.len() + RANDOM_CHARACTERS + CHECKSUM_CHARACTERS;
    let parts = key.split_at_checked(PREFIX.len() + RANDOM_CHARACTERS);
    is_whole && parts.is_some_and(|(rest, sum)| rest.starts_with(PREFIX) && checksum(rest) == sum)
}

/// The first 36 bits of the digest of what stands before it.
fn checksum(rest: &str) -> String {
    let mut text = URL_SAFE_NO_PAD.encode(sha256(rest.as_bytes()));
    text.truncate(CHECKSUM_CHARACTERS);
    text
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(hash(&SHA256, bytes).as_ref());
    out
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn a_new_key_is_well_formed_and_unlike_the_last() {
        let (first, digest_of_first) = generate().unwrap();
        let (second, _) = generate().unwrap();
        let text = first.expose_secret();
        assert_eq!(text.len(), 53);
        assert!(
            text.bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
        );
        assert!(is_well_formed(text));
        assert_ne!(text, second.expose_secret());
        assert_eq!(digest(text), digest_of_first);
    }

    #[test]
    fn a_clipped_or_mistyped_key_is_not_well_formed() {
        let (key, _) = generate().unwrap();
        let key = key.expose_secret();
        let swapped = if key.ends_with('A') { "B" } else { "A" };
        assert!(!is_well_formed(&key[..52]));
        assert!(!is_well_formed(&format!("{}{swapped}", &key[..52])));
        assert!(!is_well_formed(&format!("sgk-{}", &key[4..])));
        assert!(!is_well_formed("sgk_ééééééééééééééééééééééééé"));
        assert!(!is_well_formed(""));
    }

    #[test]
    fn a_digest_is_written_as_other_tools_write_it() {
        // printf %s abc | sha256sum
        assert_eq!(
            written(&digest("abc")),
            "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }
}
