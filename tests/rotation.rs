//! Secrets are replaced while requests come: none that is good fails, and what was replaced is refused
//! afterwards.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]
#[allow(dead_code, unused_imports)]
mod support;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, RwLock};
use std::thread;

use jsonwebtoken::{EncodingKey, Header, encode, get_current_timestamp};
use serde_json::json;
use support::*;

fn settings(upstream: &Upstream) -> Settings {
    let mut settings = Settings::new(upstream.address);
    settings.server = "listen = \"127.0.0.1:0\"\nworkers = 2".to_owned();
    settings
}

/// Callers that submit without a pause, each on a kept connection, with whatever credential is good
/// at the moment.
struct Load {
    /// Read for as long as a submission is under way.
    credential: RwLock<String>,
    answered: AtomicUsize,
    is_over: AtomicBool,
}

impl Load {
    /// Runs `rotate` under load, and answers with how many were served. No submission may fail.
    fn run(gateway: &Gateway, credential: &str, rotate: impl FnOnce(&Self)) -> usize {
        let load = Self {
            credential: RwLock::new(credential.to_owned()),
            answered: AtomicUsize::new(0),
            is_over: AtomicBool::new(false),
        };
        thread::scope(|scope| {
            let callers: Vec<_> = (0..4)
                .map(|_| scope.spawn(|| load.submit(gateway)))
                .collect();
            // Also where the rotation fails: its callers would go on for ever.
            let over = Over(&load.is_over);
            load.more();
            rotate(&load);
            load.more();
            drop(over);
            callers
                .into_iter()
                .for_each(|caller| caller.join().unwrap());
        });
        load.answered.into_inner()
    }

    fn submit(&self, gateway: &Gateway) {
        let mut client = gateway.connect();
        while !self.is_over.load(Ordering::Relaxed) {
            let credential = self.credential.read().unwrap();
            let answer = client.send(submission(&credential).bytes()).response();
            assert_eq!(answer.status, 204, "{}", answer.everything());
            self.answered.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Waits until more have been answered, some of them begun after this call.
    fn more(&self) {
        let answered = || self.answered.load(Ordering::Relaxed);
        let wanted = answered() + 20;
        until("callers are served", || answered() >= wanted);
    }

    /// What is under way, by whatever configuration, has ended.
    fn settle(&self) {
        drop(self.credential.write().unwrap());
    }

    /// Callers use another credential from now on; what is under way with the old one has ended.
    fn switch(&self, credential: &str) {
        *self.credential.write().unwrap() = credential.to_owned();
        self.more();
    }
}

struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Puts the settings in force.
fn apply(gateway: &Gateway, settings: &Settings) {
    let before = gateway.applied()["generation"].clone();
    gateway.reconfigure(settings);
    gateway.signal("HUP");
    let applied = gateway.wait_until_applied(|applied| applied["generation"] != before);
    assert!(applied["last_error"].is_null(), "{applied}");
}

fn assert_refused(gateway: &Gateway, credential: &str) {
    let answer = gateway.ask(&submission(credential));
    assert_eq!(answer.status, 401, "{}", answer.everything());
}

#[test]
fn a_gateway_key() {
    let upstream = Upstream::accepting();
    let mut settings = settings(&upstream);
    let (old, old_digest) = (settings.key.clone(), settings.keys.clone());
    let next = Settings::new(upstream.address);
    let gateway = Gateway::start(&settings);
    let served = Load::run(&gateway, &old, |load| {
        assert_refused(&gateway, &next.key);
        settings.keys = format!("{old_digest}, {}", next.keys);
        apply(&gateway, &settings);
        load.switch(&next.key);
        settings.keys = next.keys.clone();
        apply(&gateway, &settings);
        assert_refused(&gateway, &old);
    });
    assert_eq!(upstream.requests().len(), served);
}

const KEY_REJECTED: &str = r#"{"details":{"message":"X","description":"Invalid API key."}}"#;

/// LTIAAS knows the new key from some moment on, and no longer the old one from another.
#[test]
fn an_account_key() {
    let known = Arc::new(Mutex::new(BTreeSet::from(["the-old-account-key"])));
    let knows = known.clone();
    let upstream = Upstream::start(move |request, _| {
        let authorization = request.header("authorization").unwrap();
        let known = knows.lock().unwrap();
        match known.iter().any(|key| authorization.contains(key)) {
            true => reply(204, "", ""),
            false => json_reply(401, KEY_REJECTED),
        }
    });
    let mut settings = settings(&upstream);
    settings.api_keys = vec!["the-old-account-key".to_owned()];
    let gateway = Gateway::start(&settings);
    let key = settings.key.clone();
    let mut withdrawn = 0;
    Load::run(&gateway, &key, |load| {
        settings.api_keys = vec![
            "the-old-account-key".to_owned(),
            "the-new-account-key".to_owned(),
        ];
        apply(&gateway, &settings);
        // A submission that began before knows the old key alone.
        load.settle();
        // LTIAAS's own rotation: one instant, which nobody tells the gateway.
        *known.lock().unwrap() = BTreeSet::from(["the-new-account-key"]);
        load.more();
        settings.api_keys = vec!["the-new-account-key".to_owned()];
        apply(&gateway, &settings);
        load.settle();
        withdrawn = upstream.requests().len();
    });
    let after = upstream.requests().split_off(withdrawn);
    assert!(!after.is_empty());
    for request in after {
        let authorization = request.header("authorization").unwrap();
        assert!(authorization.contains("the-new-account-key"));
    }
    assert!(!gateway.log().contains("ERROR"), "{}", gateway.log());
}

fn issuer(name: &str, audience: &str, secret: &str) -> String {
    format!(
        r#"
[[issuer]]
name = "{name}"
account = "main"
issuer = "https://id.example"
audiences = ["{audience}"]
algorithms = ["HS256"]
secret = {{ file = "$DIR/{secret}" }}
allow = ["scores:write"]
"#
    )
}

fn token(audience: &str, secret: &str) -> String {
    let claims = json!({
        "iss": "https://id.example", "aud": audience, "sub": "tool",
        "exp": get_current_timestamp() + 600,
    });
    let key = EncodingKey::from_secret(secret.as_bytes());
    encode(&Header::default(), &claims, &key).unwrap()
}

/// Two entries of one issuer, for as long as both secrets are in use. They must not have an audience in
/// common, so the new one comes with the new secret.
#[test]
fn an_issuers_shared_secret() {
    let [old, new] =
        ["old", "new"].map(|which| format!("the-{which}-secret-of-more-than-32-bytes"));
    let upstream = Upstream::accepting();
    let mut settings = settings(&upstream);
    settings.files = vec![
        ("old".to_owned(), old.clone()),
        ("new".to_owned(), new.clone()),
    ];
    settings.tables = issuer("idp", "first", "old");
    let gateway = Gateway::start(&settings);
    let (old, new) = (token("first", &old), token("second", &new));
    let served = Load::run(&gateway, &old, |load| {
        assert_refused(&gateway, &new);
        settings.tables = issuer("idp", "first", "old") + &issuer("idp-next", "second", "new");
        apply(&gateway, &settings);
        load.switch(&new);
        settings.tables = issuer("idp", "second", "new");
        apply(&gateway, &settings);
        assert_refused(&gateway, &old);
    });
    assert_eq!(upstream.requests().len(), served);
}

/// Nothing else changes: the file of the secret does.
#[test]
fn a_secret_that_is_replaced_in_its_file_alone_is_refused_from_then_on() {
    let [old, new] =
        ["old", "new"].map(|which| format!("the-{which}-secret-of-more-than-32-bytes"));
    let upstream = Upstream::accepting();
    let mut settings = settings(&upstream);
    settings.files = vec![("secret".to_owned(), old.clone())];
    settings.tables = issuer("idp", "first", "secret");
    let gateway = Gateway::start(&settings);
    let [old_token, new_token] = [&old, &new].map(|secret| token("first", secret));
    assert_eq!(gateway.ask(&submission(&old_token)).status, 204);
    settings.files[0].1 = new + "\n";
    // Without a signal: the gateway looks.
    gateway.reconfigure(&settings);
    gateway.wait_for_generation(2);
    assert_eq!(gateway.ask(&submission(&new_token)).status, 204);
    assert_refused(&gateway, &old_token);
    assert_eq!(upstream.requests().len(), 2);
}

/// Nobody else tells a tool that its key ends.
#[test]
fn when_the_last_key_of_a_caller_ends_is_shown() {
    let upstream = Upstream::accepting();
    let mut settings = Settings::new(upstream.address);
    let other = Settings::new(upstream.address).digest;
    let key =
        |digest: &str, end: &str| format!("{{ digest = \"{digest}\", not_after = \"{end}\" }}");
    let metric = "scoregate_gateway_key_expiry_timestamp_seconds";
    let first = settings.digest.clone();
    for (second, expected) in [
        (key(&other, "2090-01-01T00:00:00Z"), 3_786_912_000.0),
        (key(&other, "2020-01-01T00:00:00Z"), 2_524_608_000.0),
        (format!("\"{other}\""), 0.0),
    ] {
        settings.keys = format!("{}, {second}", key(&first, "2050-01-01T00:00:00Z"));
        let gateway = Gateway::start(&settings);
        let shown = Metrics::of(&gateway).sum(metric, &[]);
        assert_eq!(shown, expected, "{second}");
    }
}
