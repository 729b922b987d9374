//! What the caller gets of the upstream's answers, and on which connections they come: successes,
//! rejected keys, broken streams, kept connections.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]
#[allow(dead_code, unused_imports)]
mod support;

use std::sync::mpsc;

use support::*;

const KEY_REJECTED: &str = r#"{"status":401,"error":"Unauthorized","details":{"message":"INVALID_LTIK_AUTH_AUTHORIZATION_HEADER","description":"Invalid API key."}}"#;
/// LTIAAS's errors may lack their message.
const KEY_REJECTED_IN_SHORT: &str =
    r#"{"status":401,"error":"Unauthorized","details":{"description":"Invalid API key."}}"#;
const LTIK_EXPIRED: &str = r#"{"status":401,"error":"Unauthorized","details":{"message":"INVALID_LTIK_AUTH_AUTHORIZATION_HEADER","description":"Invalid or expired ltik."}}"#;

fn with_keys(upstream: &Upstream, keys: &[&str]) -> Gateway {
    let mut settings = Settings::new(upstream.address);
    settings.api_keys = keys.iter().map(|key| (*key).to_owned()).collect();
    Gateway::start(&settings)
}

#[test]
fn a_second_key_is_tried_once_after_a_401_that_names_the_key() {
    for rejected in [KEY_REJECTED, KEY_REJECTED_IN_SHORT] {
        let upstream = Upstream::start(move |request, _| {
            match request.header("authorization").unwrap().contains("key-two") {
                true => reply(204, "", ""),
                false => json_reply(401, rejected),
            }
        });
        let gateway = with_keys(&upstream, &["key-one", "key-two", "key-three"]);
        let response = gateway.submit(SCORE);
        assert_eq!(response.status, 204, "{}", response.everything());
        let sent: Vec<_> = upstream
            .requests()
            .iter()
            .map(|request| request.header("authorization").unwrap().to_owned())
            .collect();
        assert_eq!(
            sent,
            [
                format!("LTIK-AUTH-V2 key-one:{LTIK}"),
                format!("LTIK-AUTH-V2 key-two:{LTIK}")
            ]
        );
        let bodies: Vec<_> = upstream.requests().iter().map(Recorded::body).collect();
        assert_eq!(bodies[0], bodies[1]);
    }
}

#[test]
fn a_large_answer_that_names_the_key_is_about_the_key() {
    let upstream = Upstream::start(|request, _| {
        let errors = vec![serde_json::json!({"trace": "x".repeat(70)}); 1_000];
        let answer = serde_json::json!({"details": {"message": "X", "description": "Invalid API key.", "errors": errors}});
        match request.header("authorization").unwrap().contains("key-two") {
            true => reply(204, "", ""),
            false => json_reply(401, answer.to_string()),
        }
    });
    let gateway = with_keys(&upstream, &["key-one", "key-two"]);
    assert_eq!(gateway.submit(SCORE).status, 204);
    assert_eq!(upstream.requests().len(), 2);
    let gateway = with_keys(&upstream, &["key-one"]);
    assert_envelope(&gateway.submit(SCORE), 502, "UPSTREAM_CREDENTIALS_REJECTED");
}

#[test]
fn when_both_keys_are_rejected_the_operator_is_to_blame() {
    for (keys, attempts) in [
        (&["key-one"][..], 1),
        (&["key-one", "key-two", "key-three"], 2),
    ] {
        let upstream = Upstream::start(|_, _| json_reply(401, KEY_REJECTED));
        let gateway = with_keys(&upstream, keys);
        let body = assert_envelope(&gateway.submit(SCORE), 502, "UPSTREAM_CREDENTIALS_REJECTED");
        assert_eq!(body["details"]["retryable"], false);
        assert_eq!(upstream.requests().len(), attempts);
        gateway.wait_for_log("ERROR");
    }
}

#[test]
fn any_401_on_a_bearer_operation_is_about_the_key() {
    for answer in [LTIK_EXPIRED, "", "<h1>no</h1>"] {
        let upstream = Upstream::start(move |_, _| json_reply(401, answer));
        let gateway = with_keys(&upstream, &["key-one", "key-two"]);
        let bearer = format!("Bearer {}", gateway.key);
        let request = Request::new("GET", "/admin/platforms").authorization(&bearer);
        assert_envelope(&gateway.ask(&request), 502, "UPSTREAM_CREDENTIALS_REJECTED");
        assert_eq!(upstream.requests().len(), 2);
    }
}

#[test]
fn a_401_about_the_launch_is_the_callers_and_nothing_is_sent_twice() {
    for (answer, message) in [
        (LTIK_EXPIRED, "INVALID_LTIK_AUTH_AUTHORIZATION_HEADER"),
        (
            r#"{"details":{"message":"jwt malformed"}}"#,
            "jwt malformed",
        ),
        ("", "UPSTREAM_ERROR"),
    ] {
        let upstream = Upstream::start(move |_, _| json_reply(401, answer));
        let gateway = with_keys(&upstream, &["key-one", "key-two"]);
        let response = gateway.submit(SCORE);
        let body = assert_envelope(&response, 401, message);
        assert_eq!(body["details"]["retryable"], false);
        assert_eq!(upstream.requests().len(), 1, "{answer}");
    }
}

#[test]
fn a_success_passes_as_it_is_with_an_allow_list_of_headers() {
    let upstream = Upstream::start(|_, _| {
        Reply::Bytes(
            b"HTTP/1.1 201 Created\r\nContent-Type: application/vnd.ims+json\r\nContent-Length: 9\r\nX-Powered-By: Express\r\nSet-Cookie: a=b\r\nServer: nginx\r\nETag: \"x\"\r\nCache-Control: no-store\r\nAccess-Control-Allow-Origin: *\r\nX-Request-Id: theirs\r\nScoregate-Decision: kept\r\nLocation: http://127.0.0.1/x\r\nKeep-Alive: timeout=5\r\nConnection: x-hop\r\nX-Hop: 1\r\nStrict-Transport-Security: max-age=1\r\n\r\n{\"a\": 1 }".to_vec(),
        )
    });
    let gateway = Gateway::before(&upstream);
    let request = gateway
        .request("POST", "/api/lineitems")
        .header("x-request-id", "ours");
    let response = gateway.ask(&request.json(r#"{"label":"x"}"#));
    assert_eq!(
        (response.status, response.text().as_str()),
        (201, "{\"a\": 1 }")
    );
    let names = response.message.headers.iter();
    let mut names: Vec<_> = names.map(|(name, _)| name.to_lowercase()).collect();
    names.sort();
    let expected = [
        "cache-control",
        "content-length",
        "content-type",
        "date",
        "etag",
        "x-request-id",
    ];
    assert_eq!(names, expected);
    assert_eq!(response.header("x-request-id"), Some("ours"));
    assert_eq!(
        response.header("content-type"),
        Some("application/vnd.ims+json")
    );
}

#[test]
fn any_2xx_passes_with_its_body() {
    for (status, body) in [
        (200, ""),
        (200, "not json"),
        (202, "{}"),
        (204, ""),
        (206, "x"),
        (299, "[]"),
    ] {
        let upstream = Upstream::start(move |_, _| reply(status, "text/plain", body));
        let gateway = Gateway::before(&upstream);
        let response = gateway.submit(SCORE);
        assert_eq!((response.status, response.text().as_str()), (status, body));
    }
}

#[test]
fn a_large_answer_is_streamed() {
    let (release, released) = mpsc::channel::<()>();
    let released = std::sync::Mutex::new(Some(released));
    let half = vec![b'x'; 4 * 1024 * 1024];
    let upstream = Upstream::start({
        let half = half.clone();
        move |_, _| {
            let head = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
                half.len() * 2
            );
            let first = [head.into_bytes(), half.clone()].concat();
            let (half, released) = (half.clone(), released.lock().unwrap().take().unwrap());
            Reply::Staged(
                first,
                Box::new(move || {
                    released.recv().unwrap();
                    half
                }),
            )
        }
    });
    let gateway = Gateway::before(&upstream);
    let mut client = gateway.connect();
    client.send(gateway.request("GET", "/api/lineitems").bytes());
    let head = client
        .try_head()
        .expect("the head before the body is whole");
    assert_eq!(head.status, 200);
    let mut read = 0;
    while read < half.len() {
        read += client
            .some()
            .expect("the first half before the second is sent")
            .len();
    }
    release.send(()).unwrap();
    while read < half.len() * 2 {
        read += client.some().unwrap().len();
    }
    assert_eq!(read, half.len() * 2);
}

#[test]
fn a_success_that_is_cut_short_never_looks_complete() {
    for bytes in [
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{\"lineItems\":[]}",
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n10\r\n{\"lineItems\":[]}\r\n",
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n10\r\n{\"lineIt",
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n10\r\n{\"lineItems\":[]}\r\nzz\r\n",
    ] {
        let upstream = Upstream::start(move |_, _| Reply::ThenClose(bytes.as_bytes().to_vec()));
        let gateway = Gateway::before(&upstream);
        let mut client = gateway.connect();
        client.send(gateway.request("GET", "/api/lineitems").bytes());
        match client.try_response() {
            Err(Failure::Cut(_) | Failure::Closed) => {}
            Ok(response) => assert!(response.status >= 500, "{bytes}\n{}", response.everything()),
            Err(failure) => panic!("{bytes}: {failure:?}"),
        }
    }
}

#[test]
fn a_kept_connection_serves_the_next_request() {
    let upstream = Upstream::start(|_, _| json_reply(200, r#"{"lineItems":[]}"#));
    let gateway = Gateway::before(&upstream);
    for _ in 0..5 {
        assert_eq!(
            gateway
                .ask(&gateway.request("GET", "/api/lineitems"))
                .status,
            200
        );
    }
    assert_eq!((upstream.requests().len(), upstream.connections()), (5, 1));
}

#[test]
fn a_score_is_not_sent_again_when_a_kept_connection_ends() {
    for second in [Vec::new(), b"HTTP/1.1 200 OK\r\ncontent-".to_vec()] {
        // The first request is answered; the second is read, and the connection closed on it.
        let upstream = Upstream::start(move |_, number| match number {
            0 => reply(204, "", ""),
            1 => Reply::ThenClose(second.clone()),
            _ => reply(204, "", ""),
        });
        let gateway = Gateway::before(&upstream);
        assert_eq!(gateway.submit(SCORE).status, 204);
        let response = gateway.submit(SCORE);
        assert_eq!(response.status, 502, "{}", response.everything());
        envelope(&response);
        assert_eq!(upstream.requests().len(), 2);
        assert_eq!(
            upstream.requests()[1].connection,
            0,
            "the connection was kept"
        );
        assert_eq!(gateway.submit(SCORE).status, 204);
        assert_eq!(upstream.requests().len(), 3);
    }
}

#[test]
fn a_kept_connection_that_has_ended_meanwhile_costs_the_caller_nothing() {
    let upstream =
        Upstream::start(|_, _| Reply::ThenClose(b"HTTP/1.1 204 No Content\r\n\r\n".to_vec()));
    let gateway = Gateway::before(&upstream);
    for count in 1..=6 {
        assert_eq!(gateway.submit(SCORE).status, 204);
        upstream.wait_for_closed(count);
    }
    assert_eq!(upstream.requests().len(), 6);
}
