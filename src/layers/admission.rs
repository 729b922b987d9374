//! Admits a request while there is room, and holds its place until the answer's body has ended.
//! Inside Envelope, which answers its refusals; before the path, so that a request that can't be
//! served costs nothing. Refuses with DRAINING and OVERLOADED.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::Response;
use pin_project_lite::pin_project;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tower::{Layer, Service};

use super::Arrived;
use crate::body::Body;
use crate::error::{Code, Refusal};
use crate::lifecycle::Lifecycle;

/// Shared by all workers.
#[derive(Clone)]
pub struct AdmissionLayer {
    pub in_flight: Arc<Semaphore>,
    pub lifecycle: Arc<Lifecycle>,
}

#[derive(Clone)]
pub struct Admission<S> {
    inner: S,
    gate: AdmissionLayer,
}

impl AdmissionLayer {
    fn admit(&self) -> Result<OwnedSemaphorePermit, Refusal> {
        if self.lifecycle.is_draining() {
            return Err(Refusal::new(
                Code::Draining,
                "The gateway is shutting down.",
            ));
        }
        self.in_flight.clone().try_acquire_owned().map_err(|_| {
            let limit = "The gateway is at its limit of requests in flight (server.max_in_flight).";
            Refusal::new(Code::Overloaded, limit)
        })
    }
}

impl<S> Layer<S> for AdmissionLayer {
    type Service = Admission<S>;

    fn layer(&self, inner: S) -> Admission<S> {
        Admission {
            inner,
            gate: self.clone(),
        }
    }
}

impl<S> Service<Arrived> for Admission<S>
where
    S: Service<Arrived, Response = Response<Body>, Error = Refusal>,
{
    type Response = S::Response;
    type Error = Refusal;
    type Future = Admitted<S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Refusal>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Arrived) -> Self::Future {
        match self.gate.admit() {
            Ok(permit) => Admitted::Serving {
                permit: Some(permit),
                answer: self.inner.call(request),
            },
            Err(refusal) => Admitted::Refused {
                refusal: Some(refusal),
            },
        }
    }
}

pin_project! {
    /// Holds the permit, and hands it to the answer's body.
    #[project = AdmittedProjection]
    pub enum Admitted<F> {
        Serving {
            permit: Option<OwnedSemaphorePermit>,
            #[pin]
            answer: F,
        },
        Refused {
            refusal: Option<Refusal>,
        },
    }
}

impl<F> Future for Admitted<F>
where
    F: Future<Output = Result<Response<Body>, Refusal>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project() {
            AdmittedProjection::Serving { permit, answer } => {
                let answer = ready!(answer.poll(context));
                let permit = permit.take();
                Poll::Ready(answer.map(|answer| answer.map(|body| holding(body, permit))))
            }
            AdmittedProjection::Refused { refusal } => match refusal.take() {
                Some(refusal) => Poll::Ready(Err(refusal)),
                None => Poll::Pending,
            },
        }
    }
}

fn holding(body: Body, permit: Option<OwnedSemaphorePermit>) -> Body {
    match permit {
        Some(permit) => body.holding_permit(permit),
        None => body,
    }
}
