//! Waits for conditions, never for a time.

use std::thread;
use std::time::{Duration, Instant};

use super::DEADLINE;

/// Waits until something is so.
pub fn until(what: &str, is_so: impl FnMut() -> bool) {
    until_within(DEADLINE, what, is_so);
}

/// The same for what takes long.
pub fn until_within(patience: Duration, what: &str, mut is_so: impl FnMut() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < patience, "in vain: {what}");
        thread::sleep(Duration::from_millis(2));
    }
}
