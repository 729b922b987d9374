//! Deadlines. A timer is armed only when the future is not ready at once: most reads of a small
//! body are, and an armed timer costs a few percent of a request.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep, sleep_until};

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

    /// The future's output, unless the deadline passes first; then the future is dropped where it
    /// stands.
    pub fn limit<F: Future>(self, future: F) -> Limit<F> {
        Limit {
            future,
            deadline: self.0,
            timer: None,
        }
    }
}

pin_project! {
    /// A future with a deadline. Holds the future once: an `async fn` would hold it twice, as an
    /// argument and pinned.
    pub struct Limit<F> {
        #[pin]
        future: F,
        deadline: Instant,
        #[pin]
        timer: Option<Sleep>,
    }
}

impl<F: Future> Future for Limit<F> {
    type Output = Result<F::Output, Elapsed>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        if let Poll::Ready(output) = this.future.poll(context) {
            return Poll::Ready(Ok(output));
        }
        if this.timer.is_none() {
            this.timer.set(Some(sleep_until(*this.deadline)));
        }
        match this.timer.as_pin_mut() {
            Some(timer) => timer.poll(context).map(|()| Err(Elapsed)),
            None => Poll::Pending,
        }
    }
}
