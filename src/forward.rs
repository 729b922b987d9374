//! Last on the path: builds the upstream request from parsed values, sends it, and sorts the
//! answer. Refuses with UPSTREAM_*.
//!
//! Nothing of the caller's request is relayed: the target is written from the operation, the
//! headers from an allow-list, the body from the typed value.

use http::header::{ACCEPT, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HOST, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, Version};
use http_body::Body as _;
use http_body_util::Full;
use secrecy::SecretString;

use crate::answer::{Unsuccessful, pass_on, pass_on_whole, refuse_unanswered, weigh};
use crate::authorization::bearer;
use crate::body::Body;
use crate::error::{Code, Refusal};
use crate::gateway::Worker;
use crate::handoff::{Credentialed, Exchange, Outgoing, Traced, UpstreamLaunch};
use crate::redact::Redactor;
use crate::request_id::X_REQUEST_ID;
use crate::upstream::{Outbound, Reply, Upstream};

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// Sends what the caller asked for, and passes the answer on.
pub async fn forward(outgoing: &Outgoing, worker: &Worker) -> Result<Response<Body>, Refusal> {
    let target = &outgoing.credentialed.routed.target;
    let exchange = Exchange {
        credentialed: &outgoing.credentialed,
        operation: target.operation,
        target: &target.upstream,
        body: outgoing.body.as_ref(),
        score: outgoing.score.as_ref(),
    };
    let reply = exchange.send(worker).await?;
    let Traced { head, deadline, .. } = &outgoing.credentialed.routed.traced;
    // HTTP/1.0 marks the end of a body of unknown length by closing, as a broken one does, so there
    // such a body is read whole first.
    let unbounded = reply.body.size_hint().exact().is_none();
    match head.version == Version::HTTP_10 && unbounded {
        true => Box::pin(pass_on_whole(reply, *deadline)).await,
        false => Ok(pass_on(reply, *deadline)),
    }
}

impl Exchange<'_> {
    /// Sends the request; with the account's other key too where LTIAAS has said, in a complete
    /// answer, that it rejects the first. Only a success is answered.
    pub async fn send(&self, worker: &Worker) -> Result<Reply, Refusal> {
        let account = &self.credentialed.caller.account;
        let upstream = worker.upstream(account)?;
        for (index, key) in upstream.keys(account) {
            match self.attempt(key, upstream).await {
                Ok(reply) => {
                    upstream.key_is_good(index);
                    return Ok(reply);
                }
                Err(Unsuccessful::KeyRejected) => upstream.key_is_bad(),
                Err(Unsuccessful::Refused(refusal)) => return Err(refusal),
            }
        }
        worker.shared.report_rejected_keys(&account.name);
        Err(Refusal::new(
            Code::UpstreamCredentialsRejected,
            "LTIAAS rejects the gateway's own API key. The operator of the gateway has to replace it.",
        ))
    }

    async fn attempt(
        &self,
        key: &SecretString,
        upstream: &Upstream,
    ) -> Result<Reply, Unsuccessful> {
        let traced = &self.credentialed.routed.traced;
        let request = self.build(authorization(self.credentialed, key)?, upstream)?;
        let mut request = Some(request);
        let sending = upstream.send(&mut request, traced.deadline);
        let (reply, waited) = traced.trail.upstream.note(sending).await;
        upstream.count(&reply, waited);
        let reply = reply.map_err(refuse_unanswered)?;
        if reply.head.status.is_success() {
            return Ok(reply);
        }
        // Boxed: a success needs no room for it.
        let redactor = || Redactor::for_exchange(self, upstream.origin());
        let launch = self.operation.launch();
        Err(Box::pin(weigh(reply, launch, traced.deadline, redactor)).await)
    }

    /// Headers go out in one fixed set, each once.
    fn build(&self, authorization: HeaderValue, upstream: &Upstream) -> Result<Outbound, Refusal> {
        let traced = &self.credentialed.routed.traced;
        let mut request = Request::new(Full::new(self.body.cloned().unwrap_or_default()));
        *request.method_mut() = self.operation.method();
        *request.uri_mut() = self.target.clone().into();
        let headers = request.headers_mut();
        headers.reserve(8);
        let host = upstream.host();
        headers.insert(
            HOST,
            host.ok_or_else(|| Refusal::new(Code::Internal, "The account's host can't be sent."))?,
        );
        headers.insert(AUTHORIZATION, authorization);
        match self.body {
            Some(_) => _ = headers.insert(CONTENT_TYPE, JSON),
            // A POST without it is a 411 to some fronts (RFC 9110 section 8.6).
            None if self.operation.method() == Method::POST => {
                headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
            }
            None => {}
        }
        for name in [ACCEPT, USER_AGENT] {
            copy(&traced.head.headers, name, headers);
        }
        if let Some(trace) = &traced.trail.trace {
            trace.write(headers);
        }
        headers.insert(X_REQUEST_ID, traced.trail.id.header());
        Ok(request)
    }
}

fn authorization(credentialed: &Credentialed, key: &SecretString) -> Result<HeaderValue, Refusal> {
    let value = match &credentialed.launch {
        UpstreamLaunch::None => bearer(key),
        UpstreamLaunch::With(launch) => launch.authorization(key),
    };
    value.ok_or_else(|| Refusal::new(Code::Internal, "The account's API key can't be sent."))
}

/// Of several values the first passes: each header goes out once.
fn copy(from: &HeaderMap, name: HeaderName, to: &mut HeaderMap) {
    if let Some(value) = from.get(&name) {
        to.insert(name, value.clone());
    }
}
