//! `scoregate ledger show`: one entry, all of it.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Args;

use super::rows::Printer;
use super::{Common, Format, Stop};
use crate::ledger::Receipt;

#[derive(Debug, Args)]
pub struct Arguments {
    /// The entry's receipt.
    receipt: String,
    #[command(flatten)]
    common: Common,
}

pub fn run(arguments: &Arguments) -> Result<ExitCode, Stop> {
    let mut reader = arguments.common.open()?;
    let found = match Receipt::parse(&arguments.receipt) {
        Ok(receipt) => reader
            .find(&receipt)
            .map_err(|cause| Stop::finding(&cause))?,
        Err(_) => None,
    };
    let Some(kept) = found else {
        let nothing = "the ledger has no entry with this receipt";
        return Err(Stop::Finding(nothing.to_owned()));
    };
    let mut out = io::stdout().lock();
    match arguments.common.format(Format::Json) {
        Format::Json => {
            serde_json::to_writer_pretty(&mut out, &kept).map_err(io::Error::from)?;
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
