//! The one error type of the request path. Every refusal has a code from the table in `code`;
//! the Envelope layer alone turns it into a response.

mod code;
mod refusal;

pub use code::Code;
pub use refusal::{Fault, Owner, Refusal, UpstreamAnswer};

/// A cause that is kept for the operator's log and never shown to a caller.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

/// An error and what caused it, on one line.
pub fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |cause| cause.source());
    let texts: Vec<_> = causes.map(ToString::to_string).collect();
    texts.join(": ")
}
