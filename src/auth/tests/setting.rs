//! Configurations with issuers and callers, as checking them would leave them.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use jsonwebtoken::Algorithm;

use super::keys::{AUDIENCE, ISSUER};
use crate::auth::Verifier;
use crate::auth::timing::Timing;
use crate::config::{
    Account, Admin, Caller, Config, Issuer, IssuerKeys, KeyDigest, Log, LogFormat, LogLevel,
    Scores, Server, Traces, Upstream,
};
use crate::key_set::KeySet;
use crate::origin::Origin;
use crate::permission::{Permission, Permissions};
use crate::score::UnknownMembers;
use crate::tls::Trust;

pub const ASYMMETRIC: [Algorithm; 4] = [
    Algorithm::RS256,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
];

pub fn issuer(keys: IssuerKeys) -> Issuer {
    Issuer {
        name: "id".to_owned(),
        account: account(),
        issuer: ISSUER.to_owned(),
        audiences: vec![AUDIENCE.to_owned()],
        algorithms: ASYMMETRIC.to_vec(),
        keys,
        caller_claim: "sub".to_owned(),
        scope_claim: "scope".to_owned(),
        allow: all(),
        line_items: Vec::new(),
        rate_limit: None,
        max_in_flight: None,
        required: true,
        refresh: Duration::from_secs(300),
    }
}

/// An issuer whose key set was read from a file.
pub fn issuer_with(set: &serde_json::Value) -> Issuer {
    let set = KeySet::parse(set.to_string().as_bytes()).unwrap();
    issuer(IssuerKeys::File(Arc::new(set)))
}

pub fn caller(name: &str, keys: Vec<KeyDigest>) -> Caller {
    Caller {
        name: name.to_owned(),
        account: account(),
        keys,
        allow: all(),
        line_items: Vec::new(),
        rate_limit: None,
        max_in_flight: None,
    }
}

pub fn verifier(issuers: Vec<Issuer>) -> Verifier {
    verifier_with(issuers, Duration::from_secs(5), Timing::default())
}

pub fn verifier_with(issuers: Vec<Issuer>, timeout: Duration, timing: Timing) -> Verifier {
    verifier_after(issuers, timeout, timing, None)
}

/// A verifier that takes the place of another.
pub fn verifier_after(
    issuers: Vec<Issuer>,
    timeout: Duration,
    timing: Timing,
    before: Option<&Verifier>,
) -> Verifier {
    static TRUST: LazyLock<Trust> = LazyLock::new(|| Trust::new(None, false, None).unwrap());
    let config = config(issuers, timeout);
    Verifier::with_timing(&config, &TRUST.key_sets, timing, before).unwrap()
}

pub fn all() -> Permissions {
    Permission::ALL.iter().copied().collect()
}

fn account() -> Arc<Account> {
    Arc::new(Account {
        name: "school".to_owned(),
        origin: Origin::of(&"https://school.ltiaas.example".parse().unwrap()).unwrap(),
        api_keys: vec!["key".into()],
        platforms: Vec::new(),
        service_keys: Vec::new(),
    })
}

fn config(issuers: Vec<Issuer>, key_set_timeout: Duration) -> Config {
    let second = Duration::from_secs(1);
    Config {
        server: Server {
            listen: ([127, 0, 0, 1], 0).into(),
            tls: None,
            workers: 1,
            head_timeout: second,
            body_timeout: second,
            idle_timeout: second,
            request_deadline: second,
            max_in_flight: 4_096,
            max_connections: 1,
            drain_delay: second,
            drain_deadline: second,
        },
        ledger: None,
        admin: Admin {
            listen: ([127, 0, 0, 1], 0).into(),
            token: None,
        },
        log: Log {
            format: LogFormat::Text,
            level: LogLevel::Info,
            access: false,
            id_key: None,
        },
        scores: Scores {
            unknown_members: UnknownMembers::Refuse,
        },
        upstream: Upstream {
            ca_file: None,
            http2: false,
            connect_timeout: second,
            answer_timeout: second,
            idle_timeout: second,
            key_set_timeout,
        },
        traces: Traces {
            url: None,
            sample_percent: 0,
            export_timeout: second,
        },
        accounts: vec![account()],
        callers: Vec::new(),
        issuers: issuers.into_iter().map(Arc::new).collect(),
        policies: Vec::new(),
    }
}
