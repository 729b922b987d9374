//! `scoregate ledger`: the record, for people and scripts. All but `erase` only read; none needs
//! the gateway to stand still.

mod erase;
mod list;
mod names;
mod rows;
mod show;
mod verify;

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use jiff::Timestamp;

use super::output::{Format, Output};
use super::stop::Stop;
use crate::config;
use crate::ledger::{Decision, Filter, Reader, read_decision, read_time};
use crate::line_item::Pattern;
use names::Names;

#[derive(Debug, Subcommand)]
pub enum LedgerCommand {
    /// List entries, one a line.
    List(list::Arguments),
    /// Show one entry.
    Show(show::Arguments),
    /// Write entries out, as JSON unless told otherwise.
    Export(list::Arguments),
    /// Check that no entry was changed, removed, added or moved. Exit code 1: one was.
    Verify(verify::Arguments),
    /// Erase a learner: say what would go, and with --yes do it.
    Erase(erase::Arguments),
}

/// Where the ledger is, and how to print.
#[derive(Debug, Args)]
pub struct Common {
    /// The configuration file.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    #[command(flatten)]
    output: Output,
}

/// Which entries.
#[derive(Debug, Args)]
pub struct Which {
    #[arg(long, value_parser = read_decision, help = format!("What became of it: one of {}", Decision::words()))]
    decision: Option<Decision>,
    /// The refusal's `details.message`, such as INVALID_SCORE.
    #[arg(long)]
    code: Option<String>,
    /// The learner's id.
    #[arg(long)]
    user: Option<String>,
    /// The account, by its name in the configuration.
    #[arg(long, value_name = "NAME")]
    account: Option<String>,
    /// Who submitted: a caller's name, or `ISSUER/CLAIM`.
    #[arg(long, value_name = "NAME")]
    caller: Option<String>,
    /// The line item's id, or a pattern with `*` and `**`.
    #[arg(long, value_name = "ID", value_parser = Pattern::parse)]
    line_item: Option<Pattern>,
    /// Only what arrived then or later: an RFC 3339 time, or a date (UTC).
    #[arg(long, value_name = "TIME", value_parser = read_time)]
    since: Option<Timestamp>,
}

pub fn run(command: &LedgerCommand) -> io::Result<ExitCode> {
    let done = match command {
        LedgerCommand::List(arguments) => list::run(arguments, Format::Table),
        LedgerCommand::Show(arguments) => show::run(arguments),
        LedgerCommand::Export(arguments) => list::run(arguments, Format::Json),
        LedgerCommand::Verify(arguments) => verify::run(arguments),
        LedgerCommand::Erase(arguments) => erase::run(arguments),
    };
    done.or_else(Stop::end)
}

impl Common {
    fn format(&self, default: Format) -> Format {
        self.output.format(default)
    }

    fn open(&self) -> Result<Reader, Stop> {
        self.open_with_names().map(|(reader, _)| reader)
    }

    /// With whom the configuration knows.
    fn open_with_names(&self) -> Result<(Reader, Names), Stop> {
        let loaded =
            config::load_to_read(&self.config).map_err(|problems| Stop::finding(&problems))?;
        let names = Names::of(&loaded.config);
        let nothing = || Stop::Finding("`ledger.url` is \"none\": nothing is recorded".to_owned());
        let settings = loaded.config.ledger.ok_or_else(nothing)?;
        let reader = Reader::open(&settings).map_err(|cause| Stop::finding(&cause))?;
        Ok((reader, names))
    }
}

impl Which {
    fn filter(&self) -> Filter {
        Filter {
            since: self.since,
            decision: self.decision,
            code: self.code.clone(),
            account: self.account.clone(),
            caller: self.caller.clone(),
            user: self.user.clone(),
            line_items: self.line_item.clone(),
            after: 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_options_are_the_filters_that_pages_have() {
        let command = Which::augment_args(clap::Command::new("list"));
        let options = command.get_arguments().filter_map(|one| one.get_long());
        let options: Vec<_> = options.map(|name| name.replace('-', "_")).collect();
        assert_eq!(options, Filter::NAMES);
    }
}
