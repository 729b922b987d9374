//! Compares scoregate with nginx, HAProxy and Node at the same job, on this machine, in interleaved
//! rounds, and prints the table of docs/performance.md. `bash benches/compare/run.sh` installs what
//! is missing, builds the gateway and runs this.
//!
//! Load, upstream and contenders share the machine, so only ratios of one run mean something.

mod arguments;
mod contender;
mod load;
mod measured;
mod median;
mod pace;
mod process;
mod setting;
mod table;
mod trial;
mod upstream;
mod wire;

use std::fs;
use std::io::{self, Error, Write};
use std::process::ExitCode;
use std::time::Duration;

use arguments::Arguments;
use contender::{ALL, Contender, Running, Variant};
use measured::{Alone, MANY, Measured, USUAL};
use median::median;
use pace::Pace;
use setting::{Setting, score};
use table::{Direct, growth, table};
use upstream::Upstream;

/// Rounds of those measurements that need fewer.
const FEW: usize = 3;

fn main() -> ExitCode {
    match Arguments::read().map_err(Error::other).and_then(compare) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            note(&format!("compare: {problem}"));
            ExitCode::FAILURE
        }
    }
}

fn compare(arguments: Arguments) -> io::Result<()> {
    let upstream = Upstream::start()?;
    let directory = tempfile::tempdir()?;
    let setting = Setting {
        upstream: upstream.address,
        directory: directory.path().to_owned(),
        peers: arguments.peers.clone(),
        gateway: arguments.gateway.clone(),
        workers: arguments.workers,
    };
    let mut all = Vec::new();
    for contender in ALL
        .iter()
        .filter(|contender| arguments.wants(contender.name()))
    {
        match enter(*contender, &setting, &upstream) {
            Ok(measured) => all.push(measured),
            Err(problem) => note(&format!("left out: {}: {problem}", contender.name())),
        }
    }
    let running = start_all(&all, &setting)?;
    saturate(&mut all, &running, &arguments)?;
    grow(&mut all, &running, arguments.stretch)?;
    let direct = pace(&mut all, &running, &setting, &arguments)?;
    let mut out = io::stdout();
    writeln!(out, "{}\n{}", table(&all, &direct), growth(&all))
}

/// Tries a contender, and measures what is measured of it alone.
fn enter(contender: Contender, setting: &Setting, upstream: &Upstream) -> io::Result<Measured> {
    let mut running = contender.start(setting)?;
    let request = contender.request(&score("83", "100"))?;
    let tried = trial::wait_until_serving(&mut running, &request)
        .and_then(|_| trial::check(contender, running.address, upstream));
    if let Err(problem) = tried {
        let said = fs::read_to_string(&running.log)?;
        return Err(Error::other(format!("{problem}\n{said}")));
    }
    drop(running);
    note(&format!("tried: {}", contender.name()));
    Measured::new(contender, Alone::measure(contender, setting)?)
}

fn start_all(all: &[Measured], setting: &Setting) -> io::Result<Vec<Running>> {
    let started = all.iter().map(|measured| {
        let mut running = measured.contender.start(setting)?;
        trial::wait_until_serving(&mut running, &measured.request)?;
        Ok(running)
    });
    started.collect()
}

/// Every round begins with another contender, so that none is always the one after the pause.
fn saturate(all: &mut [Measured], running: &[Running], arguments: &Arguments) -> io::Result<()> {
    for round in 0..arguments.rounds {
        note(&format!("round {} of {}", round + 1, arguments.rounds));
        let count = all.len().max(1);
        for place in 0..all.len() {
            let place = (place + round) % count;
            if let (Some(measured), Some(running)) = (all.get_mut(place), running.get(place)) {
                let stretch = measured.saturate(running, USUAL, arguments.stretch)?;
                measured.cpu.push(stretch.cpu);
                measured.rate.push(stretch.rate);
            }
        }
        let plain = plain(all).and_then(|plain| plain.cpu.get(round).copied());
        for measured in all.iter_mut() {
            let own = measured.cpu.get(round).copied();
            measured
                .ratio
                .extend(own.zip(plain).map(|(own, plain)| own / plain));
        }
    }
    Ok(())
}

fn plain(all: &[Measured]) -> Option<&Measured> {
    all.iter()
        .find(|measured| measured.contender == Contender::NginxPlain)
}

/// The yardstick and the gateway with 1 and with 1,000 connections.
fn grow(all: &mut [Measured], running: &[Running], stretch: Duration) -> io::Result<()> {
    let grows = [Contender::NginxPlain, Contender::Scoregate(Variant::Plain)];
    for round in 0..FEW {
        note(&format!("growth, round {} of {FEW}", round + 1));
        let both = all.iter_mut().zip(running);
        for (measured, running) in both.filter(|(measured, _)| grows.contains(&measured.contender))
        {
            let one = measured.saturate(running, 1, stretch)?;
            measured.cpu_of_one.push(one.cpu);
            let many = measured.saturate(running, MANY, stretch)?;
            measured.cpu_of_many.push(many.cpu);
        }
    }
    Ok(())
}

/// At half of what the slower of the yardstick and the gateway could do, or as asked, for all alike. Whoever
/// can't keep that pace shows it.
fn pace(
    all: &mut [Measured],
    running: &[Running],
    setting: &Setting,
    arguments: &Arguments,
) -> io::Result<Direct> {
    let compared = [Contender::NginxPlain, Contender::Scoregate(Variant::Plain)];
    let compared = all
        .iter()
        .filter(|measured| compared.contains(&measured.contender));
    let slower = compared
        .filter_map(|measured| median(&measured.rate))
        .reduce(f64::min);
    let mut direct = Direct {
        rate: arguments
            .pace
            .unwrap_or_else(|| slower.unwrap_or(2_000.0) / 2.0),
        p50: Vec::new(),
        p99: Vec::new(),
    };
    let pace = Pace {
        rate: direct.rate,
        connections: USUAL as u32,
        duration: arguments.stretch,
    };
    let request = Contender::NginxPlain.request(&score("83", "100"))?;
    for round in 0..FEW {
        note(&format!("latency, round {} of {FEW}", round + 1));
        let latencies = pace.run(setting.upstream, &request)?;
        direct.p50.push(latencies.quantile(0.5));
        direct.p99.push(latencies.quantile(0.99));
        for (measured, running) in all.iter_mut().zip(running) {
            measured.pace(running, pace)?;
        }
    }
    Ok(direct)
}

/// Progress goes to standard error, the table alone to standard output.
fn note(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}
