//! The command line: one file per command. Exit codes: 0 good, 1 a finding, 2 wrong usage.

mod check;
mod demo;
mod key;
mod run;
mod sandbox;
mod schema;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// A reverse proxy in front of LTIAAS that authenticates, validates and judges every score.
#[derive(Debug, Parser)]
#[command(name = "scoregate", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show what the gateway does: start it before a stand-in LTIAAS, submit sample scores, stay up.
    Demo(demo::Arguments),
    /// Serve.
    Run(run::Arguments),
    /// Run the stand-in LTIAAS alone, to try a tool or a configuration against.
    Sandbox(sandbox::Arguments),
    /// Check a configuration: all problems at once, and warnings of risky settings.
    Check(check::Arguments),
    /// Print the JSON Schema of the configuration.
    Schema,
    /// Manage gateway keys.
    #[command(subcommand)]
    Key(key::Command),
}

/// Runs the command that the process was called with.
pub fn main() -> ExitCode {
    crate::tls::install_provider();
    match Cli::parse().command {
        Command::Demo(arguments) => demo::run(&arguments),
        Command::Run(arguments) => run::run(&arguments),
        Command::Sandbox(arguments) => sandbox::run(&arguments),
        Command::Check(arguments) => check::run(&arguments),
        Command::Schema => schema::run(),
        Command::Key(command) => key::run(&command),
    }
}
