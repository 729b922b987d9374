//! Who may do what: the forms of `Authorization`, the 401s, permissions, line items, credentials.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]
#[allow(dead_code, unused_imports)]
mod support;

use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use support::*;

const LTIK_401: &str = "INVALID_LTIK_AUTH_AUTHORIZATION_HEADER";
const SERVICE_401: &str = "INVALID_SERVICE_AUTH_AUTHORIZATION_HEADER";
const BEARER_401: &str = "INVALID_BEARER_AUTHORIZATION_HEADER";
const MISSING_401: &str = "MISSING_AUTHORIZATION_HEADER";

/// Headers of one request.
type Headers = Vec<(&'static str, String)>;

/// A submission with these headers in place of the usual credentials.
fn submission(headers: &[(&str, &str)]) -> Request {
    let request = Request::new("POST", SCORES).json(SCORE);
    headers.iter().fold(request, |request, (name, value)| {
        request.header(name, value)
    })
}

#[test]
fn each_form_of_authorization_reaches_the_upstream_in_its_canonical_form() {
    let upstream = Upstream::accepting();
    let gateway = Gateway::before(&upstream);
    let key = gateway.key.as_str();
    let ltik = format!("LTIK-AUTH-V2 {API_KEY}:{LTIK}");
    let service = format!("SERVICE-AUTH-V1 {API_KEY}:svc-key");
    for (authorization, other, sent) in [
        (format!("LTIK-AUTH-V2 {key}:{LTIK}"), None, &ltik),
        (format!("ltik-auth-v2 {key}:{LTIK}"), None, &ltik),
        (format!("SERVICE-AUTH-V1 {key}:svc-key"), None, &service),
        (
            format!("LTIK-AUTH-V1 Token={LTIK}, Additional=Bearer {key}"),
            None,
            &ltik,
        ),
        (
            format!("Bearer {key}"),
            Some(("scoregate-ltik", LTIK)),
            &ltik,
        ),
        (
            format!("bearer {key}"),
            Some(("Scoregate-Ltik", LTIK)),
            &ltik,
        ),
        (
            format!("Bearer {key}"),
            Some(("scoregate-service-key", "svc-key")),
            &service,
        ),
        (
            format!("LTIK-AUTH-V2 {key}:a:b"),
            None,
            &format!("LTIK-AUTH-V2 {API_KEY}:a:b"),
        ),
    ] {
        let mut headers = vec![("authorization", authorization.as_str())];
        headers.extend(other);
        let response = gateway.ask(&submission(&headers));
        assert_eq!(
            response.status,
            204,
            "{authorization}: {}",
            response.everything()
        );
        assert_eq!(upstream.last().header("authorization"), Some(sent.as_str()));
    }
}

#[test]
fn whatever_is_wrong_with_a_credential_the_answer_is_the_same() {
    let upstream = Upstream::accepting();
    let mut settings = Settings::new(upstream.address);
    let (expired, current) = (Settings::new(upstream.address), settings.digest.clone());
    settings.keys = format!(
        "\"{current}\", {{ digest = \"{}\", not_after = \"2020-01-01T00:00:00Z\" }}",
        expired.digest
    );
    let gateway = Gateway::start(&settings);
    let (key, old) = (gateway.key.as_str(), expired.key.as_str());
    let clipped = &key[..key.len() - 1];
    let long = "x".repeat(7_000);
    let rows: Vec<(&str, Vec<Headers>)> = vec![
        (
            LTIK_401,
            [
                format!("LTIK-AUTH-V2 {clipped}:{LTIK}"),
                format!("LTIK-AUTH-V2 {old}:{LTIK}"),
                format!("LTIK-AUTH-V2 unknown:{LTIK}"),
                format!("LTIK-AUTH-V2 :{LTIK}"),
                format!("LTIK-AUTH-V2 {key}:"),
                format!("LTIK-AUTH-V2 {key}"),
                "LTIK-AUTH-V2".to_owned(),
                "LTIK-AUTH-V2 ".to_owned(),
                format!("LTIK-AUTH-V2 {key}:a b"),
                format!("LTIK-AUTH-V2 {key}:a,b"),
                format!("LTIK-AUTH-V2 {key}:a\tb"),
                format!("LTIK-AUTH-V2 {API_KEY}:{LTIK}"),
                format!("LTIK-AUTH-V2 {key}x:{LTIK}"),
                format!("LTIK-AUTH-V2 {long}:{LTIK}"),
                format!("LTIK-AUTH-V2 eyJhbGciOiJub25lIn0.eyJpc3MiOiJ4In0.:{LTIK}"),
                format!("LTIK-AUTH-V1 Token={LTIK}, Additional=Bearer {clipped}"),
                format!("LTIK-AUTH-V1 Token={LTIK}"),
                "LTIK-AUTH-V1 Token=, Additional=Bearer ".to_owned(),
                format!("LTIK-AUTH-V2 {}:{LTIK}", key.to_uppercase()),
            ]
            .into_iter()
            .map(|value| vec![("authorization", value)])
            .collect(),
        ),
        (
            SERVICE_401,
            [
                format!("SERVICE-AUTH-V1 {clipped}:s"),
                format!("SERVICE-AUTH-V1 {old}:s"),
                format!("SERVICE-AUTH-V1 {key}:"),
                format!("SERVICE-AUTH-V1 {key}"),
                format!("SERVICE-AUTH-V1 {key}:s s"),
                format!("SERVICE-AUTH-V1 {key}:s,s"),
                "SERVICE-AUTH-V1 unknown:s".to_owned(),
            ]
            .into_iter()
            .map(|value| vec![("authorization", value)])
            .collect(),
        ),
        (
            BEARER_401,
            [
                format!("Bearer {clipped}"),
                format!("Bearer {old}"),
                "Bearer unknown".to_owned(),
                "Bearer".to_owned(),
                format!("Bearer {key} x"),
                format!("Bearer {API_KEY}"),
                "Bearer a.b.c".to_owned(),
            ]
            .into_iter()
            .map(|value| {
                vec![
                    ("authorization", value),
                    ("scoregate-ltik", LTIK.to_owned()),
                ]
            })
            .collect(),
        ),
        (
            MISSING_401,
            vec![
                vec![],
                vec![("authorization", String::new())],
                vec![("authorization", format!("Basic {key}"))],
                vec![("authorization", key.to_owned())],
                vec![("authorization", format!("LTIK-AUTH-V3 {key}:{LTIK}"))],
                vec![
                    ("authorization", format!("LTIK-AUTH-V2 {key}:{LTIK}")),
                    ("authorization", format!("LTIK-AUTH-V2 {key}:{LTIK}")),
                ],
                vec![
                    ("authorization", format!("LTIK-AUTH-V2 {key}:{LTIK}")),
                    ("Authorization", "Bearer x".to_owned()),
                ],
                vec![("x-authorization", format!("LTIK-AUTH-V2 {key}:{LTIK}"))],
                vec![("proxy-authorization", format!("LTIK-AUTH-V2 {key}:{LTIK}"))],
                vec![("scoregate-ltik", LTIK.to_owned())],
            ],
        ),
    ];
    for (message, causes) in rows {
        let mut first = None;
        for headers in causes {
            let headers: Vec<_> = headers
                .iter()
                .map(|(name, value)| (*name, value.as_str()))
                .collect();
            let response = gateway.ask(&submission(&headers).header("x-request-id", "same"));
            assert_eq!(
                response.status,
                401,
                "{headers:?}: {}",
                response.everything()
            );
            let body = assert_envelope(&response, 401, message);
            assert_eq!(body["details"]["retryable"], false);
            let told = told(&response);
            assert_eq!(*first.get_or_insert(told.clone()), told, "{headers:?}");
        }
    }
    assert!(upstream.requests().is_empty());
}

/// An answer without what differs between any two.
fn told(response: &Response) -> (Vec<(String, String)>, String) {
    let mut headers = response.message.headers.clone();
    headers.retain(|(name, _)| name != "date");
    (headers, response.text())
}

#[test]
fn a_launch_credential_that_stands_twice_or_is_no_token_is_a_401() {
    let upstream = Upstream::accepting();
    let gateway = Gateway::before(&upstream);
    let bearer = format!("Bearer {}", gateway.key);
    for headers in [
        &[("scoregate-ltik", "a"), ("scoregate-ltik", "b")][..],
        &[("scoregate-ltik", "a"), ("scoregate-ltik", "a")],
        &[
            ("scoregate-service-key", "a"),
            ("scoregate-service-key", "b"),
        ],
        &[("scoregate-ltik", "a b")],
        &[("scoregate-ltik", "a,b")],
        &[("scoregate-service-key", "a b")],
        &[("scoregate-service-key", "a\tb")],
    ] {
        let response = gateway.ask(&submission(headers).header("authorization", &bearer));
        assert_eq!(
            response.status,
            401,
            "{headers:?}: {}",
            response.everything()
        );
        envelope(&response);
    }
    assert!(upstream.requests().is_empty());
}

#[test]
fn a_caller_may_do_nothing_but_what_is_listed() {
    let rows = [
        ("scores:write", "POST", SCORES, SCORE),
        ("scores:read", "GET", SCORES, ""),
        ("lineitems:read", "GET", "/api/lineitems", ""),
        ("lineitems:write", "POST", "/api/lineitems", "{}"),
        ("memberships:read", "GET", "/api/memberships", ""),
        ("idtoken:read", "GET", "/api/idtoken", ""),
        ("deeplinking:write", "POST", "/api/deeplinking", "{}"),
        ("registrations", "GET", "/api/registrations/1", ""),
        ("platforms", "GET", "/admin/platforms", ""),
    ];
    for (granted, ..) in rows {
        let upstream = Upstream::start(|_, _| json_reply(200, "{}"));
        let mut settings = Settings::new(upstream.address);
        settings.allow = format!("[\"{granted}\"]");
        let gateway = Gateway::start(&settings);
        for (permission, method, target, body) in rows {
            let request = gateway.request(method, target);
            let response = gateway.ask(&match body {
                "" => request,
                body => request.json(body),
            });
            match permission == granted {
                true => assert_eq!(
                    response.status,
                    200,
                    "{permission}: {}",
                    response.everything()
                ),
                false => {
                    assert_envelope(&response, 403, "CALLER_NOT_ALLOWED");
                }
            }
        }
        assert_eq!(upstream.requests().len(), 1, "{granted}");
    }
}

fn status_of(gateway: &Gateway, id: &str) -> u16 {
    let target = format!("/api/lineitems/{}/scores", encode(id));
    let response = gateway.ask(&gateway.request("POST", &target).json(SCORE));
    if response.status != 204 {
        let body = envelope(&response);
        let message = body["details"]["message"].as_str().unwrap();
        assert!(
            ["MALFORMED_PATH", "LINE_ITEM_NOT_ALLOWED"].contains(&message),
            "{message}"
        );
    }
    response.status
}

#[test]
fn line_items_reach_no_further_than_patterns_and_platforms() {
    let upstream = Upstream::accepting();
    let mut settings = Settings::new(upstream.address);
    settings.platforms =
        r#"["https://lms.example.com/school", "https://moodle.example"]"#.to_owned();
    settings.caller =
        r#"line_items = ["https://lms.example.com/school/*/items/*", "https://moodle.example/**"]"#
            .to_owned();
    let gateway = Gateway::start(&settings);
    for (id, status) in [
        ("https://lms.example.com/school/1/items/2", 204),
        ("https://LMS.example.COM:443/school/1/items/2", 204),
        ("https://lms.example.com/school/%31/items/2", 204),
        ("https://moodle.example/a/b/c?type_id=1", 204),
        ("https://lms.example.com/school/1/items/2/3", 403),
        ("https://lms.example.com/school/1/other/2", 403),
        ("https://lms.example.com/schoolyard/1/items/2", 403),
        ("https://lms.example.com/other/1/items/2", 403),
        ("https://lms.example.com:8443/school/1/items/2", 403),
        ("https://lms.example.com.evil.example/school/1/items/2", 403),
        ("https://evil.example/school/1/items/2", 403),
        ("https://xmoodle.example/a", 403),
    ] {
        assert_eq!(status_of(&gateway, id), status, "{id}");
    }
    let reached = upstream.requests().len();
    for id in [
        "http://moodle.example/a",
        "https://user@moodle.example/a",
        "https://moodle.example@evil.example/a",
        "https://moodle.example/a#b",
        "https://moodle.example/a?b?c",
        "https://moodle.example/a/../b",
        "https://moodle.example/a/%2e%2E/b",
        "https://moodle.example/a%2F..%2Fb",
        "https://moodle.example\\a",
        "https://moodle.example/a\\..\\b",
        "https:moodle.example/a",
        "//moodle.example/a",
        "moodle.example/a",
        "x",
        "https://",
        "https:///a",
        "file:///etc/passwd",
        "https://moodle.example/\u{0}",
        "https://moodle.example/a\r\nX: y",
    ] {
        assert!(matches!(status_of(&gateway, id), 400 | 403), "{id}");
    }
    assert_eq!(upstream.requests().len(), reached);
}

#[test]
fn without_a_launch_credential_a_configured_service_key_stands_in() {
    let upstream = Upstream::start(|_, _| json_reply(200, "{}"));
    let mut settings = Settings::new(upstream.address);
    settings.files = vec![(
        "service-key".to_owned(),
        "configured-service-key".to_owned(),
    )];
    settings.account = r#"service_keys = [{ line_items = ["https://lms.example.com/course/1/**"], key = { file = "$DIR/service-key" } }]"#.to_owned();
    let gateway = Gateway::start(&settings);
    let bearer = format!("Bearer {}", gateway.key);
    let ask = |method: &str, target: &str| {
        let request = Request::new(method, target).authorization(&bearer);
        gateway.ask(&match method {
            "POST" => request.json(SCORE),
            _ => request,
        })
    };
    assert_eq!(ask("POST", SCORES).status, 200);
    let sent = upstream.only();
    assert_eq!(
        sent.header("authorization"),
        Some(format!("SERVICE-AUTH-V1 {API_KEY}:configured-service-key").as_str())
    );
    // What the caller brings goes before.
    let own = Request::new("POST", SCORES)
        .authorization(&bearer)
        .header("scoregate-ltik", LTIK);
    assert_eq!(gateway.ask(&own.json(SCORE)).status, 200);
    assert_eq!(
        upstream.last().header("authorization"),
        Some(format!("LTIK-AUTH-V2 {API_KEY}:{LTIK}").as_str())
    );
    let other = format!(
        "/api/lineitems/{}/scores",
        encode("https://lms.example.com/course/2/lineitems/1")
    );
    for (method, target) in [
        ("POST", other.as_str()),
        ("GET", &other),
        ("GET", "/api/memberships"),
        ("GET", "/api/lineitems"),
        ("GET", "/api/idtoken"),
    ] {
        let body = assert_envelope(&ask(method, target), 403, "CREDENTIALS_MISSING");
        let description = body["details"]["description"].as_str().unwrap();
        assert!(
            description.contains("scoregate-ltik") || description.contains("service key"),
            "{description}"
        );
    }
    // A service key can't stand for a launch.
    let service = format!("SERVICE-AUTH-V1 {}:s", gateway.key);
    let idtoken = Request::new("GET", "/api/idtoken").authorization(&service);
    assert_envelope(&gateway.ask(&idtoken), 403, "CREDENTIALS_MISSING");
    assert_eq!(upstream.requests().len(), 2);
}

#[test]
fn one_of_several_keys_is_enough_until_its_end() {
    let upstream = Upstream::accepting();
    let mut settings = Settings::new(upstream.address);
    let second = Settings::new(upstream.address);
    settings.keys = format!(
        "\"{}\", {{ digest = \"{}\", not_after = \"2999-01-01T00:00:00Z\" }}",
        settings.digest, second.digest
    );
    let gateway = Gateway::start(&settings);
    for key in [&settings.key, &second.key] {
        let authorization = format!("LTIK-AUTH-V2 {key}:{LTIK}");
        let response = gateway.ask(&submission(&[("authorization", &authorization)]));
        assert_eq!(response.status, 204, "{}", response.everything());
    }
}

/// An issuer whose provider takes every connection and answers nothing.
fn behind_a_silent_provider(upstream: &Upstream, server: &str) -> Gateway {
    let provider = Upstream::start(|_, _| Reply::Hang);
    let mut settings = Settings::new(upstream.address);
    settings.server = server.to_owned();
    settings.tables = format!(
        r#"
[[issuer]]
name = "idp"
account = "main"
issuer = "https://id.example"
audiences = ["scoregate"]
algorithms = ["ES256"]
jwks = {{ url = "http://{}/keys" }}
allow = ["scores:write"]
"#,
        provider.address
    );
    Gateway::start(&settings)
}

/// Of nobody: its key is made up, and so is its signature.
fn token_of_an_unknown_key() -> String {
    let encoded = |part: &str| URL_SAFE_NO_PAD.encode(part);
    let header = encoded(r#"{"alg":"ES256","kid":"unknown"}"#);
    let claims = r#"{"iss":"https://id.example","aud":"scoregate","sub":"tool","exp":4102444800}"#;
    format!("{header}.{}.{}", encoded(claims), encoded("signature"))
}

/// LTIAAS was never asked, so nothing is said of it.
#[test]
fn the_wait_for_a_key_set_ends_with_the_request() {
    let upstream = Upstream::accepting();
    let gateway = behind_a_silent_provider(&upstream, "request_deadline = \"400ms\"");
    let started = Instant::now();
    let refused = gateway.ask(&support::submission(&token_of_an_unknown_key()));
    let took = started.elapsed();
    let body = assert_envelope(&refused, 503, "OVERLOADED");
    let description = body["details"]["description"].as_str().unwrap();
    assert!(
        description.contains("server.request_deadline"),
        "{description}"
    );
    assert!(refused.header("retry-after").is_some());
    assert!(took >= Duration::from_millis(400), "{took:?}");
    assert!(took < Duration::from_secs(4), "{took:?}");
    assert!(upstream.requests().is_empty());
}

/// Anybody can send one, and it has a place in flight for as long as it waits.
#[test]
fn few_tokens_of_an_unknown_key_wait_for_a_slow_key_set_and_the_rest_are_turned_away() {
    let upstream = Upstream::accepting();
    let gateway = behind_a_silent_provider(&upstream, "max_in_flight = 32");
    let unknown = support::submission(&token_of_an_unknown_key()).bytes();
    let mut waiting: Vec<_> = (0..16).map(|_| gateway.connect()).collect();
    for client in &mut waiting {
        client.send(&unknown);
    }
    let limit = [("limit", "issuer.idp.jwks")];
    let metrics = Metrics::wait_for(&gateway, "scoregate_limit_used", &limit, 16.0);
    assert_eq!(metrics.sum("scoregate_limit", &limit), 16.0);
    for _ in 0..40 {
        let refused = gateway.connect().send(&unknown).response();
        let body = assert_envelope(&refused, 503, "OVERLOADED");
        let description = body["details"]["description"].as_str().unwrap();
        assert!(
            description.contains("server.max_in_flight"),
            "{description}"
        );
        assert!(refused.header("retry-after").is_some());
    }
    assert_eq!(gateway.submit(SCORE).status, 204);
    drop(waiting);
    Metrics::wait_for(&gateway, "scoregate_limit_used", &limit, 0.0);
}
