//! What a comparison is asked to do.

use std::env;
use std::path::PathBuf;
use std::time::Duration;

pub struct Arguments {
    pub gateway: PathBuf,
    pub peers: PathBuf,
    /// Parts of names of contenders; empty for all.
    pub only: Vec<String>,
    pub rounds: usize,
    /// How long one contender is under load in one round.
    pub stretch: Duration,
    /// Threads that contenders get.
    pub workers: usize,
    /// Requests per second at which latency is measured; half of saturation unless given.
    pub pace: Option<f64>,
}

impl Arguments {
    /// `--gateway PATH --only NAME --rounds N --stretch MILLISECONDS --workers N --pace RATE`
    pub fn read() -> Result<Self, String> {
        let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
        let mut arguments = Self {
            gateway: root.join("target/release/scoregate"),
            peers: root.join("benches/compare/peers"),
            only: Vec::new(),
            rounds: 7,
            stretch: Duration::from_millis(2_000),
            workers: std::thread::available_parallelism().map_or(1, Into::into),
            pace: None,
        };
        let mut words = env::args().skip(1);
        while let Some(word) = words.next() {
            // Cargo's own.
            if word != "--bench" {
                let value = words
                    .next()
                    .ok_or_else(|| format!("{word} needs a value"))?;
                arguments.set(&word, value)?;
            }
        }
        Ok(arguments)
    }

    pub fn wants(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|part| name.contains(part))
    }

    fn set(&mut self, word: &str, value: String) -> Result<(), String> {
        let number = || {
            value
                .parse()
                .map_err(|_| format!("{word}: {value} is no number"))
        };
        match word {
            "--gateway" => self.gateway = value.into(),
            "--only" => self.only.push(value),
            "--rounds" => self.rounds = number()?,
            "--stretch" => self.stretch = Duration::from_millis(number()? as u64),
            "--workers" => self.workers = number()?,
            "--pace" => self.pace = Some(number()? as f64),
            _ => return Err(format!("{word} is not known")),
        }
        Ok(())
    }
}
