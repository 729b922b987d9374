//! Sees a submission through in a task of its own, so that it is recorded also when its caller
//! leaves. Refuses with OVERLOADED: callers who leave must not pile up work without bound.

use std::future::Future;

use http::Response;

use crate::body::Body;
use crate::error::{Code, Refusal};
use crate::gateway::Worker;

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
    let task = tokio::spawn(async move {
        let answer = submission.await;
        drop(place);
        answer
    });
    task.await.unwrap_or_else(|defect| {
        let text = "The gateway has a defect; its log has more under this request id.";
        Err(Refusal::new(Code::Internal, text).because(defect))
    })
}
