//! CPU time of this process, user and system, as the kernel's scheduler counts it.

use std::fs;
use std::path::Path;

/// In microseconds.
#[derive(Clone, Copy)]
pub struct Cpu {
    /// Of the thread that has the database.
    pub writer: f64,
    pub all: f64,
}

impl Cpu {
    pub fn now() -> Self {
        let mut cpu = Self {
            writer: 0.0,
            all: 0.0,
        };
        for task in fs::read_dir("/proc/self/task").expect("threads") {
            let task = task.expect("a thread").path();
            let micros = micros(&task);
            cpu.all += micros;
            let name = fs::read_to_string(task.join("comm")).expect("a name");
            if name.trim() == "ledger" {
                cpu.writer += micros;
            }
        }
        cpu
    }

    pub fn since(self, before: Self) -> Self {
        Self {
            writer: self.writer - before.writer,
            all: self.all - before.all,
        }
    }
}

fn micros(task: &Path) -> f64 {
    let text = fs::read_to_string(task.join("schedstat")).expect("CPU times");
    let nanos = text.split_whitespace().next();
    let nanos: f64 = nanos.expect("a time").parse().expect("a number");
    nanos / 1e3
}
