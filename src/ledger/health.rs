//! What others may know of the writer: whether the database answers, and in time, and whether this process
//! still has its leases.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use super::clock;
use super::open::{LEASE_MILLIS, Leases};

/// How long nobody is let in to wait where somebody waited in vain; the next then tries.
const AFTER_LATE: Duration = Duration::from_secs(5);

/// How often the database hears that this process lives, also while one thing takes long.
const BEAT_MILLIS: i64 = 1_000;

pub struct Health {
    pub is_good: AtomicBool,
    /// When the database last heard that this process lives, in milliseconds after `started`.
    beat: AtomicI64,
    /// When somebody may wait again, on the same clock.
    late_until: AtomicI64,
    /// Counts the times that this process was silent for too long, and may have lost its leases.
    pub lapses: AtomicU64,
    /// On the clock that no suspension stops.
    started: Duration,
    /// Transactions that wrote what callers wait for.
    pub commits: AtomicU64,
}

impl Default for Health {
    fn default() -> Self {
        Self {
            is_good: AtomicBool::new(true),
            beat: AtomicI64::new(0),
            late_until: AtomicI64::new(0),
            lapses: AtomicU64::new(0),
            started: clock::now(),
            commits: AtomicU64::new(0),
        }
    }
}

impl Health {
    /// The database has heard that this process lives, when it was `then`, and said what became of its leases.
    pub(super) fn heard(&self, then: i64, leases: Leases) {
        if leases == Leases::Lapsed {
            self.lapses.fetch_add(1, Ordering::AcqRel);
        }
        self.beat.store(then, Ordering::Release);
    }

    /// Whether it is time for the database to hear of it again.
    pub(super) fn is_beat_due(&self) -> bool {
        self.now() - self.beat.load(Ordering::Acquire) >= BEAT_MILLIS
    }

    /// Somebody waited for as long as may be.
    pub fn was_late(&self) {
        let until = self.now() + AFTER_LATE.as_millis() as i64;
        if self.late_until.swap(until, Ordering::AcqRel) < self.now() {
            tracing::error!(target: "scoregate::ledger", "the ledger answers too slowly");
        }
    }

    pub fn is_late(&self) -> bool {
        self.now() < self.late_until.load(Ordering::Acquire)
    }

    pub(super) fn now(&self) -> i64 {
        let elapsed = clock::now().saturating_sub(self.started);
        i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX)
    }

    /// How surely leases that were taken after `lapses` are still held.
    pub fn grip(&self, lapses: u64) -> Grip {
        let silent = self.now() - self.beat.load(Ordering::Acquire);
        let has_lapsed = self.lapses.load(Ordering::Acquire) != lapses;
        match has_lapsed || silent >= LEASE_MILLIS {
            true => Grip::Lost,
            // Half the time: something is yet to be done with the lease.
            false if silent >= LEASE_MILLIS / 2 => Grip::Loose,
            false => Grip::Firm,
        }
    }
}

/// How surely a cell is still held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grip {
    Firm,
    /// The database has not heard of this process for long. Nobody else can have the cell yet, and soon they can.
    Loose,
    /// Others may have taken it, and judged.
    Lost,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grip_loosens_with_silence_and_is_lost_with_the_lease() {
        for (silent, lapses, grip) in [
            (0, 0, Grip::Firm),
            (LEASE_MILLIS / 4, 0, Grip::Firm),
            (LEASE_MILLIS / 2, 0, Grip::Loose),
            (LEASE_MILLIS, 0, Grip::Lost),
            // It was silent for too long, and has spoken since.
            (0, 1, Grip::Lost),
            (LEASE_MILLIS / 2, 1, Grip::Lost),
        ] {
            let health = Health::default();
            health.beat.store(health.now() - silent, Ordering::Release);
            health.lapses.store(lapses, Ordering::Release);
            assert_eq!(health.grip(0), grip, "{silent} ms, {lapses} lapses");
        }
    }
}
