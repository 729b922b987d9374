//! `scoregate ledger show`: one entry, all of it.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Args;

use super::rows::Printer;
use super::{Common, Format, unreadable};
use crate::ledger::Receipt;

#[derive(Debug, Args)]
pub struct Arguments {
    /// The entry's receipt.
    receipt: String,
    #[command(flatten)]
    common: Common,
}

pub fn run(arguments: &Arguments) -> io::Result<ExitCode> {
    let mut reader = arguments.common.open()?;
    let found = match Receipt::parse(&arguments.receipt) {
        Ok(receipt) => reader.find(&receipt).map_err(unreadable)?,
        Err(_) => None,
    };
    let Some(kept) = found else {
        writeln!(
            io::stderr(),
            "scoregate: the ledger has no entry with this receipt"
        )?;
        return Ok(ExitCode::FAILURE);
    };
    let mut out = io::stdout().lock();
    match arguments.common.format(Format::Json) {
        Format::Json => {
            serde_json::to_writer_pretty(&mut out, &kept)?;
            writeln!(out)?;
        }
        format @ (Format::Table | Format::Csv) => {
            let mut printer = Printer::new(format, out)?;
            printer.print(&kept)?;
            printer.finish()?.flush()?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
