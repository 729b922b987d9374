//! What one stage hands to the next: always what it got, plus one new fact. A stage that needs a
//! fact asks for the type that holds it, so a path in the wrong order does not compile.

use std::sync::Arc;

use bytes::Bytes;
use http::request::Parts;
use http::uri::PathAndQuery;
use hyper::body::Incoming;
use jiff::Timestamp as Instant;

use crate::auth::Caller;
use crate::authorization::Launch;
use crate::deadline::Deadline;
use crate::error::Refusal;
use crate::policy::{InForceFor, Leaving, Past};
use crate::request_id::RequestId;
use crate::routing::{Operation, Target};
use crate::score::{Decimal, Score};
use crate::telemetry::Trail;

/// A request with an id.
pub struct Identified {
    pub request: http::Request<Incoming>,
    pub id: RequestId,
}

/// A request whose facts are kept for its access line, and the moment by which it must be over.
pub struct Traced {
    /// Boxed: every hand-off below moves it.
    pub head: Box<Parts>,
    pub trail: Arc<Trail>,
    pub deadline: Deadline,
}

/// A request for one operation of LTIAAS.
pub struct Routed {
    pub traced: Traced,
    /// Shared with other requests of the same spelling.
    pub target: Arc<Target>,
}

/// Who makes a request.
pub struct Identity {
    pub caller: Arc<Caller>,
    /// The launch credential that the caller brought.
    pub launch: Option<Launch>,
}

/// A routed request of a caller who may make it.
pub struct Authorized {
    pub routed: Routed,
    pub caller: Arc<Caller>,
    /// The launch credential that the caller brought.
    pub launch: Option<Launch>,
}

/// A request that can be authorized upstream. The caller's own credentials are gone.
pub struct Credentialed {
    pub routed: Routed,
    pub caller: Arc<Caller>,
    pub launch: UpstreamLaunch,
}

/// What stands beside the account's API key upstream.
pub enum UpstreamLaunch {
    /// Nothing: a Bearer operation.
    None,
    With(Launch),
}

/// A submission whose body is here.
pub struct Submitted {
    pub credentialed: Credentialed,
    pub body: Bytes,
    pub arrived: Instant,
}

/// Why a submission is no score.
pub struct NoScore {
    pub refusal: Refusal,
    /// Whose it is, where that much could be read.
    pub user: Option<String>,
}

/// A submission whose score is canonical and without faults.
pub struct Normalized {
    pub submitted: Submitted,
    pub score: Score,
}

/// A submission with all that the policy must know of it. By reference, since the stages that make
/// and take it wait: what a future owns is moved with it.
pub struct Consulted<'a> {
    pub normalized: &'a Normalized,
    pub in_force: InForceFor,
    /// The cell's; empty where no key in force needs one.
    pub history: Arc<Vec<Past>>,
    /// The line item's own, where a key in force asks for it.
    pub line_item_maximum: Result<Option<Decimal>, Unread>,
}

/// The line item could not be read. What the caller is told where the score can't do without;
/// nothing where a report policy alone asked.
pub struct Unread(pub Option<Refusal>);

/// What the policy lets leave of a submission, if anything.
pub struct Judged<'a>(pub Option<&'a Leaving>);

/// A request as it leaves: built from parsed values, never relayed.
pub struct Outgoing {
    pub credentialed: Credentialed,
    /// JSON that we wrote; `None` sends no body.
    pub body: Option<Bytes>,
    /// What was submitted, to keep it out of what an upstream's error shows.
    pub score: Option<Score>,
}

/// One request of ours to LTIAAS, on a caller's behalf.
pub struct Exchange<'a> {
    pub credentialed: &'a Credentialed,
    pub operation: Operation,
    pub target: &'a PathAndQuery,
    /// JSON that we wrote; `None` sends no body.
    pub body: Option<&'a Bytes>,
    /// What was submitted, to keep it out of what an upstream's error shows.
    pub score: Option<&'a Score>,
}
