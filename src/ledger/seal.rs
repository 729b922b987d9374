//! Keys of cells: they seal what an entry says of a learner (AES-256-GCM, bound to the entry's
//! receipt) and key the digest of what came. Who drops the key erases both.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign};

use super::entry::BodyDigest;
use super::fault::Fault;
use super::random::Random;
use super::receipt::Receipt;

/// A random key, as the database has it. `Uses` are made of it.
#[derive(Clone, PartialEq, Eq)]
pub struct SealKey([u8; 32]);

/// What a key is used for, with one key for each use.
#[derive(Clone)]
pub struct Uses {
    seal: [u8; 32],
    digest: [u8; 32],
}

impl SealKey {
    pub fn random(random: &mut Random) -> Result<Self, Fault> {
        random.take().map(Self).map_err(Fault::refused)
    }

    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Fault> {
        let key = bytes.try_into();
        key.map(Self).map_err(Fault::refused)
    }

    /// Opens nothing.
    pub fn unusable() -> Self {
        Self([0; 32])
    }

    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    pub fn uses(&self) -> Uses {
        let key = Key::new(HMAC_SHA256, &self.0);
        Uses {
            seal: derived(&key, b"seal"),
            digest: derived(&key, b"digest"),
        }
    }

    /// What was sealed; `None` if it was by another key, for another receipt, or changed since.
    pub fn open(&self, receipt: &Receipt, sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, text) = sealed.split_first_chunk::<NONCE_LEN>()?;
        let mut text = text.to_vec();
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let aad = Aad::from(receipt.text());
        let seal = derived(&Key::new(HMAC_SHA256, &self.0), b"seal");
        let cipher = cipher(&seal).ok()?;
        let length = cipher.open_in_place(nonce, aad, &mut text).ok()?.len();
        text.truncate(length);
        Some(text)
    }
}

fn derived(key: &Key, purpose: &[u8]) -> [u8; 32] {
    let tag = sign(key, purpose);
    tag.as_ref().try_into().unwrap_or_default()
}

fn cipher(key: &[u8; 32]) -> Result<LessSafeKey, Fault> {
    let key = UnboundKey::new(&AES_256_GCM, key).map_err(Fault::refused)?;
    Ok(LessSafeKey::new(key))
}

impl Uses {
    /// Nonce and sealed text.
    pub fn seal(
        &self,
        receipt: &Receipt,
        content: &[u8],
        random: &mut Random,
    ) -> Result<Vec<u8>, Fault> {
        let nonce = random.take::<NONCE_LEN>().map_err(Fault::refused)?;
        let mut sealed = Vec::with_capacity(NONCE_LEN + content.len() + AES_256_GCM.tag_len());
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(content);
        let text = sealed.get_mut(NONCE_LEN..).unwrap_or_default();
        let aad = Aad::from(receipt.text());
        let tag = cipher(&self.seal)?
            .seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), aad, text)
            .map_err(Fault::refused)?;
        sealed.extend_from_slice(tag.as_ref());
        Ok(sealed)
    }

    /// The digest that is kept of a body.
    pub fn digest(&self, body: &BodyDigest) -> Vec<u8> {
        let key = Key::new(HMAC_SHA256, &self.digest);
        sign(&key, &body.0).as_ref().to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opens_only_with_its_key_for_its_receipt_and_unchanged() {
        let mut random = Random::default();
        let mut key = || SealKey::random(&mut random).unwrap();
        let (key, other) = (key(), key());
        let receipt = Receipt::mint(jiff::Timestamp::UNIX_EPOCH).unwrap();
        let second = Receipt::mint(jiff::Timestamp::UNIX_EPOCH).unwrap();
        let sealed = key.uses().seal(&receipt, b"content", &mut random).unwrap();
        assert_eq!(
            key.open(&receipt, &sealed).as_deref(),
            Some(&b"content"[..])
        );
        assert_eq!(other.open(&receipt, &sealed), None);
        assert_eq!(key.open(&second, &sealed), None);
        for place in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[place] ^= 1;
            assert_eq!(key.open(&receipt, &changed), None, "{place}");
        }
        assert_ne!(
            key.uses().digest(&BodyDigest::of(b"a")),
            other.uses().digest(&BodyDigest::of(b"a"))
        );
    }
}
