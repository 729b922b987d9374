//! Prints entries one by one: a table for people, JSON or CSV for programs.

use std::io::{self, Write};

use serde::Deserialize;
use serde_json::value::RawValue;

use super::Format;
use crate::cli::spreadsheet::inert;
use crate::cli::terminal::harmless;
use crate::ledger::Kept;

/// The columns of CSV, as the contract has them.
const COLUMNS: [&str; 19] = [
    "receipt",
    "time",
    "account",
    "caller",
    "line_item",
    "user",
    "score_given",
    "score_maximum",
    "timestamp",
    "submitted_at",
    "decision",
    "code",
    "rules",
    "judged_given",
    "judged_maximum",
    "policy_generation",
    "upstream_status",
    "prev_hash",
    "hash",
];

pub enum Printer<W: Write> {
    Table(W),
    Json { out: W, is_first: bool },
    Csv(Box<csv::Writer<W>>),
}

impl<W: Write> Printer<W> {
    pub fn new(format: Format, mut out: W) -> io::Result<Self> {
        Ok(match format {
            Format::Table => {
                write_line(
                    &mut out,
                    [
                        "RECEIPT",
                        "TIME",
                        "DECISION",
                        "CODE",
                        "JUDGED",
                        "CALLER",
                        "USER",
                        "LINE ITEM",
                    ],
                )?;
                Self::Table(out)
            }
            Format::Json => Self::Json {
                out,
                is_first: true,
            },
            Format::Csv => {
                let mut writer = csv::Writer::from_writer(out);
                writer.write_record(COLUMNS)?;
                Self::Csv(Box::new(writer))
            }
        })
    }

    pub fn print(&mut self, kept: &Kept) -> io::Result<()> {
        match self {
            Self::Table(out) => print_line(out, kept),
            Self::Json { out, is_first } => {
                out.write_all(if *is_first { b"[\n" } else { b",\n" })?;
                *is_first = false;
                Ok(serde_json::to_writer(out, kept)?)
            }
            Self::Csv(writer) => Ok(writer.write_record(cells(kept))?),
        }
    }

    /// What it wrote to, complete.
    pub fn finish(self) -> io::Result<W> {
        match self {
            Self::Table(out) => Ok(out),
            Self::Json { mut out, is_first } => {
                out.write_all(if is_first { b"[]\n" } else { b"\n]\n" })?;
                Ok(out)
            }
            Self::Csv(writer) => writer.into_inner().map_err(|error| error.into_error()),
        }
    }
}

fn print_line(out: &mut impl Write, kept: &Kept) -> io::Result<()> {
    let entry = &kept.entry;
    let judged = entry.judged.as_ref();
    let judged = judged.map_or("-".to_owned(), |points| {
        format!("{}/{}", points.given, points.maximum)
    });
    let time = format!("{:.0}", entry.time);
    let columns = [
        entry.receipt.text(),
        &time,
        entry.decision.as_str(),
        entry.code.as_deref().unwrap_or("-"),
        &judged,
        &entry.caller,
        kept.user().unwrap_or("-"),
        &entry.line_item,
    ];
    write_line(out, columns)
}

/// As wide as the widest code.
const CODE: usize = "UPSTREAM_CREDENTIALS_REJECTED".len();

fn write_line(out: &mut impl Write, columns: [&str; 8]) -> io::Result<()> {
    let [
        receipt,
        time,
        decision,
        code,
        judged,
        caller,
        user,
        line_item,
    ] = columns.map(harmless);
    writeln!(
        out,
        "{receipt:26}  {time:20}  {decision:9}  {code:CODE$}  {judged:>11}  {caller:16}  {user:16}  {line_item}"
    )
}

/// What CSV shows of a submission.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Submitted {
    score_given: Option<Box<RawValue>>,
    score_maximum: Option<Box<RawValue>>,
    timestamp: Option<String>,
    submission: Times,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Times {
    submitted_at: Option<String>,
}

fn cells(kept: &Kept) -> [String; 19] {
    let entry = &kept.entry;
    let json = entry.submission.as_ref();
    let submitted: Submitted = json
        .and_then(|json| serde_json::from_slice(json.bytes()).ok())
        .unwrap_or_default();
    let number = |number: Option<Box<RawValue>>| number.map(|number| number.get().to_owned());
    let rules: Vec<&str> = entry
        .rules
        .iter()
        .map(|acted| acted.rule.as_str())
        .collect();
    let cells = [
        Some(entry.receipt.text().to_owned()),
        Some(entry.time.to_string()),
        Some(entry.account.clone()),
        Some(entry.caller.clone()),
        Some(entry.line_item.clone()),
        kept.user().map(str::to_owned),
        number(submitted.score_given),
        number(submitted.score_maximum),
        submitted.timestamp,
        submitted.submission.submitted_at,
        Some(entry.decision.as_str().to_owned()),
        entry.code.clone(),
        Some(rules.join(", ")),
        entry.judged.as_ref().map(|points| points.given.to_string()),
        entry
            .judged
            .as_ref()
            .map(|points| points.maximum.to_string()),
        Some(entry.policy_generation.to_string()),
        entry.upstream.map(|status| status.to_string()),
        Some(kept.prev_hash.clone()),
        Some(kept.hash.clone()),
    ];
    cells.map(|cell| inert(cell.unwrap_or_default()).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;
    use crate::ledger::Decision;

    #[test]
    fn every_decision_and_every_code_has_room() {
        // A caller who is not known has no entry.
        let mut codes = Code::ALL.iter().filter(|code| code.status() != 401);
        assert!(codes.all(|code| code.name().len() <= CODE));
        assert!(Decision::ALL.iter().all(|one| one.as_str().len() <= 9));
    }
}
