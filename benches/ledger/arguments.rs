//! What a measurement is asked to do.

use std::env;
use std::path::PathBuf;

pub struct Arguments {
    /// Entries that are there already.
    pub rows: u64,
    pub entries: u64,
    /// Submissions on their way at once.
    pub callers: u64,
    /// Threads that callers run on.
    pub workers: u64,
    /// `none`, or `highest`: each judgement asks for the cell's history.
    pub keep: String,
    /// Submissions for each cell.
    pub attempts: u64,
    /// Where the temporary folder is made.
    pub folder: PathBuf,
    /// Without a ledger: what the measurement itself costs.
    pub is_dry: bool,
    /// Whether what was recorded is replayed afterwards.
    pub replays: bool,
}

impl Arguments {
    /// `--rows N --entries N --callers N --workers N --keep none|highest --attempts N --folder PATH
    /// --dry yes --replay yes`
    pub fn read() -> Result<Self, String> {
        let mut arguments = Self {
            rows: 0,
            entries: 100_000,
            callers: 64,
            workers: 2,
            keep: "none".to_owned(),
            attempts: 3,
            folder: env::temp_dir(),
            is_dry: false,
            replays: false,
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

    fn set(&mut self, word: &str, value: String) -> Result<(), String> {
        let number = || {
            let number = value.parse().ok().filter(|number| *number > 0);
            number.ok_or_else(|| format!("{word}: {value} is no number above 0"))
        };
        match word {
            "--rows" => self.rows = value.parse().map_err(|_| format!("{word}: {value}"))?,
            "--entries" => self.entries = number()?,
            "--callers" => self.callers = number()?,
            "--workers" => self.workers = number()?,
            "--attempts" => self.attempts = number()?,
            "--keep" if ["none", "highest"].contains(&value.as_str()) => self.keep = value,
            "--folder" => self.folder = value.into(),
            "--replay" => self.replays = value == "yes",
            "--dry" => self.is_dry = value == "yes",
            _ => return Err(format!("{word} {value} is not known")),
        }
        Ok(())
    }
}
