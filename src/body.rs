//! The body of an answer to a caller, and what is held until its last byte is out.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tokio::sync::OwnedSemaphorePermit;

use crate::activity::Serving;
use crate::error::Cause;
use crate::telemetry::Trail;

/// A body that comes from upstream frame by frame.
pub type Stream = Pin<Box<dyn http_body::Body<Data = Bytes, Error = Cause> + Send>>;

/// An answer's body.
pub struct Body {
    content: Content,
    /// Whether it has ended, well or not.
    has_ended: bool,
    /// From the request's head until its caller has to have taken this.
    limit: Option<Duration>,
    /// Released when the body has ended or the caller is gone, never when the head is sent.
    held: Held,
}

enum Content {
    Whole(Option<Bytes>),
    Streamed(Stream),
}

#[derive(Default)]
struct Held {
    permit: Option<OwnedSemaphorePermit>,
    trail: Option<Arc<Trail>>,
    serving: Option<Serving>,
}

impl Body {
    pub fn empty() -> Self {
        Self::of(Content::Whole(None))
    }

    pub fn whole(bytes: impl Into<Bytes>) -> Self {
        Self::of(Content::Whole(
            Some(bytes.into()).filter(|bytes| !bytes.is_empty()),
        ))
    }

    pub fn streamed(stream: Stream) -> Self {
        Self::of(Content::Streamed(stream))
    }

    fn of(content: Content) -> Self {
        Self {
            content,
            has_ended: false,
            limit: None,
            held: Held::default(),
        }
    }

    /// Keeps the in-flight permit until the body ends.
    #[must_use]
    pub fn holding_permit(mut self, permit: OwnedSemaphorePermit) -> Self {
        self.held.permit = Some(permit);
        self
    }

    /// Keeps the request's trail until the body ends: its access line is written then.
    #[must_use]
    pub fn holding_trail(mut self, trail: Arc<Trail>) -> Self {
        self.held.trail = Some(trail);
        self
    }

    /// What the configuration lets the request and its answer take, under which it began.
    #[must_use]
    pub fn taken_within(mut self, limit: Duration) -> Self {
        self.limit = Some(limit);
        self
    }

    pub fn limit(&self) -> Option<Duration> {
        self.limit
    }

    /// Nothing of it is left to be sent. One of known length may not be asked for its end.
    fn is_over(&self) -> bool {
        use http_body::Body as _;
        self.has_ended || self.is_end_stream() || self.size_hint().exact() == Some(0)
    }

    /// Counts as being served on its connection until the body ends.
    #[must_use]
    pub fn counted(mut self, serving: Serving) -> Self {
        self.held.serving = Some(serving);
        self
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = Cause;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Cause>>> {
        let frame = match &mut self.content {
            Content::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Content::Streamed(stream) => stream.as_mut().poll_frame(context),
        };
        self.has_ended |= matches!(frame, Poll::Ready(None | Some(Err(_))));
        if let Some(trail) = &self.held.trail {
            match &frame {
                Poll::Ready(Some(Ok(frame))) => trail.sent(frame.data_ref().map_or(0, Bytes::len)),
                Poll::Ready(Some(Err(_))) => trail.cut_short(),
                Poll::Ready(None) | Poll::Pending => {}
            }
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        match &self.content {
            Content::Whole(bytes) => bytes.is_none(),
            Content::Streamed(stream) => stream.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            Content::Whole(bytes) => {
                SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
            }
            Content::Streamed(stream) => stream.size_hint(),
        }
    }
}

impl Drop for Body {
    fn drop(&mut self) {
        // Dropped within it, its caller has left.
        if !self.is_over()
            && let Some(trail) = &self.held.trail
        {
            trail.cut_short();
        }
    }
}

#[cfg(test)]
mod tests {
    use http_body::Body as _;

    use super::*;

    /// Has so many bytes to come, and its end after them.
    struct Left(u64);

    impl http_body::Body for Left {
        type Data = Bytes;
        type Error = Cause;

        fn poll_frame(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Cause>>> {
            Poll::Pending
        }

        fn size_hint(&self) -> SizeHint {
            SizeHint::with_exact(self.0)
        }
    }

    #[test]
    fn a_body_is_over_with_its_last_byte_asked_for_its_end_or_not() {
        assert!(Body::empty().is_over());
        assert!(!Body::whole("x").is_over());
        let streamed = |left| Body::streamed(Box::pin(Left(left)));
        assert!(!streamed(1).is_over());
        let spent = streamed(0);
        assert!(!spent.is_end_stream() && spent.is_over());
    }
}
