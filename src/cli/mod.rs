//! The command line: one file per command. Exit codes: 0 good, 1 a finding, 2 wrong usage.

mod check;
mod demo;
mod explain;
mod health;
mod key;
mod ledger;
mod output;
mod replay;
mod run;
mod sandbox;
mod schema;
mod spreadsheet;
mod stop;
mod terminal;

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// A reverse proxy in front of LTIAAS that authenticates, validates and judges every score.
#[derive(Debug, Parser)]
#[command(
    name = "scoregate",
    version,
    after_help = "Begin with `scoregate demo`; then `scoregate key new`, a configuration, `check` and `run` (README.md)."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show what the gateway does: start it before a stand-in LTIAAS, submit sample scores, stay up.
    Demo(demo::Arguments),
    /// Stand between tools and LTIAAS, until told to stop.
    Run(run::Arguments),
    /// Run the stand-in LTIAAS alone, to try a tool or a configuration against.
    Sandbox(sandbox::Arguments),
    /// Check a configuration: all problems at once, and warnings of risky settings.
    Check {
        /// The configuration file.
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
    /// Explain what would happen to a score, or what happened to a recorded one, rule by rule.
    Explain(explain::Arguments),
    /// Ask a running gateway whether it takes new work: exit code 0 where it does, else 1.
    Health(health::Arguments),
    /// Read the record, check it, erase a learner from it.
    #[command(subcommand)]
    Ledger(ledger::LedgerCommand),
    /// Judge the recorded submissions by other policies: what would change, for whom, by how much.
    Replay(replay::Arguments),
    /// Print the JSON Schema of the configuration.
    Schema,
    /// Manage gateway keys.
    #[command(subcommand)]
    Key(KeyCommand),
}

#[derive(Debug, Subcommand)]
enum KeyCommand {
    /// Print a new key, this once, and its digest for the configuration.
    New,
}

/// Runs the command that the process was called with.
pub fn main() -> ExitCode {
    crate::tls::install_provider();
    let done = match Cli::parse().command {
        Command::Demo(arguments) => demo::run(&arguments),
        Command::Sandbox(arguments) => sandbox::run(&arguments),
        Command::Run(arguments) => run::run(&arguments),
        Command::Check { config } => check::run(&config),
        Command::Explain(arguments) => explain::run(&arguments),
        Command::Replay(arguments) => replay::run(&arguments),
        Command::Health(arguments) => health::run(&arguments),
        Command::Ledger(command) => ledger::run(&command),
        Command::Schema => schema::run(),
        Command::Key(KeyCommand::New) => key::run(),
    };
    done.unwrap_or_else(failed)
}

fn failed(cause: io::Error) -> ExitCode {
    // Whoever reads has read enough, as `head` does.
    if is_broken_pipe(&cause) {
        return ExitCode::SUCCESS;
    }
    let _ = writeln!(io::stderr(), "scoregate: {cause}");
    ExitCode::FAILURE
}

/// CSV's own errors hide it.
fn is_broken_pipe(cause: &io::Error) -> bool {
    let within = cause.get_ref().and_then(|cause| cause.downcast_ref());
    let cause = match within.map(csv::Error::kind) {
        Some(csv::ErrorKind::Io(cause)) => cause,
        Some(_) | None => cause,
    };
    cause.kind() == io::ErrorKind::BrokenPipe
}
