//! Sees a submission through, so that it is recorded also when its caller leaves: it then goes on in
//! a task of its own. When the gateway ends before LTIAAS has answered, what may have arrived there is
//! recorded as of unknown fate. Each has a place, found before its body is read: callers who leave must
//! not pile up work without bound. Refuses with OVERLOADED where there is none.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::Response;
use tokio::runtime::Handle;

use crate::body::Body;
use crate::deadline::Deadline;
use crate::error::{Code, Refusal};
use crate::gateway::Worker;
use crate::lifecycle::Lifecycle;
use crate::recording::{Place, UnderWay};

type Answer = Result<Response<Body>, Refusal>;

type Submission = Pin<Box<dyn Future<Output = Answer> + Send>>;

/// A place for a submission, where it will be recorded.
pub fn find_place(worker: &Worker) -> Result<Option<Place>, Refusal> {
    let lasting = &worker.shared.lasting;
    if lasting.ledger.is_none() {
        return Ok(None);
    }
    let place = lasting.recording.place().ok_or_else(|| {
        let limit =
            "The gateway is at its limit of submissions on their way (server.max_in_flight).";
        Refusal::new(Code::Overloaded, limit)
    });
    place.map(Some)
}

pub async fn see_through(worker: &Worker, place: Place, submission: Submission) -> Answer {
    let place = worker.shared.lasting.recording.begin(place);
    let lifecycle = worker.shared.lasting.lifecycle.clone();
    let submission = Box::pin(or_end(submission, lifecycle));
    SeenThrough(Some(OnItsWay { submission, place })).await
}

/// Once the gateway ends, the submission waits for nobody and settles its record.
async fn or_end(mut submission: Submission, lifecycle: Arc<Lifecycle>) -> Answer {
    tokio::select! {
        biased;
        answer = &mut submission => return answer,
        () = lifecycle.ending() => Deadline::pass_all_here(),
    }
    submission.await
}

/// Advances with whoever waits for it. Dropped before its end, it becomes a task: had each one from
/// its start, every caller would pay for those who leave.
struct SeenThrough(Option<OnItsWay>);

struct OnItsWay {
    submission: Submission,
    place: UnderWay,
}

impl Future for SeenThrough {
    type Output = Answer;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Answer> {
        // Taken out, so that what panics does not go on.
        let Some(mut on_its_way) = self.0.take() else {
            return Poll::Pending;
        };
        let polled = on_its_way.submission.as_mut().poll(context);
        if polled.is_pending() {
            self.0 = Some(on_its_way);
        }
        polled
    }
}

impl Drop for SeenThrough {
    fn drop(&mut self) {
        let Some(OnItsWay { submission, place }) = self.0.take() else {
            return;
        };
        // Without a runtime the process is at its end.
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(async move {
                // Nobody is left to be answered.
                let _ = submission.await;
                drop(place);
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use std::time::Duration;

    use tokio::sync::Notify;
    use tokio::time::timeout;

    use super::*;
    use crate::recording::Recording;

    fn seen_through(
        places: &Recording,
        submission: impl Future<Output = ()> + Send + 'static,
    ) -> SeenThrough {
        let submission = Box::pin(async {
            submission.await;
            Ok(Response::new(Body::empty()))
        });
        let place = places.begin(places.place().unwrap());
        SeenThrough(Some(OnItsWay { submission, place }))
    }

    #[tokio::test]
    async fn goes_on_when_its_caller_leaves_and_keeps_its_place_until_its_end() {
        let places = Recording::new(1);
        let (upstream, is_done) = (Arc::new(Notify::new()), Arc::new(AtomicBool::new(false)));
        let (answer, done) = (upstream.clone(), is_done.clone());
        let mut seen = seen_through(&places, async move {
            answer.notified().await;
            done.store(true, Ordering::Release);
        });
        assert!(timeout(Duration::ZERO, &mut seen).await.is_err());
        drop(seen);
        assert!(!places.is_quiet() && places.place().is_none());
        upstream.notify_one();
        places.quiet().await;
        assert!(places.place().is_some());
        assert!(is_done.load(Ordering::Acquire));
    }

    #[tokio::test]
    async fn gives_its_place_back_with_its_answer() {
        let places = Recording::new(1);
        assert!(seen_through(&places, async {}).await.is_ok());
        assert!(places.is_quiet());
    }

    #[tokio::test]
    async fn what_panicked_does_not_go_on() {
        let places = Recording::new(1);
        let defect = async { assert_eq!(1, 2, "a defect") };
        let caught = tokio::spawn(seen_through(&places, defect)).await;
        assert!(caught.is_err_and(|end| end.is_panic()));
        assert!(places.is_quiet());
    }
}
