//! How long a request waited for somebody else. Looks at the clock only where there is a wait.

use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use pin_project_lite::pin_project;
use tokio::time::Instant;

/// The waits of one kind, together.
#[derive(Debug, Default)]
pub struct Wait {
    nanoseconds: AtomicU64,
}

impl Wait {
    /// None where nobody was waited for.
    pub fn total(&self) -> Option<Duration> {
        match self.nanoseconds.load(Ordering::Relaxed) {
            0 => None,
            nanoseconds => Some(Duration::from_nanos(nanoseconds)),
        }
    }

    /// The future with its wait noted here, also when it is dropped midway. Its output comes with
    /// its own wait.
    pub fn note<F: Future>(&self, future: F) -> Noted<'_, F> {
        Noted {
            future,
            waits: self,
            since: None,
        }
    }

    fn add(&self, wait: Duration) {
        let nanoseconds = u64::try_from(wait.as_nanos()).unwrap_or(u64::MAX);
        self.nanoseconds.fetch_add(nanoseconds, Ordering::Relaxed);
    }
}

pin_project! {
    /// See `Wait::note`.
    pub struct Noted<'a, F> {
        #[pin]
        future: F,
        waits: &'a Wait,
        since: Option<Instant>,
    }

    impl<F> PinnedDrop for Noted<'_, F> {
        fn drop(this: Pin<&mut Self>) {
            let this = this.project();
            if let Some(since) = this.since.take() {
                this.waits.add(since.elapsed());
            }
        }
    }
}

impl<F: Future> Future for Noted<'_, F> {
    type Output = (F::Output, Duration);

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let Poll::Ready(output) = this.future.poll(context) else {
            this.since.get_or_insert_with(Instant::now);
            return Poll::Pending;
        };
        let wait = this.since.take().map(|since| since.elapsed());
        let wait = wait.unwrap_or_default();
        this.waits.add(wait);
        Poll::Ready((output, wait))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn notes_waits_that_end_and_waits_that_are_given_up() {
        let waits = Wait::default();
        let (seven, waited) = waits.note(async { 7 }).await;
        assert_eq!((seven, waited, waits.total()), (7, Duration::ZERO, None));
        let moment = Duration::from_millis(5);
        let ((), waited) = waits.note(tokio::time::sleep(moment)).await;
        assert!(waited >= moment);
        let given_up = waits.note(std::future::pending::<()>());
        assert!(tokio::time::timeout(moment, given_up).await.is_err());
        assert!(waits.total().unwrap() >= 2 * moment);
    }
}
