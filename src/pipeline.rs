//! The path: everything a request goes through, in order. Read it top-down; each line says what
//! it may refuse with.

use std::sync::Arc;

use http::{Response, StatusCode};
use tower::{ServiceBuilder, service_fn};

use crate::server::Answers;

use crate::body::Body;
use crate::caller_body::CallerBody;
use crate::error::Refusal;
use crate::forward::forward;
use crate::gateway::{Lasting, Shared, Slot, Worker};
use crate::handoff::{Arrived, Credentialed, Outgoing, Traced};
use crate::layers::{AdmissionLayer, EnvelopeLayer, IdentifyLayer, TraceLayer};
use crate::routing::Operation;
use crate::stages::{
    Verdict, attach_credentials, authenticate, authorize, check_message, judge, limit_rate,
    normalize, read_body, rewrite_json, route, write_score,
};

/// The layers, outermost first, around the stages.
pub fn pipeline(slot: Arc<Slot>, lasting: &Lasting) -> impl Answers {
    ServiceBuilder::new()
        // First, so that whatever is answered or logged below has an id.
        .layer(IdentifyLayer(lasting.ids.clone()))
        // Outside Envelope, so that the access line shows the status the caller sees. Below it
        // everything sees the configuration that was in force here.
        .layer(TraceLayer(slot))
        // Everything below fails with `Refusal`; only here it becomes an answer.
        .layer(EnvelopeLayer)
        // Before any work is done: DRAINING, OVERLOADED.
        .layer(AdmissionLayer {
            in_flight: lasting.in_flight.clone(),
            lifecycle: lasting.lifecycle.clone(),
        })
        .service(service_fn(stages))
}

/// The stages of every request. Each part is a function of its own also because a future keeps
/// room for every value in scope, and is moved with it.
async fn stages(arrived: Arrived) -> Result<Response<Body>, Refusal> {
    let Arrived {
        traced,
        mut body,
        worker,
    } = arrived;
    let credentialed = admit(traced, &worker.shared).await?;
    match credentialed.routed.target.operation {
        Operation::SubmitScore => submit_score(credentialed, &mut body, &worker).await,
        _ => relay(credentialed, &mut body, &worker).await,
    }
}

/// What comes before anybody looks at the body.
async fn admit(traced: Traced, shared: &Shared) -> Result<Credentialed, Refusal> {
    // Before anything is read from it: MALFORMED_PATH, MALFORMED_BODY.
    let traced = check_message(traced)?;
    // Before Authorize, which needs the operation's permission: MALFORMED_PATH, ROUTE_NOT_FOUND,
    // METHOD_NOT_ALLOWED.
    let routed = route(traced)?;
    // Before the body is read, so that a stranger's is not: the 401s.
    let identity = authenticate(&routed, &shared.verifier).await?;
    // Before anything is done for the caller: RATE_LIMITED.
    let identity = limit_rate(identity)?;
    // CALLER_NOT_ALLOWED, LINE_ITEM_NOT_ALLOWED.
    let authorized = authorize(routed, identity)?;
    // CREDENTIALS_MISSING.
    attach_credentials(authorized)
}

/// All operations but one: the body keeps its value.
async fn relay(
    credentialed: Credentialed,
    body: &mut CallerBody,
    worker: &Worker,
) -> Result<Response<Body>, Refusal> {
    // UNSUPPORTED_MEDIA_TYPE, BODY_TOO_LARGE, REQUEST_TIMEOUT.
    let bytes = read_body(&credentialed, body, worker.shared.server.body_timeout).await?;
    // MALFORMED_BODY.
    let outgoing = rewrite_json(credentialed, &bytes)?;
    // UPSTREAM_*.
    forward(&outgoing, worker).await
}

/// The scores route. Whatever is answered says what was decided.
async fn submit_score(
    credentialed: Credentialed,
    body: &mut CallerBody,
    worker: &Worker,
) -> Result<Response<Body>, Refusal> {
    let mut verdict = Verdict::new(credentialed.routed.traced.trail.clone());
    // UNSUPPORTED_MEDIA_TYPE, BODY_TOO_LARGE, REQUEST_TIMEOUT.
    let bytes = read_body(&credentialed, body, worker.shared.server.body_timeout).await;
    let outgoing =
        bytes.and_then(|bytes| decide(credentialed, &bytes, &worker.shared, &mut verdict));
    let answer = match outgoing {
        // UPSTREAM_*.
        Ok(Some(outgoing)) => forward(&outgoing, worker).await,
        Ok(None) => Ok(kept()),
        Err(refusal) => Err(refusal),
    };
    verdict.label(answer)
}

/// Recorded, and nothing had to be, or may be, sent.
fn kept() -> Response<Body> {
    let mut answer = Response::new(Body::empty());
    *answer.status_mut() = StatusCode::NO_CONTENT;
    answer
}

/// Bytes → what leaves, if anything does. Waits for nothing.
fn decide(
    credentialed: Credentialed,
    bytes: &[u8],
    shared: &Shared,
    verdict: &mut Verdict,
) -> Result<Option<Outgoing>, Refusal> {
    // MALFORMED_BODY, INVALID_SCORE.
    let normalized = normalize(credentialed, bytes, &shared.scores, &shared.policies)?;
    // POLICY_REFUSED, STALE_SCORE; INVALID_SCORE where no policy fills a missing maximum.
    let judged = judge(normalized, &shared.policies, verdict)?;
    // Written from the judged score: what leaves is what the policy has seen.
    Ok(write_score(judged))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A request's future is moved a few times before it is polled, so its size is time.
    #[test]
    fn the_future_of_a_request_stays_small() {
        fn size_of_future<A, F: Future>(_: impl Fn(A) -> F) -> usize {
            size_of::<F>()
        }
        let size = size_of_future(stages);
        assert!(size <= 5 * 1024, "{size} bytes");
    }
}
