//! How many requests of one caller may be in flight: those beyond get 429 at once, and nobody else
//! notices.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]
#[allow(dead_code, unused_imports)]
mod support;

use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::future::join_all;
use http_body_util::Full;
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper_util::rt::{TokioExecutor, TokioIo};
use jsonwebtoken::{EncodingKey, Header, encode, get_current_timestamp};
use serde_json::json;
use support::*;
use tokio::net::TcpStream;

const SECRET: &str = "a-secret-of-32-bytes-or-more-for-hmac";

const QUIZ_APP: &str = "caller.quiz-app.max_in_flight";

/// A caller with so many places, among those of one gateway.
fn bounded(upstream: &Upstream, most: usize) -> Settings {
    let mut settings = Settings::new(upstream.address);
    settings.server = "max_in_flight = 5".to_owned();
    settings.caller = format!("max_in_flight = {most}");
    settings
}

/// Another caller, and its key.
fn with_another(settings: &mut Settings) -> String {
    let other = Settings::new(settings.upstream);
    settings.tables += &format!(
        "[[caller]]\nname = \"other\"\naccount = \"main\"\nkeys = [\"{}\"]\nallow = [\"scores:write\"]",
        other.digest
    );
    other.key
}

fn wait_until_taken(gateway: &Gateway, limit: &str, count: f64) {
    let limit = [("limit", limit)];
    Metrics::wait_for(gateway, "scoregate_limit_used", &limit, count);
}

/// The refusal of one request too many.
fn assert_refused(response: &Response, most: usize) {
    let body = assert_envelope(response, 429, "RATE_LIMITED");
    assert_eq!(body["details"]["retryable"], true);
    let description = body["details"]["description"].as_str().unwrap();
    assert!(
        description.contains(&format!("{most} requests")) && description.contains("max_in_flight"),
        "{description}"
    );
    assert_eq!(response.header("retry-after"), Some("1"));
}

/// Until a place that was given back is there: its caller may know a little earlier.
fn served_soon(gateway: &Gateway, credential: &str) {
    let started = Instant::now();
    while gateway.ask(&submission(credential)).status != 204 {
        assert!(started.elapsed() < DEADLINE, "the place is lost");
    }
}

#[test]
fn bodies_that_dribble_take_their_own_callers_places_and_no_others() {
    let upstream = Upstream::accepting();
    let mut settings = bounded(&upstream, 3);
    let other = with_another(&mut settings);
    let gateway = Gateway::start(&settings);
    let request = submission(&settings.key).bytes();
    let (begun, rest) = request.split_at(request.len() - 20);
    let mut dribbling: Vec<_> = (0..3).map(|_| gateway.connect()).collect();
    for client in &mut dribbling {
        client.send(begun);
    }
    wait_until_taken(&gateway, QUIZ_APP, 3.0);
    // Ten times as many as the gateway has places.
    for _ in 0..50 {
        assert_refused(&gateway.connect().send(begun).response(), 3);
    }
    let reading = gateway.request("GET", "/api/lineitems");
    assert_refused(&gateway.ask(&reading), 3);
    assert_eq!(gateway.ask(&submission("sgk_stranger")).status, 401);
    assert_eq!(gateway.ask(&submission(&other)).status, 204);
    let first = dribbling.first_mut().unwrap();
    assert_eq!(first.send(rest).response().status, 204);
    served_soon(&gateway, &settings.key);
    // Whoever leaves within its body gives its place back, and so does whoever goes on.
    drop(dribbling);
    wait_until_taken(&gateway, QUIZ_APP, 0.0);
    let refused = [("caller", "quiz-app"), ("outcome", "RATE_LIMITED")];
    Metrics::wait_for(&gateway, "scoregate_requests_total", &refused, 51.0);
}

#[test]
fn a_place_is_held_until_the_answers_body_ends() {
    let gate = Gate::default();
    let held = gate.clone();
    let upstream = Upstream::start(move |request, _| match request.method() {
        "GET" => {
            let held = held.clone();
            let first = b"HTTP/1.1 200 OK\r\ncontent-length: 20\r\n\r\nxxxxxxxxxx".to_vec();
            let rest = move || {
                held.pass();
                b"xxxxxxxxxx".to_vec()
            };
            Reply::Staged(first, Box::new(rest))
        }
        _ => reply(204, "", ""),
    });
    let settings = bounded(&upstream, 1);
    let gateway = Gateway::start(&settings);
    let mut client = gateway.connect();
    client.send(gateway.request("GET", "/api/lineitems").bytes());
    let head = client.try_head().unwrap();
    assert_refused(&gateway.submit(SCORE), 1);
    gate.open();
    assert_eq!(client.try_body(head).unwrap().message.body, vec![b'x'; 20]);
    served_soon(&gateway, &settings.key);
}

#[test]
fn one_after_another_a_single_place_is_enough() {
    let upstream = Upstream::start(|request, _| match request.method() {
        "GET" => json_reply(200, "[]"),
        _ => reply(204, "", ""),
    });
    let gateway = Gateway::start(&bounded(&upstream, 1));
    let mut client = gateway.connect();
    let reading = gateway.request("GET", "/api/lineitems").bytes();
    let submission = gateway.submission(SCORE).bytes();
    for _ in 0..200 {
        assert_eq!(client.send(&submission).response().status, 204);
        assert_eq!(client.send(&reading).response().status, 200);
    }
}

#[test]
fn a_reload_forgets_no_request_and_no_bound_is_exceeded_but_by_what_began_before() {
    let gate = Gate::default();
    let upstream = gate.upstream();
    let mut settings = bounded(&upstream, 2);
    let gateway = Gateway::start(&settings);
    let mut waiting = Vec::new();
    let mut begin = |gateway: &Gateway| {
        let mut client = gateway.connect();
        client.send(submission(&gateway.key).bytes());
        waiting.push(client);
        upstream.wait_for(waiting.len());
    };
    begin(&gateway);
    begin(&gateway);
    // One place more, too few for what is there, and the same again under other names.
    for (generation, most) in [(2, 3), (3, 1), (4, 3)] {
        settings.caller = format!("max_in_flight = {most}");
        settings.tables = format!("[[policy]]\nname = \"p{generation}\"");
        gateway.reconfigure(&settings);
        gateway.signal("HUP");
        gateway.wait_until_applied(|applied| {
            applied["config"]["policy"][0]["name"] == format!("p{generation}")
        });
        if generation == 2 {
            begin(&gateway);
        }
        assert_refused(&gateway.submit(SCORE), most);
        wait_until_taken(&gateway, QUIZ_APP, 3.0);
    }
    gate.open();
    for client in &mut waiting {
        assert_eq!(client.response().status, 204);
    }
    wait_until_taken(&gateway, QUIZ_APP, 0.0);
    // Without a bound, none.
    settings.caller = String::new();
    gateway.reconfigure(&settings);
    gateway.signal("HUP");
    gateway.wait_until_applied(|applied| applied["config"]["caller"][0]["max_in_flight"].is_null());
    assert_eq!(gateway.submit(SCORE).status, 204);
    assert!(!Metrics::of(&gateway).text.contains(QUIZ_APP));
}

#[test]
fn each_holder_of_a_token_has_its_own_however_many_tokens_it_gets() {
    let gate = Gate::default();
    let upstream = gate.upstream();
    let mut settings = Settings::new(upstream.address);
    settings.files = vec![("secret".to_owned(), SECRET.to_owned())];
    settings.tables = r#"
[[issuer]]
name = "id"
account = "main"
issuer = "https://id.example"
audiences = ["scoregate"]
algorithms = ["HS256"]
secret = { file = "$DIR/secret" }
allow = ["scores:write"]
max_in_flight = 2
"#
    .to_owned();
    let gateway = Gateway::start(&settings);
    let token = |tool: &str, number: u64| {
        let expiry = get_current_timestamp() + 600 + number;
        let claims =
            json!({"iss": "https://id.example", "aud": "scoregate", "sub": tool, "exp": expiry});
        let key = EncodingKey::from_secret(SECRET.as_bytes());
        encode(&Header::default(), &claims, &key).unwrap()
    };
    let mut waiting = Vec::new();
    for tool in ["one", "other"] {
        for number in 0..2 {
            let mut client = gateway.connect();
            client.send(submission(&token(tool, number)).bytes());
            waiting.push(client);
            upstream.wait_for(waiting.len());
        }
        assert_refused(&gateway.ask(&submission(&token(tool, 2))), 2);
        // Those of its fullest caller.
        wait_until_taken(&gateway, "issuer.id.max_in_flight", 2.0);
    }
    gate.open();
    for client in &mut waiting {
        assert_eq!(client.response().status, 204);
    }
    wait_until_taken(&gateway, "issuer.id.max_in_flight", 0.0);
}

async fn with_prior_knowledge(gateway: &Gateway) -> SendRequest<Full<Bytes>> {
    let stream = TcpStream::connect(gateway.address).await.unwrap();
    let (sender, connection) = handshake(TokioExecutor::new(), TokioIo::new(stream))
        .await
        .unwrap();
    tokio::spawn(connection);
    sender
}

fn over_http2(gateway: &Gateway) -> http::Request<Full<Bytes>> {
    http::Request::post(format!("http://{}{SCORES}", gateway.address))
        .header(
            "authorization",
            format!("LTIK-AUTH-V2 {}:{LTIK}", gateway.key),
        )
        .header("content-type", "application/json")
        .body(Full::new(Bytes::from(SCORE)))
        .unwrap()
}

/// A reset ends the wait, but a submission that is recorded goes on: its place is held until its
/// record is settled, so that no caller piles up work by leaving.
#[tokio::test(flavor = "multi_thread")]
async fn streams_that_are_reset_free_no_place_before_what_they_began_is_over() {
    for (ledger, goes_on) in [("none", false), ("sqlite:scoregate.db", true)] {
        let gate = Gate::default();
        let upstream = gate.upstream();
        let mut settings = bounded(&upstream, 2);
        // Each refused one has a place for a moment, and they come together.
        settings.server = "max_in_flight = 30".to_owned();
        settings.tables = format!("[ledger]\nurl = \"{ledger}\"\n");
        let other = with_another(&mut settings);
        let gateway = Gateway::start(&settings);
        let mut sender = with_prior_knowledge(&gateway).await;
        let begun = [(); 2].map(|()| tokio::spawn(sender.send_request(over_http2(&gateway))));
        upstream.wait_for(2);
        let refused = (0..20).map(|_| sender.send_request(over_http2(&gateway)));
        for answer in join_all(refused).await {
            let answer = answer.unwrap();
            assert_eq!(answer.status(), 429);
            assert_eq!(answer.headers()["retry-after"], "1");
        }
        // Dropped, and so reset.
        begun.iter().for_each(|one| one.abort());
        join_all(begun).await;
        match goes_on {
            true => {
                let still = sender.send_request(over_http2(&gateway)).await.unwrap();
                assert_eq!(still.status(), 429);
                wait_until_taken(&gateway, QUIZ_APP, 2.0);
            }
            false => wait_until_taken(&gateway, QUIZ_APP, 0.0),
        }
        gate.open();
        assert_eq!(gateway.ask(&submission(&other)).status, 204);
        wait_until_taken(&gateway, QUIZ_APP, 0.0);
        let again = sender.send_request(over_http2(&gateway));
        let again = tokio::time::timeout(Duration::from_secs(5), again).await;
        assert_eq!(again.unwrap().unwrap().status(), 204);
    }
}
