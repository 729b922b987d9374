//! Tokens, good and forged. Each row is one that some gateway has let in.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::Algorithm;
use serde_json::{Value, json};

use super::keys::{AUDIENCE, ISSUER, Key, encoded, good_claims, key_set};
use super::setting::{all, issuer, issuer_with, verifier};
use crate::auth::{Unverified, Verifier};
use crate::config::IssuerKeys;
use crate::permission::Permission;

/// A verifier whose only issuer has these keys.
fn knowing(set: &Value) -> Verifier {
    let issuer = issuer_with(set);
    verifier(vec![issuer])
}

async fn refusal(verifier: &Verifier, token: &str) -> Option<Unverified> {
    verifier.verify(token, Timestamp::now()).await.err()
}

/// Checks a table of tokens: why, and whether it is let in.
async fn check(verifier: &Verifier, rows: impl IntoIterator<Item = (String, String, bool)>) {
    for (what, token, is_good) in rows {
        for round in ["fresh", "cached"] {
            let refusal = refusal(verifier, &token).await;
            assert_eq!(refusal.is_none(), is_good, "{what}, {round}: {refusal:?}");
        }
    }
}

#[tokio::test]
async fn a_good_token_of_each_algorithm_is_let_in() {
    let keys = [
        Key::shared_rsa(),
        Key::p256("p256"),
        Key::p384("p384"),
        Key::ed25519("ed"),
    ];
    let verifier = knowing(&key_set(&keys.iter().collect::<Vec<_>>()));
    for key in keys {
        let token = key.token(&json!({}));
        let caller = verifier.verify(&token, Timestamp::now()).await.unwrap();
        assert_eq!(&*caller.name, "id/tool");
        assert_eq!(&*caller.label, "id");
        assert_eq!(caller.permissions, all());
    }
}

#[tokio::test]
async fn a_public_key_is_no_shared_secret() {
    let key = Key::shared_rsa();
    let public = key.public();
    let modulus = URL_SAFE_NO_PAD
        .decode(public["n"].as_str().unwrap())
        .unwrap();
    let der = subject_public_key_info(&modulus);
    let pem = format!(
        "-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n",
        STANDARD.encode(&der)
    );
    let mut issuer = issuer_with(&json!({"keys": [public]}));
    let listed = verifier(vec![issuer_with(&json!({"keys": [public]}))]);
    issuer.algorithms.push(Algorithm::HS256);
    let mixed = verifier(vec![issuer]);
    let set_text = json!({"keys": [public]}).to_string();
    for secret in [
        pem.as_bytes(),
        pem.trim_end().as_bytes(),
        &der,
        &modulus,
        public["n"].as_str().unwrap().as_bytes(),
        public.to_string().as_bytes(),
        set_text.as_bytes(),
        b"",
    ] {
        for kid in [None, Some("rsa")] {
            let token = Key::secret(secret).with_kid(kid).token(&json!({}));
            for verifier in [&listed, &mixed] {
                assert!(refusal(verifier, &token).await.is_some());
            }
        }
    }
}

/// The DER form of an RSA public key with exponent 65537.
fn subject_public_key_info(modulus: &[u8]) -> Vec<u8> {
    let mut integer = vec![0x02, 0x82, 0x01, 0x01, 0x00];
    integer.extend(modulus);
    integer.extend([0x02, 0x03, 0x01, 0x00, 0x01]);
    let mut key = vec![0x30, 0x82, 0x01, 0x0a];
    key.extend(integer);
    let mut info = vec![
        0x30, 0x82, 0x01, 0x22, 0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01,
        0x01, 0x01, 0x05, 0x00, 0x03, 0x82, 0x01, 0x0f, 0x00,
    ];
    info.extend(key);
    info
}

#[tokio::test]
async fn a_token_does_not_choose_its_algorithm() {
    let key = Key::shared_rsa();
    let verifier = knowing(&key_set(&[&key]));
    let good = key.token(&json!({}));
    let (message, signature) = good.rsplit_once('.').unwrap();
    let claims = message.split_once('.').unwrap().1;
    for name in [
        "none", "None", "NONE", "nOnE", "", "rs256", "RS256 ", "HS256", "PS256", "ES256", "RS512",
        "EdDSA", "Ed25519", "RSA", "\u{0}",
    ] {
        let header = encoded(json!({"typ": "JWT", "alg": name, "kid": "rsa"}).to_string());
        for signature in [signature, ""] {
            let token = format!("{header}.{claims}.{signature}");
            assert!(refusal(&verifier, &token).await.is_some(), "{name}");
        }
    }
    for algorithm in [Algorithm::PS256, Algorithm::RS384, Algorithm::RS512] {
        let token = key.clone().with_algorithm(algorithm).token(&json!({}));
        let refusal = refusal(&verifier, &token).await.unwrap();
        assert!(matches!(refusal, Unverified::Algorithm), "{algorithm:?}");
    }
}

#[tokio::test]
async fn a_key_serves_the_algorithm_it_names() {
    let key = Key::shared_rsa();
    let mut public = key.public();
    for (named, is_good) in [
        (json!("RS256"), true),
        (json!("RS512"), false),
        (json!("PS256"), false),
        (json!("ES256"), false),
        (json!("HS256"), false),
        (json!("RSA-OAEP"), false),
        (json!("none"), false),
    ] {
        public["alg"] = named.clone();
        let verifier = knowing(&json!({"keys": [public]}));
        let refusal = refusal(&verifier, &key.token(&json!({}))).await;
        assert_eq!(refusal.is_none(), is_good, "{named}");
    }
}

#[tokio::test]
async fn the_times_of_a_token_are_numbers_and_include_now() {
    let key = Key::p256("p256");
    let verifier = knowing(&key_set(&[&key]));
    let now = Timestamp::now().as_second();
    let mut rows = vec![("no exp".to_owned(), key.token_without("exp"), false)];
    for (claims, is_good) in [
        (json!({"exp": now + 60}), true),
        (json!({"exp": now as f64 + 60.5}), true),
        (json!({"exp": 4_102_444_800_u64}), true),
        (json!({"exp": now - 60}), false),
        (json!({"exp": now as f64 - 60.5}), false),
        (json!({"exp": (now + 60).to_string()}), false),
        (json!({"exp": null}), false),
        (json!({"exp": true}), false),
        (json!({"exp": [now + 60]}), false),
        (json!({"exp": {}}), false),
        (json!({"exp": 0}), false),
        (json!({"exp": -1}), false),
        (json!({"exp": i64::MIN}), false),
        (json!({"exp": -1e300}), false),
        (json!({"nbf": now + 60}), false),
        (json!({"nbf": now as f64 + 60.5}), false),
        (json!({"nbf": now - 60}), true),
        (json!({"nbf": "0"}), false),
        (json!({"nbf": -1}), false),
        (json!({"nbf": []}), false),
        (json!({"nbf": null}), false),
        (json!({"nbf": u64::MAX}), false),
        (json!({"iat": now + 60}), true),
        (json!({"iat": "x"}), true),
        (json!({"iat": null}), true),
    ] {
        rows.push((claims.to_string(), key.token(&claims), is_good));
    }
    check(&verifier, rows).await;
}

/// Nothing may overflow.
#[tokio::test]
async fn times_beyond_all_clocks_do_no_harm() {
    let key = Key::p256("p256");
    let verifier = knowing(&key_set(&[&key]));
    for exp in [
        json!(i64::MAX),
        json!(u64::MAX),
        json!(1e18),
        json!(1e19),
        json!(1e300),
    ] {
        let token = key.token(&json!({"exp": exp}));
        let first = refusal(&verifier, &token).await.is_none();
        assert_eq!(refusal(&verifier, &token).await.is_none(), first, "{exp}");
    }
    let mut claims = good_claims();
    claims.as_object_mut().unwrap().remove("exp");
    let claims = claims.to_string().replacen('{', "{\"exp\":1e400,", 1);
    let token = key.sign(&key.header().to_string(), &claims);
    assert!(refusal(&verifier, &token).await.is_some());
}

#[tokio::test]
async fn a_token_ends_although_it_is_cached() {
    let key = Key::p256("p256");
    let verifier = knowing(&key_set(&[&key]));
    let now = Timestamp::now();
    let token = key.token(&json!({"exp": now.as_second() + 60}));
    assert!(verifier.verify(&token, now).await.is_ok());
    for (after, is_good) in [(0, true), (59, true), (75, false), (3_600, false)] {
        let then = now + SignedDuration::from_secs(after);
        let verified = verifier.verify(&token, then).await;
        assert_eq!(verified.is_ok(), is_good, "{after}");
    }
}

#[tokio::test]
async fn a_token_is_of_its_issuer_and_for_us() {
    let key = Key::p256("p256");
    let verifier = knowing(&key_set(&[&key]));
    let mut rows = vec![
        ("no iss".to_owned(), key.token_without("iss"), false),
        ("no aud".to_owned(), key.token_without("aud"), false),
    ];
    for (claims, is_good) in [
        (json!({"iss": [ISSUER]}), false),
        (json!({"iss": "https://other.example"}), false),
        (json!({"iss": format!("{ISSUER}/")}), false),
        (json!({"iss": ISSUER.to_uppercase()}), false),
        (json!({"iss": null}), false),
        (json!({"iss": ""}), false),
        (json!({"iss": 1}), false),
        (json!({"aud": [AUDIENCE]}), true),
        (json!({"aud": ["x", AUDIENCE]}), true),
        (json!({"aud": ["x"]}), false),
        (json!({"aud": []}), false),
        (json!({"aud": "x"}), false),
        (json!({"aud": "score"}), false),
        (json!({"aud": format!("{AUDIENCE} x")}), false),
        (json!({"aud": 1}), false),
        (json!({"aud": null}), false),
        (json!({"aud": {}}), false),
        (json!({"aud": [AUDIENCE, 1]}), false),
    ] {
        rows.push((claims.to_string(), key.token(&claims), is_good));
    }
    let twice = good_claims()
        .to_string()
        .replacen('{', "{\"iss\":\"https://other.example\",", 1);
    rows.push((
        "two iss".to_owned(),
        key.sign(&key.header().to_string(), &twice),
        false,
    ));
    check(&verifier, rows).await;
}

/// Whoever reads the other of the two sees another caller, or another scope.
#[tokio::test]
async fn a_token_in_which_a_claim_stands_twice_is_refused() {
    let key = Key::p256("p256");
    let verifier = knowing(&key_set(&[&key]));
    let claims = good_claims().to_string();
    let signed = |claims: &str| key.sign(&key.header().to_string(), claims);
    let mut rows = vec![("none".to_owned(), signed(&claims), true)];
    for twice in [
        r#""exp":4102444800"#,
        r#""sub":"another""#,
        r#""s\u0075b":"another""#,
        r#""scope":"scores:read","scope":"scores:write""#,
        r#""other":1,"other":1"#,
    ] {
        let claims = claims.replacen('{', &format!("{{{twice},"), 1);
        rows.push((twice.to_owned(), signed(&claims), false));
    }
    // It says nothing of what is within a claim: none of that is looked at.
    let within = claims.replacen('{', r#"{"other":{"a":1,"a":2},"#, 1);
    rows.push(("within".to_owned(), signed(&within), true));
    check(&verifier, rows).await;
}

#[tokio::test]
async fn headers_that_bring_a_key_are_ignored_and_unknown_demands_refuse() {
    let key = Key::p256("p256");
    let evil = Key::p256("p256");
    let verifier = knowing(&key_set(&[&key]));
    let mut rows = Vec::new();
    for (header, is_good) in [
        (json!({"jwk": evil.public()}), true),
        (json!({"jku": "http://127.0.0.1:1/keys"}), true),
        (json!({"x5u": "http://127.0.0.1:1/chain"}), true),
        (json!({"x5c": ["AAAA"]}), true),
        (json!({"cty": "JWT", "typ": "at+jwt"}), true),
        // Of whatever type: an ignored member can't be wrong.
        (json!({"jwk": "x"}), true),
        (json!({"jwk": null}), true),
        (json!({"jwk": {"kty": "RSA"}}), true),
        (json!({"jku": 1, "x5u": ["x"]}), true),
        (json!({"x5c": "AAAA"}), true),
        (json!({"x5t": [], "x5t#S256": {}}), true),
        (
            json!({"typ": 1, "cty": {}, "enc": 1, "zip": [], "url": 1, "nonce": 1}),
            true,
        ),
        (json!({"alg": ["ES256"]}), false),
        (json!({"alg": null}), false),
        (json!({"crit": ["exp"]}), false),
        (json!({"crit": ["b64"], "b64": false}), false),
        (json!({"crit": []}), false),
        (json!({"crit": null}), false),
        (json!({"kid": 1}), false),
        (json!({"kid": null}), false),
        (json!({"kid": ["p256"]}), false),
        (json!({"kid": {}}), false),
        (json!({"kid": "other"}), false),
        (json!({"kid": "../../dev/null"}), false),
        (json!({"kid": ""}), false),
    ] {
        let token = key.token_with(&header, &json!({}));
        rows.push((header.to_string(), token, is_good));
        let forged = evil.token_with(&header, &json!({}));
        rows.push((format!("forged {header}"), forged, false));
    }
    check(&verifier, rows).await;
}

#[tokio::test]
async fn what_is_no_token_is_refused() {
    let key = Key::p256("p256");
    let verifier = knowing(&key_set(&[&key]));
    let good = key.token(&json!({}));
    let parts: Vec<_> = good.split('.').collect();
    let (header, claims, signature) = (parts[0], parts[1], parts[2]);
    let deep = format!("{}{}", "[".repeat(3000), "]".repeat(3000));
    for token in [
        String::new(),
        ".".to_owned(),
        "..".to_owned(),
        "...".to_owned(),
        "a.b.c".to_owned(),
        format!("{header}.{claims}"),
        format!("{header}.{claims}."),
        format!("{good}."),
        format!(".{good}"),
        format!("{good}.{signature}"),
        format!("{good}="),
        format!("{good}=="),
        format!("{header}=.{claims}.{signature}"),
        format!("{header}.{claims}=.{signature}"),
        format!(" {good}"),
        format!("{good} "),
        format!("{good}\u{e9}"),
        good.to_uppercase(),
        key.sign("not json", &good_claims().to_string()),
        key.sign("[]", &good_claims().to_string()),
        key.sign("null", &good_claims().to_string()),
        key.sign("{}", &good_claims().to_string()),
        key.sign(r#"{"alg":1}"#, &good_claims().to_string()),
        key.sign(&deep, &good_claims().to_string()),
        key.sign(r#"["ES256","p256"]"#, &good_claims().to_string()),
        key.sign(
            r#"{"alg":"ES256","kid":"other","kid":"p256"}"#,
            &good_claims().to_string(),
        ),
        key.sign(
            r#"{"alg":"none","kid":"p256","alg":"ES256"}"#,
            &good_claims().to_string(),
        ),
        key.sign(&key.header().to_string(), "not json"),
        key.sign(&key.header().to_string(), "[]"),
        key.sign(&key.header().to_string(), &json!([ISSUER]).to_string()),
        key.sign(&key.header().to_string(), &deep),
    ] {
        assert!(refusal(&verifier, &token).await.is_some(), "{token}");
    }
}

#[tokio::test]
async fn a_token_over_8_kib_is_not_parsed() {
    let key = Key::p256("p256");
    let verifier = knowing(&key_set(&[&key]));
    let short = key.token(&json!({"x": "a".repeat(5_000)}));
    assert!(refusal(&verifier, &short).await.is_none());
    let long = key.token(&json!({"x": "a".repeat(8_000)}));
    let refusal = refusal(&verifier, &long).await.unwrap();
    assert!(matches!(refusal, Unverified::TokenTooLong));
}

#[tokio::test]
async fn a_caller_has_a_plain_name() {
    let key = Key::p256("p256");
    let verifier = knowing(&key_set(&[&key]));
    let mut rows = vec![("no sub".to_owned(), key.token_without("sub"), false)];
    for (name, is_good) in [
        (json!("é".repeat(256)), true),
        (json!("a b/c@d"), true),
        (json!(""), false),
        (json!("a".repeat(257)), false),
        (json!("a\nb"), false),
        (json!("a\u{0}"), false),
        (json!("\u{7f}"), false),
        (json!("\u{85}"), false),
        (json!("a\u{2028}b"), false),
        (json!(["tool"]), false),
        (json!([]), false),
        (json!({}), false),
        (json!(null), false),
        (json!(1), false),
    ] {
        rows.push((name.to_string(), key.token(&json!({"sub": name})), is_good));
    }
    check(&verifier, rows).await;
}

#[tokio::test]
async fn a_scope_narrows_and_one_of_another_type_refuses() {
    let key = Key::p256("p256");
    let verifier = knowing(&key_set(&[&key]));
    let token = key.token(&json!({"scope": "openid scores:write"}));
    for _ in ["fresh", "cached"] {
        let caller = verifier.verify(&token, Timestamp::now()).await.unwrap();
        assert_eq!(
            caller.permissions,
            [Permission::ScoresWrite].into_iter().collect()
        );
    }
    for scope in [json!(1), json!(null), json!({}), json!(["scores:write", 1])] {
        let refusal = refusal(&verifier, &key.token(&json!({"scope": scope}))).await;
        assert!(matches!(refusal, Some(Unverified::Scope)), "{scope}");
    }
}

#[tokio::test]
async fn a_token_without_a_key_id_needs_exactly_one_key_that_fits() {
    let (rsa, first) = (Key::shared_rsa(), Key::p256("first"));
    let second = Key::p256("second");
    let token = first.clone().with_kid(None).token(&json!({}));
    for (keys, is_good) in [
        (vec![&rsa, &first], true),
        (vec![&rsa, &first, &second], false),
        (vec![&rsa], false),
        (vec![&second], false),
        (vec![], false),
    ] {
        let verifier = knowing(&key_set(&keys));
        assert_eq!(refusal(&verifier, &token).await.is_none(), is_good);
    }
}

#[tokio::test]
async fn issuers_that_share_a_key_do_not_share_their_tokens() {
    let key = Key::p256("p256");
    let one = issuer_with(&key_set(&[&key]));
    let mut other = issuer_with(&key_set(&[&key]));
    other.name = "other".to_owned();
    other.issuer = "https://other.example".to_owned();
    other.audiences = vec!["elsewhere".to_owned()];
    let verifier = verifier(vec![one, other]);
    let foreign = |aud: &str| key.token(&json!({"iss": "https://other.example", "aud": aud}));
    let token = foreign("elsewhere");
    let caller = verifier.verify(&token, Timestamp::now()).await.unwrap();
    assert_eq!(&*caller.name, "other/tool");
    assert!(refusal(&verifier, &foreign(AUDIENCE)).await.is_some());
    let token = key.token(&json!({"aud": "elsewhere"}));
    assert!(refusal(&verifier, &token).await.is_some());
}

#[tokio::test]
async fn entries_that_share_an_issuer_are_told_apart_by_their_audience() {
    let key = Key::p256("p256");
    let one = issuer_with(&key_set(&[&key]));
    let mut other = issuer_with(&key_set(&[&key]));
    other.name = "other".to_owned();
    other.audiences = vec!["elsewhere".to_owned()];
    let verifier = verifier(vec![one, other]);
    for (audience, name) in [(AUDIENCE, "id/tool"), ("elsewhere", "other/tool")] {
        let token = key.token(&json!({"aud": audience}));
        let caller = verifier.verify(&token, Timestamp::now()).await.unwrap();
        assert_eq!(&*caller.name, name);
    }
    let token = key.token(&json!({"aud": "nowhere"}));
    assert!(refusal(&verifier, &token).await.is_some());
}

#[tokio::test]
async fn keys_that_cannot_sign_for_an_issuer_are_left_out_alone() {
    let (rsa, p256) = (Key::shared_rsa(), Key::p256("p256"));
    let mut encrypts = rsa.public();
    encrypts["use"] = json!("enc");
    let mut wraps = rsa.public();
    wraps["key_ops"] = json!(["wrapKey"]);
    let mut unknown = rsa.public();
    unknown["kty"] = json!("new");
    let mut broken = rsa.public();
    broken["n"] = json!("!");
    let mut wrong = rsa.public();
    wrong["kid"] = json!(1);
    for bad in [
        encrypts,
        wraps,
        unknown,
        broken,
        wrong,
        json!({}),
        json!(1),
        json!(null),
    ] {
        let verifier = knowing(&json!({"keys": [bad, p256.public()]}));
        assert!(refusal(&verifier, &rsa.token(&json!({}))).await.is_some());
        let good = refusal(&verifier, &p256.token(&json!({}))).await;
        assert!(good.is_none(), "{bad}: {good:?}");
    }
}

#[tokio::test]
async fn a_symmetric_key_in_a_set_is_ignored() {
    let secret = [7; 32];
    let oct = json!({"kty": "oct", "kid": "oct", "alg": "HS256", "k": encoded(secret)});
    let mut issuer = issuer_with(&json!({"keys": [oct]}));
    issuer.algorithms = vec![Algorithm::HS256];
    let verifier = verifier(vec![issuer]);
    for kid in [None, Some("oct")] {
        let token = Key::secret(&secret).with_kid(kid).token(&json!({}));
        assert!(refusal(&verifier, &token).await.is_some());
    }
}

#[tokio::test]
async fn a_shared_secret_verifies_its_own_tokens_alone() {
    let mut issuer = issuer(IssuerKeys::Secret(vec![7; 32].into_boxed_slice().into()));
    issuer.algorithms = vec![Algorithm::HS256];
    let verifier = verifier(vec![issuer]);
    assert!(verifier.is_ready());
    for (secret, is_good) in [(vec![7; 32], true), (vec![8; 32], false), (vec![], false)] {
        let token = Key::secret(&secret).token(&json!({}));
        assert_eq!(refusal(&verifier, &token).await.is_none(), is_good);
    }
    let longer = Key::secret(&[7; 32]).with_algorithm(Algorithm::HS512);
    let refusal = refusal(&verifier, &longer.token(&json!({}))).await;
    assert!(matches!(refusal, Some(Unverified::Algorithm)));
}

/// What a header says may be anything, also somebody's name; the reason is written to the log.
#[tokio::test]
async fn a_reason_repeats_nothing_of_the_token() {
    let key = Key::p256("p256");
    let verifier = knowing(&key_set(&[&key]));
    for header in [
        json!({"typ": ["ada-lovelace"]}),
        json!({"typ": {"ada-lovelace": 1}}),
        json!({"cty": ["ada-lovelace"]}),
        json!({"x5t": {"ada-lovelace": 1}}),
        json!({"jwk": "ada-lovelace"}),
        json!({"enc": ["ada-lovelace"]}),
        json!({"alg": "ada-lovelace"}),
        json!({"url": 12_345_678}),
        json!({"x5c": "ada-lovelace"}),
    ] {
        let token = key.token_with(&header, &json!({}));
        let Some(refusal) = refusal(&verifier, &token).await else {
            continue;
        };
        let mut text = format!("{refusal:?} {refusal}");
        let mut cause = std::error::Error::source(&refusal);
        while let Some(error) = cause {
            text.push_str(&error.to_string());
            cause = error.source();
        }
        assert!(!text.contains("ada-lovelace"), "{text}");
        assert!(!text.contains("12345678"), "{text}");
    }
}
