//! Key pairs, and tokens signed with them: also tokens that no honest library would write.

use std::sync::OnceLock;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use serde_json::{Value, json};

pub const ISSUER: &str = "https://id.example";
pub const AUDIENCE: &str = "scoregate";

/// A private key that signs with one algorithm.
#[derive(Clone)]
pub struct Key {
    pub algorithm: Algorithm,
    pub kid: Option<String>,
    private: EncodingKey,
}

impl Key {
    pub fn rsa(kid: &str) -> Self {
        let pair = aws_lc_rs::rsa::KeyPair::generate(KeySize::Rsa2048).unwrap();
        let der: Pkcs8V1Der<'_> = pair.as_der().unwrap();
        // What stands before the PKCS #1 key in a PKCS #8 one of 2,048 bits.
        let private = EncodingKey::from_rsa_der(&der.as_ref()[26..]);
        Self::new(Algorithm::RS256, kid, private)
    }

    pub fn p256(kid: &str) -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let der = pair.to_pkcs8v1().unwrap();
        Self::new(
            Algorithm::ES256,
            kid,
            EncodingKey::from_ec_der(der.as_ref()),
        )
    }

    pub fn p384(kid: &str) -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING).unwrap();
        let der = pair.to_pkcs8v1().unwrap();
        Self::new(
            Algorithm::ES384,
            kid,
            EncodingKey::from_ec_der(der.as_ref()),
        )
    }

    pub fn ed25519(kid: &str) -> Self {
        let pair = Ed25519KeyPair::generate().unwrap();
        let der = pair.to_pkcs8v1().unwrap();
        Self::new(
            Algorithm::EdDSA,
            kid,
            EncodingKey::from_ed_der(der.as_ref()),
        )
    }

    pub fn secret(secret: &[u8]) -> Self {
        let private = EncodingKey::from_secret(secret);
        Self {
            algorithm: Algorithm::HS256,
            kid: None,
            private,
        }
    }

    /// One RSA key for the tests that only need some key: making one takes a while.
    pub fn shared_rsa() -> Self {
        static KEY: OnceLock<Key> = OnceLock::new();
        KEY.get_or_init(|| Self::rsa("rsa")).clone()
    }

    fn new(algorithm: Algorithm, kid: &str, private: EncodingKey) -> Self {
        Self {
            algorithm,
            kid: Some(kid.to_owned()),
            private,
        }
    }

    pub fn with_algorithm(mut self, algorithm: Algorithm) -> Self {
        self.algorithm = algorithm;
        self
    }

    pub fn with_kid(mut self, kid: Option<&str>) -> Self {
        self.kid = kid.map(str::to_owned);
        self
    }

    /// The public half, as a key set lists it, without `alg`.
    pub fn public(&self) -> Value {
        let jwk = Jwk::from_encoding_key(&self.private, self.algorithm).unwrap();
        let mut jwk = serde_json::to_value(jwk).unwrap();
        let members = jwk.as_object_mut().unwrap();
        members.remove("alg");
        members.insert("use".to_owned(), json!("sig"));
        if let Some(kid) = &self.kid {
            members.insert("kid".to_owned(), json!(kid));
        }
        jwk
    }

    /// A token whose claims are good, apart from `changes`; a change to `null` is written as such.
    pub fn token(&self, changes: &Value) -> String {
        self.token_with(&json!({}), changes)
    }

    /// The same with changes to the header as well.
    pub fn token_with(&self, header: &Value, claims: &Value) -> String {
        let mut parts = [self.header(), good_claims()];
        for (part, changes) in parts.iter_mut().zip([header, claims]) {
            let part = part.as_object_mut().unwrap();
            part.extend(changes.as_object().unwrap().clone());
        }
        let [header, claims] = parts;
        self.sign(&header.to_string(), &claims.to_string())
    }

    /// A token without one of its claims.
    pub fn token_without(&self, claim: &str) -> String {
        let mut claims = good_claims();
        claims.as_object_mut().unwrap().remove(claim);
        self.sign(&self.header().to_string(), &claims.to_string())
    }

    /// Any header and claims, signed.
    pub fn sign(&self, header: &str, claims: &str) -> String {
        let message = format!("{}.{}", encoded(header), encoded(claims));
        let signature = crypto::sign(message.as_bytes(), &self.private, self.algorithm).unwrap();
        format!("{message}.{signature}")
    }

    pub fn header(&self) -> Value {
        let mut header = json!({"typ": "JWT", "alg": self.algorithm});
        if let Some(kid) = &self.kid {
            header["kid"] = json!(kid);
        }
        header
    }
}

pub fn good_claims() -> Value {
    json!({
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "tool",
        "exp": Timestamp::now().as_second() + 600,
    })
}

pub fn encoded(text: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(text)
}

pub fn key_set(keys: &[&Key]) -> Value {
    json!({"keys": keys.iter().map(|key| key.public()).collect::<Vec<_>>()})
}
