//! What an entry says beside its explanation, for people: which one it is, and what LTIAAS made of the
//! score.

use std::io::{self, Write};

use crate::cli::terminal::harmless;
use crate::explanation::{Answered, Explanation, OfEntry, Taken};

/// What is no refusal of ours: the code tells of LTIAAS, or of the way to it.
pub fn is_of_upstream(code: &str) -> bool {
    code.starts_with("UPSTREAM_")
}

pub fn write_head(entry: &OfEntry, out: &mut impl Write) -> io::Result<()> {
    let (caller, line_item) = (harmless(&entry.caller), harmless(&entry.line_item));
    writeln!(out, "Receipt     {}", entry.receipt)?;
    writeln!(out, "Time        {}", entry.time)?;
    writeln!(out, "Caller      {caller} (account `{}`)", entry.account)?;
    writeln!(out, "Line item   {line_item}")
}

/// Nothing where LTIAAS had no part in it.
pub fn write_upstream(
    explanation: &Explanation,
    entry: &OfEntry,
    out: &mut impl Write,
) -> io::Result<()> {
    let code = explanation.code.as_deref();
    let code = code.filter(|code| is_of_upstream(code));
    if code.is_none() && entry.taken.is_none() {
        return Ok(());
    }
    let answer = match &entry.upstream {
        Some(answered) => answered.to_string(),
        None => silence(code, explanation.description.as_deref()).to_owned(),
    };
    let then = match (entry.taken, explanation.request.is_some()) {
        (Some(Taken::Yes), _) => ": it took the score",
        (Some(Taken::Unknown), _) => ": whether it took the score is unknown",
        (_, true) => ": it did not take the score",
        (_, false) if answer == UNREACHED => "; nothing was sent",
        // Policy asks for them before it judges, or before anything leaves.
        (_, false) => " when asked what the LMS has; nothing was sent",
    };
    writeln!(out, "LTIAAS      {answer}{then}")?;
    write_code(code, out)
}

const UNREACHED: &str = "was not reached";

/// Why there is no status.
fn silence(code: Option<&str>, description: Option<&str>) -> &'static str {
    match code {
        // The gateway was gone before it came.
        None => "has no answer on record",
        Some("UPSTREAM_CREDENTIALS_REJECTED") => "rejected the account's API key",
        Some("UPSTREAM_INVALID_RESPONSE") => "gave no valid answer",
        Some(_) => match description.is_some_and(|text| text.contains("nothing was sent")) {
            true => UNREACHED,
            false => "did not answer",
        },
    }
}

/// Of an entry whose learner is gone: whether anything was sent is gone with them.
pub fn write_answer(entry: &OfEntry, code: Option<&str>, out: &mut impl Write) -> io::Result<()> {
    let code = code.filter(|code| is_of_upstream(code));
    if let Some(answered) = &entry.upstream {
        writeln!(out, "LTIAAS      {answered}")?;
    }
    write_code(code, out)
}

/// By which `ledger list` finds it.
fn write_code(code: Option<&str>, out: &mut impl Write) -> io::Result<()> {
    code.map_or(Ok(()), |code| writeln!(out, "Code        {code}"))
}

impl std::fmt::Display for Answered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { status, message } = self;
        match message {
            Some(message) => write!(f, "answered {status} {message}"),
            None => write!(f, "answered {status}"),
        }
    }
}
