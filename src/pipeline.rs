//! The path: everything a request goes through, in order. Read it top-down; each line says what
//! it may refuse with.

use std::sync::Arc;

use http::{Response, StatusCode};
use jiff::Timestamp;
use tower::{ServiceBuilder, service_fn};

use crate::server::Answers;

use crate::body::Body;
use crate::caller_body::CallerBody;
use crate::error::Refusal;
use crate::forward::forward;
use crate::gateway::{Lasting, Slot, Worker};
use crate::handoff::{Credentialed, Submitted, Traced};
use crate::layers::{AdmissionLayer, Arrived, EnvelopeLayer, IdentifyLayer, TraceLayer};
use crate::ledger::to_the_microsecond;
use crate::record::Record;
use crate::routing::Operation;
use crate::stages::{
    attach_credentials, authenticate, authorize, check_message, consult, find_place, judge,
    limit_in_flight, limit_rate, normalize, read_body, rewrite_json, route, see_through,
    write_score,
};
use crate::verdict::Verdict;

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
        // Boxed: hyper keeps room on each connection for the future of a request, and moves it.
        .service(service_fn(|arrived| Box::pin(stages(arrived))))
}

/// The stages of every request. Each part is a function of its own also because a future keeps
/// room for every value in scope, and is moved with it.
async fn stages(arrived: Arrived) -> Result<Response<Body>, Refusal> {
    let Arrived {
        traced,
        mut body,
        worker,
    } = arrived;
    let credentialed = admit(traced, &worker).await?;
    match credentialed.routed.target.operation {
        Operation::SubmitScore => submit_score(credentialed, &mut body, worker).await,
        // Boxed: seldom asked for, and no submission needs the room.
        _ => Box::pin(relay(credentialed, &mut body, &worker)).await,
    }
}

/// What comes before anybody looks at the body.
async fn admit(traced: Traced, worker: &Worker) -> Result<Credentialed, Refusal> {
    // Before anything is read from it: MALFORMED_PATH, MALFORMED_BODY.
    let traced = check_message(traced)?;
    // Before Authorize, which needs the operation's permission: MALFORMED_PATH, ROUTE_NOT_FOUND,
    // METHOD_NOT_ALLOWED.
    let routed = route(traced, &worker.spellings)?;
    // Before the body is read, so that a stranger's is not: the 401s, OVERLOADED.
    let identity = authenticate(&routed, &worker.shared.verifier).await?;
    // Before anything is done for the caller: RATE_LIMITED.
    let identity = limit_rate(identity)?;
    // Before the body is read, which its caller may dribble: RATE_LIMITED.
    let identity = limit_in_flight(identity, &routed.traced.trail)?;
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

/// The scores route. Whatever is answered once the body is asked for says what was decided.
async fn submit_score(
    credentialed: Credentialed,
    body: &mut CallerBody,
    worker: Arc<Worker>,
) -> Result<Response<Body>, Refusal> {
    // Before the body is read, since whatever was read is recorded: OVERLOADED.
    let place = find_place(&worker)?;
    // UNSUPPORTED_MEDIA_TYPE, BODY_TOO_LARGE, REQUEST_TIMEOUT.
    let bytes = read_body(&credentialed, body, worker.shared.server.body_timeout).await;
    let verdict = Verdict::new(credentialed.routed.traced.trail.clone());
    let body = match bytes {
        Ok(body) => body,
        Err(refusal) => return verdict.label(Err(refusal)),
    };
    let submitted = Submitted {
        credentialed,
        body,
        arrived: to_the_microsecond(Timestamp::now()),
    };
    // Boxed: by far the largest part of a request's future, and no other needs the room.
    let submission = Box::pin(submit(submitted, verdict, worker.clone()));
    match place {
        // A record is settled also when the caller leaves.
        Some(place) => see_through(&worker, place, submission).await,
        None => submission.await,
    }
}

/// A submission whose body is here, recorded whatever becomes of it.
async fn submit(
    submitted: Submitted,
    mut verdict: Verdict,
    worker: Arc<Worker>,
) -> Result<Response<Body>, Refusal> {
    let answer = match Record::begin(&submitted, &worker.shared) {
        Ok(mut record) => {
            let answer = advance(submitted, &worker, &mut verdict, &mut record).await;
            // Before the answer is given: LEDGER_UNAVAILABLE.
            record.settle(&mut verdict, answer).await
        }
        Err(refusal) => Err(refusal),
    };
    verdict.label(answer)
}

/// From the bytes of a submission to LTIAAS's answer.
async fn advance(
    submitted: Submitted,
    worker: &Worker,
    verdict: &mut Verdict,
    record: &mut Record,
) -> Result<Response<Body>, Refusal> {
    let shared = &worker.shared;
    // MALFORMED_BODY, INVALID_SCORE.
    let normalized = normalize(submitted, &shared.scores, &shared.policies)
        .map_err(|no_score| record.note_no_score(no_score))?;
    record.note_score(&normalized.score);
    // LEDGER_UNAVAILABLE, OVERLOADED, UPSTREAM_*.
    let consulted = consult(&normalized, worker, record).await?;
    // POLICY_REFUSED, STALE_SCORE; INVALID_SCORE where no policy fills a missing maximum.
    let judged = judge(consulted, worker, verdict).await?;
    // Written from the judged score: what leaves is what the policy has seen.
    let Some(outgoing) = write_score(normalized, judged) else {
        return Ok(kept());
    };
    // Before anything is sent: LEDGER_UNAVAILABLE.
    record.note_leaving(&outgoing, verdict).await?;
    // UPSTREAM_*.
    forward(&outgoing, worker).await
}

/// Recorded, and nothing had to be, or may be, sent.
fn kept() -> Response<Body> {
    let mut answer = Response::new(Body::empty());
    *answer.status_mut() = StatusCode::NO_CONTENT;
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is taken from the heap for every request.
    #[test]
    fn the_future_of_a_request_stays_small() {
        fn size_of_future<A, F: Future>(_: impl Fn(A) -> F) -> usize {
            size_of::<F>()
        }
        let size = size_of_future(stages);
        assert!(size <= 2 * 1024, "{size} bytes");
    }
}
