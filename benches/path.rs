//! The whole path of a submission in one process: `cargo bench --bench path`. Callers come over a
//! pipe in memory; only the upstream, where it is asked, is behind a socket.
#![allow(clippy::expect_used)]

use std::cell::RefCell;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::thread;

use bytes::Bytes;
use divan::Bencher;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use scoregate::config::{Process, load_text};
use scoregate::gateway::Lasting;
use scoregate::gateway_key::{digest, written};
use scoregate::generation::Generations;
use scoregate::pipeline::pipeline;
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};
use tower::Service as _;

const KEY: &str = "sgk_k2dDrGWC7vYd6mCzTWiGZb3bq3J4gU1cSx8nN0aYf0oExAmPl";
const TARGET: &str = "/api/lineitems/https%3A%2F%2Fcanvas.example.edu%2Fapi%2Flti%2Fcourses%2F101%2Fline_items%2F7/scores";

/// Room for a request or an answer, in bytes.
const PIPE: usize = 64 * 1024;

fn main() {
    divan::main();
}

/// Authenticated, read, judged, written, sent, answered.
#[divan::bench]
fn forwarded(bencher: Bencher) {
    measure(bencher, "83", 204);
}

/// Authenticated, read, judged and refused by policy: no upstream is asked.
#[divan::bench]
fn refused(bencher: Bencher) {
    measure(bencher, "110", 422);
}

fn measure(bencher: Bencher, given: &str, status: u16) {
    let body = format!(
        r#"{{"userId":"5323497","activityProgress":"Completed","gradingProgress":"FullyGraded","scoreGiven":{given},"scoreMaximum":100}}"#
    );
    let mut caller = Caller::new();
    bencher.bench_local(|| {
        let answer = caller.submit(&body);
        assert_eq!(answer.status(), status);
    });
}

/// A caller, the path it calls, and what both need to live.
struct Caller {
    runtime: Runtime,
    sending: SendRequest<Full<Bytes>>,
    _generations: Generations,
    _folder: TempDir,
}

impl Caller {
    fn new() -> Self {
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        let folder = tempfile::tempdir().expect("a folder");
        let generations = runtime.block_on(generations(folder.path(), upstream()));
        let sending = runtime.block_on(connect(&generations));
        Self {
            runtime,
            sending,
            _generations: generations,
            _folder: folder,
        }
    }

    fn submit(&mut self, body: &str) -> Response<Bytes> {
        let request = Request::post(TARGET)
            .header("host", "grades.example.edu")
            .header(
                "authorization",
                format!("SERVICE-AUTH-V1 {KEY}:a-service-key"),
            )
            .header("content-type", "application/json")
            .body(Full::from(body.to_owned()))
            .expect("a request");
        let sending = &mut self.sending;
        self.runtime.block_on(async {
            sending.ready().await.expect("a connection");
            let answer = sending.send_request(request).await.expect("an answer");
            let (head, body) = answer.into_parts();
            let body = body.collect().await.expect("a body").to_bytes();
            Response::from_parts(head, body)
        })
    }
}

/// Serves one end of a pipe with the path, and speaks HTTP on the other.
async fn connect(generations: &Generations) -> SendRequest<Full<Bytes>> {
    let lasting = generations.current().shared.lasting.clone();
    let slot = generations.slots.first().expect("a worker").clone();
    let path = RefCell::new(pipeline(slot, &lasting));
    let (near, far) = tokio::io::duplex(PIPE);
    let service = service_fn(move |request: Request<Incoming>| path.borrow_mut().call(request));
    tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(far), service));
    let (sending, connection) = handshake(TokioIo::new(near)).await.expect("a handshake");
    tokio::spawn(connection);
    sending
}

async fn generations(folder: &Path, upstream: SocketAddr) -> Generations {
    std::fs::write(folder.join("api-key"), "the-account-key").expect("a file");
    let digest = written(&digest(KEY));
    let text = format!(
        r#"
[log]
access = false
[[account]]
name = "main"
url = "http://{upstream}"
api_keys = [{{ file = "api-key" }}]
platforms = ["https://canvas.example.edu"]
[[caller]]
name = "quiz-app"
account = "main"
keys = ["{digest}"]
allow = ["scores:write"]
line_items = ["https://canvas.example.edu/**"]
[[policy]]
name = "institution"
maximum = {{ percent = 100, over = "refuse" }}
"#
    );
    let loaded = load_text(&Arc::from("path.toml"), &text, folder, &Process);
    let loaded = loaded.expect("a configuration");
    let lasting = Lasting::new(&loaded.config.server, 1, None).expect("random numbers");
    let first = Generations::first(loaded, lasting).await;
    first.expect("a configuration to serve")
}

/// Answers whatever comes in one piece with 204.
fn upstream() -> SocketAddr {
    let socket = TcpListener::bind("127.0.0.1:0").expect("a socket");
    let address = socket.local_addr().expect("an address");
    thread::spawn(move || {
        for stream in socket.incoming() {
            let mut stream = stream.expect("a connection");
            thread::spawn(move || {
                let mut bytes = [0; 4096];
                while stream.read(&mut bytes).is_ok_and(|count| count > 0) {
                    stream
                        .write_all(b"HTTP/1.1 204 No Content\r\n\r\n")
                        .expect("an open connection");
                }
            });
        }
    });
    address
}
