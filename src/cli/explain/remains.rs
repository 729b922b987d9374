//! What can still be said of a recorded submission whose learner was erased, or whose seal doesn't open: the
//! score, the policy in force, the reasons and the request are sealed.

use std::io::{self, Write};

use serde::Serialize;

use super::entry::{is_of_upstream, write_answer, write_head};
use super::text::meaning;
use crate::explanation::OfEntry;
use crate::ledger::{Acted, Kept, Learner};
use crate::policy::Marks;

#[derive(Debug, Serialize)]
pub struct Remains {
    entry: OfEntry,
    /// What stands in the place of the learner's id.
    user: String,
    decision: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    rules: Vec<Acted>,
    #[serde(skip_serializing_if = "Option::is_none")]
    judged: Option<Marks>,
    #[serde(skip)]
    why: &'static str,
}

impl Remains {
    /// `None` where all that was recorded is there.
    pub fn of(kept: &Kept) -> Option<Self> {
        let why = match kept.learner {
            Learner::Known | Learner::Absent => return None,
            Learner::Erased => {
                "The learner was erased, and with them the score, the policy in force, the reasons and the request"
            }
            Learner::Unreadable => {
                "The score, the policy in force, the reasons and the request can't be read: run `scoregate ledger verify`"
            }
        };
        let entry = &kept.entry;
        Some(Self {
            entry: OfEntry::new(kept, None),
            user: kept.user().unwrap_or_default().to_owned(),
            decision: entry.decision.as_str().to_owned(),
            code: entry.code.clone(),
            rules: entry.rules.clone(),
            judged: entry.judged.map(Marks::from),
            why,
        })
    }

    pub fn write(&self, out: &mut impl Write) -> io::Result<()> {
        let Self {
            entry,
            user: _,
            decision,
            code,
            rules,
            judged,
            why,
        } = self;
        write_head(entry, out)?;
        writeln!(
            out,
            "Decision    {decision}: {}",
            meaning(
                decision,
                entry.taken,
                rules.iter().map(|acted| &*acted.rule)
            )
        )?;
        if let Some(code) = code.as_ref().filter(|code| !is_of_upstream(code)) {
            writeln!(out, "Refusal     {code}")?;
        }
        if let Some(judged) = judged {
            writeln!(out, "Judged      {}", judged.in_figures())?;
        }
        write_answer(entry, code.as_deref(), out)?;
        writeln!(out, "\n{why}")?;
        if !rules.is_empty() {
            writeln!(out, "\nRules")?;
        }
        for (number, Acted { rule, policy }) in (1..).zip(rules) {
            writeln!(out, "  {number}. {rule} (policy `{policy}`)")?;
        }
        Ok(())
    }
}
