//! A contender's processes: started together, measured together, stopped together. Reads `/proc`.

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// How long a contender has to end by itself.
const LAST_WORDS: Duration = Duration::from_secs(5);

pub struct Process {
    child: Child,
    pub started: Instant,
}

impl Process {
    /// Both outputs go to a file: what a contender says is shown when it fails.
    pub fn start(command: &mut Command, log: &Path) -> io::Result<Self> {
        let output = File::create(log)?;
        let started = Instant::now();
        let child = command
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .spawn()?;
        Ok(Self { child, started })
    }

    pub fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    /// CPU time of all threads of all its processes so far, user and system, in microseconds.
    pub fn cpu_micros(&self) -> io::Result<f64> {
        let mut nanos = 0;
        for id in self.tree()? {
            for task in fs::read_dir(format!("/proc/{id}/task"))? {
                nanos += run_time(&task?.path())?;
            }
        }
        Ok(nanos as f64 / 1e3)
    }

    /// Resident memory in KiB. Of several processes, pages that they share count once.
    pub fn memory_kib(&self) -> io::Result<u64> {
        match self.tree()?.as_slice() {
            [id] => field(&format!("/proc/{id}/status"), "VmRSS:"),
            ids => ids
                .iter()
                .map(|id| field(&format!("/proc/{id}/smaps_rollup"), "Pss:"))
                .sum(),
        }
    }

    /// Its own id and its children's.
    fn tree(&self) -> io::Result<Vec<u32>> {
        let mut ids = vec![self.child.id()];
        for entry in fs::read_dir("/proc")? {
            let id = entry?
                .file_name()
                .to_str()
                .and_then(|name| name.parse().ok());
            if let Some(id) = id.filter(|id| parent(*id) == Some(self.child.id())) {
                ids.push(id);
            }
        }
        Ok(ids)
    }
}

/// In nanoseconds.
fn run_time(task: &Path) -> io::Result<u64> {
    let text = fs::read_to_string(task.join("schedstat"))?;
    let first = text
        .split_whitespace()
        .next()
        .and_then(|first| first.parse().ok());
    first.ok_or_else(|| io::Error::other("no CPU time in schedstat"))
}

/// The fourth field of `stat`; the second, the name, stands in brackets and may hold anything.
fn parent(id: u32) -> Option<u32> {
    let text = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    let (_, rest) = text.rsplit_once(')')?;
    rest.split_whitespace().nth(1)?.parse().ok()
}

fn field(path: &str, name: &str) -> io::Result<u64> {
    let text = fs::read_to_string(path)?;
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let number = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    number.ok_or_else(|| io::Error::other(format!("no {name} in {path}")))
}

/// A signal first: a server that is killed leaves its workers behind.
impl Drop for Process {
    fn drop(&mut self) {
        if self.has_ended() {
            return;
        }
        let id = self.child.id().to_string();
        let _ = Command::new("kill").args(["-s", "TERM", &id]).status();
        let asked = Instant::now();
        while !self.has_ended() && asked.elapsed() < LAST_WORDS {
            thread::sleep(Duration::from_millis(5));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
