//! `scoregate ledger erase`: drops what opens a learner's entries. The chain stays whole.

use std::io::{self, Write};
use std::ops::ControlFlow;
use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::{Common, Format, Stop};
use crate::cli::terminal::harmless;
use crate::count::Count;
use crate::ledger::{Erasure, Filter, Reader};
use crate::line_item::Pattern;

#[derive(Debug, Args)]
pub struct Arguments {
    /// The learner's id.
    #[arg(long)]
    user: String,
    /// Only in this account.
    #[arg(long)]
    account: Option<String>,
    /// Only these line items, a pattern with `*` and `**`.
    #[arg(long, value_name = "GLOB", value_parser = Pattern::parse)]
    line_items: Option<Pattern>,
    /// Do it. It can't be undone.
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    common: Common,
}

pub fn run(arguments: &Arguments) -> Result<ExitCode, Stop> {
    let (mut reader, names) = arguments.common.open_with_names()?;
    let account = arguments.account.as_deref();
    let line_items = arguments.line_items.as_ref();
    let erasure = reader
        .erasure(&arguments.user, account, line_items)
        .map_err(|cause| Stop::finding(&cause))?;
    if let Some(account) = account.filter(|name| !names.knows_account(name))
        && erasure.cells.is_empty()
        && !has_entry_of(&mut reader, account)?
    {
        return Err(Stop::Finding(format!(
            "nothing is erased: there is no account `{account}`, neither in the configuration nor in the record"
        )));
    }
    if arguments.yes {
        // Also where nothing is found: an erasure that was cut short is compacted now.
        let erased = reader.erase(&erasure);
        erased.map_err(|cause| Stop::finding(&cause))?;
    }
    let mut out = io::stdout().lock();
    match arguments.common.format(Format::Table) {
        Format::Table => arguments.write_table(&mut out, &erasure)?,
        Format::Json => writeln!(out, "{}", as_json(&erasure, arguments.yes))?,
        Format::Csv => write_csv(&mut out, &erasure)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// The configuration may have it no longer.
fn has_entry_of(reader: &mut Reader, account: &str) -> Result<bool, Stop> {
    let filter = Filter {
        account: Some(account.to_owned()),
        ..Filter::default()
    };
    let mut has_entry = false;
    let found = |_| {
        has_entry = true;
        ControlFlow::Break(())
    };
    let unreadable = reader.each(&filter, found);
    let unreadable = unreadable.map_err(|cause| Stop::finding(&cause))?;
    Ok(has_entry || unreadable > 0)
}

impl Arguments {
    fn write_table(&self, out: &mut impl Write, erasure: &Erasure) -> io::Result<()> {
        for cell in &erasure.cells {
            let (account, line_item) = (harmless(&cell.account), harmless(&cell.line_item));
            let entries = Count(cell.entries, "entry");
            writeln!(out, "{account}  {line_item}  {entries}")?;
        }
        let cells = Count(erasure.cells.len(), "cell");
        let entries = Count(erasure.entries(), "entry");
        let is_all = self.account.is_none() && self.line_items.is_none();
        match (erasure.cells.is_empty(), self.yes) {
            (true, is_compacted) => {
                let there = if is_all { "" } else { " there" };
                let more = if is_compacted {
                    "; the ledger was compacted"
                } else {
                    ""
                };
                writeln!(out, "nothing is recorded of this learner{there}{more}")
            }
            (false, true) => writeln!(out, "erased: {cells} with {entries}"),
            (false, false) => writeln!(out, "would erase {cells} with {entries}; --yes does it"),
        }
    }
}

fn as_json(erasure: &Erasure, is_done: bool) -> serde_json::Value {
    let cell = |cell: &crate::ledger::Erased| json!({"account": cell.account, "line_item": cell.line_item, "entries": cell.entries});
    let cells: Vec<_> = erasure.cells.iter().map(cell).collect();
    json!({"erased": is_done, "entries": erasure.entries(), "cells": cells})
}

fn write_csv(out: &mut impl Write, erasure: &Erasure) -> io::Result<()> {
    let mut writer = csv::Writer::from_writer(out);
    writer.write_record(["account", "line_item", "entries"])?;
    for cell in &erasure.cells {
        let entries = cell.entries.to_string();
        writer.write_record([&cell.account, &cell.line_item, &entries])?;
    }
    writer.flush()
}
