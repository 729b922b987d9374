//! What a record costs: submissions go through the ledger's own handle as the path does it (hold the
//! cell, judge, settle), from many callers at once, into SQLite in a temporary folder.
//!
//! `cargo bench --bench ledger -- --rows 0 --keep highest`; what each option says stands in
//! `arguments`. Prints entries a second, CPU time of each, and how many share a
//! transaction (docs/performance.md).
#![allow(clippy::expect_used, clippy::print_stdout)]

mod arguments;
mod cpu;
mod filler;
mod load;
mod replay;

use std::process::ExitCode;
use std::time::Instant;

use arguments::Arguments;
use cpu::Cpu;
use load::{Load, policy};
use scoregate::ledger::{Durability, Ledger, OnFailure, Place, Settings};

/// As the gateway has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match Arguments::read() {
        Ok(arguments) => {
            measure(&arguments);
            ExitCode::SUCCESS
        }
        Err(problem) => {
            println!("{problem}");
            ExitCode::FAILURE
        }
    }
}

fn measure(arguments: &Arguments) {
    let folder = tempfile::tempdir_in(&arguments.folder).expect("a folder");
    let file = folder.path().join("scoregate.db");
    let settings = Settings {
        place: Place::Sqlite(file.clone()),
        durability: Durability::Batched,
        on_failure: OnFailure::Refuse,
        retention: None,
    };
    if arguments.rows > 0 {
        drop(Ledger::open(&settings).expect("a ledger"));
        filler::fill(&file, arguments.rows);
    }
    let ledger = (!arguments.is_dry).then(|| Ledger::open(&settings).expect("a ledger"));
    let mut load = Load::new(arguments, ledger.clone());
    load.run(arguments.entries / 10);
    let commits = || ledger.as_ref().map_or(0, Ledger::commits);
    let (before, commits_before, started) = (Cpu::now(), commits(), Instant::now());
    load.run(arguments.entries);
    let (seconds, commits) = (started.elapsed().as_secs_f64(), commits() - commits_before);
    let Cpu { writer, all } = Cpu::now().since(before);
    let entries = arguments.entries as f64;
    println!(
        "rows {} keep {} callers {}: {:.0} entries/s, {:.2} us CPU/entry ({:.2} of it the writer's), {:.1} entries/commit",
        arguments.rows,
        arguments.keep,
        arguments.callers,
        entries / seconds,
        all / entries,
        writer / entries,
        entries / commits.max(1) as f64,
    );
    if arguments.replays {
        replay::measure(&settings, arguments.rows, policy(&arguments.keep));
    }
}
