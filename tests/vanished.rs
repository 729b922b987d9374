//! Callers that vanish: their machine lost its power, or the network in between a route. No FIN and
//! no RST tells of it; what the gateway sees is a connection on which nothing happens any more. A
//! socket that is held and never touched again looks the same.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]
#[allow(dead_code, unused_imports)]
mod support;

#[allow(dead_code)]
#[path = "support/certificate.rs"]
mod certificate;

use std::io::Write;
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use certificate::Certificate;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use scoregate::tls::install_provider;
use support::*;

const SHORT: &str = "head_timeout = \"500ms\"\nbody_timeout = \"500ms\"\n\
     idle_timeout = \"500ms\"\nrequest_deadline = \"1s\"\n";

const HTTP_2: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

/// Requests for results are answered without end, submissions well.
fn upstream() -> Upstream {
    let more = format!("10000\r\n{}\r\n", "x".repeat(0x10000));
    let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    Upstream::start(move |request, _| match request.method() {
        "GET" => Reply::Endless(head.into(), more.clone().into(), Duration::ZERO),
        _ => reply(204, "", ""),
    })
}

fn wait_until_all_are_closed(gateway: &Gateway) {
    let limit = [("limit", "server.max_connections")];
    Metrics::wait_for(gateway, "scoregate_limit_used", &limit, 0.0);
}

/// What each caller has sent when it vanishes.
fn sent(gateway: &Gateway) -> Vec<(&'static str, Vec<u8>)> {
    let submission = gateway.submission(SCORE).bytes();
    let head = submission.len() - SCORE.len();
    vec![
        ("nothing", Vec::new()),
        ("a part of a head", submission[..20].to_vec()),
        ("a head", submission[..head].to_vec()),
        ("a part of a body", submission[..head + 5].to_vec()),
        ("a request", submission.clone()),
        (
            "a request and a part",
            [&submission[..], &submission[..9]].concat(),
        ),
        (
            "a request whose answer never ends",
            gateway.request("GET", "/api/lineitems").bytes(),
        ),
        ("the beginning of HTTP/2", HTTP_2.to_vec()),
        ("a part of the beginning of HTTP/2", HTTP_2[..10].to_vec()),
    ]
}

#[test]
fn whoever_vanishes_gives_its_place_back_in_time() {
    let upstream = upstream();
    let mut settings = Settings::new(upstream.address);
    settings.server = SHORT.to_owned();
    let gateway = Gateway::start(&settings);
    for (what, bytes) in sent(&gateway) {
        let mut vanished = gateway.connect();
        vanished.send(bytes);
        wait_until_all_are_closed(&gateway);
        assert_eq!(gateway.submit(SCORE).status, 204, "after {what}");
        drop(vanished);
    }
}

/// As many as there are places: nobody else gets in before they are found out.
#[test]
fn places_that_all_belong_to_the_vanished_are_free_again() {
    let upstream = upstream();
    let mut settings = Settings::new(upstream.address);
    settings.server = format!("{SHORT}max_connections = 18");
    let gateway = Gateway::start(&settings);
    let mut vanished = Vec::new();
    for _ in 0..2 {
        for (_, bytes) in sent(&gateway) {
            let mut client = gateway.connect();
            client.send(bytes);
            vanished.push(client);
        }
    }
    assert_eq!(vanished.len(), 18);
    // Taken at once by the system, and served as soon as there is a place.
    assert_eq!(gateway.submit(SCORE).status, 204);
    wait_until_all_are_closed(&gateway);
    assert_eq!(gateway.submit(SCORE).status, 204);
    drop(vanished);
}

fn trusting(certificate: &Certificate) -> Arc<ClientConfig> {
    install_provider();
    let mut roots = RootCertStore::empty();
    let authority = CertificateDer::from_pem_slice(certificate.authority.as_bytes());
    roots.add(authority.unwrap()).unwrap();
    let builder = ClientConfig::builder().with_root_certificates(roots);
    Arc::new(builder.with_no_client_auth())
}

#[test]
fn over_tls_too() {
    let upstream = upstream();
    let certificate = Certificate::for_this_machine();
    let mut settings = Settings::new(upstream.address);
    settings.files = vec![
        ("cert.pem".to_owned(), certificate.certificate.clone()),
        ("key.pem".to_owned(), certificate.key.clone()),
    ];
    let tls = "tls = { cert_file = \"$DIR/cert.pem\", key_file = \"$DIR/key.pem\" }";
    settings.server = format!("{SHORT}{tls}");
    let gateway = Gateway::start(&settings);
    let config = trusting(&certificate);
    let shaken = || {
        let name = "127.0.0.1".try_into().unwrap();
        let session = ClientConnection::new(config.clone(), name).unwrap();
        let socket = TcpStream::connect(gateway.address).unwrap();
        socket.set_read_timeout(Some(DEADLINE)).unwrap();
        let mut stream = StreamOwned::new(session, socket);
        stream.conn.complete_io(&mut stream.sock).unwrap();
        stream
    };
    for (what, bytes) in sent(&gateway) {
        let mut vanished = shaken();
        vanished.write_all(&bytes).unwrap();
        wait_until_all_are_closed(&gateway);
        assert!(shaken().conn.peer_certificates().is_some(), "after {what}");
        drop(vanished);
    }
    // Within the handshake: nothing, and half of a hello.
    for hello in [&[][..], &[22, 3, 1, 2, 0, 1, 0]] {
        let mut vanished = gateway.connect();
        vanished.send(hello);
        wait_until_all_are_closed(&gateway);
        drop(vanished);
    }
    assert!(!gateway.log().contains("ERROR"), "{}", gateway.log());
}
