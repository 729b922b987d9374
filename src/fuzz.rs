//! What fuzzers try, one function a target: bytes that anyone may send, and what must hold for
//! every one of them. `fuzz/` runs these; the test below replays what was found.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeMap;
use std::path::Path;
use std::str;
use std::sync::{Arc, LazyLock};

use aws_lc_rs::hmac::{self, HMAC_SHA256};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::FutureExt;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, Version};
use jiff::Timestamp;
use jsonwebtoken::Algorithm;
use rustls::ClientConfig;
use secrecy::SecretString;
use serde::de::IgnoredAny;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::auth::{Caller, Unverified, Verifier};
use crate::authorization;
use crate::config::{Config, Problem, load_text};
use crate::key_set::KeySet;
use crate::permission::{Permission, Permissions};
use crate::routing::read_target;
use crate::score::{UnknownMembers, read, rewrite};

/// The name of a target's corpus, and what tries one input.
type Target = (&'static str, fn(&[u8]));

/// Every target.
pub const TARGETS: [Target; 6] = [
    ("authorization", authorization),
    ("body", body),
    ("config", config),
    ("jwks", jwks),
    ("target", target),
    ("token", token),
];

/// A body. What is written reads back as the same score, and writing it again changes nothing.
pub fn body(bytes: &[u8]) {
    for unknown in [UnknownMembers::Refuse, UnknownMembers::Drop] {
        let Ok(score) = read(bytes, unknown) else {
            continue;
        };
        let written = score.write();
        let again = read(&written, UnknownMembers::Refuse).unwrap();
        assert!(again == score, "another score is read back");
        assert_eq!(again.write(), written);
        // Not as a `Value`, because an extension's numbers may be beyond any double.
        serde_json::from_slice::<IgnoredAny>(&written).unwrap();
    }
    if let Ok(written) = rewrite(bytes) {
        assert_eq!(rewrite(&written).as_ref(), Ok(&written));
    }
}

/// `METHOD TARGET`. What is written is read as the same.
pub fn target(bytes: &[u8]) {
    let mut parts = bytes.splitn(2, |byte| *byte == b' ');
    let (Some(method), Some(target)) = (parts.next(), parts.next()) else {
        return;
    };
    let (Ok(method), Ok(uri)) = (Method::from_bytes(method), Uri::try_from(target)) else {
        return;
    };
    let Ok(given) = read_target(&method, &uri, Version::HTTP_11) else {
        return;
    };
    let uri = Uri::from(given.upstream.clone());
    let again = read_target(&method, &uri, Version::HTTP_11).unwrap();
    assert_eq!(again.operation, given.operation);
    assert_eq!(again.line_item, given.line_item);
    assert_eq!(again.url, given.url);
    // Whoever encodes a role three times has it repaired once at every reading.
    let upstream = given.upstream.as_str();
    if !(upstream.contains("role=") && upstream.contains("%25")) {
        assert_eq!(again.upstream, given.upstream);
    }
}

/// `name: value` lines. A launch that is read makes a header that reads back as the same launch
/// and holds the account's key in place of the caller's.
pub fn authorization(bytes: &[u8]) {
    let headers = headers(bytes);
    let Ok(presented) = authorization::read(&headers) else {
        return;
    };
    let Some(launch) = presented.launch else {
        return;
    };
    let api_key = SecretString::from("the-account-key");
    let written = launch.authorization(&api_key).unwrap();
    let written = HeaderMap::from_iter([(AUTHORIZATION, written)]);
    let again = authorization::read(&written).unwrap();
    assert_eq!(again.credential, "the-account-key");
    assert_eq!(again.launch.unwrap().expose(), launch.expose());
}

fn headers(bytes: &[u8]) -> HeaderMap {
    let header = |line: &[u8]| {
        let colon = line.iter().position(|byte| *byte == b':')?;
        let (name, value) = line.split_at_checked(colon)?;
        let name = HeaderName::from_bytes(name).ok()?;
        let value = value.strip_prefix(b":")?.trim_ascii();
        Some((name, HeaderValue::from_bytes(value).ok()?))
    };
    let mut headers = HeaderMap::new();
    for (name, value) in bytes.split(|byte| *byte == b'\n').filter_map(header) {
        headers.append(name, value);
    }
    headers
}

/// A key set. It says the same when read again, and never serves a symmetric algorithm.
pub fn jwks(bytes: &[u8]) {
    use Algorithm::{ES256, EdDSA, RS256};
    let Some(keys) = KeySet::parse(bytes) else {
        return;
    };
    assert!(keys.says_the_same_as(&KeySet::parse(bytes).unwrap()));
    for algorithm in [ES256, EdDSA, RS256] {
        let fits = keys.find(None, algorithm).is_ok();
        assert!(!fits || keys.usable() > 0, "a key is found in an empty set");
    }
    // A symmetric key in a public set would let anyone sign.
    assert!(keys.find(None, Algorithm::HS256).is_err());
}

/// What no message about a configuration may show.
const CANARY: &str = "canary-0123456789abcdef0123456789abcdef";

/// A configuration's text. It is used or its problems are told, and no secret shows either way.
pub fn config(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else {
        return;
    };
    let environment = BTreeMap::from([("KEY".to_owned(), CANARY.to_owned())]);
    // There is no such folder: relative names of files lead nowhere.
    let folder = Path::new("/nonexistent");
    let shown = match load_text(&"fuzz.toml".into(), text, folder, &environment) {
        Ok(loaded) => format!("{}{}", loaded.view, lines(&loaded.warnings)),
        Err(refused) => {
            assert!(!refused.problems.is_empty(), "refused without a reason");
            format!("{refused}{}", lines(&refused.warnings))
        }
    };
    assert!(text.contains(CANARY) || !shown.contains(CANARY), "{shown}");
}

/// What the issuer of the tokens signs with.
const SECRET: &str = "a-secret-of-more-than-thirty-two-bytes";

/// What its holders may do at most.
const ALLOWED: [Permission; 2] = [Permission::ScoresWrite, Permission::ScoresRead];

const ISSUER: &str = r#"
[[account]]
name = "main"
url = "https://your.ltiaas.com"
api_keys = [{ env = "KEY" }]
platforms = ["https://lms.example.com"]
[[issuer]]
name = "idp"
account = "main"
issuer = "https://id.example"
audiences = ["scoregate", "other"]
algorithms = ["HS256"]
secret = { env = "SECRET" }
allow = ["scores:write", "scores:read"]
"#;

static ISSUER_ALONE: LazyLock<(Config, Arc<ClientConfig>)> = LazyLock::new(|| {
    let environment = [("KEY", CANARY), ("SECRET", SECRET)];
    let environment = environment.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let environment = BTreeMap::from(environment);
    let folder = Path::new("/nonexistent");
    let loaded = load_text(&"fuzz.toml".into(), ISSUER, folder, &environment);
    let tls = crate::tls::client_config(None, &[]).unwrap();
    (loaded.unwrap().config, tls)
});

/// The same at every run.
const NOW: i64 = 1_800_000_000;

/// `HEADER`, a line's end and `CLAIMS`, which are signed here; or a whole credential. A token is
/// accepted for what it says and no more, the second time as the first; one that is signed with
/// another secret, or not at all, never is.
pub fn token(bytes: &[u8]) {
    // One for each input, or what it remembers would make coverage depend on the inputs before.
    let verifier = verifier();
    let verify = |credential: &str| verify(&verifier, credential);
    let mut parts = bytes.splitn(2, |byte| *byte == b'\n');
    let whole = match (parts.next(), parts.next()) {
        (Some(header), Some(claims)) => {
            let message = format!(
                "{}.{}",
                URL_SAFE_NO_PAD.encode(header),
                URL_SAFE_NO_PAD.encode(claims)
            );
            for secret in ["another-secret-of-more-than-thirty-two-bytes", ""] {
                assert!(verify(&signed(&message, secret)).is_err(), "a stranger's");
            }
            assert!(verify(&format!("{message}.")).is_err(), "nobody's");
            signed(&message, SECRET)
        }
        _ => match str::from_utf8(bytes) {
            Ok(text) => text.to_owned(),
            Err(_) => return,
        },
    };
    let first = verify(&whole);
    let again = verify(&whole);
    assert_eq!(first.is_ok(), again.is_ok(), "the second time it is other");
    if let Ok(caller) = first {
        holds(&whole, &caller);
        assert_eq!(caller.name, again.unwrap().name);
    }
}

fn verifier() -> Verifier {
    let (config, tls) = &*ISSUER_ALONE;
    Verifier::new(config, tls, None).unwrap()
}

fn verify(verifier: &Verifier, credential: &str) -> Result<Arc<Caller>, Unverified> {
    let now = Timestamp::from_second(NOW).unwrap();
    let verifying = verifier.verify(credential, now);
    // Without a key set to fetch there is nothing to wait for.
    verifying.now_or_never().unwrap()
}

fn signed(message: &str, secret: &str) -> String {
    let key = hmac::Key::new(HMAC_SHA256, secret.as_bytes());
    let signature = hmac::sign(&key, message.as_bytes());
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// What a token must be that is accepted, read by other means than the verifier's.
fn holds(token: &str, caller: &Caller) {
    let (message, _) = token.rsplit_once('.').unwrap();
    assert_eq!(signed(message, SECRET), token);
    let (header, claims) = message.split_once('.').unwrap();
    let [header, claims] = [header, claims].map(|part| {
        let bytes = URL_SAFE_NO_PAD.decode(part).unwrap();
        String::from_utf8_lossy(&bytes).into_owned()
    });
    // Of what is ignored in a header nobody looks even whether it is text, or a number of any size.
    let header: BTreeMap<String, &RawValue> = serde_json::from_str(&header).unwrap();
    let algorithm: Value = serde_json::from_str(header["alg"].get()).unwrap();
    assert_eq!(algorithm, "HS256");
    assert!(!header.contains_key("crit"));
    let claims: Value = serde_json::from_str(&claims).unwrap();
    assert_eq!(claims["iss"], "https://id.example");
    let is_meant = |audience: &Value| audience == "scoregate" || audience == "other";
    let audiences = claims["aud"].as_array();
    assert!(audiences.map_or(is_meant(&claims["aud"]), |all| all.iter().any(is_meant)));
    let now = NOW as f64;
    assert!(claims["exp"].as_f64().unwrap() >= now - 10.0);
    assert!(claims["nbf"].as_f64().unwrap_or(0.0) < now + 11.0);
    let subject = claims["sub"].as_str().unwrap();
    assert!(!subject.is_empty() && !subject.contains(char::is_control));
    assert_eq!(*caller.name, format!("idp/{subject}"));
    let allowed: Permissions = ALLOWED.into_iter().collect();
    assert_eq!(caller.permissions, caller.permissions.narrowed_to(allowed));
}

fn lines(problems: &[Problem]) -> String {
    problems
        .iter()
        .map(|problem| format!("{problem}\n"))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::PathBuf;

    use super::*;

    fn folder(name: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("fuzz")
            .join(name)
    }

    fn names(within: &Path) -> BTreeSet<String> {
        let entries = fs::read_dir(within).unwrap();
        let name = |entry: fs::DirEntry| {
            let path = entry.path().with_extension("");
            path.file_name().unwrap().to_str().unwrap().to_owned()
        };
        entries.map(|entry| name(entry.unwrap())).collect()
    }

    #[test]
    fn every_input_that_was_found_holds() {
        for (name, run) in TARGETS {
            let corpus = fs::read_dir(folder("corpus").join(name)).unwrap();
            let mut inputs = 0;
            for input in corpus {
                let path = input.unwrap().path();
                let bytes = fs::read(&path).unwrap();
                // The name of the input that fails stands in the test's output.
                println!("{}", path.display());
                run(&bytes);
                inputs += 1;
            }
            assert!(inputs >= 5, "the corpus of `{name}` has {inputs} inputs");
        }
    }

    /// Otherwise whatever is said of accepted tokens would hold of none.
    #[test]
    fn a_good_token_is_accepted_where_tokens_are_tried() {
        let header = r#"{"alg":"HS256"}"#;
        let claims = r#"{"iss":"https://id.example","aud":["x","other"],"sub":"quiz","exp":1900000000,"scope":"scores:read platforms"}"#;
        let [header, claims] = [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part));
        let token = signed(&format!("{header}.{claims}"), SECRET);
        let caller = verify(&verifier(), &token).unwrap();
        assert_eq!(&*caller.name, "idp/quiz");
        assert_eq!(
            caller.permissions,
            [Permission::ScoresRead].into_iter().collect()
        );
        holds(&token, &caller);
    }

    #[test]
    fn every_target_has_its_fuzzer_and_its_corpus() {
        let expected: BTreeSet<_> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
        assert_eq!(names(&folder("fuzz_targets")), expected);
        assert_eq!(names(&folder("corpus")), expected);
        let manifest = fs::read_to_string(folder("Cargo.toml")).unwrap();
        for name in expected {
            assert!(manifest.contains(&format!("path = \"fuzz_targets/{name}.rs\"")));
            let fuzzer = folder("fuzz_targets").join(format!("{name}.rs"));
            let fuzzer = fs::read_to_string(fuzzer).unwrap();
            assert!(
                fuzzer.contains(&format!("scoregate::fuzz::{name}(")),
                "{name}"
            );
        }
    }
}
