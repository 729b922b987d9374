//! Sees a submission through in a task of its own, so that it is recorded also when its caller
//! leaves, and when the gateway ends before LTIAAS has answered: what may have arrived there is then
//! recorded as of unknown fate. Refuses with OVERLOADED: callers who leave must not pile up work
//! without bound.

use std::future::Future;
use std::pin::pin;

use http::Response;

use crate::body::Body;
use crate::deadline::Deadline;
use crate::error::{Code, Refusal};
use crate::gateway::Worker;
use crate::lifecycle::Lifecycle;

pub async fn see_through(
    worker: &Worker,
    submission: impl Future<Output = Result<Response<Body>, Refusal>> + Send + 'static,
) -> Result<Response<Body>, Refusal> {
    let place = worker.shared.lasting.recording.clone().try_acquire_owned();
    let place = place.map_err(|_| {
        let limit =
            "The gateway is at its limit of submissions on their way (server.max_in_flight).";
        Refusal::new(Code::Overloaded, limit)
    })?;
    let lifecycle = worker.shared.lasting.lifecycle.clone();
    let task = tokio::spawn(async move {
        let answer = or_end(submission, &lifecycle).await;
        drop(place);
        answer
    });
    task.await.unwrap_or_else(|defect| {
        let text = "The gateway has a defect; its log has more under this request id.";
        Err(Refusal::new(Code::Internal, text).because(defect))
    })
}

/// Once the gateway ends, the submission waits for nobody and settles its record.
async fn or_end<T>(submission: impl Future<Output = T>, lifecycle: &Lifecycle) -> T {
    let mut submission = pin!(submission);
    tokio::select! {
        biased;
        answer = &mut submission => return answer,
        () = lifecycle.ending() => Deadline::pass_all_here(),
    }
    submission.await
}
