//! A candidate policy over what was recorded, as `scoregate replay` does it.

use std::convert::Infallible;
use std::ops::ControlFlow;
use std::time::Instant;

use scoregate::ledger::{Filter, Reader, Settings};
use scoregate::policy::Policy;
use scoregate::replay::Replay;

use crate::cpu::Cpu;

/// All entries that the measurement recorded.
pub fn measure(settings: &Settings, after: u64, candidate: Policy) {
    let mut reader = Reader::open(settings).expect("a ledger");
    let mut replay = Replay::new(vec![candidate]);
    let filter = Filter {
        after: after as i64,
        ..Filter::default()
    };
    let (before, started, mut count) = (Cpu::now(), Instant::now(), 0_u64);
    let each = |kept: scoregate::ledger::Kept| {
        count += 1;
        let Ok(()) = replay.take(&kept.entry, |_| Ok::<_, Infallible>(Vec::new()));
        ControlFlow::Continue(())
    };
    reader
        .each(&filter, each)
        .expect("entries that can be read");
    let cells = replay.outcome().all.cells;
    let (seconds, cpu) = (started.elapsed().as_secs_f64(), Cpu::now().since(before));
    println!(
        "replay: {count} scores of {cells} cells, {:.0} scores/s, {:.2} us CPU/score",
        count as f64 / seconds,
        cpu.all / count as f64,
    );
}
