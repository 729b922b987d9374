//! `scoregate replay`: a candidate policy over the recorded submissions. Reads the ledger while a
//! gateway writes it, and changes nothing.

mod csv;
mod table;

use std::convert::Infallible;
use std::io::{self, Write};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use jiff::Timestamp;

use super::output::{Format, Output, end_with};
use super::stop::Stop;
use crate::config::{Loaded, Problems, WithoutAccountKeys, load_candidate, load_to_read};
use crate::count::Count;
use crate::ledger::{Cell, Entry, Fault, Filter, Learner, Reader, Settings, read_time};
use crate::policy::Past;
use crate::replay::{FailedCondition, Outcome, Replay, Skipped};

#[derive(Debug, Args)]
pub struct Arguments {
    /// The configuration file, which names the ledger.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// The file with the candidate's `[[policy]]` tables, which stand in for all of the
    /// configuration's own.
    #[arg(long, value_name = "FILE")]
    policy: PathBuf,
    /// Judge only what arrived then or later, an RFC 3339 time or a date (UTC); what came before
    /// counts as it was judged.
    #[arg(long, value_name = "TIME", value_parser = read_time)]
    since: Option<Timestamp>,
    #[command(flatten)]
    output: Output,
}

pub fn run(arguments: &Arguments) -> io::Result<ExitCode> {
    let done = arguments.outcome().and_then(|(outcome, skipped)| {
        write(&outcome, arguments.output.format(Format::Table))?;
        tell_skipped(skipped)?;
        tell_failed(&outcome.failed_conditions)?;
        Ok(())
    });
    match done {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(stop) => stop.end(),
    }
}

impl Arguments {
    fn outcome(&self) -> Result<(Outcome, Skipped), Stop> {
        let config = load_to_read(&self.config)
            .map_err(|problems| Stop::finding(&problems))?
            .config;
        let candidate = self.candidate()?;
        let none = || {
            Stop::Finding(
                "there is no ledger (`ledger.url` is \"none\"), thus nothing to replay".to_owned(),
            )
        };
        let settings = config.ledger.as_ref().ok_or_else(none)?;
        let mut replay = Replay::new(candidate.config.policies);
        feed(&mut replay, settings, self.since)?;
        let skipped = replay.skipped();
        Ok((replay.outcome(), skipped))
    }

    /// What is wrong or risky in the candidate is said as `check` says it, beside the result.
    fn candidate(&self) -> Result<Loaded, Stop> {
        let mut stderr = io::stderr().lock();
        match load_candidate(&self.config, &self.policy, &WithoutAccountKeys) {
            Ok(loaded) => {
                super::check::write_findings(&mut stderr, &[], &loaded.warnings)?;
                Ok(loaded)
            }
            Err(Problems {
                problems, warnings, ..
            }) => {
                let told = super::check::write_findings(&mut stderr, &problems, &warnings);
                end_with(ExitCode::FAILURE, told)?;
                let count = Count(problems.len(), "problem");
                Err(Stop::Finding(format!("{}: {count}", self.policy.display())))
            }
        }
    }
}

/// Every entry, in the chain's order, in bounded memory but for what the cells need.
fn feed(replay: &mut Replay, settings: &Settings, since: Option<Timestamp>) -> Result<(), Stop> {
    let open = || Reader::open(settings).map_err(|cause| Stop::finding(&cause));
    let mut reader = open()?;
    let mut earlier = match since {
        Some(since) => Some((open()?, since)),
        None => None,
    };
    let progress = progress(&mut reader, since)?;
    let filter = Filter {
        since,
        ..Filter::default()
    };
    let (mut fault, mut is_altered) = (None, false);
    let read = reader.each(&filter, |kept| {
        progress.inc(1);
        if kept.learner == Learner::Unreadable {
            is_altered = true;
            return ControlFlow::Break(());
        }
        match take(replay, &kept.entry, earlier.as_mut()) {
            Ok(()) => ControlFlow::Continue(()),
            Err(cause) => {
                fault = Some(cause);
                ControlFlow::Break(())
            }
        }
    });
    progress.finish_and_clear();
    match (read, fault) {
        (Err(cause), _) | (Ok(_), Some(cause)) => Err(Stop::finding(&cause)),
        (Ok(0), None) if !is_altered => Ok(()),
        // Judged without them, what comes after would be judged otherwise.
        (Ok(_), None) => Err(Stop::Finding(
            "an entry can't be read: run `scoregate ledger verify`".to_owned(),
        )),
    }
}

fn take(
    replay: &mut Replay,
    entry: &Entry,
    earlier: Option<&mut (Reader, Timestamp)>,
) -> Result<(), Fault> {
    match earlier {
        Some((reader, since)) => replay.take(entry, |cell| history_before(reader, cell, *since)),
        None => {
            let Ok(()) = replay.take(entry, |_| Ok::<_, Infallible>(Vec::new()));
            Ok(())
        }
    }
}

fn history_before(reader: &mut Reader, cell: &Cell, since: Timestamp) -> Result<Vec<Past>, Fault> {
    let mut history = reader.history(cell)?;
    history.retain(|past| past.arrived < since);
    Ok(history)
}

/// As wide as the terminal, so that it never takes a second line, which nobody would clear.
const WHOLE: &str = "{wide_bar} {pos}/{len} {eta}";
/// The ledger's length says nothing of what `since` leaves.
const SINCE: &str = "{spinner} {pos} entries";

/// On a terminal alone.
fn progress(reader: &mut Reader, since: Option<Timestamp>) -> Result<ProgressBar, Stop> {
    let (progress, style) = match since {
        Some(_) => (ProgressBar::no_length(), SINCE),
        None => {
            let count = reader.count().map_err(|cause| Stop::finding(&cause))?;
            let count = u64::try_from(count).unwrap_or_default();
            (ProgressBar::new(count), WHOLE)
        }
    };
    let style = ProgressStyle::with_template(style);
    Ok(progress.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar())))
}

fn write(outcome: &Outcome, format: Format) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match format {
        Format::Table => table::write(outcome, &mut out),
        Format::Csv => csv::write(outcome, &mut out),
        Format::Json => {
            serde_json::to_writer_pretty(&mut out, outcome)?;
            writeln!(out)
        }
    }
}

fn tell_skipped(skipped: Skipped) -> io::Result<()> {
    let Skipped {
        erased,
        unreadable,
        without_maximum,
    } = skipped;
    let mut stderr = io::stderr().lock();
    for (count, of, what) in [
        (erased, "submission", "of erased learners left out"),
        (
            unreadable,
            "submission",
            "left out, since they can't be read",
        ),
        (
            without_maximum,
            "cell",
            "left out, since the line item's own maximum is not on record",
        ),
    ] {
        if count > 0 {
            let left_out = Count(count, of);
            writeln!(stderr, "scoregate: {left_out} {what}")?;
        }
    }
    Ok(())
}

/// The result is as good as the conditions.
fn tell_failed(failed: &[FailedCondition]) -> io::Result<()> {
    let mut stderr = io::stderr().lock();
    for condition in failed {
        let FailedCondition {
            policy,
            key,
            submissions,
            cause,
        } = condition;
        let of = Count(*submissions, "submission");
        writeln!(
            stderr,
            "scoregate: `{key}` of policy `{policy}` could not be evaluated for {of}: {cause}"
        )?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use indicatif::{ProgressDrawTarget, TermLike};

    use super::*;

    /// A terminal of 50 columns, and what was written on it.
    #[derive(Clone, Debug, Default)]
    struct Narrow(Arc<Mutex<Vec<String>>>);

    impl TermLike for Narrow {
        fn width(&self) -> u16 {
            50
        }
        fn move_cursor_up(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_down(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_right(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_left(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn write_line(&self, text: &str) -> io::Result<()> {
            self.write_str(text)
        }
        fn write_str(&self, text: &str) -> io::Result<()> {
            self.0.lock().unwrap().push(text.to_owned());
            Ok(())
        }
        fn clear_line(&self) -> io::Result<()> {
            Ok(())
        }
        fn flush(&self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn the_progress_has_room_in_a_narrow_terminal() {
        for (style, part) in [(WHOLE, " 20138/3000000 "), (SINCE, " 20138 entries")] {
            let terminal = Narrow::default();
            let target = ProgressDrawTarget::term_like(Box::new(terminal.clone()));
            let bar = ProgressBar::with_draw_target(Some(3_000_000), target);
            bar.set_style(ProgressStyle::with_template(style).unwrap());
            bar.set_position(20_138);
            bar.force_draw();
            let written = terminal.0.lock().unwrap().clone();
            let shown = written.iter().find(|text| text.contains(part));
            assert!(shown.is_some(), "{style}: {written:?}");
            assert!(written.iter().all(|text| text.chars().count() <= 50));
        }
    }
}
