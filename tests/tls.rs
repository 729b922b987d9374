//! TLS towards callers: their certificates, ours when it is replaced, and handshakes that stall.
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

use std::fs;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use certificate::Certificate;
use rustls::{
    ClientConfig, ClientConnection, HandshakeKind, RootCertStore, StreamOwned,
    SupportedProtocolVersion,
};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use scoregate::tls::install_provider;
use serde_json::Value;
use support::*;

fn pem(text: &str) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(text.as_bytes()).unwrap()
}

/// What a caller trusts, and shows.
fn caller(
    trusts: &[&Certificate],
    shows: Option<&Certificate>,
    versions: &[&'static SupportedProtocolVersion],
) -> Arc<ClientConfig> {
    install_provider();
    let mut roots = RootCertStore::empty();
    for trusted in trusts {
        roots.add(pem(&trusted.authority)).unwrap();
    }
    let builder = ClientConfig::builder_with_protocol_versions(versions);
    let builder = builder.with_root_certificates(roots);
    Arc::new(match shows {
        None => builder.with_no_client_auth(),
        Some(shown) => {
            let key = PrivateKeyDer::from_pem_slice(shown.key.as_bytes()).unwrap();
            builder
                .with_client_auth_cert(vec![pem(&shown.certificate)], key)
                .unwrap()
        }
    })
}

struct Connection(StreamOwned<ClientConnection, TcpStream>);

impl Connection {
    fn open(gateway: &Gateway, caller: &Arc<ClientConfig>) -> Self {
        let name = "127.0.0.1".try_into().unwrap();
        let session = ClientConnection::new(caller.clone(), name).unwrap();
        let socket = TcpStream::connect(gateway.address).unwrap();
        socket.set_read_timeout(Some(DEADLINE)).unwrap();
        Self(StreamOwned::new(session, socket))
    }

    /// Submits a score and reads the status of its answer, which has no body.
    fn submit(&mut self, gateway: &Gateway) -> io::Result<u16> {
        self.0.write_all(&gateway.submission(SCORE).bytes())?;
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            self.0.read_exact(&mut byte)?;
            answer.extend(byte);
        }
        Ok(std::str::from_utf8(&answer[9..12])
            .unwrap()
            .parse()
            .unwrap())
    }

    fn certificate(&self) -> CertificateDer<'static> {
        self.0.conn.peer_certificates().unwrap()[0]
            .clone()
            .into_owned()
    }
}

const BOTH: &[&SupportedProtocolVersion] = &[&rustls::version::TLS12, &rustls::version::TLS13];

fn settings(upstream: &Upstream, certificate: &Certificate, more: &str) -> Settings {
    let mut settings = Settings::new(upstream.address);
    settings.files = vec![
        ("cert.pem".to_owned(), certificate.certificate.clone()),
        ("key.pem".to_owned(), certificate.key.clone()),
    ];
    settings.server =
        format!("tls = {{ cert_file = \"$DIR/cert.pem\", key_file = \"$DIR/key.pem\"{more} }}");
    settings
}

#[test]
fn both_versions_are_spoken() {
    let upstream = Upstream::accepting();
    let certificate = Certificate::for_this_machine();
    let gateway = Gateway::start(&settings(&upstream, &certificate, ""));
    for version in BOTH {
        let caller = caller(&[&certificate], None, &[version]);
        let mut connection = Connection::open(&gateway, &caller);
        assert_eq!(connection.submit(&gateway).unwrap(), 204);
        assert_eq!(connection.0.conn.protocol_version(), Some(version.version));
    }
}

#[test]
fn with_a_client_authority_only_its_certificates_get_in() {
    let upstream = Upstream::accepting();
    let [ours, tools, strangers] = [(); 3].map(|()| Certificate::for_this_machine());
    let mut settings = settings(&upstream, &ours, ", client_ca_file = \"$DIR/callers.pem\"");
    let authority = tools.authority.clone();
    settings.files.push(("callers.pem".to_owned(), authority));
    let gateway = Gateway::start(&settings);
    for version in BOTH {
        let submit = |shown| {
            let caller = caller(&[&ours], shown, &[version]);
            Connection::open(&gateway, &caller).submit(&gateway)
        };
        assert_eq!(submit(Some(&tools)).unwrap(), 204);
        assert!(submit(None).is_err());
        assert!(submit(Some(&strangers)).is_err());
    }
    assert_eq!(upstream.requests().len(), 2);
}

/// Whoever resumes a session shows no certificate, and it may have expired since.
#[test]
fn a_session_is_resumed_only_where_no_certificate_is_asked_for() {
    let upstream = Upstream::accepting();
    let [ours, tools] = [(); 2].map(|()| Certificate::for_this_machine());
    let mut with_authority = settings(&upstream, &ours, ", client_ca_file = \"$DIR/callers.pem\"");
    let authority = ("callers.pem".to_owned(), tools.authority.clone());
    with_authority.files.push(authority);
    for (settings, kind) in [
        (settings(&upstream, &ours, ""), HandshakeKind::Resumed),
        (with_authority, HandshakeKind::Full),
    ] {
        let gateway = Gateway::start(&settings);
        for version in BOTH {
            let caller = caller(&[&ours], Some(&tools), &[version]);
            for expected in [HandshakeKind::Full, kind] {
                let mut connection = Connection::open(&gateway, &caller);
                assert_eq!(connection.submit(&gateway).unwrap(), 204);
                assert_eq!(connection.0.conn.handshake_kind(), Some(expected));
            }
        }
    }
}

/// What a caller does to our handshake, and what it is counted as.
#[test]
fn each_failed_handshake_is_counted_by_its_reason() {
    let upstream = Upstream::accepting();
    let [ours, tools, strangers] = [(); 3].map(|()| Certificate::for_this_machine());
    let mut settings = settings(&upstream, &ours, ", client_ca_file = \"$DIR/callers.pem\"");
    let authority = tools.authority.clone();
    settings.files.push(("callers.pem".to_owned(), authority));
    settings.server.push_str("\nhead_timeout = \"1s\"");
    let gateway = Gateway::start(&settings);
    let submit = |trusts: &Certificate, shown| {
        let caller = caller(&[trusts], shown, BOTH);
        let done = Connection::open(&gateway, &caller).submit(&gateway);
        assert!(done.is_err());
    };
    let counted = |reason| {
        let labels = [("reason", reason)];
        let metrics = Metrics::wait_for(&gateway, FAILURES, &labels, 1.0);
        assert_eq!(metrics.sum(FAILURES, &labels), 1.0, "{reason}");
    };
    submit(&ours, None);
    counted("no_certificate");
    submit(&ours, Some(&strangers));
    counted("bad_certificate");
    submit(&strangers, Some(&tools));
    counted("refused");
    let mut plain = gateway.connect();
    plain.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    counted("not_tls");
    drop(TcpStream::connect(gateway.address).unwrap());
    counted("closed");
    let stalled = gateway.connect();
    counted("timeout");
    drop(stalled);
    let good = caller(&[&ours], Some(&tools), BOTH);
    let status = Connection::open(&gateway, &good).submit(&gateway);
    assert_eq!(status.unwrap(), 204);
    assert_eq!(Metrics::of(&gateway).sum(FAILURES, &[]), 6.0);
}

const FAILURES: &str = "scoregate_tls_handshake_failures_total";

/// The first bytes of a good caller.
fn hello(caller: &Arc<ClientConfig>) -> Vec<u8> {
    let name = "127.0.0.1".try_into().unwrap();
    let mut session = ClientConnection::new(caller.clone(), name).unwrap();
    let mut hello = Vec::new();
    session.write_tls(&mut hello).unwrap();
    hello
}

/// Bytes without sense, the same at every run.
fn noise(count: usize, mut seed: u64) -> Vec<u8> {
    let bytes = std::iter::repeat_with(|| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed.to_be_bytes()[0]
    });
    bytes.take(count).collect()
}

/// A record of any type that claims to be as long as it likes.
fn record(kind: u8, claims: u16, holds: &[u8]) -> Vec<u8> {
    let [high, low] = claims.to_be_bytes();
    [&[kind, 3, 1, high, low], holds].concat()
}

/// What comes to a port of TLS and is no handshake.
fn garbage(hello: &[u8]) -> Vec<Vec<u8>> {
    let post = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 65536\r\n\r\n";
    let mut all = vec![
        b"GET / HTTP/1.1\r\nHost: a\r\n\r\n".to_vec(),
        [post.as_bytes(), &[b'x'; 0x10000]].concat(),
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(),
        b"SSH-2.0-OpenSSH_9.2\r\n".to_vec(),
        // SSL 2, as the oldest of scanners say hello.
        vec![0x80, 0x2E, 1, 3, 1, 0, 0x15, 0, 0, 0, 0x10],
        // Longer than a record may be; shorter than what is in it; nothing, many times.
        record(22, u16::MAX, &noise(70_000, 3)),
        record(22, 0x4001, &noise(0x4001, 4)),
        record(22, 0, &[]).repeat(5_000),
        // A handshake message of 16 MiB, begun.
        record(
            22,
            0x4000,
            &[&[1, 255, 255, 255][..], &[0; 0x3FFC]].concat(),
        )
        .repeat(20),
        // Something else than a handshake first.
        record(21, 2, &[2, 40]),
        record(20, 1, &[1]),
        record(23, 100, &noise(100, 5)),
        record(24, 3, &[1, 0x40, 0]),
        record(0, 4, &[0; 4]),
        // A hello, and then no more sense.
        [hello, &noise(4_000, 6)].concat(),
        [hello, hello].concat(),
        // Its type, its session id's length, its extensions'.
        changed(hello, 5, 2),
        changed(hello, 43, 255),
        changed(hello, hello.len() / 2, !hello[hello.len() / 2]),
    ];
    all.extend([1, 2, 5, 6, 100, 5_000, 100_000].map(|count| noise(count, 7 + count as u64)));
    all.extend(
        [1, 4, 5, 6, 9, 40, hello.len() / 2, hello.len() - 1].map(|end| hello[..end].to_vec()),
    );
    all
}

fn changed(hello: &[u8], place: usize, to: u8) -> Vec<u8> {
    let mut hello = hello.to_vec();
    hello[place] = to;
    hello
}

#[test]
fn garbage_in_place_of_a_handshake_ends_in_time_and_harms_nobody() {
    let upstream = Upstream::accepting();
    let certificate = Certificate::for_this_machine();
    let mut settings = settings(&upstream, &certificate, "");
    settings.server.push_str("\nhead_timeout = \"2s\"");
    let gateway = Gateway::start(&settings);
    let caller = caller(&[&certificate], None, BOTH);
    let serves = || {
        let status = Connection::open(&gateway, &caller).submit(&gateway);
        assert_eq!(status.unwrap(), 204);
    };
    serves();
    let before = gateway.size("VmRSS");
    let garbage = garbage(&hello(&caller));
    // Whoever sends it then ends its half, or waits for what comes.
    for finishes in [true, false] {
        let mut strangers: Vec<_> = garbage
            .iter()
            .map(|bytes| {
                let mut stranger = gateway.connect();
                stranger.send(bytes);
                if finishes {
                    stranger.finish();
                }
                stranger
            })
            .collect();
        serves();
        for (stranger, sent) in strangers.iter_mut().zip(&garbage) {
            // An alert, or nothing, and the end.
            let answer = stranger.try_response();
            let is_over = !matches!(answer, Ok(_) | Err(Failure::Late(_)));
            let sent = &sent[..sent.len().min(16)];
            assert!(is_over, "{answer:?} to {sent:?}");
        }
        serves();
    }
    let all = 2.0 * garbage.len() as f64;
    Metrics::wait_for(&gateway, FAILURES, &[], all);
    let growth = gateway.size("VmRSS").saturating_sub(before);
    assert!(growth < 8 * 1024, "{growth} KiB");
    assert_eq!(upstream.requests().len(), 5);
    for bad in ["ERROR", "a defect"] {
        assert!(!gateway.log().contains(bad), "{}", gateway.log());
    }
}

#[test]
fn when_certificates_expire_is_shown_and_follows_the_files() {
    let upstream = Upstream::accepting();
    let ours = Certificate::for_this_machine();
    let mut settings = settings(&upstream, &ours, ", client_ca_file = \"$DIR/callers.pem\"");
    let authority = ours.authority.clone();
    settings.files.push(("callers.pem".to_owned(), authority));
    let gateway = Gateway::start(&settings);
    let expiry = |key| {
        let labels = [("certificate", key)];
        Metrics::of(&gateway).sum("scoregate_certificate_expiry_timestamp_seconds", &labels)
    };
    // What the certificates of these tests say: the first of January 4096.
    let far = 67_090_118_400.0;
    assert_eq!(expiry("server.tls.cert_file"), far);
    assert_eq!(expiry("server.tls.client_ca_file"), far);
    assert_eq!(expiry("upstream.ca_file"), 0.0);
    let near = Certificate::until(2051);
    let write = |name: &str, content: &str| {
        fs::write(gateway.directory.path().join(name), content).unwrap();
    };
    write("key.pem", &near.key);
    write("cert.pem", &near.certificate);
    gateway.signal("HUP");
    gateway.wait_until_applied(|applied| {
        applied["generation"] != 1 && applied["last_error"] == Value::Null
    });
    assert_eq!(expiry("server.tls.cert_file"), 2_556_144_000.0);
    assert_eq!(expiry("server.tls.client_ca_file"), far);
}

#[test]
fn a_new_certificate_is_shown_to_new_connections_and_a_bad_pair_to_nobody() {
    let upstream = Upstream::accepting();
    let [first, second, third] = [(); 3].map(|()| Certificate::for_this_machine());
    let gateway = Gateway::start(&settings(&upstream, &first, ""));
    let caller = caller(&[&first, &second, &third], None, BOTH);
    let mut kept = Connection::open(&gateway, &caller);
    assert_eq!(kept.submit(&gateway).unwrap(), 204);
    let shown = || {
        let mut connection = Connection::open(&gateway, &caller);
        assert_eq!(connection.submit(&gateway).unwrap(), 204);
        connection.certificate()
    };
    let write = |name: &str, content: &str| {
        fs::write(gateway.directory.path().join(name), content).unwrap();
    };

    write("key.pem", &second.key);
    gateway.signal("HUP");
    gateway.wait_until_applied(|applied| applied["last_error"] != Value::Null);
    assert_eq!(shown(), pem(&first.certificate));
    write("cert.pem", &second.certificate);
    gateway.signal("HUP");
    gateway.wait_until_applied(|applied| applied["last_error"] == Value::Null);
    assert_eq!(shown(), pem(&second.certificate));

    // Nobody has to say so.
    let before = gateway.applied()["generation"].clone();
    write("key.pem", &third.key);
    write("cert.pem", &third.certificate);
    gateway.wait_until_applied(|applied| {
        applied["generation"] != before && applied["last_error"] == Value::Null
    });
    assert_eq!(shown(), pem(&third.certificate));
    assert_eq!(kept.submit(&gateway).unwrap(), 204);
}

#[test]
fn half_a_certificate_or_key_changes_nothing() {
    let upstream = Upstream::accepting();
    let certificate = Certificate::for_this_machine();
    let gateway = Gateway::start(&settings(&upstream, &certificate, ""));
    let caller = caller(&[&certificate], None, BOTH);
    for (name, whole) in [
        ("cert.pem", &certificate.certificate),
        ("key.pem", &certificate.key),
    ] {
        let lines = |count| whole.lines().take(count).collect::<Vec<_>>().join("\n");
        let end = whole.lines().count();
        for cut in [
            String::new(),
            whole[..whole.len() / 2].to_owned(),
            lines(1),
            lines(end - 1),
            // Well-formed PEM around half of it.
            format!("{}\n{}\n", lines(end / 2), whole.lines().last().unwrap()),
            whole.replace("-----BEGIN", "-----BEGUN"),
        ] {
            let file = gateway.directory.path().join(name);
            fs::write(&file, &cut).unwrap();
            gateway.signal("HUP");
            gateway.wait_until_applied(|applied| applied["last_error"] != Value::Null);
            let mut connection = Connection::open(&gateway, &caller);
            assert_eq!(connection.submit(&gateway).unwrap(), 204, "{name}: {cut}");
            fs::write(&file, whole).unwrap();
            gateway.signal("HUP");
            gateway.wait_until_applied(|applied| applied["last_error"] == Value::Null);
        }
    }
}

#[test]
fn ten_thousand_idle_connections() {
    const IDLE: usize = 10_000;
    // The test holds as many sockets as the gateway does.
    scoregate::file_limit::raise();
    let upstream = Upstream::accepting();
    let certificate = Certificate::for_this_machine();
    let mut settings = settings(&upstream, &certificate, "");
    settings.server += "\nlisten = \"127.0.0.1:0\"\nworkers = 2\nidle_timeout = \"10m\"";
    settings.log = "access = false".to_owned();
    let gateway = Gateway::start(&settings);
    let caller = caller(&[&certificate], None, BOTH);
    let open = || {
        let mut connection = Connection::open(&gateway, &caller);
        connection
            .0
            .conn
            .complete_io(&mut connection.0.sock)
            .unwrap();
        connection
    };
    assert_eq!(open().submit(&gateway).unwrap(), 204);
    let before = gateway.size("VmRSS");
    let half = || -> Vec<_> {
        let connections = (0..IDLE / 2).map(|number| match number % 500 {
            // A few that can be used later; of the others this side keeps the socket alone.
            0 => (Some(open()), None),
            _ => (None, Some(open().0.sock)),
        });
        connections.collect()
    };
    let mut idle = thread::scope(|scope| {
        let other = scope.spawn(half);
        let mut idle = half();
        idle.extend(other.join().unwrap());
        idle
    });
    let each = (gateway.size("VmRSS") - before) * 1024 / IDLE as u64;
    assert!(each < 48 * 1024, "{each} bytes for each connection");
    let started = Instant::now();
    assert_eq!(open().submit(&gateway).unwrap(), 204);
    assert!(started.elapsed() < Duration::from_secs(1));
    // They are there, and none was turned away.
    for connection in idle.iter_mut().filter_map(|(usable, _)| usable.as_mut()) {
        assert_eq!(connection.submit(&gateway).unwrap(), 204);
    }
    let limit = &[("limit", "server.max_connections")];
    let open = Metrics::of(&gateway).sum("scoregate_limit_used", limit);
    assert!(open >= IDLE as f64, "{open}");
}

#[test]
fn handshakes_that_stall_block_nobody_and_end() {
    let upstream = Upstream::accepting();
    let certificate = Certificate::for_this_machine();
    let mut settings = settings(&upstream, &certificate, "");
    settings.server.push_str("\nhead_timeout = \"5s\"");
    let gateway = Gateway::start(&settings);
    let caller = caller(&[&certificate], None, BOTH);
    let mut stalled: Vec<_> = (0..200).map(|_| gateway.connect()).collect();
    for (number, client) in stalled.iter_mut().enumerate() {
        // Nothing; half of a hello; no TLS at all.
        match number % 3 {
            0 => {}
            1 => drop(client.send([22, 3, 1, 2, 0, 1, 0])),
            _ => drop(client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")),
        }
    }
    for _ in 0..5 {
        // Whoever waited for a stalled one would wait for its end.
        let started = Instant::now();
        let mut good = Connection::open(&gateway, &caller);
        assert_eq!(good.submit(&gateway).unwrap(), 204);
        assert!(
            started.elapsed() < Duration::from_secs(4),
            "{:?}",
            started.elapsed()
        );
    }
    for client in &mut stalled {
        assert!(!matches!(
            client.try_response(),
            Ok(_) | Err(Failure::Late(_))
        ));
    }
}

#[test]
fn handshakes_that_stall_do_not_hold_up_the_end() {
    let upstream = Upstream::accepting();
    let certificate = Certificate::for_this_machine();
    let settings = settings(&upstream, &certificate, "");
    let mut gateway = Gateway::start(&settings);
    let mut stalled = [gateway.connect(), gateway.connect()];
    stalled[1].send([22, 3, 1, 2, 0, 1, 0]);
    let limit = [("limit", "server.max_connections")];
    Metrics::wait_for(&gateway, "scoregate_limit_used", &limit, 2.0);
    let signalled = Instant::now();
    gateway.signal("TERM");
    assert_eq!(gateway.ended().code(), Some(0), "{}", gateway.log());
    let took = signalled.elapsed();
    assert!(took < Duration::from_secs(5), "{took:?}");
    stalled.iter_mut().for_each(Client::finish);
}
