//! Request target → one of the closed list of operations, with its parameters parsed.
//! Refuses with MALFORMED_PATH, ROUTE_NOT_FOUND and METHOD_NOT_ALLOWED.

use http::HeaderValue;
use http::header::ALLOW;

use crate::error::{Code, Refusal};
use crate::handoff::{Routed, Traced};
use crate::routing::{Operation, Spellings, TargetFault};

pub fn route(traced: Traced, spellings: &Spellings) -> Result<Routed, Refusal> {
    let head = &traced.head;
    let target = spellings.read(&head.method, &head.uri, head.version);
    let target = target.map_err(refuse)?;
    traced.trail.targets(&target);
    Ok(Routed { traced, target })
}

fn refuse(fault: TargetFault) -> Refusal {
    match fault {
        TargetFault::NotFound => Refusal::new(Code::RouteNotFound, "LTIAAS has no such route."),
        TargetFault::Method(resource) => {
            let allowed = Operation::allowed_methods(resource);
            let description = format!("This path takes {allowed}.");
            let refusal = Refusal::new(Code::MethodNotAllowed, description);
            match HeaderValue::try_from(allowed) {
                Ok(allowed) => refusal.with_header(ALLOW, allowed),
                Err(_) => refusal,
            }
        }
        fault => Refusal::new(Code::MalformedPath, sentence(&fault)),
    }
}

/// An error's own words as a sentence.
fn sentence(fault: &TargetFault) -> String {
    let text = fault.to_string();
    let mut letters = text.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    first.into_iter().chain(letters).chain(['.']).collect()
}
