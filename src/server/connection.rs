//! Accepts connections on one worker's socket and serves each: TLS where configured, HTTP/1.1 and
//! HTTP/2 by ALPN or prior knowledge, watched for stalls, asked to leave when the gateway will end, and
//! ended gracefully when it drains.

use std::cell::RefCell;
use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::io;
use std::net::TcpListener as StdListener;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use arc_swap::ArcSwap;
use futures_util::TryFutureExt as _;
use http::header::CONNECTION;
use http::{HeaderValue, Request, Response, Version};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::sleep;

use super::Front;
use super::aside::Aside;
use super::handshake::shake;
use super::streams::Streams;
use super::watch::{Limits, Watched};
use crate::activity::Activity;
use crate::body::Body;
use crate::lifecycle::{Lifecycle, Stage};
use crate::meter::Meters;

/// The most a request's head may take, in bytes. An ltik and a JWT fit several times.
const MOST_HEAD: usize = 64 * 1024;

/// What an HTTP/2 connection begins with (RFC 9113 section 3.4), and no HTTP/1.1 method in use does.
const PREFACE: &[u8; 3] = b"PRI";

/// Requests that one HTTP/2 connection may have in flight.
const MOST_STREAMS: u32 = 256;

/// More permits than connections can be open.
const OPEN: u32 = 1 << 28;

/// How long accepting rests after it failed, as it does when file descriptors run out.
const REST: Duration = Duration::from_millis(50);

/// How long a connection without a request may hold up the end.
const GOODBYE: Duration = Duration::from_secs(1);

/// A whole path: any request in, an answer out, never an error.
pub trait Answers:
    tower::Service<
        Request<Incoming>,
        Response = Response<Body>,
        Error = Infallible,
        Future: Future<Output = Result<Response<Body>, Infallible>> + Send + 'static,
    > + Clone
    + Send
    + 'static
{
}

impl<S> Answers for S
where
    S: tower::Service<Request<Incoming>, Response = Response<Body>, Error = Infallible>
        + Clone
        + Send
        + 'static,
    S::Future: Send + 'static,
{
}

/// What accepting needs to know.
#[derive(Clone)]
pub struct Acceptor {
    pub front: Arc<ArcSwap<Front>>,
    /// A permit for each connection that may be open.
    pub room: Arc<Semaphore>,
    pub lifecycle: Arc<Lifecycle>,
    pub meters: Arc<Meters>,
}

/// Serves a worker's socket until the gateway drains, then until its connections have ended.
pub async fn serve(socket: StdListener, acceptor: Acceptor, path: impl Answers) -> io::Result<()> {
    let socket = TcpListener::from_std(socket)?;
    let connections = Arc::new(Semaphore::new(OPEN as usize));
    let mut drained = pin!(acceptor.lifecycle.drained());
    loop {
        let accepted = tokio::select! {
            accepted = accept(&socket, &acceptor.room) => accepted,
            () = &mut drained => break,
        };
        let Some((stream, place)) = accepted else {
            continue;
        };
        let open = connections.clone().try_acquire_owned();
        let (acceptor, path) = (acceptor.clone(), path.clone());
        tokio::spawn(async move {
            serve_connection(stream, acceptor, path).await;
            drop((place, open));
        });
    }
    drop(socket);
    // Every connection holds one permit: all of them are back when none is open.
    let _ = connections.acquire_many(OPEN).await;
    Ok(())
}

/// A connection and its place among those that may be open. A place is taken only for somebody who
/// is there: one that a quiet worker held would be missing to the others. So one connection of each
/// worker may wait here for a place; those behind it queue in the kernel.
async fn accept(
    socket: &TcpListener,
    room: &Arc<Semaphore>,
) -> Option<(TcpStream, OwnedSemaphorePermit)> {
    match socket.accept().await {
        Ok((stream, _)) => {
            // Answers are written whole: waiting for more would only add delay.
            let _ = stream.set_nodelay(true);
            let place = room.clone().acquire_owned().await.ok()?;
            Some((stream, place))
        }
        Err(cause) => {
            tracing::warn!(target: "scoregate::server", %cause, "a connection could not be accepted");
            sleep(REST).await;
            None
        }
    }
}

/// A handshake happens here, in the connection's own task, so that a stalled one blocks nobody.
async fn serve_connection(stream: TcpStream, acceptor: Acceptor, path: impl Answers) {
    let Acceptor {
        front,
        lifecycle,
        meters,
        ..
    } = acceptor;
    // Looked at once, so that a connection does not keep what it no longer needs.
    let front = front.load_full();
    let (tls, handshake, limits) = (front.tls.clone(), front.handshake, front.limits);
    drop(front);
    let Some(tls) = tls else {
        if let Some(spoken) = opening(&stream, limits, &lifecycle).await {
            serve_http(stream, spoken, limits, &lifecycle, path).await;
        }
        return;
    };
    // Boxed: a plain connection needs no room for it.
    let shaken = Box::pin(async {
        tokio::select! {
            shaken = shake(stream, &tls, handshake, &meters.handshakes) => shaken,
            () = drained_for_long(&lifecycle) => None,
        }
    });
    if let Some(stream) = shaken.await {
        let spoken = match stream.get_ref().1.alpn_protocol() {
            Some(b"http/1.1") => Spoken::Http1,
            Some(b"h2") => Spoken::Http2,
            _ => Spoken::Either,
        };
        Box::pin(serve_http(stream, spoken, limits, &lifecycle, path)).await;
    }
}

/// Whoever has not asked for anything by then, will not.
async fn drained_for_long(lifecycle: &Lifecycle) {
    lifecycle.drained().await;
    sleep(GOODBYE).await;
}

/// What is known of a caller's protocol before anything is read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Spoken {
    Http1,
    Http2,
    /// To be told from the first bytes.
    Either,
}

/// Waits for a caller's first bytes, and leaves them unread. A connection without any needs no
/// buffers, and one that speaks HTTP/1.1, as nearly all do, no room for HTTP/2. `None` where there
/// is nobody to serve.
async fn opening(stream: &TcpStream, limits: Limits, lifecycle: &Lifecycle) -> Option<Spoken> {
    let mut first = [0; PREFACE.len()];
    let length = tokio::select! {
        peeked = stream.peek(&mut first) => peeked.ok()?,
        () = sleep(limits.idle) => return None,
        () = lifecycle.drained() => return None,
    };
    let first = first.get(..length).filter(|first| !first.is_empty())?;
    Some(match PREFACE.starts_with(first) {
        true if first == PREFACE => Spoken::Http2,
        true => Spoken::Either,
        false => Spoken::Http1,
    })
}

async fn serve_http<I>(
    stream: I,
    spoken: Spoken,
    limits: Limits,
    lifecycle: &Lifecycle,
    path: impl Answers,
) where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let activity = Activity::new(limits.served, spoken == Spoken::Http2);
    let activity = Arc::new(activity);
    let stream = TokioIo::new(Watched::new(stream, activity.clone()));
    let (counting, path) = (activity.clone(), RefCell::new(path));
    let counted = hyper::service::service_fn(move |request: Request<Incoming>| {
        let version = request.version();
        let mut serving = counting.begin(version == Version::HTTP_2);
        // The call only makes the future; cloning the path for it would touch counters that all
        // workers share.
        let answer = path.borrow_mut().call(request);
        // Not an async block: that would hold the future twice, and hyper moves it twice.
        answer.map_ok(move |mut answer| {
            serving.answer(answer.body().limit());
            // HTTP/2 has a frame for it, and to HTTP/1.0 hyper would say both.
            if version == Version::HTTP_11 && serving.is_last() {
                let close = HeaderValue::from_static("close");
                answer.headers_mut().insert(CONNECTION, close);
            }
            answer.map(|body| body.counted(serving))
        })
    });
    match spoken {
        Spoken::Http1 => {
            let connection = pin!(http1().serve_connection(stream, counted));
            let end = http1::Connection::graceful_shutdown;
            drive(connection, end, &activity, limits, lifecycle).await;
        }
        Spoken::Http2 | Spoken::Either => {
            let builder = either(Streams(activity.clone()));
            // Boxed: HTTP/1.1 needs no room for it.
            let mut connection = Box::pin(builder.serve_connection(stream, counted));
            let end = auto::Connection::graceful_shutdown;
            drive(connection.as_mut(), end, &activity, limits, lifecycle).await;
        }
    }
}

/// Serves a connection until it ends, has to be ended, or has nothing left to do after a drain. hyper
/// then waits for the end of a head that was begun, and on HTTP/2 for the caller's word that it has
/// heard: not for longer than a moment. One that is silent for too long is ended likewise over HTTP/2,
/// so that a request which crosses its end is served; HTTP/1.1 has no word for it.
///
/// Before the drain nothing is ended that a caller may be about to use: over HTTP/1.1 the next answer
/// is the last. HTTP/2 is ended as soon as it is known to be spoken, which serves all that was sent
/// before its caller hears of it; what waits to be sent has to go elsewhere, and so would fail for good
/// where connections that come back here were ended with their first request.
async fn drive<C: Future>(
    mut connection: Pin<&mut C>,
    end: fn(Pin<&mut C>),
    activity: &Activity,
    limits: Limits,
    lifecycle: &Lifecycle,
) {
    let mut overdue = pin!(Aside::new(limits.overdue(activity)));
    let mut nearer = pin!(Aside::new(lifecycle.reached(Stage::Leaving)));
    let mut stage = Stage::Serving;
    let comes_back = lifecycle.stage() > Stage::Serving;
    let mut is_told = false;
    let goodbye = limits.without_waiting(GOODBYE);
    loop {
        tokio::select! {
            biased;
            // Before the connection: an answer that is made after it says so.
            () = &mut nearer, if stage < Stage::Draining => match stage {
                Stage::Serving => {
                    stage = Stage::Leaving;
                    activity.leave();
                    nearer.set(Aside::new(lifecycle.reached(Stage::Draining)));
                }
                Stage::Leaving | Stage::Draining => {
                    stage = Stage::Draining;
                    is_told = true;
                    end(connection.as_mut());
                    overdue.set(Aside::new(goodbye.overdue(activity)));
                }
            },
            _ = connection.as_mut() => return,
            () = &mut overdue => {
                if is_told || !(activity.is_http2() && activity.is_silent()) {
                    return;
                }
                is_told = true;
                end(connection.as_mut());
                overdue.set(Aside::new(goodbye.overdue(activity)));
            }
            () = uses_http2(activity), if stage == Stage::Leaving && !is_told && !comes_back => {
                is_told = true;
                end(connection.as_mut());
            }
        }
    }
}

/// Resolves once a request has come over HTTP/2, if asked after the connection, which wakes the task for
/// both.
fn uses_http2(activity: &Activity) -> impl Future<Output = ()> {
    poll_fn(|_| match activity.has_used_http2() {
        true => Poll::Ready(()),
        false => Poll::Pending,
    })
}

fn http1() -> http1::Builder {
    let mut builder = http1::Builder::new();
    // A hundred headers at most, as by default: to say so would take their room from the heap for
    // every request.
    builder
        .max_buf_size(MOST_HEAD)
        // The buffer's limit alone lets a head pass whose end comes with the bytes beyond it.
        .max_header_size(MOST_HEAD)
        .header_read_timeout(None)
        // Answers are small: one buffer is written faster than two.
        .writev(false)
        .timer(TokioTimer::new());
    builder
}

/// HTTP/2, or HTTP/1.1 with the settings of `http1` (hyper-util has none for the head's exact size).
fn either(streams: Streams) -> auto::Builder<Streams> {
    let mut builder = auto::Builder::new(streams);
    builder
        .http1()
        .max_buf_size(MOST_HEAD)
        .header_read_timeout(None)
        .writev(false)
        .timer(TokioTimer::new());
    builder
        .http2()
        .max_concurrent_streams(MOST_STREAMS)
        .max_header_list_size(u32::try_from(MOST_HEAD).unwrap_or(u32::MAX))
        .timer(TokioTimer::new());
    builder
}
