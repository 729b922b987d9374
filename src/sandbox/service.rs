//! One request, top to bottom: its body, the record, the fault that strikes it, its answer. The
//! order is Express's: the body is parsed before the route is known, and an endpoint
//! authenticates only then.

use std::convert::Infallible;
use std::future::pending;
use std::sync::Arc;

use bytes::Bytes;
use http::request::Parts;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use tokio::sync::mpsc::Sender;
use tokio::time::sleep;

use super::answer::{Answer, cannot, options, undecodable};
use super::body::{End, Members, Received, members, receive};
use super::fault::Reply;
use super::query::Query;
use super::routes::{Found, Operation, find};
use super::script::Script;
use super::state::State;
use super::{auth, control, launch, line_items, registrations, scores};

/// Answers a request. A fault that needs the bare socket is handed to the connection instead,
/// which drops this future.
pub async fn serve(
    state: Arc<State>,
    takeover: Sender<Script>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    let received = receive(body).await;
    let path = parts.uri.path();
    let reply = match path.starts_with(control::PREFIX) {
        true => Reply::Answer(control::answer(&state, &parts.method, path, &received)),
        false => recorded(&state, &parts, &received).await,
    };
    match reply {
        Reply::Answer(answer) => Ok(answer.map(Full::new)),
        Reply::Script(script) => {
            let _ = takeover.send(script).await;
            pending().await
        }
    }
}

async fn recorded(state: &State, parts: &Parts, received: &Received) -> Reply {
    let found = find(&parts.method, parts.uri.path());
    let allowed = match &found {
        Found::Operation(operation) => Some(auth::check(
            operation,
            &parts.headers,
            &state.options.api_keys,
        )),
        Found::Options(_) | Found::Undecodable | Found::Nothing => None,
    };
    let authorized = matches!(allowed, Some(Ok(())));
    let number = state.recorder().record(parts, received, authorized);
    let usual = || usual(state, parts, received, found, allowed);
    let struck = state.faults().strike(parts);
    let reply = match struck {
        None => Reply::Answer(usual()),
        Some(fault) => {
            sleep(fault.delay()).await;
            fault.reply(&received.bytes, usual)
        }
    };
    if let Reply::Answer(answer) = &reply {
        state.recorder().settle(number, answer.status().as_u16());
    }
    reply
}

fn usual(
    state: &State,
    parts: &Parts,
    received: &Received,
    found: Found,
    allowed: Option<Result<(), Answer>>,
) -> Answer {
    let members = match members(&parts.headers, received) {
        Ok(members) if received.end == End::Whole => members,
        Ok(_) => Members::new(),
        Err(refused) => return refused,
    };
    let operation = match found {
        Found::Operation(operation) => operation,
        Found::Options(allow) => return options(&allow),
        Found::Undecodable => return undecodable(),
        Found::Nothing => return cannot(parts.method.as_str(), parts.uri.path()),
    };
    if let Some(Err(refused)) = allowed {
        return refused;
    }
    let query = Query::read(parts.uri.query().unwrap_or_default());
    perform(state, operation, query, members).unwrap_or_else(|refused| refused)
}

fn perform(
    state: &State,
    operation: Operation,
    query: Query,
    members: Members,
) -> Result<Answer, Answer> {
    match operation {
        Operation::ReadIdToken => Ok(launch::id_token(state, &query)),
        Operation::ReadMemberships => launch::memberships(state, query),
        Operation::ListLineItems => line_items::list(state, query),
        Operation::CreateLineItem => line_items::create(state, members),
        Operation::ReadLineItem(id) => line_items::read(state, &id),
        Operation::ReplaceLineItem(id) => line_items::replace(state, &id, members),
        Operation::DeleteLineItem(id) => line_items::delete(state, &id),
        Operation::ReadScores(id) => scores::read(state, &id, query),
        Operation::SubmitScore(id) => Ok(scores::submit(state, &id, &members)),
        Operation::DeepLinkingForm => launch::deep_linking_form(state, &members),
        Operation::DeepLinkingMessage => launch::deep_linking_message(state, &members),
        Operation::ReadRegistration(id) => registrations::registration(&id),
        Operation::CompleteRegistration(id) => registrations::complete(&id),
        Operation::ListPlatforms => Ok(state.platforms().list()),
        Operation::CreatePlatform => state.platforms().create(members),
        Operation::ReadPlatform(id) => state.platforms().read(&id),
        Operation::ReplacePlatform(id) => state.platforms().replace(&id, members),
        Operation::DeletePlatform(id) => state.platforms().delete(&id),
        Operation::ActivatePlatform(id) => state.platforms().set_active(&id, true),
        Operation::DeactivatePlatform(id) => state.platforms().set_active(&id, false),
    }
}
