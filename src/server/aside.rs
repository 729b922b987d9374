//! A future beside others in one task, asked only when it was woken itself: a request wakes its
//! connection's task a few times, the task's timers only every few seconds.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use futures_util::task::AtomicWaker;
use pin_project_lite::pin_project;

pin_project! {
    pub struct Aside<F> {
        #[pin]
        future: F,
        call: Arc<Call>,
    }
}

struct Call {
    is_made: AtomicBool,
    task: AtomicWaker,
}

impl<F> Aside<F> {
    pub fn new(future: F) -> Self {
        Self {
            future,
            call: Arc::new(Call {
                is_made: AtomicBool::new(true),
                task: AtomicWaker::new(),
            }),
        }
    }
}

impl Wake for Call {
    fn wake(self: Arc<Self>) {
        self.is_made.store(true, Ordering::Release);
        self.task.wake();
    }
}

impl<F: Future> Future for Aside<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        // Before the look, so that a call right after it is not lost.
        this.call.task.register(context.waker());
        if !this.call.is_made.swap(false, Ordering::AcqRel) {
            return Poll::Pending;
        }
        let waker = Waker::from(this.call.clone());
        this.future.poll(&mut Context::from_waker(&waker))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;
    use std::pin::pin;
    use std::sync::atomic::AtomicUsize;
    use std::time::Duration;

    use tokio::sync::oneshot;
    use tokio::time::timeout;

    #[tokio::test]
    async fn is_asked_when_it_was_woken_and_not_before() {
        let asked = AtomicUsize::new(0);
        let (wake, woken) = oneshot::channel();
        let mut woken = pin!(woken);
        let watched = poll_fn(|context| {
            asked.fetch_add(1, Ordering::Relaxed);
            woken.as_mut().poll(context)
        });
        let mut aside = pin!(Aside::new(watched));
        for _ in 0..10 {
            let early = timeout(Duration::ZERO, aside.as_mut()).await;
            assert!(early.is_err());
        }
        wake.send(()).unwrap();
        aside.await.unwrap();
        assert_eq!(asked.into_inner(), 2);
    }
}
