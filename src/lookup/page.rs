//! Reads one JSON object from LTIAAS, whole and bounded.

use http::uri::PathAndQuery;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::answer::read_whole;
use crate::error::{Code, Refusal};
use crate::gateway::Worker;
use crate::handoff::{Credentialed, Exchange};
use crate::routing::Operation;
use crate::score::Decimal;

/// The most an answer may hold, in bytes: a page of some thousand results.
const MOST: usize = 1024 * 1024;

/// What LTIAAS answers to a read.
pub async fn read<T: DeserializeOwned>(
    credentialed: &Credentialed,
    operation: Operation,
    target: &PathAndQuery,
    worker: &Worker,
) -> Result<T, Refusal> {
    let exchange = Exchange {
        credentialed,
        operation,
        target,
        body: None,
        score: None,
    };
    let reply = exchange.send(worker).await?;
    let deadline = credentialed.routed.traced.deadline;
    let read = read_whole(reply.body, MOST, deadline).await?;
    let bytes = read.map_err(unusable)?;
    serde_json::from_slice(&bytes).map_err(|cause| unusable(NotRead::at(&cause)))
}

/// Where reading ended. What serde says of it may quote what stands there: a key, or a learner's id.
#[derive(Debug, thiserror::Error)]
#[error("the answer is not the JSON that it should be (line {line}, column {column})")]
struct NotRead {
    line: usize,
    column: usize,
}

impl NotRead {
    fn at(cause: &serde_json::Error) -> Self {
        Self {
            line: cause.line(),
            column: cause.column(),
        }
    }
}

/// A number, exactly; nothing where it is null or absent.
pub fn number(raw: Option<&RawValue>) -> Result<Option<Decimal>, Refusal> {
    match raw.map(RawValue::get) {
        None | Some("null") => Ok(None),
        Some(text) => Decimal::from_json(text).map(Some).map_err(unusable),
    }
}

pub fn unusable(cause: impl Into<crate::error::Cause>) -> Refusal {
    let description =
        "What the grading policy needs to know could not be read from LTIAAS; nothing was sent.";
    Refusal::new(Code::UpstreamInvalidResponse, description).because(cause)
}
