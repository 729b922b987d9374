//! Callers with a JWT: readiness waits for the key set, only unknown keys have it read again, and what is
//! here outlives a reload.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]
#[allow(dead_code)]
#[path = "support/certificate.rs"]
mod certificate;
#[allow(dead_code, unused_imports)]
mod support;

use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use certificate::Certificate;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode, get_current_timestamp};
use serde_json::{Value, json};
use support::*;

/// A key that an identity provider signs with.
struct Key(EncodingKey);

impl Key {
    fn new() -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        Self(EncodingKey::from_ec_der(
            pair.to_pkcs8v1().unwrap().as_ref(),
        ))
    }

    fn public(&self, kid: &str) -> Value {
        let mut jwk = Jwk::from_encoding_key(&self.0, Algorithm::ES256).unwrap();
        jwk.common.key_id = Some(kid.to_owned());
        serde_json::to_value(jwk).unwrap()
    }

    fn token(&self, kid: &str, scope: &str) -> String {
        let mut header = Header::new(Algorithm::ES256);
        header.kid = Some(kid.to_owned());
        let claims = json!({
            "iss": "https://id.example",
            "aud": "scoregate",
            "sub": "tool",
            "scope": scope,
            "exp": get_current_timestamp() + 600,
        });
        encode(&header, &claims, &self.0).unwrap()
    }
}

/// A provider whose key set may be missing, and changes.
#[derive(Clone, Default)]
struct KeySet(Arc<Mutex<Option<Vec<Value>>>>);

impl KeySet {
    fn set(&self, keys: Vec<Value>) {
        *self.0.lock().unwrap() = Some(keys);
    }

    fn is_gone(&self) {
        *self.0.lock().unwrap() = None;
    }

    fn serve(&self) -> Upstream {
        let set = self.clone();
        Upstream::start(move |_, _| match set.0.lock().unwrap().as_ref() {
            Some(keys) => json_reply(200, json!({"keys": keys}).to_string()),
            None => reply(503, "text/html", "<h1>later</h1>"),
        })
    }
}

fn settings(upstream: &Upstream, provider: &Upstream) -> Settings {
    let mut settings = Settings::new(upstream.address);
    // The name that the settings give their only account.
    let config = settings.write(tempfile::tempdir().unwrap().path());
    let config: toml::Table = config.parse().unwrap();
    let account = &config["account"][0]["name"];
    let address = provider.address;
    settings.tables = format!(
        r#"
[[issuer]]
name = "id"
account = {account}
issuer = "https://id.example"
audiences = ["scoregate"]
algorithms = ["ES256"]
jwks = {{ url = "http://{address}/keys" }}
caller_claim = "sub"
allow = ["scores:write"]
"#
    );
    settings
}

fn gateway(upstream: &Upstream, provider: &Upstream) -> Gateway {
    Gateway::start(&settings(upstream, provider))
}

fn readiness(gateway: &Gateway) -> u16 {
    let request = Request::new("GET", "/readyz").bytes();
    Client::connect(gateway.admin)
        .send(request)
        .response()
        .status
}

fn submit(gateway: &Gateway, token: &str) -> u16 {
    let request = gateway.submission(SCORE).without("authorization");
    let authorization = format!("LTIK-AUTH-V2 {token}:{LTIK}");
    gateway.ask(&request.authorization(&authorization)).status
}

fn wait_until_ready(gateway: &Gateway) {
    // The contract's own limit.
    until_within(Duration::from_secs(10), "it is ready", || {
        readiness(gateway) == 200
    });
}

#[test]
fn readiness_and_tokens_wait_for_the_key_set() {
    let (set, key) = (KeySet::default(), Key::new());
    let (upstream, provider) = (Upstream::accepting(), set.serve());
    let gateway = gateway(&upstream, &provider);
    let token = key.token("a", "scores:write");
    provider.wait_for(1);
    assert_ne!(readiness(&gateway), 200);
    assert!([401, 503].contains(&submit(&gateway, &token)));
    set.set(vec![key.public("a")]);
    wait_until_ready(&gateway);
    assert_eq!(submit(&gateway, &token), 204);
    assert_eq!(submit(&gateway, &key.token("a", "scores:read")), 403);
    assert_eq!(submit(&gateway, &Key::new().token("a", "")), 401);
    assert_eq!(upstream.requests().len(), 1);
}

#[test]
fn a_new_key_verifies_at_once_and_unknown_ones_share_one_read() {
    let (set, old, new) = (KeySet::default(), Key::new(), Key::new());
    set.set(vec![old.public("old")]);
    let (upstream, provider) = (Upstream::accepting(), set.serve());
    let gateway = gateway(&upstream, &provider);
    wait_until_ready(&gateway);
    assert_eq!(provider.requests().len(), 1);
    set.set(vec![old.public("old"), new.public("new")]);
    assert_eq!(submit(&gateway, &new.token("new", "scores:write")), 204);
    assert_eq!(provider.requests().len(), 2);
    thread::scope(|scope| {
        for number in 0..20 {
            let (gateway, new) = (&gateway, &new);
            scope.spawn(move || {
                let token = new.token(&number.to_string(), "scores:write");
                assert_eq!(submit(gateway, &token), 401);
            });
        }
    });
    assert_eq!(provider.requests().len(), 2);
    assert_eq!(submit(&gateway, &old.token("old", "scores:write")), 204);
}

#[test]
fn what_is_here_is_good_while_it_is_read_in_another_way_and_in_vain() {
    let (set, key) = (KeySet::default(), Key::new());
    set.set(vec![key.public("a")]);
    let (upstream, provider) = (Upstream::accepting(), set.serve());
    let mut settings = settings(&upstream, &provider);
    settings.files = vec![(
        "ca.pem".to_owned(),
        Certificate::for_this_machine().authority,
    )];
    let gateway = Gateway::start(&settings);
    wait_until_ready(&gateway);
    set.is_gone();
    let token = key.token("a", "scores:write");
    for (reads, lines) in [
        (2, "key_set_timeout = \"4s\""),
        (3, "ca_file = \"$DIR/ca.pem\""),
    ] {
        settings.upstream_lines = lines.to_owned();
        gateway.reconfigure(&settings);
        gateway.signal("HUP");
        gateway.wait_for_generation(reads);
        for _ in ["before it is read", "after"] {
            assert_eq!((readiness(&gateway), submit(&gateway, &token)), (200, 204));
            provider.wait_for(reads as usize);
        }
    }
}
