//! `scoregate schema`: the JSON Schema of the configuration, for editors.

use std::io::{self, Write};
use std::process::ExitCode;

use crate::config;

/// Prints the schema.
pub fn run() -> io::Result<ExitCode> {
    let mut out = io::stdout().lock();
    serde_json::to_writer_pretty(&mut out, &config::json_schema())?;
    writeln!(out)?;
    Ok(ExitCode::SUCCESS)
}
