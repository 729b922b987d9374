//! What was measured of one contender, and how it is measured.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use crate::contender::{Contender, Running};
use crate::load::Load;
use crate::pace::Pace;
use crate::setting::{Setting, score};
use crate::trial::wait_until_serving;

/// Connections of the main metric, and the most there are.
pub const USUAL: usize = 64;
pub const MANY: usize = 1_000;

/// Under load, but not measured: connections are opened and code is warm.
const WARM_UP: Duration = Duration::from_millis(300);

/// Starts of which the median counts.
const STARTS: usize = 5;

/// A contender that passed its trial, and its numbers, round by round.
pub struct Measured {
    pub contender: Contender,
    pub request: Arc<[u8]>,
    pub alone: Alone,
    /// CPU microseconds per request.
    pub cpu: Vec<f64>,
    /// Over nginx plain in the same round.
    pub ratio: Vec<f64>,
    /// Requests per second.
    pub rate: Vec<f64>,
    /// The same CPU with 1 and with 1,000 connections.
    pub cpu_of_one: Vec<f64>,
    pub cpu_of_many: Vec<f64>,
    /// Latencies at the common rate, in microseconds.
    pub p50: Vec<f64>,
    pub p99: Vec<f64>,
}

/// What is measured while nothing else runs.
#[derive(Default)]
pub struct Alone {
    pub start_millis: Vec<f64>,
    pub idle_mib: f64,
    pub kib_per_connection: f64,
}

/// One stretch under load.
pub struct Stretch {
    pub cpu: f64,
    pub rate: f64,
}

impl Measured {
    pub fn new(contender: Contender, alone: Alone) -> io::Result<Self> {
        Ok(Self {
            contender,
            request: contender.request(&score("83", "100"))?,
            alone,
            cpu: Vec::new(),
            ratio: Vec::new(),
            rate: Vec::new(),
            cpu_of_one: Vec::new(),
            cpu_of_many: Vec::new(),
            p50: Vec::new(),
            p99: Vec::new(),
        })
    }

    /// CPU time per request while every connection is kept busy.
    pub fn saturate(
        &self,
        running: &Running,
        connections: usize,
        stretch: Duration,
    ) -> io::Result<Stretch> {
        let mut load = Load::connect(running.address, connections, &self.request)?;
        load.run(WARM_UP)?;
        let before = running.process.cpu_micros()?;
        let done = load.run(stretch)?;
        let spent = running.process.cpu_micros()? - before;
        Ok(Stretch {
            cpu: spent / done.requests as f64,
            rate: done.requests as f64 / done.elapsed.as_secs_f64(),
        })
    }

    pub fn pace(&mut self, running: &Running, pace: Pace) -> io::Result<()> {
        let latencies = pace.run(running.address, &self.request)?;
        self.p50.push(latencies.quantile(0.5));
        self.p99.push(latencies.quantile(0.99));
        Ok(())
    }
}

impl Alone {
    pub fn measure(contender: Contender, setting: &Setting) -> io::Result<Self> {
        let request = contender.request(&score("83", "100"))?;
        let mut alone = Self::default();
        for _ in 0..STARTS {
            let mut running = contender.start(setting)?;
            let served = wait_until_serving(&mut running, &request)?;
            alone.start_millis.push(served.as_secs_f64() * 1e3);
        }
        let mut running = contender.start(setting)?;
        wait_until_serving(&mut running, &request)?;
        let idle = running.process.memory_kib()?;
        let mut load = Load::connect(running.address, MANY, &request)?;
        load.one_after_another()?;
        let busy = running.process.memory_kib()?;
        alone.idle_mib = idle as f64 / 1024.0;
        alone.kib_per_connection = busy.saturating_sub(idle) as f64 / MANY as f64;
        Ok(alone)
    }
}
