//! Gives each request its id and echoes it on whatever is answered. Outermost, so that nothing is
//! answered or logged without one. Refuses nothing.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::{Request, Response};
use hyper::body::Incoming;
use pin_project_lite::pin_project;
use tower::{Layer, Service};

use crate::handoff::Identified;
use crate::request_id::{RequestId, RequestIds, X_REQUEST_ID};

#[derive(Clone)]
pub struct IdentifyLayer(pub Arc<RequestIds>);

#[derive(Clone)]
pub struct Identify<S> {
    inner: S,
    ids: Arc<RequestIds>,
}

impl<S> Layer<S> for IdentifyLayer {
    type Service = Identify<S>;

    fn layer(&self, inner: S) -> Identify<S> {
        Identify {
            inner,
            ids: self.0.clone(),
        }
    }
}

impl<S, B> Service<Request<Incoming>> for Identify<S>
where
    S: Service<Identified, Response = Response<B>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Echo<S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<Incoming>) -> Self::Future {
        let id = self.ids.adopt_or_mint(request.headers());
        Echo {
            id: id.clone(),
            answer: self.inner.call(Identified { request, id }),
        }
    }
}

pin_project! {
    /// Sets `x-request-id` on the answer.
    pub struct Echo<F> {
        id: RequestId,
        #[pin]
        answer: F,
    }
}

impl<F, B, E> Future for Echo<F>
where
    F: Future<Output = Result<Response<B>, E>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let mut answer = ready!(this.answer.poll(context));
        if let Ok(answer) = &mut answer {
            answer.headers_mut().insert(X_REQUEST_ID, this.id.header());
        }
        Poll::Ready(answer)
    }
}
