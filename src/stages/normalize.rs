//! Bytes → a score, canonical and without faults, or all of its faults at once.
//! Refuses with MALFORMED_BODY and INVALID_SCORE.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::config;
use crate::error::{Code, Fault, Refusal};
use crate::handoff::{Credentialed, NoScore, Normalized, Submitted};
use crate::policy::Policies;
use crate::redact::Redactor;
use crate::score::{Fill, Score, Unreadable, read_for};

/// Room for `details.errors`, in bytes, so that no error body exceeds 128 KiB.
const MOST_FAULT_BYTES: usize = 96 * 1024;

/// The most that is shown of the pointer to a member, in characters.
const LONGEST_POINTER: usize = 200;

pub fn normalize(
    submitted: Submitted,
    scores: &config::Scores,
    policies: &Policies,
) -> Result<Normalized, NoScore> {
    let credentialed = &submitted.credentialed;
    let item = credentialed.routed.target.line_item.as_ref();
    let origin = Origin {
        caller: &credentialed.caller.name,
        account: &credentialed.caller.account.name,
        line_item: item.map_or("", |item| item.normalized()),
    };
    let score = match read_score(&submitted.body, &origin, scores, policies) {
        Ok(score) => score,
        Err(fault) => return Err(refuse(fault, credentialed, &submitted.body)),
    };
    credentialed.routed.traced.trail.is_about(&score.user);
    Ok(Normalized { submitted, score })
}

/// Where a submission comes from and goes to.
pub struct Origin<'a> {
    pub caller: &'a str,
    pub account: &'a str,
    pub line_item: &'a str,
}

/// The bytes alone.
pub fn read_score(
    body: &[u8],
    origin: &Origin<'_>,
    scores: &config::Scores,
    policies: &Policies,
) -> Result<Score, Unreadable> {
    let Origin {
        caller,
        account,
        line_item,
    } = origin;
    let fill = match policies.may_fill(caller, account, line_item) {
        true => Fill::Possibly,
        false => Fill::Never,
    };
    read_for(body, scores.unknown_members, fill)
}

fn refuse(fault: Unreadable, credentialed: &Credentialed, bytes: &[u8]) -> NoScore {
    match fault {
        Unreadable::Malformed(fault) => NoScore {
            refusal: Refusal::new(Code::MalformedBody, fault.to_string()),
            user: None,
        },
        Unreadable::Invalid { faults, user } => {
            if let Some(user) = &user {
                credentialed.routed.traced.trail.is_about(user);
            }
            let count = faults.len();
            let refusal = invalid(count, presentable(faults, credentialed, bytes));
            NoScore { refusal, user }
        }
    }
}

/// INVALID_SCORE, with the faults that are listed of those there are.
pub fn invalid(count: usize, listed: Vec<Fault>) -> Refusal {
    Refusal::new(Code::InvalidScore, summary(count, &listed)).with_faults(listed)
}

/// The Node SDK shows a developer nothing of `errors`, so a single fault stands in the description.
fn summary(count: usize, listed: &[Fault]) -> String {
    match listed {
        [fault] if count == 1 => fault.message.clone(),
        listed if listed.len() < count => format!(
            "The score has {count} faults; `errors` lists the first {}.",
            listed.len()
        ),
        _ => format!("The score has {count} faults; `errors` lists them."),
    }
}

/// The faults as they may be shown: those of known members first, and as many as there is room for.
fn presentable(mut faults: Vec<Fault>, credentialed: &Credentialed, bytes: &[u8]) -> Vec<Fault> {
    if faults.iter().all(Fault::is_of_known_member) {
        return faults;
    }
    faults.sort_by_key(|fault| !fault.is_of_known_member());
    let redactor = Redactor::for_submission(credentialed, private_texts(bytes));
    let mut room = MOST_FAULT_BYTES;
    let faults = faults
        .into_iter()
        .map(|fault| match fault.is_of_known_member() {
            true => fault,
            false => Fault {
                field: shorten(&redact_pointer(&fault.field, &redactor)),
                ..fault
            },
        });
    faults.take_while(|fault| takes(fault, &mut room)).collect()
}

/// Names are compared as they are, not as a pointer escapes them.
fn redact_pointer(pointer: &str, redactor: &Redactor) -> String {
    let names = pointer.split('/').map(|name| {
        let name = name.replace("~1", "/").replace("~0", "~");
        redactor.text(&name).replace('~', "~0").replace('/', "~1")
    });
    names.collect::<Vec<_>>().join("/")
}

/// A pointer that is shortened says so, and ends outside an escape.
fn shorten(pointer: &str) -> String {
    if pointer.chars().count() <= LONGEST_POINTER {
        return pointer.to_owned();
    }
    let start: String = pointer.chars().take(LONGEST_POINTER).collect();
    format!("{}…", start.trim_end_matches('~'))
}

fn takes(fault: &Fault, room: &mut usize) -> bool {
    // With the comma behind it.
    let length = serde_json::to_vec(fault).map_or(usize::MAX, |written| written.len() + 1);
    let left = room.checked_sub(length);
    *room = left.unwrap_or(0);
    left.is_some()
}

/// What a submission says of people, though it be no score.
fn private_texts(bytes: &[u8]) -> Vec<String> {
    #[derive(Default, Deserialize)]
    #[serde(default, rename_all = "camelCase")]
    struct Private<'a> {
        #[serde(borrow)]
        user_id: Option<&'a RawValue>,
        #[serde(borrow)]
        scoring_user_id: Option<&'a RawValue>,
        #[serde(borrow)]
        comment: Option<&'a RawValue>,
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let private: Private<'_> = serde_json::from_slice(bytes).unwrap_or_default();
    let texts = [private.user_id, private.scoring_user_id, private.comment];
    let texts = texts.into_iter().flatten();
    // Escapes are read where it is compared.
    texts
        .map(|text| text.get().trim_matches('"').to_owned())
        .collect()
}
