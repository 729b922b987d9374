//! How a command prints what it found.

use std::io;
use std::process::ExitCode;

use clap::{Args, ValueEnum};

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    Table,
    Json,
    Csv,
}

#[derive(Debug, Args)]
pub struct Output {
    /// How to print.
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// The same as --format json.
    #[arg(long, conflicts_with = "format")]
    json: bool,
}

impl Output {
    pub fn format(&self, default: Format) -> Format {
        match self.json {
            true => Format::Json,
            false => self.format.unwrap_or(default),
        }
    }
}

/// Ends with this code also where whoever reads has read enough, as `head` does: what was found is found.
pub fn end_with(code: ExitCode, printed: io::Result<()>) -> io::Result<ExitCode> {
    match printed {
        Err(cause) if !super::is_broken_pipe(&cause) => Err(cause),
        Ok(()) | Err(_) => Ok(code),
    }
}
