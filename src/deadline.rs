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

    pub fn has_passed(self) -> bool {
        self.0 <= Instant::now()
    }

    /// The future's output, unless the deadline passes first; then the future is dropped where it
    /// stands.
    pub fn limit<F: Future>(self, future: F) -> Limit<F> {
        Limit {
            future,
            deadline: self.0,
            soon: false,
            begun: false,
            timer: None,
        }
    }

    /// The same for a future that, if not at once, is nearly always ready when it is asked again:
    /// only if it isn't then either, a timer is armed.
    pub fn limit_soon<F: Future>(self, future: F) -> Limit<F> {
        Limit {
            soon: true,
            ..self.limit(future)
        }
    }

    /// The same as `limit` with a timer of the caller's.
    pub fn limit_by<F: Future>(self, timer: &mut Timer, future: F) -> LimitBy<'_, F> {
        LimitBy {
            future,
            deadline: self.0,
            timer,
            begun: false,
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
        soon: bool,
        begun: bool,
        #[pin]
        timer: Option<Sleep>,
    }
}

/// Asks a future with a deadline. Once all deadlines have passed, nothing is begun and nothing
/// waited for; what is here already counts.
fn poll_here<F: Future>(
    future: Pin<&mut F>,
    is_first: bool,
    context: &mut Context<'_>,
) -> Poll<Result<F::Output, Elapsed>> {
    let all_passed = ALL_PASSED.get();
    if all_passed && is_first {
        return Poll::Ready(Err(Elapsed));
    }
    match future.poll(context) {
        Poll::Ready(output) => Poll::Ready(Ok(output)),
        Poll::Pending if all_passed => Poll::Ready(Err(Elapsed)),
        Poll::Pending => Poll::Pending,
    }
}

impl<F: Future> Future for Limit<F> {
    type Output = Result<F::Output, Elapsed>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let is_first = !std::mem::replace(this.begun, true);
        if let Poll::Ready(ended) = poll_here(this.future, is_first, context) {
            return Poll::Ready(ended);
        }
        if is_first && *this.soon {
            context.waker().wake_by_ref();
            return Poll::Pending;
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

/// A timer that is kept from one wait to the next. To put it off costs next to nothing; to arm one
/// and disarm it for every wait, a few percent of a request.
#[derive(Default)]
pub struct Timer(Option<Pin<Box<Sleep>>>);

impl Timer {
    fn set(&mut self, deadline: Instant) {
        match &mut self.0 {
            Some(sleep) => sleep.as_mut().reset(deadline),
            None => self.0 = Some(Box::pin(sleep_until(deadline))),
        }
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        match &mut self.0 {
            Some(sleep) => sleep.as_mut().poll(context),
            None => Poll::Pending,
        }
    }
}

pin_project! {
    /// See `Deadline::limit_by`.
    pub struct LimitBy<'a, F> {
        #[pin]
        future: F,
        deadline: Instant,
        timer: &'a mut Timer,
        begun: bool,
    }
}

impl<F: Future> Future for LimitBy<'_, F> {
    type Output = Result<F::Output, Elapsed>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let is_first = !std::mem::replace(this.begun, true);
        if let Poll::Ready(ended) = poll_here(this.future, is_first, context) {
            return Poll::Ready(ended);
        }
        if is_first {
            this.timer.set(*this.deadline);
        }
        this.timer.poll(context).map(|()| Err(Elapsed))
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, poll_fn, ready};
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
            let (mut timer, mut other) = (Timer::default(), Timer::default());
            let mut begun = pin!(deadline.limit(pending::<()>()));
            let mut sent = pin!(deadline.limit_by(&mut timer, pending::<()>()));
            assert_eq!(begun.as_mut().now_or_never(), None);
            assert_eq!(sent.as_mut().now_or_never(), None);
            assert_eq!(deadline.limit(ready(7)).await, Ok(7));
            Deadline::pass_all_here();
            assert_eq!(begun.await, Err(Elapsed));
            assert_eq!(sent.await, Err(Elapsed));
            assert_eq!(deadline.limit(ready(7)).await, Err(Elapsed));
            let another = deadline.limit_by(&mut other, ready(7));
            assert_eq!(another.await, Err(Elapsed));
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

    fn after(milliseconds: u64) -> Deadline {
        Deadline::after(Duration::from_millis(milliseconds))
    }

    /// Pending once, and nobody wakes it.
    fn ready_when_asked_again() -> impl Future<Output = u8> {
        let mut asked = false;
        poll_fn(move |_| match std::mem::replace(&mut asked, true) {
            true => Poll::Ready(7),
            false => Poll::Pending,
        })
    }

    #[tokio::test]
    async fn what_is_not_ready_in_time_is_given_up() {
        assert_eq!(after(5).limit(pending::<()>()).await, Err(Elapsed));
        assert_eq!(after(5).limit_soon(pending::<()>()).await, Err(Elapsed));
        assert_eq!(after(60_000).limit(async { 7 }).await, Ok(7));
        let soon = after(60_000).limit_soon(ready_when_asked_again());
        assert_eq!(soon.await, Ok(7));
    }

    /// Also where it was set for longer or for less long, or has gone off since.
    #[tokio::test]
    async fn a_kept_timer_serves_wait_after_wait() {
        let mut timer = Timer::default();
        for wait in [20, 5, 10, 5] {
            assert_eq!(after(60_000).limit_by(&mut timer, async { 7 }).await, Ok(7));
            let wait = Duration::from_millis(wait);
            let start = Instant::now();
            let given_up = Deadline::from(start, wait).limit_by(&mut timer, pending::<()>());
            assert_eq!(given_up.await, Err(Elapsed));
            assert!(start.elapsed() >= wait);
            // Set for a wait that ends before it.
            let ended = tokio::time::sleep(Duration::from_millis(1));
            assert!(after(60_000).limit_by(&mut timer, ended).await.is_ok());
        }
    }
}
