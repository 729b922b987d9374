//! What leaves for the upstream, and what of its success comes back.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]
#[allow(dead_code, unused_imports)]
mod support;

use support::*;

const ENCODED: &str = "https%3A%2F%2Flms.example.com%2Fcourse%2F1%2Flineitems%2F1";

fn bearer(gateway: &Gateway, method: &str, target: &str) -> Request {
    Request::new(method, target).authorization(&format!("Bearer {}", gateway.key))
}

/// The names of an upstream request's headers, sorted.
fn names(request: &Recorded) -> Vec<String> {
    let names = request.message.headers.iter();
    let mut names: Vec<_> = names.map(|(name, _)| name.to_lowercase()).collect();
    names.sort();
    names
}

#[test]
fn the_headers_of_a_score_are_one_fixed_set() {
    let upstream = Upstream::accepting();
    let gateway = Gateway::before(&upstream);
    let traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let request = gateway.submission(SCORE);
    let hostile = [
        ("Accept", "application/json, text/plain, */*"),
        ("User-Agent", "axios/1.21.1"),
        ("X-Request-Id", "abc-123"),
        ("traceparent", traceparent),
        ("tracestate", "a=b"),
        ("Accept-Encoding", "gzip"),
        ("Accept-Language", "*"),
        ("Cookie", "session=1"),
        (
            "Connection",
            "keep-alive, X-Secret, authorization, Content-Type",
        ),
        ("X-Secret", "1"),
        ("Keep-Alive", "timeout=5"),
        ("Proxy-Authorization", "Basic x"),
        ("Proxy-Connection", "keep-alive"),
        ("TE", "trailers"),
        ("Trailer", "x-late"),
        ("Forwarded", "for=1.2.3.4"),
        ("X-Forwarded-For", "1.2.3.4"),
        ("X-Forwarded-Host", "evil.example"),
        ("X-Forwarded-Proto", "http"),
        ("X-Forwarded-Prefix", "/admin"),
        ("X-Real-IP", "1.2.3.4"),
        ("X-Original-URL", "/admin/platforms"),
        ("X-Rewrite-URL", "/admin/platforms"),
        ("X-HTTP-Method-Override", "DELETE"),
        ("X-Authorization", "Bearer evil"),
        ("x_request_id", "evil"),
        ("content_type", "text/html"),
        ("Scoregate_Ltik", "evil"),
        ("Origin", "https://evil.example"),
        ("Referer", "https://evil.example"),
        ("If-None-Match", "x"),
        ("Range", "bytes=0-1"),
    ];
    let request = hostile.iter().fold(request, |request, (name, value)| {
        request.header(name, value)
    });
    let response = gateway.ask(&request);
    assert_eq!(response.status, 204, "{}", response.everything());
    assert_eq!(response.header("x-request-id"), Some("abc-123"));
    let sent = upstream.only();
    assert_eq!(
        names(&sent),
        [
            "accept",
            "authorization",
            "content-length",
            "content-type",
            "host",
            "traceparent",
            "tracestate",
            "user-agent",
            "x-request-id"
        ]
    );
    let length = sent.message.body.len().to_string();
    for (name, value) in [
        ("accept", "application/json, text/plain, */*"),
        ("authorization", &format!("LTIK-AUTH-V2 {API_KEY}:{LTIK}")),
        ("content-length", &length),
        ("content-type", "application/json"),
        ("host", &upstream.address.to_string()),
        ("user-agent", "axios/1.21.1"),
        ("x-request-id", "abc-123"),
        ("tracestate", "a=b"),
    ] {
        assert_eq!(sent.header(name), Some(value), "{name}");
    }
    // The trace goes on; the parent may be a span of ours.
    let parent = sent.header("traceparent").unwrap();
    assert!(
        parent.starts_with("00-0af7651916cd43dd8448eb211c80319c-"),
        "{parent}"
    );
}

#[test]
fn naming_a_header_in_connection_takes_nothing_away_in_any_case() {
    let upstream = Upstream::accepting();
    let gateway = Gateway::before(&upstream);
    for connection in [
        "aUtHoRiZaTiOn",
        "X-REQUEST-ID, host",
        "content-LENGTH",
        "close, Content-type",
    ] {
        let request = gateway.submission(SCORE).header("connection", connection);
        let response = gateway.ask(&request);
        assert_eq!(
            response.status,
            204,
            "{connection}: {}",
            response.everything()
        );
        let sent = upstream.last();
        for name in [
            "authorization",
            "x-request-id",
            "host",
            "content-length",
            "content-type",
        ] {
            assert!(sent.header(name).is_some(), "{connection}: {name}");
        }
    }
}

#[test]
fn each_operation_has_its_method_and_target() {
    let upstream = Upstream::start(|_, _| json_reply(200, "{}"));
    let gateway = Gateway::before(&upstream);
    let item = format!("/api/lineitems/{ENCODED}");
    let with_ltik =
        |method, target: &str, body: &str| (method, target.to_owned(), body.to_owned(), true);
    let with_key =
        |method, target: &str, body: &str| (method, target.to_owned(), body.to_owned(), false);
    let rows = [
        with_ltik("GET", "/api/idtoken", ""),
        with_ltik("GET", "/api/idtoken?raw=true", ""),
        with_ltik("GET", "/api/memberships", ""),
        with_ltik("GET", "/api/memberships?role=Learner&limit=2", ""),
        with_ltik("GET", "/api/lineitems", ""),
        with_ltik("POST", "/api/lineitems", r#"{"label":"x"}"#),
        with_ltik("GET", &item, ""),
        with_ltik("PUT", &item, r#"{"label":"x"}"#),
        with_ltik("DELETE", &item, ""),
        with_ltik("GET", &format!("{item}/scores"), ""),
        with_ltik("POST", &format!("{item}/scores"), SCORE),
        with_ltik("POST", "/api/deeplinking/form", r#"{"contentItems":[]}"#),
        with_ltik("POST", "/api/deeplinking", r#"{"contentItems":[]}"#),
        with_key("GET", "/api/registrations/abc", ""),
        with_key("POST", "/api/registrations/abc/complete", ""),
        with_key(
            "POST",
            "/api/registrations/abc/complete",
            r#"{"platformName":"x"}"#,
        ),
        with_key("GET", "/admin/platforms", ""),
        with_key("POST", "/admin/platforms", r#"{"url":"x"}"#),
        with_key("GET", "/admin/platforms/7", ""),
        with_key("PUT", "/admin/platforms/7", r#"{"url":"x"}"#),
        with_key("DELETE", "/admin/platforms/7", ""),
        with_key("POST", "/admin/platforms/7/activate", ""),
        with_key("POST", "/admin/platforms/7/deactivate", ""),
        with_key("GET", "/api/platforms", ""),
        with_key("GET", "/api/platforms/7", ""),
    ];
    for (method, target, body, ltik) in rows {
        let request = match ltik {
            true => gateway.request(method, &target),
            false => bearer(&gateway, method, &target),
        };
        let request = match body.as_str() {
            "" => request,
            body => request.json(body),
        };
        let response = gateway.ask(&request);
        assert_eq!(
            response.status,
            200,
            "{method} {target}: {}",
            response.everything()
        );
        assert_eq!(response.text(), "{}");
        let sent = upstream.last();
        assert_eq!((sent.method(), sent.target()), (method, target.as_str()));
        let authorization = match ltik {
            true => format!("LTIK-AUTH-V2 {API_KEY}:{LTIK}"),
            false => format!("Bearer {API_KEY}"),
        };
        assert_eq!(
            sent.header("authorization"),
            Some(authorization.as_str()),
            "{target}"
        );
        match body.as_str() {
            "" => {
                assert!(sent.message.body.is_empty() && sent.header("content-type").is_none());
                let length = (method == "POST").then_some("0");
                assert_eq!(sent.header("content-length"), length, "{method} {target}");
            }
            _ => assert_eq!(sent.header("content-type"), Some("application/json")),
        }
    }
}

#[test]
fn a_query_keeps_what_is_known_repaired() {
    let upstream = Upstream::start(|_, _| json_reply(200, "{}"));
    let gateway = Gateway::before(&upstream);
    let scores = format!("/api/lineitems/{ENCODED}/scores");
    let beneath = format!("{ENCODED}%2Fresults%3Fpage%3D2");
    for (path, query, sent) in [
        (
            "/api/lineitems",
            "ltik=EVIL&tag=a&x=1&_method=DELETE",
            "tag=a".to_owned(),
        ),
        (
            "/api/lineitems",
            "tag=grade+%26+co&limit=5",
            "tag=grade%20%26%20co&limit=5".to_owned(),
        ),
        ("/api/lineitems", "", String::new()),
        ("/api/idtoken", "raw=True", "raw=true".to_owned()),
        ("/api/idtoken", "RAW=true", "raw=true".to_owned()),
        ("/api/idtoken", "raw=false", "raw=false".to_owned()),
        (
            "/api/memberships",
            "role=http%253A%2F%2Fx.example%2FLearner%2523a",
            "role=http%3A%2F%2Fx.example%2FLearner%23a".to_owned(),
        ),
        (
            &scores,
            "user_id=2&limit=10",
            "userId=2&limit=10".to_owned(),
        ),
        (&scores, &format!("url={beneath}"), format!("url={beneath}")),
        (
            &scores,
            &format!("url={}", beneath.replace('%', "%25")),
            format!("url={beneath}"),
        ),
    ] {
        let target = format!("{path}?{query}");
        let response = gateway.ask(&gateway.request("GET", &target));
        assert_eq!(response.status, 200, "{target}: {}", response.everything());
        let expected = match sent.as_str() {
            "" => path.to_owned(),
            sent => format!("{path}?{sent}"),
        };
        assert_eq!(upstream.last().target(), expected, "{target}");
    }
    let response = gateway.ask(
        &gateway
            .request("POST", &format!("{scores}?ltik=EVIL"))
            .json(SCORE),
    );
    assert_eq!(response.status, 200, "{}", response.everything());
    assert_eq!(upstream.last().target(), scores);
}

#[test]
fn a_url_that_leaves_the_line_item_or_its_platform_is_refused() {
    let upstream = Upstream::start(|_, _| json_reply(200, "{}"));
    let gateway = Gateway::before(&upstream);
    let scores = format!("/api/lineitems/{ENCODED}/scores");
    for (path, url) in [
        (
            scores.as_str(),
            "https://lms.example.com/course/1/lineitems/2/results",
        ),
        (
            &scores,
            "https://lms.example.com/course/1/lineitems/10/results",
        ),
        (&scores, "https://lms.example.com/course/1/lineitems/1"),
        (
            &scores,
            "https://lms.example.com/course/1/lineitems/1?page=2",
        ),
        (
            &scores,
            "https://lms.example.com/course/1/lineitems/1/../2/results",
        ),
        (
            &scores,
            "https://lms.example.com/course/1/lineitems/1/%2e%2e/2",
        ),
        (
            &scores,
            "https://lms.example.com/course/1/lineitems/1/x%2F..%2F2",
        ),
        (
            &scores,
            "https://moodle.example/course/1/lineitems/1/results",
        ),
        ("/api/lineitems", "https://evil.example/x"),
        ("/api/lineitems", "http://lms.example.com/x"),
        ("/api/lineitems", "https://lms.example.com.evil.example/x"),
        ("/api/lineitems", "https://lms.example.com@evil.example/x"),
        ("/api/lineitems", "https://lms.example.com:444/x"),
        ("/api/lineitems", "https://lms.example.com\\@evil.example/x"),
        ("/api/lineitems", "https://lms.example.com/x#y"),
        ("/api/lineitems", "//evil.example/x"),
        ("/api/memberships", "https://169.254.169.254/latest"),
        ("/api/memberships", "file:///etc/passwd"),
        ("/api/memberships", ""),
    ] {
        let target = format!("{path}?url={}", encode(url));
        let response = gateway.ask(&gateway.request("GET", &target));
        assert!(
            matches!(response.status, 400 | 403),
            "{target}: {}",
            response.everything()
        );
        let body = envelope(&response);
        let message = body["details"]["message"].as_str().unwrap();
        assert!(
            ["MALFORMED_PATH", "LINE_ITEM_NOT_ALLOWED"].contains(&message),
            "{message}"
        );
    }
    assert!(upstream.requests().is_empty());
}

#[test]
fn a_request_id_is_adopted_when_sane_and_minted_otherwise() {
    let upstream = Upstream::accepting();
    let gateway = Gateway::before(&upstream);
    let id = |sent: Option<&str>| {
        let request = gateway.submission(SCORE);
        let request = match sent {
            Some(id) => request.header("X-Request-Id", id),
            None => request,
        };
        let response = gateway.ask(&request);
        let id = response.header("x-request-id").expect("an id").to_owned();
        assert_eq!(upstream.last().header("x-request-id"), Some(id.as_str()));
        id
    };
    assert_eq!(id(Some("7f3c1e9a-1b")), "7f3c1e9a-1b");
    let long = "x".repeat(4_000);
    let minted: Vec<_> = [
        None,
        None,
        Some(""),
        Some("a b"),
        Some("<script>"),
        Some("é"),
        Some(&long),
    ]
    .into_iter()
    .map(id)
    .collect();
    for (index, id) in minted.iter().enumerate() {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        assert!(
            (8..=128).contains(&id.len()) && id.bytes().all(is_plain),
            "{id}"
        );
        assert!(!minted[..index].contains(id), "{id} twice");
    }
    let twice = gateway
        .submission(SCORE)
        .header("x-request-id", "one")
        .header("x-request-id", "two");
    let response = gateway.ask(&twice);
    assert_eq!(
        upstream.last().header("x-request-id"),
        response.header("x-request-id")
    );
}
