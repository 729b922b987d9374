//! One connection to the upstream, HTTP/1.1 or, where ALPN chose it, HTTP/2.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use http::{Response, Uri, header};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::{TrySendError, http1};
use hyper_util::rt::TokioIo;

use super::shared::Shared;
use super::{Outbound, Unanswered};
use crate::dial::Stream;

type Body = Full<Bytes>;

/// A connection that can take a request.
pub enum Connection {
    Http1(http1::SendRequest<Body>),
    Http2(Shared),
}

type Answer = (Connection, Response<Incoming>);

impl Connection {
    /// Starts the protocol. The connection's own task ends with the connection.
    pub async fn open(stream: Stream) -> Result<Self, hyper::Error> {
        let http2 = stream.speaks_http2();
        let stream = TokioIo::new(stream);
        if http2 {
            return Shared::open(stream).await.map(Self::Http2);
        }
        // Requests are small: one buffer is written faster than two.
        let mut builder = http1::Builder::new();
        let (sender, connection) = builder.writev(false).handshake(stream).await?;
        tokio::spawn(connection);
        Ok(Self::Http1(sender))
    }

    pub fn is_closed(&self) -> bool {
        match self {
            Self::Http1(sender) => sender.is_closed(),
            Self::Http2(shared) => shared.is_closed(),
        }
    }

    /// Sends a request and waits for the head of the answer. Takes the request out of its place,
    /// and puts it back if no byte of it was sent.
    pub async fn send(self, request: &mut Option<Outbound>) -> Result<Answer, Unanswered> {
        match self {
            Self::Http1(sender) => send_http1(sender, request).await,
            Self::Http2(shared) => send_http2(shared, request).await,
        }
    }
}

async fn send_http1(
    mut sender: http1::SendRequest<Body>,
    place: &mut Option<Outbound>,
) -> Result<Answer, Unanswered> {
    // A connection just given back has to notice that its last answer is over.
    sender.ready().await.map_err(Unanswered::Unsent)?;
    let mut request = place.take().ok_or(Unanswered::AlreadySent)?;
    let odd = watch_informational(&mut request);
    let answer = sender.try_send_request(request).await;
    if odd.load(Ordering::Relaxed) {
        return Err(Unanswered::Informational);
    }
    Ok((
        Connection::Http1(sender),
        answer.map_err(|fault| sort(fault, place))?,
    ))
}

async fn send_http2(
    mut shared: Shared,
    place: &mut Option<Outbound>,
) -> Result<Answer, Unanswered> {
    let ready = shared.sender.ready().await;
    ready.map_err(Unanswered::Unsent)?;
    let mut request = place.take().ok_or(Unanswered::AlreadySent)?;
    name_authority(&mut request);
    let answer = shared.sender.try_send_request(request).await;
    Ok((
        Connection::Http2(shared),
        answer.map_err(|fault| sort(fault, place))?,
    ))
}

fn sort(mut fault: TrySendError<Outbound>, place: &mut Option<Outbound>) -> Unanswered {
    *place = fault.take_message();
    match place {
        Some(_) => Unanswered::Unsent(fault.into_error()),
        None => classify(fault.into_error()),
    }
}

fn classify(cause: hyper::Error) -> Unanswered {
    match cause.is_parse() || cause.is_parse_too_large() || cause.is_parse_status() {
        true => Unanswered::NotHttp(cause),
        false => Unanswered::Broken(cause),
    }
}

/// hyper swallows informational answers; only 100 and 103 may come before ours. Over HTTP/2 it tells
/// nobody of them (docs/decisions/0004).
fn watch_informational(request: &mut Outbound) -> Arc<AtomicBool> {
    let odd = Arc::new(AtomicBool::new(false));
    let noted = odd.clone();
    hyper::ext::on_informational(request, move |answer| {
        if !matches!(answer.status().as_u16(), 100 | 103) {
            noted.store(true, Ordering::Relaxed);
        }
    });
    odd
}

/// HTTP/2 takes the host from the target's authority instead of a `host` header.
fn name_authority(request: &mut Outbound) {
    let Some(host) = request.headers_mut().remove(header::HOST) else {
        return;
    };
    let target = request.uri().path_and_query().cloned();
    let uri = Uri::builder().scheme("https").authority(host.as_bytes());
    if let Some(uri) = target.and_then(|target| uri.path_and_query(target).build().ok()) {
        *request.uri_mut() = uri;
    }
}
