//! How a command prints what it found.

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
