//! Bytes → a score, canonical and without faults, or all of its faults at once.
//! Refuses with MALFORMED_BODY and INVALID_SCORE.

use crate::config;
use crate::error::{Code, Fault, Refusal};
use crate::handoff::{Credentialed, Normalized};
use crate::policy::Policies;
use crate::score::{Fill, Unreadable, read_for};

pub fn normalize(
    credentialed: Credentialed,
    bytes: &[u8],
    scores: &config::Scores,
    policies: &Policies,
) -> Result<Normalized, Refusal> {
    let fill = fill(&credentialed, policies);
    let score = read_for(bytes, scores.unknown_members, fill).map_err(refuse)?;
    credentialed.routed.traced.trail.is_about(&score.user);
    Ok(Normalized {
        credentialed,
        score,
    })
}

fn fill(credentialed: &Credentialed, policies: &Policies) -> Fill {
    let caller = &credentialed.caller;
    let item = credentialed.routed.target.line_item.as_ref();
    let item = item.map_or("", |item| item.normalized());
    match policies.may_fill(&caller.name, &caller.account.name, item) {
        true => Fill::Possibly,
        false => Fill::Never,
    }
}

fn refuse(fault: Unreadable) -> Refusal {
    match fault {
        Unreadable::Malformed(fault) => Refusal::new(Code::MalformedBody, fault.to_string()),
        Unreadable::Invalid(faults) => invalid(faults),
    }
}

/// INVALID_SCORE, with every fault there is.
pub fn invalid(faults: Vec<Fault>) -> Refusal {
    Refusal::new(Code::InvalidScore, summary(&faults)).with_faults(faults)
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
