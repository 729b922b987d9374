//! Keys of cells: they seal what an entry says of a learner (AES-256-GCM, bound to the entry's
//! receipt) and key the digest of what came. Who drops the key erases both.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign};

use super::entry::BodyDigest;
use super::fault::Fault;
use super::receipt::Receipt;

/// A random key.
#[derive(Clone, PartialEq, Eq)]
pub struct SealKey([u8; 32]);

impl SealKey {
    pub fn random() -> Result<Self, Fault> {
        let mut key = [0; 32];
        getrandom::fill(&mut key).map_err(Fault::refused)?;
        Ok(Self(key))
    }

    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Fault> {
        let key = bytes.try_into();
        key.map(Self).map_err(Fault::refused)
    }

    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Nonce and sealed text.
    pub fn seal(&self, receipt: &Receipt, content: Vec<u8>) -> Result<Vec<u8>, Fault> {
        let mut nonce = [0; NONCE_LEN];
        getrandom::fill(&mut nonce).map_err(Fault::refused)?;
        let mut text = content;
        let aad = Aad::from(receipt.text());
        let seal = Nonce::assume_unique_for_key(nonce);
        self.cipher()?
            .seal_in_place_append_tag(seal, aad, &mut text)
            .map_err(Fault::refused)?;
        Ok([nonce.as_slice(), &text].concat())
    }

    /// What was sealed; `None` if it was by another key, for another receipt, or changed since.
    pub fn open(&self, receipt: &Receipt, sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, text) = sealed.split_first_chunk::<NONCE_LEN>()?;
        let mut text = text.to_vec();
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let aad = Aad::from(receipt.text());
        let cipher = self.cipher().ok()?;
        let length = cipher.open_in_place(nonce, aad, &mut text).ok()?.len();
        text.truncate(length);
        Some(text)
    }

    /// The digest that is kept of a body.
    pub fn digest(&self, body: &BodyDigest) -> Vec<u8> {
        let key = Key::new(HMAC_SHA256, self.derive(b"digest").as_ref());
        sign(&key, &body.0).as_ref().to_vec()
    }

    fn cipher(&self) -> Result<LessSafeKey, Fault> {
        let key = UnboundKey::new(&AES_256_GCM, self.derive(b"seal").as_ref());
        Ok(LessSafeKey::new(key.map_err(Fault::refused)?))
    }

    /// One key for each use.
    fn derive(&self, purpose: &[u8]) -> aws_lc_rs::hmac::Tag {
        sign(&Key::new(HMAC_SHA256, &self.0), purpose)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opens_only_with_its_key_for_its_receipt_and_unchanged() {
        let (key, other) = (SealKey::random().unwrap(), SealKey::random().unwrap());
        let receipt = Receipt::mint(jiff::Timestamp::UNIX_EPOCH).unwrap();
        let second = Receipt::mint(jiff::Timestamp::UNIX_EPOCH).unwrap();
        let sealed = key.seal(&receipt, b"content".to_vec()).unwrap();
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
            key.digest(&BodyDigest::of(b"a")),
            other.digest(&BodyDigest::of(b"a"))
        );
    }
}
