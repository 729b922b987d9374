//! Sizes and media types of bodies.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]
#[allow(dead_code, unused_imports)]
mod support;

use support::*;

fn score_of(bytes: usize) -> String {
    let empty = score_with(&[("comment", "\"\"")]).len();
    let comment = format!("\"{}\"", "x".repeat(bytes - empty));
    let body = score_with(&[("comment", &comment)]);
    assert_eq!(body.len(), bytes);
    body
}

#[test]
fn exactly_65_536_bytes_pass_and_one_more_does_not() {
    let upstream = Upstream::accepting();
    let gateway = Gateway::before(&upstream);
    assert_eq!(gateway.submit(score_of(65_536)).status, 204);
    assert_envelope(&gateway.submit(score_of(65_537)), 413, "BODY_TOO_LARGE");
    assert_eq!(upstream.requests().len(), 1);
    // Of unknown length.
    for (size, status) in [(65_536, 204), (65_537, 413)] {
        let head = gateway.request("POST", SCORES);
        let head = head
            .header("content-type", "application/json")
            .header("transfer-encoding", "chunked");
        let mut client = gateway.connect();
        client.send(head.bytes());
        for part in score_of(size).as_bytes().chunks(1000) {
            client.send(format!("{:x}\r\n", part.len()));
            client.send(part).send("\r\n");
        }
        let response = client.send("0\r\n\r\n").response();
        assert_eq!(response.status, status, "{size}");
    }
    assert_eq!(upstream.requests().len(), 2);
}

#[test]
fn a_declared_length_is_refused_without_waiting_for_the_body() {
    let upstream = Upstream::accepting();
    let gateway = Gateway::before(&upstream);
    for length in ["65537", "10737418240", "18446744073709551613"] {
        for expect in ["", "100-continue"] {
            let mut request = gateway.request("POST", SCORES);
            request = request
                .header("content-type", "application/json")
                .header("content-length", length);
            if !expect.is_empty() {
                request = request.header("expect", expect);
            }
            let response = gateway.connect().send(request.bytes()).response();
            assert_eq!(response.status, 413, "{length}: {}", response.everything());
            assert_envelope(&response, 413, "BODY_TOO_LARGE");
        }
    }
    assert_eq!(gateway.submit(SCORE).status, 204);
    assert_eq!(upstream.requests().len(), 1);
}

#[test]
fn a_caller_that_expects_100_continue_is_told_to_go_on() {
    let upstream = Upstream::accepting();
    let gateway = Gateway::before(&upstream);
    let request = gateway.request("POST", SCORES);
    let request = request
        .header("content-type", "application/json")
        .header("content-length", &SCORE.len().to_string())
        .header("expect", "100-continue");
    let mut client = gateway.connect();
    let interim = client.send(request.bytes()).try_head().unwrap();
    assert_eq!(interim.status, 100);
    assert_eq!(client.send(SCORE).response().status, 204);
    assert_eq!(upstream.only().header("expect"), None);
}

#[test]
fn json_in_utf_8_is_read_under_each_of_its_names() {
    let upstream = Upstream::accepting();
    let gateway = Gateway::before(&upstream);
    for media_type in [
        "application/json",
        "Application/JSON",
        "application/json; charset=utf-8",
        "application/json;charset=UTF-8",
        "application/json; charset=\"utf-8\"",
        "application/vnd.ims.lis.v1.score+json",
        "application/vnd.ims.lis.v1.score+json; charset=utf-8",
        "application/problem+json",
    ] {
        let request = gateway
            .request("POST", SCORES)
            .header("content-type", media_type);
        let response = gateway.ask(&request.body(SCORE));
        assert_eq!(
            response.status,
            204,
            "{media_type}: {}",
            response.everything()
        );
        assert_eq!(
            upstream.last().header("content-type"),
            Some("application/json")
        );
    }
}

#[test]
fn anything_else_is_an_unsupported_media_type() {
    let upstream = Upstream::accepting();
    let gateway = Gateway::before(&upstream);
    let json = ("content-type", "application/json");
    let rows: &[&[(&str, &str)]] = &[
        &[],
        &[("content-type", "")],
        &[("content-type", "application/x-www-form-urlencoded")],
        &[("content-type", "text/plain;charset=UTF-8")],
        &[("content-type", "text/json")],
        &[("content-type", "multipart/form-data; boundary=x")],
        &[("content-type", "application/jsonp")],
        &[("content-type", "application/json-seq")],
        &[("content-type", "json")],
        &[("content-type", "+json")],
        &[("content-type", "application/json, text/plain")],
        &[("content-type", "application/json; charset=utf-16")],
        &[("content-type", "application/json; charset=utf-7")],
        &[("content-type", "application/json; charset=latin1")],
        &[json, ("content-type", "text/plain")],
        &[json, json],
        &[json, ("content-encoding", "gzip")],
        &[json, ("content-encoding", "DEFLATE")],
        &[json, ("content-encoding", "br")],
        &[json, ("content-encoding", "gzip, gzip")],
    ];
    for headers in rows {
        let request = gateway.request("POST", SCORES);
        let request = headers.iter().fold(request, |request, (name, value)| {
            request.header(name, value)
        });
        let response = gateway.ask(&request.body(SCORE));
        assert_eq!(
            response.status,
            415,
            "{headers:?}: {}",
            response.everything()
        );
        assert_envelope(&response, 415, "UNSUPPORTED_MEDIA_TYPE");
    }
    assert!(upstream.requests().is_empty());
}

#[test]
fn other_json_bodies_keep_their_value_less_nulls() {
    let upstream = Upstream::start(|_, _| json_reply(201, r#"{"id":"x"}"#));
    let gateway = Gateway::before(&upstream);
    let ask = |body: &str| gateway.ask(&gateway.request("POST", "/api/lineitems").json(body));
    let body = r#"{"label": "Quiz \u00e9", "scoreMaximum": 100.0, "tag": null, "gradesReleased": false, "https://x.example/y": {"a": null, "n": 9007199254740993}}"#;
    let response = ask(body);
    assert_eq!(
        (response.status, response.text().as_str()),
        (201, r#"{"id":"x"}"#)
    );
    let sent = upstream.only();
    assert_eq!((sent.method(), sent.target()), ("POST", "/api/lineitems"));
    let value = sent.json();
    assert_eq!(value["label"], "Quiz é");
    assert_eq!(value["scoreMaximum"].as_f64(), Some(100.0));
    assert_eq!(value["gradesReleased"], false);
    assert!(value.get("tag").is_none());
    assert!(sent.body().contains("9007199254740993"), "{}", sent.body());
    for body in ["", "{", r#"{"a":1,"a":2}"#, r#"{"label":"x"} y"#] {
        assert_envelope(&ask(body), 400, "MALFORMED_BODY");
    }
    assert_envelope(
        &ask(&format!("{{\"label\":\"{}\"}}", "x".repeat(66_000))),
        413,
        "BODY_TOO_LARGE",
    );
    assert_eq!(upstream.requests().len(), 1);
}
