//! Deadlines. A timer is armed only when the future is not ready at once: most reads of a small
//! body are, and an armed timer costs a few percent of a request.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

/// The moment by which something must be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline(Instant);

/// The deadline passed first. The future was dropped where it stood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the deadline passed")]
pub struct Elapsed;

impl Deadline {
    pub fn after(wait: Duration) -> Self {
        Self(Instant::now() + wait)
    }

    pub fn from(start: Instant, wait: Duration) -> Self {
        Self(start + wait)
    }

    /// `wait` from now, but never later than this one: a total deadline needs no timer of its own.
    #[must_use]
    pub fn sooner(self, wait: Duration) -> Self {
        self.min(Self::after(wait))
    }

    pub fn instant(self) -> Instant {
        self.0
    }

    pub async fn limit<F: Future>(self, future: F) -> Result<F::Output, Elapsed> {
        let mut future = pin!(future);
        let first = poll_fn(|context| Poll::Ready(future.as_mut().poll(context)));
        if let Poll::Ready(output) = first.await {
            return Ok(output);
        }
        timeout_at(self.0, future).await.map_err(|_| Elapsed)
    }
}
