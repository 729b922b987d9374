//! Deadlines. A timer is armed only when the future is not ready at once: most reads of a small
//! body are, and an armed timer costs a few percent of a request.

use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep, sleep_until};

/// The moment by which something must be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline(Instant);

thread_local! {
    /// Whether the process ends, so that nothing on this thread is waited for any longer.
    static ALL_PASSED: Cell<bool> = const { Cell::new(false) };
}

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

    /// The process ends: from now on, every deadline on this thread has passed. A future that is
    /// limited learns it when it is polled.
    pub fn pass_all_here() {
        ALL_PASSED.set(true);
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
        let all_passed = ALL_PASSED.get();
        // Nothing is begun any more.
        if all_passed && this.timer.is_none() {
            return Poll::Ready(Err(Elapsed));
        }
        if let Poll::Ready(output) = this.future.poll(context) {
            return Poll::Ready(Ok(output));
        }
        if all_passed {
            return Poll::Ready(Err(Elapsed));
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

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};
    use std::pin::pin;
    use std::thread;

    use futures_util::FutureExt;
    use tokio::runtime::Builder;
    use tokio::sync::oneshot;

    use super::*;

    /// Other tests may run on this one.
    fn on_its_own_thread(test: impl Future<Output = ()> + Send + 'static) {
        let runtime = Builder::new_current_thread().enable_time().build().unwrap();
        thread::spawn(move || runtime.block_on(test))
            .join()
            .unwrap();
    }

    #[test]
    fn at_the_end_nothing_is_waited_for_and_nothing_begun() {
        on_its_own_thread(async {
            let deadline = Deadline::after(Duration::from_secs(60));
            let mut begun = pin!(deadline.limit(pending::<()>()));
            assert_eq!(begun.as_mut().now_or_never(), None);
            assert_eq!(deadline.limit(ready(7)).await, Ok(7));
            Deadline::pass_all_here();
            assert_eq!(begun.await, Err(Elapsed));
            assert_eq!(deadline.limit(ready(7)).await, Err(Elapsed));
        });
    }

    #[test]
    fn an_answer_that_is_here_at_the_end_counts() {
        on_its_own_thread(async {
            let (answer, answered) = oneshot::channel();
            let deadline = Deadline::after(Duration::from_secs(60));
            let mut begun = pin!(deadline.limit(answered));
            assert_eq!(begun.as_mut().now_or_never(), None);
            answer.send(7).unwrap();
            Deadline::pass_all_here();
            assert_eq!(begun.await, Ok(Ok(7)));
        });
    }
}
