//! `scoregate ledger verify`: whether the record is whole, and where not.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::{Common, Format, Stop};
use crate::cli::output::end_with;
use crate::count::Count;
use crate::ledger::{Break, Reason, Verdict};

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    common: Common,
}

pub fn run(arguments: &Arguments) -> Result<ExitCode, Stop> {
    let mut reader = arguments.common.open()?;
    let verdict = reader.verify().map_err(|cause| Stop::finding(&cause))?;
    let mut out = io::stdout().lock();
    let printed = match arguments.common.format(Format::Table) {
        Format::Table => writeln!(out, "{}", told(&verdict)),
        Format::Json => writeln!(out, "{}", as_json(&verdict)),
        Format::Csv => write_csv(&mut out, &verdict),
    };
    let code = match verdict.broken {
        None => ExitCode::SUCCESS,
        Some(_) => ExitCode::FAILURE,
    };
    Ok(end_with(code, printed)?)
}

fn as_json(verdict: &Verdict) -> serde_json::Value {
    let Verdict {
        entries,
        broken,
        last_hash: _,
    } = verdict;
    match broken {
        None => json!({"entries": entries, "whole": true}),
        Some(Break {
            receipt: Some(receipt),
            reason,
        }) => {
            json!({"entries": entries, "whole": false, "receipt": receipt, "reason": reason.as_str()})
        }
        Some(Break {
            receipt: None,
            reason,
        }) => {
            json!({"entries": entries, "whole": false, "reason": reason.as_str()})
        }
    }
}

fn told(verdict: &Verdict) -> String {
    let entries = Count(verdict.entries, "entry");
    let Some(Break { receipt, reason }) = &verdict.broken else {
        return format!("{entries}, whole; the last hash is {}", verdict.last_hash);
    };
    let receipt = receipt.as_deref().unwrap_or("the beginning");
    let why = match reason {
        Reason::Link => "an entry was removed, added or moved here",
        Reason::Hash => "what this entry says was changed",
        Reason::Seal => "what is sealed in this entry doesn't fit its learner",
    };
    format!("{entries}, NOT whole at {receipt}: {why}")
}

fn write_csv(out: &mut impl Write, verdict: &Verdict) -> io::Result<()> {
    let broken = verdict.broken.as_ref();
    let receipt = broken.and_then(|broken| broken.receipt.clone());
    let reason = broken.map_or("", |broken| broken.reason.as_str());
    writeln!(out, "entries,whole,receipt,reason")?;
    let (entries, whole) = (verdict.entries, broken.is_none());
    writeln!(
        out,
        "{entries},{whole},{},{reason}",
        receipt.unwrap_or_default()
    )
}
