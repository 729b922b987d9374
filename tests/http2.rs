//! HTTP/2: with prior knowledge, and by ALPN over TLS on both sides of the gateway.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]
#[path = "support/certificate.rs"]
mod certificate;
#[allow(dead_code, unused_imports)]
mod support;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use certificate::Certificate;
use futures_util::{StreamExt, stream};
use http::{Request, Response, Version};
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::client::conn::http2::{Builder, SendRequest, handshake};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use scoregate::tls::{client_config, install_provider, server_config};
use serde_json::Value;
use support::{DEADLINE, Gateway, LTIK, SCORE, SCORES, Settings, Upstream, json_reply, reply};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{TlsAcceptor, TlsConnector};

fn submission(gateway: &Gateway, body: impl Into<Bytes>) -> Request<Full<Bytes>> {
    let host = gateway.address;
    Request::post(format!("https://{host}{SCORES}"))
        .header(
            "authorization",
            format!("LTIK-AUTH-V2 {}:{LTIK}", gateway.key),
        )
        .header("content-type", "application/json")
        .body(Full::new(body.into()))
        .unwrap()
}

async fn with_prior_knowledge(to: SocketAddr) -> SendRequest<Full<Bytes>> {
    let stream = TokioIo::new(TcpStream::connect(to).await.unwrap());
    let (sender, connection) = handshake(TokioExecutor::new(), stream).await.unwrap();
    tokio::spawn(connection);
    sender
}

async fn json(answer: Response<Incoming>) -> Value {
    let bytes = answer.into_body().collect().await.unwrap().to_bytes();
    serde_json::from_slice(&bytes).unwrap()
}

#[tokio::test]
async fn comes_with_prior_knowledge_and_leaves_as_http_1() {
    let upstream = Upstream::accepting();
    let gateway = Gateway::before(&upstream);
    let mut sender = with_prior_knowledge(gateway.address).await;
    let answers = (0..20).map(|_| sender.send_request(submission(&gateway, SCORE)));
    for answer in futures_util::future::join_all(answers).await {
        let answer = answer.unwrap();
        assert_eq!(
            (answer.status().as_u16(), answer.version()),
            (204, Version::HTTP_2)
        );
        assert_eq!(answer.headers()["scoregate-decision"], "forwarded");
    }
    assert_eq!(upstream.requests().len(), 20);
    assert!(upstream.last().header("host").is_some());
}

#[tokio::test]
async fn refusals_end_the_stream_and_not_the_connection() {
    let upstream = Upstream::accepting();
    let gateway = Gateway::before(&upstream);
    let mut sender = with_prior_knowledge(gateway.address).await;
    let too_large = submission(&gateway, vec![b' '; 70_000]);
    let answer = sender.send_request(too_large).await.unwrap();
    assert_eq!(answer.status(), 413);
    assert_eq!(json(answer).await["details"]["message"], "BODY_TOO_LARGE");

    let mut other_host = submission(&gateway, SCORE);
    other_host
        .headers_mut()
        .insert("host", "elsewhere.example".parse().unwrap());
    let answer = sender.send_request(other_host).await.unwrap();
    assert_eq!(json(answer).await["details"]["message"], "MALFORMED_PATH");

    let mut stranger = submission(&gateway, SCORE);
    stranger
        .headers_mut()
        .insert("authorization", "Bearer sgk_x".parse().unwrap());
    let answer = sender.send_request(stranger).await.unwrap();
    assert_eq!(answer.status(), 401);
    assert_eq!(json(answer).await["status"], 401);

    let answer = sender
        .send_request(submission(&gateway, SCORE))
        .await
        .unwrap();
    assert_eq!(answer.status(), 204);
    assert_eq!(upstream.requests().len(), 1);
}

/// Its limits are those of HTTP/1.1.
#[tokio::test]
async fn a_body_that_stalls_gets_408_and_a_silent_connection_ends() {
    let upstream = Upstream::accepting();
    let mut settings = Settings::new(upstream.address);
    settings.server = "body_timeout = \"300ms\"\nidle_timeout = \"500ms\"".to_owned();
    let gateway = Gateway::start(&settings);
    let stream = TokioIo::new(TcpStream::connect(gateway.address).await.unwrap());
    let (mut sender, connection) = handshake(TokioExecutor::new(), stream).await.unwrap();
    let connection = tokio::spawn(connection);
    let (head, _) = submission(&gateway, "").into_parts();
    let first = Ok::<_, std::convert::Infallible>(Frame::data(Bytes::from("{\"userId\"")));
    let endless = stream::iter([first]).chain(stream::pending());
    let stalled = Request::from_parts(head, StreamBody::new(endless));
    let answer = sender.send_request(stalled).await.unwrap();
    assert_eq!(answer.status(), 408);
    assert_eq!(json(answer).await["details"]["message"], "REQUEST_TIMEOUT");
    let ended = tokio::time::timeout(DEADLINE, connection).await;
    assert!(ended.is_ok(), "still open");
    assert!(upstream.requests().is_empty());
}

/// Bytes keep no request alive, whichever limit comes first.
#[tokio::test]
async fn a_body_that_dribbles_is_cut_off_as_well() {
    let upstream = Upstream::accepting();
    for limit in ["body_timeout", "request_deadline"] {
        let mut settings = Settings::new(upstream.address);
        settings.server = format!("{limit} = \"500ms\"");
        let gateway = Gateway::start(&settings);
        let stream = TokioIo::new(TcpStream::connect(gateway.address).await.unwrap());
        let (mut sender, connection) = handshake(TokioExecutor::new(), stream).await.unwrap();
        tokio::spawn(connection);
        let (head, _) = submission(&gateway, "").into_parts();
        let dribble = stream::unfold((), |()| async {
            // The pace is the dribble itself.
            tokio::time::sleep(Duration::from_millis(20)).await;
            let byte = Frame::data(Bytes::from_static(b" "));
            Some((Ok::<_, std::convert::Infallible>(byte), ()))
        });
        let dribbling = Request::from_parts(head, StreamBody::new(Box::pin(dribble)));
        let answer = sender.send_request(dribbling);
        let answer = tokio::time::timeout(DEADLINE, answer).await.unwrap();
        assert_eq!(answer.unwrap().status(), 408, "{limit}");
    }
    assert!(upstream.requests().is_empty());
}

/// It gives no window, so nobody ever asks the answers' bodies for anything, and what it sends
/// beside that keeps nothing alive.
#[tokio::test]
async fn answers_that_nobody_takes_are_reset_and_give_their_places_back() {
    let upstream = Upstream::start(|request, _| match request.method() {
        "GET" => json_reply(200, "[]"),
        _ => reply(204, "", ""),
    });
    let mut settings = Settings::new(upstream.address);
    settings.server =
        "max_in_flight = 3\nrequest_deadline = \"2s\"\nbody_timeout = \"1s\"".to_owned();
    let gateway = Gateway::start(&settings);
    let stream = TokioIo::new(TcpStream::connect(gateway.address).await.unwrap());
    let (mut sender, connection) = Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .initial_stream_window_size(0)
        .keep_alive_interval(Duration::from_millis(100))
        .handshake(stream)
        .await
        .unwrap();
    tokio::spawn(connection);
    let mut answers = Vec::new();
    for _ in 0..3 {
        let mut request = submission(&gateway, "");
        *request.method_mut() = http::Method::GET;
        let results = SCORES.replace("/scores", "/results");
        *request.uri_mut() = format!("https://{}{results}", gateway.address)
            .parse()
            .unwrap();
        answers.push(sender.send_request(request).await.unwrap());
    }
    assert_eq!(gateway.submit(SCORE).status, 503);
    for answer in answers {
        assert_eq!(answer.status(), 200);
        let body = tokio::time::timeout(DEADLINE, answer.into_body().collect());
        assert!(body.await.expect("an end").is_err(), "not reset");
    }
    assert_eq!(gateway.submit(SCORE).status, 204);
    // The connection is as good as before, for whoever takes what it asks for.
    let answer = sender.send_request(submission(&gateway, SCORE)).await;
    assert_eq!(answer.unwrap().status(), 204);
}

#[tokio::test]
async fn a_huge_head_ends_the_stream_or_the_connection_and_nothing_else() {
    let upstream = Upstream::accepting();
    let gateway = Gateway::before(&upstream);
    for (size, count) in [(1 << 20, 1), (1_000, 200), (10, 20_000)] {
        let mut sender = with_prior_knowledge(gateway.address).await;
        let mut huge = submission(&gateway, SCORE);
        for number in 0..count {
            let name: http::HeaderName = format!("x-{number}").parse().unwrap();
            let value = "x".repeat(size).parse().unwrap();
            huge.headers_mut().insert(name, value);
        }
        if let Ok(answer) = sender.send_request(huge).await {
            assert_eq!(answer.status(), 431, "{count}");
        }
        let mut good = with_prior_knowledge(gateway.address).await;
        let answer = good.send_request(submission(&gateway, SCORE)).await;
        assert_eq!(answer.unwrap().status(), 204);
    }
    assert_eq!(upstream.requests().len(), 3);
}

/// Frames say where a body ends; a length that says it twice, or otherwise, is for a parser that
/// believes it.
#[tokio::test]
async fn several_lengths_or_a_wrong_one_end_the_stream_and_nothing_else() {
    let upstream = Upstream::accepting();
    let gateway = Gateway::before(&upstream);
    let mut sender = with_prior_knowledge(gateway.address).await;
    let right = SCORE.len().to_string();
    let longer = (SCORE.len() + 1).to_string();
    let doubled = format!("{right}, {right}");
    let signed = format!("+{right}");
    let lengths: [&[&str]; 9] = [
        &[&right, &right],
        &[&right, &longer],
        &[&longer, &right],
        &["0", &right],
        &[&right, &right, &right],
        &[&longer],
        &["7"],
        &[&doubled],
        &[&signed],
    ];
    for given in lengths {
        let mut odd = submission(&gateway, SCORE);
        for length in given {
            let length = length.parse().unwrap();
            odd.headers_mut().append("content-length", length);
        }
        let answer = sender.send_request(odd);
        match tokio::time::timeout(DEADLINE, answer).await.unwrap() {
            Ok(answer) => {
                assert_eq!(answer.status(), 400, "{given:?}");
                let message = json(answer).await["details"]["message"].clone();
                assert_eq!(message, "MALFORMED_BODY", "{given:?}");
            }
            Err(reset) => assert!(!reset.is_closed(), "{given:?}: {reset}"),
        }
        assert!(upstream.requests().is_empty(), "{given:?}");
    }
    // On the same connection.
    let mut good = submission(&gateway, SCORE);
    good.headers_mut()
        .insert("content-length", right.parse().unwrap());
    let answer = sender.send_request(good).await;
    assert_eq!(answer.unwrap().status(), 204);
    assert_eq!(upstream.only().body(), SCORE);
}

#[tokio::test]
async fn the_answer_to_head_has_no_body() {
    let gateway = Gateway::before(&Upstream::accepting());
    let mut sender = with_prior_knowledge(gateway.address).await;
    for path in ["/nope", SCORES] {
        let mut request = submission(&gateway, "");
        *request.method_mut() = http::Method::HEAD;
        *request.uri_mut() = format!("https://{}{path}", gateway.address)
            .parse()
            .unwrap();
        let answer = sender.send_request(request).await.unwrap();
        assert!(answer.status().is_client_error(), "{}", answer.status());
        assert!(answer.headers()["content-length"].to_str().unwrap() > "0");
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        assert!(body.is_empty(), "{body:?}");
    }
    let answer = sender.send_request(submission(&gateway, SCORE)).await;
    assert_eq!(answer.unwrap().status(), 204);
}

/// An LTIAAS that speaks TLS and offers HTTP/2. Records the version and `host` of each request.
async fn tls_upstream(folder: &Path) -> (SocketAddr, Arc<Mutex<Vec<(Version, String)>>>) {
    let tls = server_config(&folder.join("cert.pem"), &folder.join("key.pem"), None).unwrap();
    let (listener, seen) = (
        TcpListener::bind("127.0.0.1:0").await.unwrap(),
        Arc::default(),
    );
    let address = listener.local_addr().unwrap();
    let record: Arc<Mutex<Vec<(Version, String)>>> = Arc::clone(&seen);
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let Ok(stream) = TlsAcceptor::from(tls.clone()).accept(stream).await else {
                continue;
            };
            let record = record.clone();
            let service = hyper::service::service_fn(move |request: Request<Incoming>| {
                let authority = request
                    .uri()
                    .authority()
                    .map(ToString::to_string)
                    .unwrap_or_default();
                record.lock().unwrap().push((request.version(), authority));
                async {
                    let mut answer = Response::new(Full::new(Bytes::new()));
                    *answer.status_mut() = http::StatusCode::NO_CONTENT;
                    Ok::<_, std::convert::Infallible>(answer)
                }
            });
            let connection = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
            tokio::spawn(async move {
                let _ = connection
                    .serve_connection(TokioIo::new(stream), service)
                    .await;
            });
        }
    });
    (address, seen)
}

#[tokio::test]
async fn alpn_chooses_it_on_both_sides_and_the_extra_authority_is_trusted() {
    install_provider();
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    let certificate = Certificate::for_this_machine();
    std::fs::write(file("ca.pem"), &certificate.authority).unwrap();
    std::fs::write(file("cert.pem"), &certificate.certificate).unwrap();
    std::fs::write(file("key.pem"), &certificate.key).unwrap();
    let (upstream, seen) = tls_upstream(folder.path()).await;

    let mut settings = Settings::new(upstream);
    settings.upstream_lines = format!("ca_file = {:?}", file("ca.pem"));
    settings.server = format!(
        "tls = {{ cert_file = {:?}, key_file = {:?} }}",
        file("cert.pem"),
        file("key.pem")
    );
    settings.scheme = "https";
    let gateway = Gateway::start(&settings);

    let tls = client_config(Some(&file("ca.pem")), &["h2"]).unwrap();
    let stream = TcpStream::connect(gateway.address).await.unwrap();
    let name = "127.0.0.1".try_into().unwrap();
    let stream = TlsConnector::from(tls).connect(name, stream).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let (mut sender, connection) = handshake(TokioExecutor::new(), TokioIo::new(stream))
        .await
        .unwrap();
    tokio::spawn(connection);
    for _ in 0..3 {
        let answer = sender
            .send_request(submission(&gateway, SCORE))
            .await
            .unwrap();
        assert_eq!(answer.status(), 204);
    }
    let expected = (Version::HTTP_2, upstream.to_string());
    assert_eq!(*seen.lock().unwrap(), vec![expected; 3]);
}

#[tokio::test]
async fn an_upstream_whose_certificate_nobody_vouches_for_is_unreachable() {
    install_provider();
    let folder = tempfile::tempdir().unwrap();
    let certificate = Certificate::for_this_machine();
    std::fs::write(folder.path().join("cert.pem"), &certificate.certificate).unwrap();
    std::fs::write(folder.path().join("key.pem"), &certificate.key).unwrap();
    let (upstream, seen) = tls_upstream(folder.path()).await;
    let mut settings = Settings::new(upstream);
    settings.scheme = "https";
    let gateway = Gateway::start(&settings);
    let mut sender = with_prior_knowledge(gateway.address).await;
    let answer = sender
        .send_request(submission(&gateway, SCORE))
        .await
        .unwrap();
    assert_eq!(answer.status(), 502);
    assert_eq!(
        json(answer).await["details"]["message"],
        "UPSTREAM_UNREACHABLE"
    );
    assert!(seen.lock().unwrap().is_empty());
}
