//! The path: everything a request goes through, in order. Read it top-down; each line says what
//! it may refuse with.

use std::sync::Arc;

use http::Response;
use tower::{ServiceBuilder, service_fn};

use crate::server::Answers;

use crate::body::Body;
use crate::caller_body::CallerBody;
use crate::error::Refusal;
use crate::forward::forward;
use crate::gateway::Worker;
use crate::handoff::{Arrived, Credentialed, Outgoing};
use crate::layers::{AdmissionLayer, EnvelopeLayer, IdentifyLayer, TraceLayer};
use crate::routing::BodyKind;
use crate::stages::{
    Verdict, attach_credentials, authenticate, check_message, judge, normalize, read_json_body,
    route, write_score,
};

/// The layers, outermost first, around the stages.
pub fn pipeline(worker: Arc<Worker>) -> impl Answers {
    let shared = worker.shared.clone();
    ServiceBuilder::new()
        // First, so that whatever is answered or logged below has an id.
        .layer(IdentifyLayer(shared.ids.clone()))
        // Outside Envelope, so that the access line shows the status the caller sees.
        .layer(TraceLayer {
            log: shared.access,
            request_deadline: shared.server.request_deadline,
        })
        // Everything below fails with `Refusal`; only here it becomes an answer.
        .layer(EnvelopeLayer)
        // Before any work is done: DRAINING, OVERLOADED.
        .layer(AdmissionLayer {
            in_flight: shared.in_flight.clone(),
            lifecycle: shared.lifecycle.clone(),
        })
        .service(service_fn(move |request| stages(request, worker.clone())))
}

/// The stages of every request.
async fn stages(arrived: Arrived, worker: Arc<Worker>) -> Result<Response<Body>, Refusal> {
    let shared = &worker.shared;
    let Arrived { traced, body } = arrived;
    // Before anything is read from it: MALFORMED_PATH, MALFORMED_BODY.
    let traced = check_message(traced)?;
    // Before Authenticate, which needs the operation's permission: MALFORMED_PATH,
    // ROUTE_NOT_FOUND, METHOD_NOT_ALLOWED.
    let routed = route(traced)?;
    // Before the body is read, so that a stranger's is not: the 401s, CALLER_NOT_ALLOWED,
    // LINE_ITEM_NOT_ALLOWED.
    let authenticated = authenticate(routed, &shared.verifier).await?;
    // CREDENTIALS_MISSING.
    let credentialed = attach_credentials(authenticated)?;
    match credentialed.routed.target.operation.body() {
        BodyKind::Score => submit_score(credentialed, body, &worker).await,
        BodyKind::None | BodyKind::Json | BodyKind::OptionalJson => {
            // UNSUPPORTED_MEDIA_TYPE, BODY_TOO_LARGE, REQUEST_TIMEOUT, MALFORMED_BODY.
            let outgoing = read_json_body(credentialed, body, shared.server.body_timeout).await?;
            // UPSTREAM_*.
            send(outgoing, &worker).await
        }
    }
}

/// The stages of the scores route alone.
async fn submit_score(
    credentialed: Credentialed,
    body: CallerBody,
    worker: &Worker,
) -> Result<Response<Body>, Refusal> {
    let shared = &worker.shared;
    let mut verdict = Verdict::new(credentialed.routed.traced.trail.clone());
    let answer = async {
        // UNSUPPORTED_MEDIA_TYPE, BODY_TOO_LARGE, REQUEST_TIMEOUT, MALFORMED_BODY, INVALID_SCORE.
        let normalized = normalize(
            credentialed,
            body,
            &shared.scores,
            shared.server.body_timeout,
        )
        .await?;
        // POLICY_REFUSED.
        let judged = judge(normalized, &shared.policies, &mut verdict)?;
        // UPSTREAM_*.
        send(write_score(judged), worker).await
    };
    let answer = answer.await;
    verdict.label(answer)
}

async fn send(outgoing: Outgoing, worker: &Worker) -> Result<Response<Body>, Refusal> {
    let upstream = worker.upstream(&outgoing.credentialed.caller.account)?;
    forward(outgoing, upstream).await
}
