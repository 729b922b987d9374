//! Messages that two parsers could read differently. Each gets an envelope, or a bodiless 4xx and
//! the end of the connection; at most one request goes upstream; and the gateway serves on.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]
#[allow(dead_code, unused_imports)]
mod support;

use support::*;

struct Bench {
    upstream: Upstream,
    gateway: Gateway,
}

/// A request that must never be taken for one: behind an ambiguous body.
const SMUGGLED: &str = "GET /api/idtoken HTTP/1.1\r\nHost: gateway.test\r\n\r\n";

impl Bench {
    fn new() -> Self {
        let upstream = Upstream::accepting();
        let mut settings = Settings::new(upstream.address);
        // What looks like a head or a body that is not whole ends sooner than this client's
        // patience.
        settings.server = "head_timeout = \"2s\"\nbody_timeout = \"2s\"".to_owned();
        let gateway = Gateway::start(&settings);
        Self { upstream, gateway }
    }

    /// A submission with these header lines in place of its length, and this body.
    fn submission(&self, lines: &str, body: &str) -> Vec<u8> {
        let authorization = format!("LTIK-AUTH-V2 {}:{LTIK}", self.gateway.key);
        format!("POST {SCORES} HTTP/1.1\r\nHost: gateway.test\r\nAuthorization: {authorization}\r\nContent-Type: application/json\r\n{lines}\r\n{body}").into_bytes()
    }

    /// Every answer to these bytes on one connection, and whether it has ended behind them: a
    /// last request shows what the gateway makes of the connection afterwards.
    fn answers(&self, bytes: &[u8]) -> (Vec<Response>, bool) {
        let mut client = self.gateway.connect();
        let first = client.send(bytes).try_response();
        let last = Request::new("GET", "/nowhere").header("x-request-id", "the-last");
        client.send(last.header("connection", "close").bytes());
        self.rest(&mut client, first, bytes)
    }

    /// The same for bytes that end too soon.
    fn answers_to_cut(&self, bytes: &[u8]) -> (Vec<Response>, bool) {
        let mut client = self.gateway.connect();
        client.send(bytes).finish();
        let first = client.try_response();
        self.rest(&mut client, first, bytes)
    }

    fn rest(
        &self,
        client: &mut Client,
        mut next: Result<Response, Failure>,
        bytes: &[u8],
    ) -> (Vec<Response>, bool) {
        let mut answers = Vec::new();
        loop {
            match next {
                Ok(answer) if answer.header("x-request-id") == Some("the-last") => {
                    return (answers, false);
                }
                Ok(answer) => answers.push(answer),
                Err(Failure::Closed) => return (answers, true),
                Err(failure) => panic!("{failure:?} to {}", shown(bytes)),
            }
            next = client.try_response();
        }
    }

    /// What is wrong where a message is not refused whole, and its connection ended.
    fn fault(&self, bytes: &[u8], cut: bool) -> Option<String> {
        let before = self.upstream.requests().len();
        let (answers, closed) = match cut {
            true => self.answers_to_cut(bytes),
            false => self.answers(bytes),
        };
        let forwarded = self.upstream.requests().len() - before;
        let statuses: Vec<_> = answers.iter().map(|answer| answer.status).collect();
        self.serves();
        let refused = matches!(statuses.as_slice(), [] | [400..500]);
        if !refused || !closed || forwarded > 0 {
            let shown = shown(bytes);
            return Some(format!(
                "answers {statuses:?}, closed {closed}, forwarded {forwarded}: {shown}"
            ));
        }
        answers.iter().for_each(assert_bodiless_or_envelope);
        None
    }

    /// Every message is refused whole, and its connection ends.
    fn refuses(&self, messages: impl IntoIterator<Item = Vec<u8>>, cut: bool) {
        let messages = messages.into_iter();
        let faults: Vec<_> = messages
            .filter_map(|bytes| self.fault(&bytes, cut))
            .collect();
        assert!(faults.is_empty(), "\n{}", faults.join("\n"));
    }

    fn serves(&self) {
        let response = self.gateway.submit(SCORE);
        assert_eq!(response.status, 204, "{}", response.everything());
        assert_eq!(self.upstream.last().body(), SCORE);
    }
}

fn shown(bytes: &[u8]) -> String {
    let text: String = String::from_utf8_lossy(bytes).chars().take(700).collect();
    format!("{text:?}")
}

fn chunked(body: &str) -> String {
    format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len())
}

#[test]
fn framing_that_is_no_framing_is_refused() {
    let bench = Bench::new();
    let length = SCORE.len();
    let plain = SCORE.to_owned();
    let mut messages = Vec::new();
    for (lines, body) in [
        (
            format!(
                "Content-Length: {length}\r\nContent-Length: {}\r\n",
                length + 1
            ),
            plain.clone() + SMUGGLED,
        ),
        (
            format!(
                "Content-Length: {}\r\nContent-Length: {length}\r\n",
                length + 1
            ),
            plain.clone() + SMUGGLED,
        ),
        (
            format!("Content-Length: {length}, {}\r\n", length + 1),
            plain.clone(),
        ),
        (format!("Content-Length: +{length}\r\n"), plain.clone()),
        (format!("Content-Length: -{length}\r\n"), plain.clone()),
        (format!("Content-Length: 0x{length:x}\r\n"), plain.clone()),
        (format!("Content-Length: {length} x\r\n"), plain.clone()),
        (format!("Content-Length: {length}.0\r\n"), plain.clone()),
        ("Content-Length: \r\n".to_owned(), plain.clone()),
        (
            "Content-Length: 18446744073709551615\r\n".to_owned(),
            plain.clone(),
        ),
        (
            "Content-Length: 18446744073709551616\r\n".to_owned(),
            plain.clone(),
        ),
        (
            "Content-Length: 99999999999999999999999\r\n".to_owned(),
            plain.clone(),
        ),
        (format!("Content-Length : {length}\r\n"), plain.clone()),
        (format!("Content Length: {length}\r\n"), plain.clone()),
        (format!("Content-Length:\r\n {length}\r\n"), plain.clone()),
        (
            format!("X: a\r\n\tb\r\nContent-Length: {length}\r\n"),
            plain.clone(),
        ),
        (
            format!(" X: a\r\nContent-Length: {length}\r\n"),
            plain.clone(),
        ),
        (
            format!("X: a\rContent-Length: 5\r\nContent-Length: {length}\r\n"),
            plain.clone(),
        ),
        (
            format!("X: a\0b\r\nContent-Length: {length}\r\n"),
            plain.clone(),
        ),
        (
            format!(": a\r\nContent-Length: {length}\r\n"),
            plain.clone(),
        ),
        (
            format!("no colon\r\nContent-Length: {length}\r\n"),
            plain.clone(),
        ),
        (
            format!("X\0: a\r\nContent-Length: {length}\r\n"),
            plain.clone(),
        ),
        (
            format!("Xé: a\r\nContent-Length: {length}\r\n"),
            plain.clone(),
        ),
        ("Transfer-Encoding: gzip\r\n".to_owned(), chunked(SCORE)),
        ("Transfer-Encoding: identity\r\n".to_owned(), chunked(SCORE)),
        (
            "Transfer-Encoding: gzip, chunked\r\n".to_owned(),
            chunked(SCORE),
        ),
        (
            "Transfer-Encoding: chunked, gzip\r\n".to_owned(),
            chunked(SCORE),
        ),
        (
            "Transfer-Encoding: chunked, chunked\r\n".to_owned(),
            chunked(SCORE),
        ),
        (
            "Transfer-Encoding: chunked, identity\r\n".to_owned(),
            chunked(SCORE),
        ),
        (
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n".to_owned(),
            chunked(SCORE),
        ),
        (
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n".to_owned(),
            chunked(SCORE),
        ),
        ("Transfer-Encoding: xchunked\r\n".to_owned(), chunked(SCORE)),
        (
            "Transfer-Encoding: chunked;x=1\r\n".to_owned(),
            chunked(SCORE),
        ),
        (
            "Transfer-Encoding: \"chunked\"\r\n".to_owned(),
            chunked(SCORE),
        ),
        (
            "Transfer-Encoding:\u{b}chunked\r\n".to_owned(),
            chunked(SCORE),
        ),
        (
            "Transfer-Encoding:\r\n chunked\r\n".to_owned(),
            chunked(SCORE),
        ),
        ("Transfer-Encoding : chunked\r\n".to_owned(), chunked(SCORE)),
        ("Transfer-Encoding: \r\n".to_owned(), chunked(SCORE)),
        (
            "Transfer\u{2d}Encoding\t: chunked\r\n".to_owned(),
            chunked(SCORE),
        ),
    ] {
        messages.push(bench.submission(&lines, &body));
    }
    bench.refuses(messages, false);
}

#[test]
fn chunks_that_are_no_chunks_are_refused() {
    let bench = Bench::new();
    let size = format!("{:x}", SCORE.len());
    let mut messages = Vec::new();
    for body in [
        format!("ffffffffffffffff\r\n{SCORE}\r\n0\r\n\r\n"),
        format!("10000000000000000{size}\r\n{SCORE}\r\n0\r\n\r\n"),
        format!("-{size}\r\n{SCORE}\r\n0\r\n\r\n"),
        format!("+{size}\r\n{SCORE}\r\n0\r\n\r\n"),
        format!("0x{size}\r\n{SCORE}\r\n0\r\n\r\n"),
        format!("zz\r\n{SCORE}\r\n0\r\n\r\n"),
        format!("\r\n{SCORE}\r\n0\r\n\r\n"),
        format!("{size}\r\n{SCORE}xx\r\n0\r\n\r\n"),
        format!("{size}\r\n{SCORE}0\r\n\r\n"),
        format!("{size}\r\n{SCORE}\r\n0\r\nno colon\r\n\r\n"),
        format!("{size};{}\r\n{SCORE}\r\n0\r\n\r\n", "x".repeat(100_000)),
        format!(
            "{size}\r\n{SCORE}\r\n0\r\n{}\r\n",
            "x: y\r\n".repeat(20_000)
        ),
    ] {
        messages.push(bench.submission("Transfer-Encoding: chunked\r\n", &body));
    }
    bench.refuses(messages, false);
    let coding = "Transfer-Encoding: chunked\r\n";
    let cut = [
        bench.submission("Content-Length: 200\r\n", SCORE),
        bench.submission(coding, &format!("{size}\r\n{SCORE}\r\n")),
        bench.submission(coding, &format!("{size}\r\n{SCORE}\r\n0\r\n")),
        bench.submission(coding, &format!("{size}\r\n{}", &SCORE[..20])),
        bench.submission(coding, ""),
        b"POST /api/idtoken HT".to_vec(),
        b"GET /api/idtoken HTTP/1.1\r\nHost: a\r\n".to_vec(),
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec(),
    ];
    bench.refuses(cut, true);
}

#[test]
fn a_length_beside_chunks_is_refused_or_read_as_chunks_and_the_connection_ended() {
    let bench = Bench::new();
    let (length, coding) = (
        format!("Content-Length: {}\r\n", SCORE.len()),
        "Transfer-Encoding: chunked\r\n",
    );
    for lines in [
        format!("{length}{coding}"),
        format!("{coding}{length}"),
        format!("Content-Length: 0\r\n{coding}"),
        format!("{coding}Content-Length: 5\r\n"),
        format!("{length}{coding}{length}"),
    ] {
        for end in ["", SMUGGLED] {
            let before = bench.upstream.requests().len();
            let (answers, closed) =
                bench.answers(&bench.submission(&lines, &(chunked(SCORE) + end)));
            let statuses: Vec<_> = answers.iter().map(|answer| answer.status).collect();
            assert!(
                closed && matches!(statuses.as_slice(), [] | [204] | [400..500]),
                "{lines:?}: {statuses:?}"
            );
            assert!(bench.upstream.requests().len() <= before + 1, "{lines:?}");
            // Whatever went out was framed once.
            for sent in bench.upstream.requests() {
                assert_eq!(
                    (sent.body().as_str(), sent.header("transfer-encoding")),
                    (SCORE, None)
                );
            }
            bench.serves();
        }
    }
    // Equal lengths are one length, or an error; never two requests.
    for lines in [
        format!("{length}{length}"),
        format!("Content-Length: {0}, {0}\r\n", SCORE.len()),
    ] {
        let before = bench.upstream.requests().len();
        let (answers, _) = bench.answers(&bench.submission(&lines, SCORE));
        let statuses: Vec<_> = answers.iter().map(|answer| answer.status).collect();
        assert!(
            matches!(statuses.as_slice(), [] | [204] | [400..500]),
            "{lines:?}: {statuses:?}"
        );
        assert!(bench.upstream.requests().len() <= before + 1, "{lines:?}");
        bench.serves();
    }
}

#[test]
fn malformed_heads_are_refused() {
    let bench = Bench::new();
    let authorization = format!(
        "Authorization: LTIK-AUTH-V2 {}:{LTIK}\r\n",
        bench.gateway.key
    );
    let get =
        |line: &str, headers: &str| format!("{line}\r\n{headers}{authorization}\r\n").into_bytes();
    let host = "Host: gateway.test\r\n";
    let many = "x-a: 1\r\n".repeat(200);
    let large = format!("x-a: {}\r\n", "x".repeat(100_000));
    let long = format!("GET /api/lineitems?tag={} HTTP/1.1", "x".repeat(100_000));
    let messages = [
        get("GET /api/idtoken HTTP/1.1", ""),
        get("GET /api/idtoken HTTP/1.1", "Host: a\r\nHost: a\r\n"),
        get("GET /api/idtoken HTTP/1.1", "Host: a\r\nhost: b\r\n"),
        get("GET /api/idtoken HTTP/1.1", "Host: a b\r\n"),
        get("GET /api/idtoken HTTP/1.1", "Host: a/b\r\n"),
        get("GET /api/idtoken HTTP/1.1", "Host: a@b\r\n"),
        get("GET /api/idtoken HTTP/1.1", "Host: a, b\r\n"),
        get("GET /api/idtoken HTTP/1.1", "Host: a:b\r\n"),
        get("GET /api/idtoken HTTP/1.1", "Host: a:99999\r\n"),
        get("GET /api/idtoken HTTP/1.1", "Host: a?b\r\n"),
        get("GET /api/idtoken HTTP/1.1", "Host: [::1\r\n"),
        get("GET /api/idtoken HTTP/1.1", "Host: \r\n"),
        get("GET /api/idtoken HTTP/1.1", &format!("{host}{many}")),
        get("GET /api/idtoken HTTP/1.1", &format!("{host}{large}")),
        get(&long, host),
        get(
            "GET /api/idtoken HTTP/1.1",
            &format!("{host}Upgrade: websocket\r\nConnection: upgrade\r\n"),
        ),
        [
            get(
                "GET /api/idtoken HTTP/1.1",
                &format!("{host}Upgrade: h2c\r\nConnection: upgrade\r\n"),
            ),
            SMUGGLED.into(),
        ]
        .concat(),
        [
            get("CONNECT lms.example.com:443 HTTP/1.1", host),
            SMUGGLED.into(),
        ]
        .concat(),
        get("CONNECT /api/idtoken HTTP/1.1", host),
        get("GET  /api/idtoken HTTP/1.1", host),
        get("GET /api/idtoken  HTTP/1.1", host),
        get("GET /api/id token HTTP/1.1", host),
        get("GET\t/api/idtoken HTTP/1.1", host),
        get(" GET /api/idtoken HTTP/1.1", host),
        get("GET api/idtoken HTTP/1.1", host),
        get("GET HTTP/1.1", host),
        get("GET", host),
        get("GET /api/idtoken", host),
        get("GET /api/idtoken HTTP/3.0", host),
        get("GET /api/idtoken HTTP/1.2", host),
        get("GET /api/idtoken http/1.1", host),
        get("GET /api/idtoken HTTP/1.10", host),
        get("G\0T /api/idtoken HTTP/1.1", host),
        get("GET /api/id\0token HTTP/1.1", host),
        b"\0\0\0\0\0\0\0\0\r\n\r\n".to_vec(),
        b"{\"userId\":1}\r\n\r\n".to_vec(),
        vec![b'A'; 2_000_000],
        b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n".to_vec(),
    ];
    bench.refuses(messages, false);
}

#[test]
fn targets_in_other_forms_and_odd_methods_are_refused() {
    let bench = Bench::new();
    let request = |method: &str, target: &str| {
        bench
            .gateway
            .request(method, target)
            .header("connection", "close")
    };
    for (method, target, statuses) in [
        ("GET", "http://gateway.test/api/idtoken", &[400][..]),
        ("GET", "https://evil.example/api/idtoken", &[400]),
        ("GET", "ftp://x/api/idtoken", &[400]),
        ("GET", "*", &[400, 404]),
        ("OPTIONS", "*", &[400, 404]),
        ("OPTIONS", "/api/idtoken", &[405]),
        ("HEAD", "/api/idtoken", &[405]),
        ("TRACE", "/api/idtoken", &[405]),
        ("get", "/api/idtoken", &[400, 405]),
        ("Get", "/api/idtoken", &[400, 405]),
        ("PATCH", SCORES, &[405]),
        ("PUT", SCORES, &[405]),
        ("post", SCORES, &[400, 405]),
        ("FROBNICATE", SCORES, &[405]),
        ("GET", "/api/../admin/platforms", &[400, 404]),
        ("GET", "/healthz", &[404]),
        ("GET", "/metrics", &[404]),
        ("GET", "/", &[404]),
        ("GET", "/api/idtoken/../platforms", &[400, 404]),
    ] {
        let mut client = bench.gateway.connect();
        client.send(request(method, target).bytes());
        match method {
            "HEAD" => assert_eq!(client.try_head().unwrap().status, 405),
            _ => {
                let response = client.response();
                assert!(
                    statuses.contains(&response.status),
                    "{method} {target}: {}",
                    response.everything()
                );
                assert_bodiless_or_envelope(&response);
            }
        }
    }
    assert!(bench.upstream.requests().is_empty());
    bench.serves();
}

#[test]
fn a_body_that_nobody_reads_never_becomes_a_request() {
    let bench = Bench::new();
    // A GET with a body; a request refused before its body is read; both with a request inside.
    for (line, status) in [
        ("GET /api/lineitems", 204),
        ("GET /nowhere", 404),
        ("GET /api/idtoken", 204),
    ] {
        let before = bench.upstream.requests().len();
        let bytes = format!(
            "{line} HTTP/1.1\r\nHost: gateway.test\r\nAuthorization: LTIK-AUTH-V2 {}:{LTIK}\r\nContent-Length: {}\r\n\r\n{SMUGGLED}",
            bench.gateway.key,
            SMUGGLED.len()
        );
        let (answers, _) = bench.answers(bytes.as_bytes());
        assert_eq!(answers.len(), 1, "{line}: {answers:?}");
        assert!(
            answers[0].status == status || answers[0].status == 400,
            "{}",
            answers[0].everything()
        );
        for sent in &bench.upstream.requests()[before..] {
            assert!(sent.message.body.is_empty() && sent.header("content-length").is_none());
        }
        assert!(bench.upstream.requests().len() <= before + 1);
        bench.serves();
    }
}

#[test]
fn http_1_0_is_served_without_chunks() {
    let bench = Bench::new();
    let authorization = format!(
        "Authorization: LTIK-AUTH-V2 {}:{LTIK}\r\n",
        bench.gateway.key
    );
    let head = format!(
        "POST {SCORES} HTTP/1.0\r\nHost: a\r\n{authorization}Content-Type: application/json\r\n"
    );
    let coded = format!("{head}Transfer-Encoding: chunked\r\n\r\n{}", chunked(SCORE));
    bench.refuses([coded.into_bytes()], false);
    let length = SCORE.len();
    for message in [
        format!("GET /api/idtoken HTTP/1.0\r\n{authorization}\r\n"),
        format!("{head}Content-Length: {length}\r\n\r\n{SCORE}"),
    ] {
        let (answers, closed) = bench.answers(message.as_bytes());
        assert!(closed && answers.len() == 1, "{answers:?}");
        assert!(answers[0].status < 500, "{}", answers[0].everything());
    }
    bench.serves();
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let bench = Bench::new();
    let one = bench
        .gateway
        .submission(SCORE)
        .header("x-request-id", "one")
        .bytes();
    let two = bench
        .gateway
        .request("GET", "/nowhere")
        .header("x-request-id", "two")
        .bytes();
    let three = bench
        .gateway
        .submission(SCORE)
        .header("x-request-id", "three")
        .bytes();
    let mut client = bench.gateway.connect();
    client.send([one, two, three].concat());
    let answers = [client.response(), client.response(), client.response()];
    let ids: Vec<_> = answers
        .iter()
        .map(|answer| answer.header("x-request-id").unwrap())
        .collect();
    assert_eq!(ids, ["one", "two", "three"]);
    let statuses: Vec<_> = answers.iter().map(|answer| answer.status).collect();
    assert_eq!(statuses, [204, 404, 204]);
}

#[test]
fn lines_that_end_in_a_bare_line_feed_are_one_request_or_none() {
    let bench = Bench::new();
    let bytes = String::from_utf8(bench.gateway.submission(SCORE).bytes()).unwrap();
    let before = bench.upstream.requests().len();
    let (answers, _) = bench.answers(bytes.replace("\r\n", "\n").as_bytes());
    assert!(answers.len() <= 1);
    assert!(bench.upstream.requests().len() <= before + 1);
    // A bare line feed within a body ends nothing.
    for body in ["\n\n", "\r\n\r\n"] {
        let body = SCORE.replace(',', &format!(",{body}"));
        assert_eq!(bench.gateway.submit(body).status, 204);
    }
    bench.serves();
}
