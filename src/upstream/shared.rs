//! An HTTP/2 connection to the upstream, which as many requests share as the upstream lets. Beyond
//! that, hyper would have them wait in a queue of its own, unseen and without a bound.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body_util::Full;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};

use crate::dial::Stream;

type Body = Full<Bytes>;
type Driver = http2::Connection<TokioIo<Stream>, Body, TokioExecutor>;

/// The most requests on one connection, though the upstream may allow more: what HTTP/2 recommends
/// as the least to allow (RFC 9113 section 6.5.2).
const MOST_STREAMS: usize = 100;

/// How much of an answer may be here that its caller hasn't taken, in bytes.
const STREAM_WINDOW: u32 = 64 * 1024;

/// Room for all of a connection's answers at once: those that nobody takes hold up no other.
const CONNECTION_WINDOW: u32 = MOST_STREAMS as u32 * STREAM_WINDOW;

/// Clones share one connection. Whoever has a request on it holds one.
#[derive(Clone)]
pub struct Shared {
    pub sender: http2::SendRequest<Body>,
    /// None once it has ended: hyper tells its senders so by dropping it, and hands back what they had not sent.
    driver: Arc<Mutex<Option<Driver>>>,
    holders: Arc<()>,
}

impl Shared {
    /// Starts the protocol. The connection's own task ends with the connection.
    pub async fn open(stream: TokioIo<Stream>) -> Result<Self, hyper::Error> {
        let mut builder = http2::Builder::new(TokioExecutor::new());
        // As long as the upstream hasn't said how many it takes.
        builder
            .initial_max_send_streams(1)
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW);
        let (sender, driver) = builder.handshake(stream).await?;
        let driver = Arc::new(Mutex::new(Some(driver)));
        let driven = driver.clone();
        tokio::spawn(poll_fn(move |context| drive(&driven, context)));
        Ok(Self {
            sender,
            driver,
            holders: Arc::default(),
        })
    }

    pub fn is_closed(&self) -> bool {
        self.sender.is_closed()
    }

    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.holders, &other.holders)
    }

    /// How many hold it beside this one.
    pub fn others(&self) -> usize {
        Arc::strong_count(&self.holders) - 1
    }

    /// Whether another request can be sent without waiting, where this one stands for none.
    pub fn has_room(&self) -> bool {
        let driver = lock(&self.driver);
        let allowed = driver.as_ref().map_or(0, Driver::current_max_send_streams);
        self.others() < allowed.min(MOST_STREAMS)
    }
}

fn drive(driver: &Mutex<Option<Driver>>, context: &mut Context<'_>) -> Poll<()> {
    let mut driver = lock(driver);
    let Some(running) = driver.as_mut() else {
        return Poll::Ready(());
    };
    // How it ended is told to those who wait for an answer on it.
    let ended = Pin::new(running).poll(context).map(drop);
    if ended.is_ready() {
        *driver = None;
    }
    ended
}

/// All of a worker's connections are driven, and looked at, on one thread: nobody waits here.
fn lock(driver: &Mutex<Option<Driver>>) -> MutexGuard<'_, Option<Driver>> {
    driver.lock().unwrap_or_else(PoisonError::into_inner)
}
