//! Spans reach a collector, and carry what an access line carries. Needs `--features otlp`.
#![cfg(feature = "otlp")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]
#[allow(dead_code, unused_imports)]
mod support;

use std::thread;
use std::time::{Duration, Instant};

use support::*;

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const PARENT: &str = "b7ad6b7169203331";

/// One field of a protobuf message: its number, and its bytes or its number's.
type Field = (u64, Vec<u8>);

fn varint(bytes: &mut &[u8]) -> u64 {
    let mut number = 0;
    for shift in (0..).step_by(7) {
        let (byte, rest) = bytes.split_first().expect("the rest of a number");
        *bytes = rest;
        number |= u64::from(byte & 0x7F) << shift;
        if byte & 0x80 == 0 {
            break;
        }
    }
    number
}

fn fields(mut bytes: &[u8]) -> Vec<Field> {
    let mut fields = Vec::new();
    while !bytes.is_empty() {
        let tag = varint(&mut bytes);
        let length = match tag & 7 {
            0 => {
                fields.push((tag >> 3, varint(&mut bytes).to_be_bytes().to_vec()));
                continue;
            }
            1 => 8,
            2 => usize::try_from(varint(&mut bytes)).unwrap(),
            5 => 4,
            other => panic!("wire type {other}"),
        };
        let (value, rest) = bytes.split_at(length);
        fields.push((tag >> 3, value.to_vec()));
        bytes = rest;
    }
    fields
}

fn all(message: &[u8], number: u64) -> Vec<Vec<u8>> {
    let fields = fields(message).into_iter();
    let fields = fields.filter(|(other, _)| *other == number);
    fields.map(|(_, value)| value).collect()
}

fn one(message: &[u8], number: u64) -> Vec<u8> {
    all(message, number).into_iter().next().unwrap_or_default()
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap()
}

/// A span as `opentelemetry.proto.trace.v1` lays it out.
#[derive(Debug)]
struct Span {
    trace: String,
    id: String,
    parent: String,
    name: String,
    kind: u8,
    attributes: Vec<(String, String)>,
}

impl Span {
    fn read(message: &[u8]) -> Self {
        let attributes = all(message, 9).into_iter().map(|pair| {
            let value = one(&pair, 2);
            let number = || u64::from_be_bytes(one(&value, 3).try_into().unwrap_or_default());
            let value = match fields(&value).first() {
                Some((1, value)) => text(value.clone()),
                Some((3, _)) => number().to_string(),
                other => format!("{other:?}"),
            };
            (text(one(&pair, 1)), value)
        });
        Self {
            trace: hex(&one(message, 1), ""),
            id: hex(&one(message, 2), ""),
            parent: hex(&one(message, 4), ""),
            name: text(one(message, 5)),
            kind: one(message, 6).last().copied().unwrap_or_default(),
            attributes: attributes.collect(),
        }
    }

    fn attribute(&self, name: &str) -> Option<&str> {
        let mut found = self.attributes.iter().filter(|(other, _)| other == name);
        found.next().map(|(_, value)| value.as_str())
    }
}

/// The spans that a collector got.
fn spans(collector: &Upstream) -> Vec<Span> {
    let mut spans = Vec::new();
    for request in collector.requests() {
        assert_eq!((request.method(), request.target()), ("POST", "/v1/traces"));
        assert_eq!(
            request.header("content-type"),
            Some("application/x-protobuf")
        );
        for resource in all(&request.message.body, 1) {
            for scope in all(&resource, 2) {
                spans.extend(all(&scope, 2).iter().map(|span| Span::read(span)));
            }
        }
    }
    spans
}

fn wait_for_spans(collector: &Upstream, count: usize) -> Vec<Span> {
    let started = Instant::now();
    loop {
        let spans = spans(collector);
        if spans.len() >= count {
            return spans;
        }
        assert!(started.elapsed() < DEADLINE, "{spans:?}");
        thread::sleep(Duration::from_millis(5));
    }
}

fn collector() -> Upstream {
    Upstream::start(|_, _| reply(200, "application/x-protobuf", ""))
}

fn gateway(upstream: &Upstream, collector: std::net::SocketAddr, more: &str) -> Gateway {
    let mut settings = Settings::new(upstream.address);
    settings.log = "format = \"json\"\nlevel = \"trace\"".to_owned();
    settings.tables = format!("[traces]\nurl = \"http://{collector}/v1/traces\"\n{more}");
    Gateway::start(&settings)
}

fn traced(gateway: &Gateway, flags: &str) -> Request {
    let request = gateway.submission(SCORE).header("tracestate", "a=1");
    request.header("traceparent", &format!("00-{TRACE}-{PARENT}-{flags}"))
}

#[test]
fn a_sampled_trace_gets_a_span_between_caller_and_ltiaas() {
    let (upstream, collector) = (Upstream::accepting(), collector());
    let gateway = gateway(&upstream, collector.address, "");
    assert_eq!(gateway.ask(&traced(&gateway, "01")).status, 204);
    let spans = wait_for_spans(&collector, 1);
    let span = &spans[0];
    assert_eq!(
        (&*span.trace, &*span.parent, &*span.name, span.kind),
        (TRACE, PARENT, "submit_score", 2)
    );
    for (name, value) in [
        ("http.request.method", "POST"),
        ("http.response.status_code", "204"),
        ("scoregate.caller", "quiz-app"),
        ("scoregate.account", "main"),
        ("scoregate.decision", "forwarded"),
    ] {
        assert_eq!(span.attribute(name), Some(value), "{span:?}");
    }
    let sent = upstream.only();
    let parent = format!("00-{TRACE}-{}-01", span.id);
    assert_eq!(sent.header("traceparent"), Some(&*parent));
    assert_eq!(sent.header("tracestate"), Some("a=1"));
    let body = collector.only().message.body;
    for private in [&gateway.key, API_KEY, LTIK, "5323497"] {
        let found = body
            .windows(private.len())
            .any(|part| part == private.as_bytes());
        assert!(!found, "{private}");
    }
}

#[test]
fn a_trace_that_is_not_sampled_passes_as_it_came() {
    let (upstream, collector) = (Upstream::accepting(), collector());
    let gateway = gateway(&upstream, collector.address, "");
    gateway.ask(&traced(&gateway, "00"));
    let parent = format!("00-{TRACE}-{PARENT}-00");
    assert_eq!(upstream.only().header("traceparent"), Some(&*parent));
    // One that is sampled comes after it, so that nothing is still on its way.
    gateway.submit("{}");
    let spans = wait_for_spans(&collector, 1);
    assert_eq!(spans.len(), 1);
    assert_eq!(spans[0].attribute("error.type"), Some("INVALID_SCORE"));
}

#[test]
fn a_request_without_a_trace_begins_one_as_often_as_configured() {
    let (upstream, collector) = (Upstream::accepting(), collector());
    let always = gateway(&upstream, collector.address, "sample_percent = 100");
    always.submit(SCORE);
    let spans = wait_for_spans(&collector, 1);
    assert_eq!(spans[0].parent, "");
    let parent = format!("00-{}-{}-01", spans[0].trace, spans[0].id);
    assert_eq!(upstream.last().header("traceparent"), Some(&*parent));
    always.wait_for_log(&format!("\"trace_id\":\"{}\"", spans[0].trace));
    let never = gateway(&upstream, collector.address, "sample_percent = 0");
    never.submit(SCORE);
    assert_eq!(upstream.last().header("traceparent"), None);
}

const SPANS: &str = "scoregate_trace_spans_total";

fn counted(gateway: &Gateway, result: &str, spans: f64) -> Metrics {
    Metrics::wait_for(gateway, SPANS, &[("result", result)], spans)
}

#[test]
fn spans_are_counted_by_what_became_of_them() {
    let upstream = Upstream::accepting();
    let collector = Upstream::start(|_, number| match number {
        0 => reply(200, "application/x-protobuf", ""),
        _ => reply(400, "", ""),
    });
    let gateway = gateway(&upstream, collector.address, "");
    gateway.submit(SCORE);
    counted(&gateway, "exported", 1.0);
    gateway.submit(SCORE);
    gateway.submit(SCORE);
    let metrics = counted(&gateway, "failed", 2.0);
    assert_eq!(metrics.sum(SPANS, &[]), 3.0);
}

/// A collector that says nothing holds up what waits, until there is no more room.
#[test]
fn spans_that_have_no_room_are_dropped_and_counted() {
    const BEYOND: usize = 100;
    let (upstream, collector) = (Upstream::accepting(), Upstream::start(|_, _| Reply::Hang));
    let gateway = gateway(&upstream, collector.address, "export_timeout = \"30s\"");
    let mut client = gateway.connect();
    let request = Request::new("GET", "/nothing").bytes();
    for _ in 0..4_096 + BEYOND {
        assert_eq!(client.send(&request).response().status, 404);
    }
    let metrics = counted(&gateway, "dropped", BEYOND as f64);
    assert_eq!(metrics.sum(SPANS, &[]), BEYOND as f64);
    assert_eq!(gateway.submit(SCORE).status, 204);
}

#[test]
fn what_waits_is_exported_before_the_end() {
    let (upstream, collector) = (Upstream::accepting(), collector());
    let mut gateway = gateway(&upstream, collector.address, "");
    for _ in 0..5 {
        gateway.submit(SCORE);
    }
    gateway.signal("TERM");
    assert!(gateway.ended().success());
    assert_eq!(spans(&collector).len(), 5);
}

#[test]
fn a_collector_that_is_away_costs_no_request() {
    let (_held, address) = refusing_address();
    let upstream = Upstream::accepting();
    let mut gateway = gateway(&upstream, address, "export_timeout = \"500ms\"");
    assert_eq!(gateway.submit(SCORE).status, 204);
    gateway.wait_for_log("spans could not be exported");
    assert_eq!(gateway.submit(SCORE).status, 204);
    gateway.signal("TERM");
    assert!(gateway.ended().success());
}
