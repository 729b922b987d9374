//! `scoregate ledger list` and `export`: entries in the chain's order, in bounded memory.

use std::io::{self, BufWriter, Write};
use std::ops::ControlFlow;
use std::process::ExitCode;

use clap::Args;

use super::rows::Printer;
use super::{Common, Format, Stop, Which};
use crate::count::Count;

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    which: Which,
}

pub fn run(arguments: &Arguments, default: Format) -> Result<ExitCode, Stop> {
    let mut reader = arguments.common.open()?;
    let out = BufWriter::new(io::stdout().lock());
    let mut printer = Printer::new(arguments.common.format(default), out)?;
    let mut printed = Ok(());
    let print = |kept| {
        printed = printer.print(&kept);
        match printed {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    };
    let read = reader.each(&arguments.which.filter(), print);
    let unreadable = read.map_err(|cause| Stop::finding(&cause))?;
    printed?;
    printer.finish()?.flush()?;
    match unreadable {
        0 => Ok(ExitCode::SUCCESS),
        unreadable => Err(Stop::Finding(unread(unreadable))),
    }
}

/// Those are left out of what is printed.
fn unread(entries: u64) -> String {
    let entries = Count(entries, "entry");
    format!("{entries} can't be read: run `scoregate ledger verify`")
}
