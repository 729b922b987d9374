//! Bytes → a score, canonical and without faults, or all of its faults at once.
//! Refuses with MALFORMED_BODY and INVALID_SCORE.

use crate::config;
use crate::error::{Code, Fault, Refusal};
use crate::handoff::{Credentialed, Normalized};
use crate::score::{Unreadable, read};

pub fn normalize(
    credentialed: Credentialed,
    bytes: &[u8],
    scores: &config::Scores,
) -> Result<Normalized, Refusal> {
    let score = read(bytes, scores.unknown_members).map_err(refuse)?;
    credentialed.routed.traced.trail.is_about(&score.user);
    Ok(Normalized {
        credentialed,
        score,
    })
}

fn refuse(fault: Unreadable) -> Refusal {
    match fault {
        Unreadable::Malformed(fault) => Refusal::new(Code::MalformedBody, fault.to_string()),
        Unreadable::Invalid(faults) => {
            Refusal::new(Code::InvalidScore, summary(&faults)).with_faults(faults)
        }
    }
}

/// The Node SDK shows a developer nothing of `errors`, so a single fault stands in the description.
fn summary(faults: &[Fault]) -> String {
    match faults {
        [fault] => fault.message.clone(),
        faults => format!(
            "The score has {} faults; `errors` lists them.",
            faults.len()
        ),
    }
}
