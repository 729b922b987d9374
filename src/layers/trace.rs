//! Takes the worker that the configuration in force has made, for the whole of the request. Starts
//! the request's trail and its clock, and keeps the trail until the answer's last byte. Says with the
//! answer how long its caller may take over it.
//! Outside Envelope, so that it sees what the caller sees. Refuses nothing.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http::Response;
use pin_project_lite::pin_project;
use tower::{Layer, Service};

use super::Arrived;
use crate::body::Body;
use crate::caller_body::CallerBody;
use crate::deadline::Deadline;
use crate::gateway::Slot;
use crate::handoff::{Identified, Traced};
use crate::telemetry::Trail;

#[derive(Clone)]
pub struct TraceLayer(pub Arc<Slot>);

#[derive(Clone)]
pub struct Trace<S> {
    inner: S,
    slot: Arc<Slot>,
}

impl<S> Layer<S> for TraceLayer {
    type Service = Trace<S>;

    fn layer(&self, inner: S) -> Trace<S> {
        Trace {
            inner,
            slot: self.0.clone(),
        }
    }
}

impl<S> Service<Identified> for Trace<S>
where
    S: Service<Arrived, Response = Response<Body>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Traces<S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, Identified { request, id }: Identified) -> Self::Future {
        let (head, body) = request.into_parts();
        let body = CallerBody::new(body, &head.headers);
        let worker = self.slot.worker();
        let trail = Trail::new(id, &head, worker.recorder.clone());
        let trail = Arc::new(trail);
        let server = &worker.shared.server;
        let deadline = Deadline::from(trail.started, server.request_deadline);
        let limit = server.serving_limit();
        let traced = Traced {
            head: Box::new(head),
            trail: trail.clone(),
            deadline,
        };
        let arrived = Arrived {
            traced,
            body,
            worker,
        };
        Traces {
            trail: Some(trail),
            limit,
            answer: self.inner.call(arrived),
        }
    }
}

pin_project! {
    /// Hands the trail to the answer's body.
    pub struct Traces<F> {
        trail: Option<Arc<Trail>>,
        limit: Duration,
        #[pin]
        answer: F,
    }
}

impl<F, E> Future for Traces<F>
where
    F: Future<Output = Result<Response<Body>, E>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let answer = ready!(this.answer.poll(context));
        let Some(trail) = this.trail.take() else {
            return Poll::Ready(answer);
        };
        Poll::Ready(answer.map(|answer| {
            trail.answered(answer.status());
            answer.map(|body| body.holding_trail(trail).taken_within(*this.limit))
        }))
    }
}
