//! Last on the path: builds the upstream request from parsed values, sends it, and sorts the
//! answer. Refuses with UPSTREAM_*.
//!
//! Nothing of the caller's request is relayed: the target is written from the operation, the
//! headers from an allow-list, the body from the typed value.

use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use http_body_util::Full;
use tokio::time::Instant;

use crate::answer::{Verdict, pass_on, refuse, refuse_unanswered, weigh};
use crate::authorization::bearer;
use crate::body::Body;
use crate::deadline::Deadline;
use crate::error::{Code, Refusal};
use crate::handoff::{Credentialed, Outgoing, UpstreamLaunch};
use crate::redact::Redactor;
use crate::request_id::X_REQUEST_ID;
use crate::upstream::{Outbound, Reply, Upstream};

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// Sends the request, with the account's next key when LTIAAS says that a key is bad.
pub async fn forward(outgoing: Outgoing, upstream: &Upstream) -> Result<Response<Body>, Refusal> {
    let traced = &outgoing.credentialed.routed.traced;
    let deadline = traced.deadline;
    let mut verdict = None;
    let keys = outgoing.credentialed.caller.account.api_keys.iter();
    for (index, authorization) in keys
        .map(|key| authorization(&outgoing.credentialed, key))
        .enumerate()
        .take(2)
    {
        let request = build(&outgoing, authorization?, upstream)?;
        let started = Instant::now();
        let reply = upstream
            .send(request, deadline)
            .await
            .map_err(refuse_unanswered)?;
        let _ = traced.trail.upstream.set(started.elapsed());
        let answer = judge_reply(reply, &outgoing, deadline, upstream).await?;
        match answer {
            Verdict::KeyRejected(_) if index == 0 => verdict = Some(answer),
            answer => {
                verdict = Some(answer);
                break;
            }
        }
    }
    match verdict {
        Some(Verdict::Success(reply)) => Ok(pass_on(*reply, deadline)),
        Some(Verdict::Failure(failure)) => Err(refuse(failure)),
        Some(Verdict::KeyRejected(_)) => Err(Refusal::new(
            Code::UpstreamCredentialsRejected,
            "LTIAAS rejects the gateway's own API key. The operator of the gateway has to replace it.",
        )),
        None => Err(Refusal::new(Code::Internal, "The account has no API key.")),
    }
}

async fn judge_reply(
    reply: Reply,
    outgoing: &Outgoing,
    deadline: Deadline,
    upstream: &Upstream,
) -> Result<Verdict, Refusal> {
    let operation = outgoing.credentialed.routed.target.operation;
    let redactor = || Redactor::for_request(outgoing, upstream.origin());
    weigh(reply, operation.launch(), deadline, redactor).await
}

fn authorization(
    credentialed: &Credentialed,
    key: &secrecy::SecretString,
) -> Result<HeaderValue, Refusal> {
    let value = match &credentialed.launch {
        UpstreamLaunch::None => bearer(key),
        UpstreamLaunch::With(launch) => launch.authorization(key),
    };
    value.ok_or_else(|| Refusal::new(Code::Internal, "The account's API key can't be sent."))
}

/// Headers go out in one fixed set, each once.
fn build(
    outgoing: &Outgoing,
    authorization: HeaderValue,
    upstream: &Upstream,
) -> Result<Outbound, Refusal> {
    let Outgoing {
        credentialed,
        body,
        score: _,
    } = outgoing;
    let traced = &credentialed.routed.traced;
    let target = &credentialed.routed.target;
    let mut request = Request::new(Full::new(body.clone().unwrap_or_default()));
    *request.method_mut() = target.operation.method();
    *request.uri_mut() = target.upstream.clone().into();
    let headers = request.headers_mut();
    headers.reserve(8);
    let host = HeaderValue::from_str(upstream.origin().authority().as_str());
    headers.insert(
        HOST,
        host.map_err(|cause| {
            Refusal::new(Code::Internal, "The account's host can't be sent.").because(cause)
        })?,
    );
    headers.insert(AUTHORIZATION, authorization);
    if body.is_some() {
        headers.insert(CONTENT_TYPE, JSON);
    }
    for name in [ACCEPT, USER_AGENT, TRACEPARENT, TRACESTATE] {
        copy(&traced.head.headers, name, headers);
    }
    headers.insert(X_REQUEST_ID, traced.trail.id.header());
    Ok(request)
}

/// Of several values the first passes: each header goes out once.
fn copy(from: &HeaderMap, name: HeaderName, to: &mut HeaderMap) {
    if let Some(value) = from.get(&name) {
        to.insert(name, value.clone());
    }
}
