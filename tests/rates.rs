//! Each caller's own rate: beyond it 429, which nobody else notices.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]
#[allow(dead_code, unused_imports)]
mod support;

use jsonwebtoken::{EncodingKey, Header, encode, get_current_timestamp};
use serde_json::json;
use support::*;

/// Slow enough that nothing comes back during a test.
const ONE_IN_A_WHILE: &str = "rate_limit = { per_second = 1, burst = 3 }";

const SECRET: &str = "a-secret-of-32-bytes-or-more-for-hmac";

/// How many of ten go through before one is refused; at once, so that no second passes.
fn served(gateway: &Gateway, credential: &str) -> usize {
    let mut client = gateway.connect();
    let request = submission(credential).bytes();
    (0..10)
        .take_while(|_| client.send(&request).response().status == 204)
        .count()
}

#[test]
fn beyond_its_rate_a_caller_is_told_when_to_come_back() {
    let upstream = Upstream::accepting();
    let mut settings = Settings::new(upstream.address);
    settings.caller = ONE_IN_A_WHILE.to_owned();
    let other = Settings::new(upstream.address);
    settings.tables = format!(
        "[[caller]]\nname = \"other\"\naccount = \"main\"\nkeys = [\"{}\"]\nallow = [\"scores:write\"]",
        other.digest
    );
    let gateway = Gateway::start(&settings);
    assert!((3..=4).contains(&served(&gateway, &settings.key)));
    let mut client = gateway.connect();
    let response = loop {
        let response = client.send(submission(&settings.key).bytes()).response();
        if response.status != 204 {
            break response;
        }
    };
    let body = assert_envelope(&response, 429, "RATE_LIMITED");
    assert_eq!(body["details"]["retryable"], true);
    let description = body["details"]["description"].as_str().unwrap();
    assert!(description.contains("rate_limit"), "{description}");
    assert_eq!(response.header("retry-after"), Some("1"));
    // Its other operations count as well, a stranger's don't, and the other caller has no limit.
    let reading = gateway.request("GET", "/api/lineitems");
    assert_eq!(gateway.ask(&reading).status, 429);
    assert_eq!(gateway.ask(&submission("sgk_stranger")).status, 401);
    assert_eq!(served(&gateway, &other.key), 10);
}

#[test]
fn a_reload_hands_out_no_fresh_burst() {
    let upstream = Upstream::accepting();
    let mut settings = Settings::new(upstream.address);
    settings.caller = "rate_limit = { per_second = 1, burst = 50 }".to_owned();
    let gateway = Gateway::start(&settings);
    let mut served = 0;
    for generation in 2..7 {
        let mut client = gateway.connect();
        for _ in 0..20 {
            let response = client.send(gateway.submission(SCORE).bytes()).response();
            served += usize::from(response.status == 204);
        }
        settings.scheme = "http";
        settings.tables = format!("[[policy]]\nname = \"p{generation}\"");
        gateway.reconfigure(&settings);
        gateway.signal("HUP");
        gateway.wait_until_applied(|applied| {
            applied["config"]["policy"][0]["name"] == format!("p{generation}")
        });
    }
    // Of a hundred; a few come back as time passes.
    assert!((50..80).contains(&served), "{served}");
}

#[test]
fn each_holder_of_a_token_has_its_own_however_many_tokens_it_gets() {
    let upstream = Upstream::accepting();
    let mut settings = Settings::new(upstream.address);
    settings.files = vec![("secret".to_owned(), SECRET.to_owned())];
    settings.tables = format!(
        r#"
[[issuer]]
name = "id"
account = "main"
issuer = "https://id.example"
audiences = ["scoregate"]
algorithms = ["HS256"]
secret = {{ file = "$DIR/secret" }}
allow = ["scores:write"]
{ONE_IN_A_WHILE}
"#
    );
    let gateway = Gateway::start(&settings);
    let token = |tool: &str, number: u64| {
        let expiry = get_current_timestamp() + 600 + number;
        let claims =
            json!({"iss": "https://id.example", "aud": "scoregate", "sub": tool, "exp": expiry});
        let key = EncodingKey::from_secret(SECRET.as_bytes());
        encode(&Header::default(), &claims, &key).unwrap()
    };
    for tool in ["one", "other"] {
        let served = (0..10)
            .filter(|number| gateway.ask(&submission(&token(tool, *number))).status == 204)
            .count();
        assert!((3..=5).contains(&served), "{tool}: {served}");
    }
}
