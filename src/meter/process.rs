//! What the system says of this process, where it has a `/proc`; elsewhere nothing.

use std::fs;

use super::{Page, list};

/// Linux counts processor time for user space in hundredths of a second on every architecture.
const TICKS_PER_SECOND: f64 = 100.0;

/// One look at the process. What could not be read is absent.
#[derive(Debug, Default)]
pub struct Process {
    cpu_seconds: Option<f64>,
    resident: Option<u64>,
    addresses: Option<u64>,
    files: Option<usize>,
    most_files: Option<u64>,
}

impl Process {
    pub fn look() -> Self {
        let read = |name: &str| fs::read_to_string(format!("/proc/self/{name}")).ok();
        let status = read("status").unwrap_or_default();
        Self {
            cpu_seconds: read("stat").as_deref().and_then(cpu_seconds),
            resident: kibibytes(&status, "VmRSS:").map(|size| size * 1024),
            addresses: kibibytes(&status, "VmSize:").map(|size| size * 1024),
            files: fs::read_dir("/proc/self/fd").map(Iterator::count).ok(),
            most_files: read("limits").as_deref().and_then(most_files),
        }
    }

    pub(super) fn write(&self, page: &mut Page) {
        let mut family = page.family(&list::PROCESS_CPU);
        self.cpu_seconds.map(|value| family.sample(&[], value));
        let mut family = page.family(&list::PROCESS_MEMORY);
        self.resident.map(|value| family.sample(&[], value));
        let mut family = page.family(&list::PROCESS_ADDRESSES);
        self.addresses.map(|value| family.sample(&[], value));
        let mut family = page.family(&list::PROCESS_FILES);
        self.files.map(|value| family.sample(&[], value));
        let mut family = page.family(&list::PROCESS_MOST_FILES);
        self.most_files.map(|value| family.sample(&[], value));
    }
}

/// User and system time are the 12th and 13th fields behind the name, which ends with the last `)`.
fn cpu_seconds(stat: &str) -> Option<f64> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_ascii_whitespace().skip(11);
    let (user, system) = (fields.next()?, fields.next()?);
    let ticks = user.parse::<f64>().ok()? + system.parse::<f64>().ok()?;
    Some(ticks / TICKS_PER_SECOND)
}

fn kibibytes(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_ascii_whitespace().next()?.parse().ok()
}

fn most_files(limits: &str) -> Option<u64> {
    let line = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_ascii_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_fields_behind_a_name_that_looks_like_fields() {
        let stat = "7 (a) 1 (b) S 1 7 7 0 -1 4194560 100 0 0 0 250 50 0 0 20 0 3 0 12345 1 2";
        assert_eq!(cpu_seconds(stat), Some(3.0));
        assert_eq!(cpu_seconds("7 (a) S"), None);
    }

    #[test]
    fn reads_sizes_and_limits() {
        assert_eq!(
            kibibytes("Name:\tx\nVmRSS:\t  5120 kB\n", "VmRSS:"),
            Some(5120)
        );
        let limits = "Limit  Soft  Hard  Units\nMax open files            1024   4096   files\n";
        assert_eq!(most_files(limits), Some(1024));
    }
}
