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
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use certificate::Certificate;
use futures_util::{StreamExt, stream};
use http::{Request, Response, Version};
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::client::conn::http2::{Builder, SendRequest, handshake};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use scoregate::tls::{client_config, install_provider, server_config};
use serde_json::Value;
use support::{
    DEADLINE, Gate, Gateway, LTIK, Metrics, Reply, SCORE, SCORES, Settings, Upstream, json_reply,
    reply,
};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
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

#[tokio::test]
async fn an_authority_is_checked_as_a_host_is() {
    let upstream = Upstream::accepting();
    let gateway = Gateway::before(&upstream);
    let mut sender = with_prior_knowledge(gateway.address).await;
    let mut ask = async |authority: &str, host: Option<&str>| {
        let mut request = submission(&gateway, SCORE);
        let target = format!("https://{authority}{SCORES}");
        *request.uri_mut() = target.parse().unwrap();
        if let Some(host) = host {
            let headers = request.headers_mut();
            headers.insert("host", host.parse().unwrap());
        }
        sender.send_request(request).await.unwrap()
    };
    for good in ["x", "x:80", "x.example:65535", "[::1]:8080"] {
        for host in [None, Some(good)] {
            assert_eq!(ask(good, host).await.status(), 204, "{good}, {host:?}");
        }
    }
    let good = upstream.requests().len();
    for bad in ["u@x", "u:p@x:80", "x:99999"] {
        for host in [None, Some(bad), Some("x")] {
            let answer = ask(bad, host).await;
            assert_eq!(answer.status(), 400, "{bad}, {host:?}");
            let message = json(answer).await["details"]["message"].clone();
            assert_eq!(message, "MALFORMED_PATH", "{bad}, {host:?}");
        }
    }
    assert_eq!(upstream.requests().len(), good);
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

/// No head was begun on it.
#[tokio::test]
async fn a_connection_that_is_opened_ahead_may_be_silent_for_as_long_as_any() {
    let folder = certificates();
    let file = |name: &str| folder.path().join(name);
    let limits = "idle_timeout = \"2s\"\nhead_timeout = \"200ms\"";
    let (certificate, key) = (file("cert.pem"), file("key.pem"));
    let tls = format!("tls = {{ cert_file = {certificate:?}, key_file = {key:?} }}");
    let client = client_config(Some(&file("ca.pem")), &["h2"]).unwrap();
    for (lines, is_tls) in [
        (limits.to_owned(), false),
        (format!("{limits}\n{tls}"), true),
    ] {
        let mut settings = Settings::new(Upstream::accepting().address);
        settings.server = lines;
        let gateway = Gateway::start(&settings);
        let since = Instant::now();
        let stream = TcpStream::connect(gateway.address).await.unwrap();
        let connection = match is_tls {
            true => {
                let name = "127.0.0.1".try_into().unwrap();
                let connector = TlsConnector::from(client.clone());
                open_ahead(connector.connect(name, stream).await.unwrap()).await
            }
            false => open_ahead(stream).await,
        };
        has_ended(connection).await;
        let took = since.elapsed();
        assert!(took >= Duration::from_millis(1_900), "{is_tls}: {took:?}");
    }
}

async fn open_ahead<S>(stream: S) -> JoinHandle<hyper::Result<()>>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let stream = TokioIo::new(stream);
    let (sender, connection) = handshake::<_, _, Full<Bytes>>(TokioExecutor::new(), stream)
        .await
        .unwrap();
    tokio::spawn(async move {
        let ended = connection.await;
        drop(sender);
        ended
    })
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

/// The answers' heads are there before the connection's limits are over, or after, and their bodies after.
#[tokio::test(flavor = "multi_thread")]
async fn the_next_request_on_a_connection_has_the_limits_of_a_new_configuration() {
    // Longer than a request and its answer may take at first.
    let late = |first: &[u8], second: &'static [u8]| {
        let second = move || {
            std::thread::sleep(Duration::from_millis(2_500));
            second.to_vec()
        };
        Reply::Staged(first.to_vec(), Box::new(second))
    };
    let upstream = Upstream::start(move |request, _| match request.target() {
        "/api/lineitems" => late(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n[", b"]"),
        "/api/idtoken" => late(b"", b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n[]"),
        _ => reply(204, "", ""),
    });
    let mut settings = Settings::new(upstream.address);
    settings.server = "request_deadline = \"1s\"\nbody_timeout = \"200ms\"".to_owned();
    let gateway = Gateway::start(&settings);
    let mut sender = with_prior_knowledge(gateway.address).await;
    let answer = sender.send_request(submission(&gateway, SCORE)).await;
    assert_eq!(answer.unwrap().status(), 204);
    settings.server = String::new();
    gateway.reconfigure(&settings);
    gateway.signal("HUP");
    gateway.wait_until_applied(|applied| applied["generation"] != 1);
    let asked = ["/api/lineitems", "/api/idtoken"].map(|target| {
        let mut request = submission(&gateway, "");
        *request.method_mut() = http::Method::GET;
        let target = format!("https://{}{target}", gateway.address);
        *request.uri_mut() = target.parse().unwrap();
        sender.send_request(request)
    });
    for answer in futures_util::future::join_all(asked).await {
        assert_eq!(json(answer.unwrap()).await, serde_json::json!([]));
    }
}

/// Whether the other end closed the connection to new requests before this one was sent.
fn is_never_sent(cause: &hyper::Error) -> bool {
    let cause_of_cause = std::error::Error::source(cause);
    let goaway = cause_of_cause.and_then(|cause| cause.downcast_ref::<h2::Error>());
    cause.is_canceled() || goaway.is_some_and(|cause| cause.is_go_away() && cause.is_remote())
}

async fn has_ended(connection: JoinHandle<hyper::Result<()>>) {
    let ended = tokio::time::timeout(DEADLINE, connection).await;
    ended.expect("an end").unwrap().unwrap();
}

/// By GOAWAY, which closes a connection to new requests and to no other.
#[tokio::test(flavor = "multi_thread")]
async fn until_the_delay_is_over_connections_are_asked_to_leave_and_no_request_fails() {
    let gate = Gate::default();
    let held = gate.clone();
    let upstream = Upstream::start(move |_, number| {
        if number == 0 {
            held.pass();
        }
        reply(204, "", "")
    });
    let mut settings = Settings::new(upstream.address);
    settings.server = "drain_delay = \"60s\"".to_owned();
    let mut gateway = Gateway::start(&settings);
    let connect = async || {
        let stream = TokioIo::new(TcpStream::connect(gateway.address).await.unwrap());
        let (sender, connection) = handshake(TokioExecutor::new(), stream).await.unwrap();
        (sender, tokio::spawn(connection))
    };
    let (mut sender, connection) = connect().await;
    let (mut silent, _silence) = connect().await;
    let waiting = tokio::spawn(sender.send_request(submission(&gateway, SCORE)));
    upstream.wait_for(1);
    gateway.signal("TERM");
    // What is sent before its caller hears of it is served.
    let mut served = 1;
    while sender.ready().await.is_ok() {
        match sender.send_request(submission(&gateway, SCORE)).await {
            Ok(answer) => assert_eq!(answer.status(), 204),
            Err(cause) => {
                assert!(is_never_sent(&cause), "{cause:?}");
                break;
            }
        }
        served += 1;
    }
    // One that has asked for nothing yet may.
    let answer = silent.send_request(submission(&gateway, SCORE)).await;
    assert_eq!(answer.unwrap().status(), 204);
    served += 1;
    // Whoever comes back here is served as ever.
    let (mut late, _late) = connect().await;
    for _ in 0..3 {
        let answers = (0..20).map(|_| late.send_request(submission(&gateway, SCORE)));
        for answer in futures_util::future::join_all(answers).await {
            assert_eq!(answer.unwrap().status(), 204);
            served += 1;
        }
    }
    gate.open();
    assert_eq!(waiting.await.unwrap().unwrap().status(), 204);
    has_ended(connection).await;
    assert_eq!(upstream.requests().len(), served);
    gateway.signal("TERM");
    gateway.ended();
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

/// What an upstream saw of a request.
#[derive(Clone, Debug, PartialEq)]
struct Seen {
    connection: usize,
    version: Version,
    authority: String,
}

/// An LTIAAS that speaks TLS and offers HTTP/2, with a limit on the streams of a connection. Answers
/// while its gate is open: 204 without a body, but to the targets that ask for one.
struct TlsUpstream {
    address: SocketAddr,
    seen: watch::Sender<Vec<Seen>>,
    gate: watch::Sender<bool>,
    /// Sent to connections that are open.
    end: watch::Sender<End>,
}

#[derive(Clone, Copy, Debug)]
enum End {
    /// With GOAWAY.
    Announced,
    Cut,
}

impl TlsUpstream {
    async fn start(folder: &Path, streams: u32) -> Arc<Self> {
        let tls = server_config(&folder.join("cert.pem"), &folder.join("key.pem"), None).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let upstream = Arc::new(Self {
            address: listener.local_addr().unwrap(),
            seen: watch::Sender::default(),
            gate: watch::Sender::new(true),
            end: watch::Sender::new(End::Cut),
        });
        let serving = upstream.clone();
        tokio::spawn(async move {
            for connection in 0.. {
                let (stream, _) = listener.accept().await.unwrap();
                let (serving, tls) = (serving.clone(), TlsAcceptor::from(tls.clone()));
                tokio::spawn(async move {
                    if let Ok(stream) = tls.accept(stream).await {
                        let stream = TokioIo::new(stream);
                        serving.serve(stream, connection, streams).await;
                    }
                });
            }
        });
        upstream
    }

    async fn serve<S>(self: Arc<Self>, stream: TokioIo<S>, connection: usize, streams: u32)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let mut end = self.end.subscribe();
        let service = hyper::service::service_fn(move |request: Request<Incoming>| {
            let authority = request.uri().authority();
            let seen = Seen {
                connection,
                version: request.version(),
                authority: authority.map(ToString::to_string).unwrap_or_default(),
            };
            self.seen.send_modify(|all| all.push(seen));
            let mut gate = self.gate.subscribe();
            let (status, length) = match request.uri().path() {
                "/api/lineitems" => (http::StatusCode::OK, 4 * 1024 * 1024),
                "/api/idtoken" => (http::StatusCode::OK, 64 * 1024),
                _ => (http::StatusCode::NO_CONTENT, 0),
            };
            async move {
                gate.wait_for(|is_open| *is_open).await.unwrap();
                let mut answer = Response::new(Full::new(Bytes::from(vec![b'x'; length])));
                *answer.status_mut() = status;
                Ok::<_, std::convert::Infallible>(answer)
            }
        });
        let mut builder = auto::Builder::new(TokioExecutor::new());
        builder.http2().max_concurrent_streams(streams);
        let mut connection = std::pin::pin!(builder.serve_connection(stream, service));
        loop {
            tokio::select! {
                _ = connection.as_mut() => return,
                Ok(()) = end.changed() => match *end.borrow() {
                    End::Announced => connection.as_mut().graceful_shutdown(),
                    End::Cut => return,
                },
            }
        }
    }

    fn seen(&self) -> Vec<Seen> {
        self.seen.borrow().clone()
    }

    /// Waits until so many requests have come.
    async fn wait_for(&self, count: usize) {
        let mut seen = self.seen.subscribe();
        let came = seen.wait_for(|seen| seen.len() >= count);
        let came = tokio::time::timeout(DEADLINE, came).await.is_ok();
        assert!(came, "{} of {count}", self.seen().len());
    }
}

/// A folder with the authority's certificate, and a pair for this machine.
fn certificates() -> tempfile::TempDir {
    install_provider();
    let folder = tempfile::tempdir().unwrap();
    let certificate = Certificate::for_this_machine();
    for (name, text) in [
        ("ca.pem", &certificate.authority),
        ("cert.pem", &certificate.certificate),
        ("key.pem", &certificate.key),
    ] {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

/// Beyond it another connection is opened, and no request waits for one before it.
#[tokio::test]
async fn as_many_requests_share_an_upstreams_connection_as_it_lets() {
    let folder = certificates();
    for (streams, count) in [(1, 6), (5, 23), (100, 1_024)] {
        let upstream = TlsUpstream::start(folder.path(), streams).await;
        let mut settings = Settings::new(upstream.address);
        settings.upstream_lines =
            format!("http2 = true\nca_file = {:?}", folder.path().join("ca.pem"));
        settings.scheme = "https";
        let gateway = Gateway::start(&settings);
        let results = SCORES.replace("/scores", "/results");
        let mut asking = Vec::new();
        let mut sender = with_prior_knowledge(gateway.address).await;
        for number in 0..=count {
            let mut request = submission(&gateway, "");
            *request.method_mut() = http::Method::GET;
            let target = format!("https://{}{results}", gateway.address);
            *request.uri_mut() = target.parse().unwrap();
            match number {
                // Known from now on for what it speaks.
                0 => {
                    let answer = sender.send_request(request).await.unwrap();
                    assert_eq!(answer.status(), 204);
                    upstream.gate.send_replace(false);
                }
                number if number % 200 == 0 => {
                    sender = with_prior_knowledge(gateway.address).await;
                    asking.push(tokio::spawn(sender.send_request(request)));
                }
                _ => asking.push(tokio::spawn(sender.send_request(request))),
            }
        }
        upstream.wait_for(count + 1).await;
        let opened = Metrics::of(&gateway).sum("scoregate_upstream_connections_total", &[]);
        // Some more may have been opened before it was known how many requests another takes.
        let needed = count.div_ceil(streams as usize);
        assert!(opened <= (3 * needed + 8) as f64, "{opened} for {needed}");
        upstream.gate.send_replace(true);
        for answer in asking {
            assert_eq!(answer.await.unwrap().unwrap().status(), 204);
        }
    }
}

/// Where it isn't asked for: requests that cross the end of a connection are lost over it.
#[tokio::test(flavor = "multi_thread")]
async fn an_upstream_that_offers_it_is_spoken_to_over_http_1() {
    let folder = certificates();
    let upstream = TlsUpstream::start(folder.path(), 100).await;
    let mut settings = Settings::new(upstream.address);
    settings.upstream_lines = format!("ca_file = {:?}", folder.path().join("ca.pem"));
    settings.scheme = "https";
    let gateway = Gateway::start(&settings);
    let answer = tokio::task::block_in_place(|| gateway.submit(SCORE));
    assert_eq!(answer.status, 204, "{}", answer.everything());
    assert_eq!(upstream.seen()[0].version, Version::HTTP_11);
    settings.upstream_lines += "\nhttp2 = true";
    gateway.reconfigure(&settings);
    tokio::task::block_in_place(|| {
        gateway.wait_for_generation(2);
        assert_eq!(gateway.submit(SCORE).status, 204);
    });
    assert_eq!(upstream.seen()[1].version, Version::HTTP_2);
}

/// However it ends: what comes next is sent on another.
#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_the_upstream_has_ended_takes_no_request() {
    let folder = certificates();
    let upstream = TlsUpstream::start(folder.path(), 100).await;
    let mut settings = Settings::new(upstream.address);
    settings.upstream_lines = format!(
        "http2 = true\nca_file = {:?}\nidle_timeout = \"1h\"",
        folder.path().join("ca.pem")
    );
    settings.scheme = "https";
    let gateway = Gateway::start(&settings);
    for (number, end) in [End::Announced, End::Cut, End::Announced, End::Cut]
        .into_iter()
        .enumerate()
    {
        let answer = tokio::task::block_in_place(|| gateway.submit(SCORE));
        assert_eq!(answer.status, 204, "{end:?}");
        assert_eq!(upstream.seen().last().unwrap().connection, number);
        upstream.end.send_replace(end);
        tokio::task::block_in_place(|| {
            Metrics::wait_for(&gateway, "scoregate_upstream_idle_connections", &[], 0.0)
        });
    }
}

/// They share a connection with everybody else.
#[tokio::test]
async fn answers_that_nobody_takes_leave_room_for_those_of_others() {
    let folder = certificates();
    let upstream = TlsUpstream::start(folder.path(), 100).await;
    let mut settings = Settings::new(upstream.address);
    settings.upstream_lines = format!("http2 = true\nca_file = {:?}", folder.path().join("ca.pem"));
    settings.scheme = "https";
    let gateway = Gateway::start(&settings);
    let get = |path: &str| {
        let mut request = submission(&gateway, "");
        *request.method_mut() = http::Method::GET;
        let target = format!("https://{}{path}", gateway.address);
        *request.uri_mut() = target.parse().unwrap();
        request
    };
    let mut sender = with_prior_knowledge(gateway.address).await;
    // It is known from now on what LTIAAS speaks.
    let answer = sender.send_request(submission(&gateway, SCORE)).await;
    assert_eq!(answer.unwrap().status(), 204);
    let stream = TokioIo::new(TcpStream::connect(gateway.address).await.unwrap());
    let (mut deaf, connection) = Builder::new(TokioExecutor::new())
        .initial_stream_window_size(0)
        .handshake(stream)
        .await
        .unwrap();
    tokio::spawn(connection);
    let untaken = (0..8).map(|_| deaf.send_request(get("/api/lineitems")));
    let untaken = futures_util::future::join_all(untaken).await;
    // As many as it takes for what nobody asks for to be sent as far as it goes.
    for _ in 0..100 {
        let answer = sender.send_request(get("/api/idtoken")).await.unwrap();
        let body = tokio::time::timeout(DEADLINE, answer.into_body().collect()).await;
        let body = body.expect("room for it").unwrap().to_bytes();
        assert_eq!(body.len(), 64 * 1024);
    }
    assert!(
        untaken
            .iter()
            .all(|answer| answer.as_ref().unwrap().status() == 200)
    );
    assert!(upstream.seen().iter().all(|seen| seen.connection == 0));
}

#[tokio::test]
async fn alpn_chooses_it_on_both_sides_and_the_extra_authority_is_trusted() {
    let folder = certificates();
    let file = |name: &str| folder.path().join(name);
    let upstream = TlsUpstream::start(folder.path(), 100).await;

    let mut settings = Settings::new(upstream.address);
    settings.upstream_lines = format!("http2 = true\nca_file = {:?}", file("ca.pem"));
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
    let expected = Seen {
        connection: 0,
        version: Version::HTTP_2,
        authority: upstream.address.to_string(),
    };
    assert_eq!(upstream.seen(), vec![expected; 3]);
}

#[tokio::test]
async fn an_upstream_whose_certificate_nobody_vouches_for_is_unreachable() {
    let folder = certificates();
    let upstream = TlsUpstream::start(folder.path(), 100).await;
    let mut settings = Settings::new(upstream.address);
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
    assert!(upstream.seen().is_empty());
}
