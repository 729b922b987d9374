//! An answer of the upstream. Its connection goes back to the pool once its body has ended, and is
//! closed when the body is dropped before.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::response::Parts;
use http::{HeaderMap, HeaderName, Response};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::{Sleep, sleep_until};

use super::pool::{Kept, Pool};
use crate::deadline::{Deadline, Elapsed};
use crate::error::Cause;

const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");

/// The head of an answer, and its body to come.
pub struct Reply {
    pub head: Parts,
    pub body: ReplyBody,
}

pub struct ReplyBody {
    incoming: Incoming,
    lease: Option<Lease>,
    deadline: Option<Deadline>,
    timer: Option<Pin<Box<Sleep>>>,
}

struct Lease {
    kept: Kept,
    keeps: Option<Duration>,
    pool: Arc<Pool>,
}

impl Reply {
    pub(super) fn new(answer: Response<Incoming>, kept: Kept, pool: Arc<Pool>) -> Self {
        let (head, incoming) = answer.into_parts();
        let lease = Lease {
            kept,
            keeps: keep_alive(&head.headers),
            pool,
        };
        let mut body = ReplyBody {
            incoming,
            lease: Some(lease),
            deadline: None,
            timer: None,
        };
        body.release_at_end();
        Self { head, body }
    }
}

impl ReplyBody {
    /// Fails a body that has not ended by then, if it is asked: one that nobody takes is let go with
    /// its stream or connection (server/streams.rs, server/watch.rs).
    #[must_use]
    pub fn until(mut self, deadline: Deadline) -> Self {
        self.deadline = Some(deadline);
        self
    }

    fn release_at_end(&mut self) {
        if self.incoming.is_end_stream() {
            self.release();
        }
    }

    fn release(&mut self) {
        if let Some(Lease { kept, keeps, pool }) = self.lease.take() {
            pool.give_back(kept, keeps);
        }
    }

    fn poll_deadline(&mut self, context: &mut Context<'_>) -> Poll<Cause> {
        let Some(deadline) = self.deadline else {
            return Poll::Pending;
        };
        let timer = self
            .timer
            .get_or_insert_with(|| Box::pin(sleep_until(deadline.instant())));
        ready!(timer.as_mut().poll(context));
        Poll::Ready(Elapsed.into())
    }
}

impl Body for ReplyBody {
    type Data = Bytes;
    type Error = Cause;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Cause>>> {
        match Pin::new(&mut self.incoming).poll_frame(context) {
            Poll::Pending => self
                .poll_deadline(context)
                .map(|elapsed| Some(Err(elapsed))),
            Poll::Ready(None) => {
                self.release();
                Poll::Ready(None)
            }
            Poll::Ready(Some(Ok(frame))) if frame.is_data() => {
                self.release_at_end();
                Poll::Ready(Some(Ok(frame)))
            }
            // Trailers are not ours to pass on.
            Poll::Ready(Some(Ok(_))) => Poll::Ready(None),
            Poll::Ready(Some(Err(broken))) => Poll::Ready(Some(Err(broken.into()))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}

/// `keep-alive: timeout=5`, as Node says it.
fn keep_alive(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get(KEEP_ALIVE)?.to_str().ok()?;
    let mut parts = value.split(',').map(str::trim);
    let seconds = parts.find_map(|part| part.strip_prefix("timeout="))?;
    seconds.parse().ok().map(Duration::from_secs)
}
