//! `scoregate ledger list` and `export`: entries in the chain's order, in bounded memory.

use std::io::{self, BufWriter, Write};
use std::ops::ControlFlow;
use std::process::ExitCode;

use clap::Args;

use super::rows::Printer;
use super::{Common, Format, Stop, Which};
use crate::cli::terminal::harmless;
use crate::count::Count;

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    which: Which,
}

pub fn run(arguments: &Arguments, default: Format) -> Result<ExitCode, Stop> {
    let (mut reader, names) = arguments.common.open_with_names()?;
    let filter = arguments.which.filter();
    let format = arguments.common.format(default);
    let out = BufWriter::new(io::stdout().lock());
    let mut printer = Printer::new(format, out)?;
    let (mut printed, mut is_empty) = (Ok(()), true);
    let print = |kept| {
        is_empty = false;
        printed = printer.print(&kept);
        match printed {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    };
    let read = reader.each(&filter, print);
    let unreadable = read.map_err(|cause| Stop::finding(&cause))?;
    printed?;
    printer.finish()?.flush()?;
    if is_empty && unreadable == 0 {
        tell_of_nothing(&names.unknown(&filter), format)?;
    }
    match unreadable {
        0 => Ok(ExitCode::SUCCESS),
        unreadable => Err(Stop::Finding(unread(unreadable))),
    }
}

/// A name may be misspelt; and a table with no line but its head may seem cut off.
fn tell_of_nothing(unknown: &[String], format: Format) -> io::Result<()> {
    let mut stderr = io::stderr().lock();
    match (unknown, format) {
        ([], Format::Table) => writeln!(stderr, "scoregate: there is no such entry"),
        ([], Format::Json | Format::Csv) => Ok(()),
        (unknown, _) => {
            let unknown = unknown.join(", ");
            let unknown = harmless(&unknown);
            writeln!(stderr, "scoregate: there is no such entry, and {unknown}")
        }
    }
}

/// Those are left out of what is printed.
fn unread(entries: u64) -> String {
    let entries = Count(entries, "entry");
    format!("{entries} can't be read: run `scoregate ledger verify`")
}
