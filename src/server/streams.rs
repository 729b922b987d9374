//! The streams of an HTTP/2 connection, each a task of hyper's. Without window from the caller hyper
//! doesn't ask an answer's body for anything, so the body can't see that its time is over: the
//! stream is reset here, and what its body holds is let go.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use hyper::rt::Executor;
use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::activity::Activity;

/// Runs the streams of one connection.
#[derive(Clone)]
pub struct Streams(pub Arc<Activity>);

pin_project! {
    /// A stream that is dropped, and with it reset, when its answer is not taken in time.
    struct Bounded<F> {
        #[pin]
        stream: F,
        activity: Arc<Activity>,
        begun: Instant,
        #[pin]
        timer: Option<Sleep>,
    }
}

impl<F: Future<Output = ()> + Send + 'static> Executor<F> for Streams {
    fn execute(&self, stream: F) {
        tokio::spawn(Bounded {
            stream,
            activity: self.0.clone(),
            begun: Instant::now(),
            timer: None,
        });
    }
}

impl<F: Future<Output = ()>> Future for Bounded<F> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut this = self.project();
        let answered = this.activity.answered();
        if this.stream.poll(context).is_ready() {
            return Poll::Ready(());
        }
        // Until there is an answer, the request's own deadline holds. Nearly all answers are taken
        // at once: only those that are not cost a timer.
        if this.timer.is_none() && this.activity.answered() != answered {
            let deadline = *this.begun + this.activity.limit();
            this.timer.set(Some(sleep_until(deadline)));
        }
        match this.timer.as_pin_mut() {
            Some(timer) => {
                ready!(timer.poll(context));
                tracing::debug!(target: "scoregate::server", "an answer was not taken in time");
                Poll::Ready(())
            }
            None => Poll::Pending,
        }
    }
}
