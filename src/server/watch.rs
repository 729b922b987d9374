//! Watches a connection from outside HTTP: a head that does not arrive, a kept connection nobody
//! uses, an answer nobody reads. On HTTP/2 an answer that nobody reads ends its stream alone:
//! streams.rs. How long one may take is up to the configuration that its request began under, which may
//! be newer than the connection.
//!
//! hyper's own header timer is armed anew for every request and counts idle time in; here bytes
//! and requests are counted without looking at a clock, and a slow tick compares the counts
//! (docs/decisions/0002).

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use crate::activity::Activity;

/// The limits of a connection's phases.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// From a head's first byte to its last.
    pub head: Duration,
    /// Between an answer and the next request.
    pub idle: Duration,
    /// From a request's head until its caller has taken the answer, under the same configuration.
    pub served: Duration,
}

/// While this stays the same, nothing happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Head { begun: u64 },
    Idle { begun: u64 },
    Serving { begun: u64 },
}

impl Phase {
    fn of(activity: &Activity) -> Self {
        let begun = activity.begun();
        // An answer that is handed over may still wait to be written.
        match (activity.is_silent(), activity.head_begun()) {
            (true, true) => Self::Head { begun },
            (true, false) => Self::Idle { begun },
            (false, _) => Self::Serving { begun },
        }
    }

    fn limit(self, limits: &Limits, activity: &Activity) -> Option<Duration> {
        match self {
            Self::Head { .. } => Some(limits.head),
            Self::Idle { .. } => Some(limits.idle),
            // Until there is an answer, the request's own deadline holds.
            Self::Serving { .. } => (!activity.is_awaited()).then(|| activity.limit()),
        }
    }
}

impl Limits {
    /// The same, but nobody who has not asked for anything is waited for longer than `most`.
    pub fn without_waiting(self, most: Duration) -> Self {
        Self {
            head: self.head.min(most),
            idle: self.idle.min(most),
            served: self.served,
        }
    }

    /// Resolves when a phase has lasted longer than its limit, by up to a quarter of the shortest.
    pub async fn overdue(self, activity: &Activity) {
        let shortest = self.head.min(self.idle).min(self.served);
        let tick = (shortest / 4).clamp(Duration::from_millis(10), Duration::from_secs(5));
        let mut since = Instant::now();
        let mut phase = Phase::of(activity);
        let mut ticks = interval_at(since + tick, tick);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let now = ticks.tick().await;
            let current = Phase::of(activity);
            if current != phase {
                (phase, since) = (current, now);
                continue;
            }
            let limit = phase.limit(&self, activity);
            if limit.is_some_and(|limit| now.duration_since(since) >= limit) {
                return;
            }
        }
    }
}

/// A stream whose bytes are noticed.
pub struct Watched<S> {
    stream: S,
    activity: Arc<Activity>,
}

impl<S> Watched<S> {
    pub fn new(stream: S, activity: Arc<Activity>) -> Self {
        Self { stream, activity }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(context, buffer);
        if buffer.filled().len() > before {
            self.activity.read();
        }
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.activity.wrote(polled.is_pending());
        polled
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.activity.wrote(polled.is_pending());
        polled
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
