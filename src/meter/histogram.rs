//! Counts durations by upper bound, without a lock.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

const MICROSECOND: u64 = 1_000;
const MILLISECOND: u64 = 1_000 * MICROSECOND;

/// For what the gateway itself does: tens of microseconds, if all is well.
const OWN: &[u64] = &[
    25 * MICROSECOND,
    50 * MICROSECOND,
    100 * MICROSECOND,
    250 * MICROSECOND,
    500 * MICROSECOND,
    MILLISECOND,
    MILLISECOND * 5 / 2,
    5 * MILLISECOND,
    10 * MILLISECOND,
    50 * MILLISECOND,
    250 * MILLISECOND,
    1_000 * MILLISECOND,
];

/// For what others do: an LMS behind LTIAAS takes from milliseconds to half a minute.
const WAIT: &[u64] = &[
    MILLISECOND,
    5 * MILLISECOND,
    10 * MILLISECOND,
    25 * MILLISECOND,
    50 * MILLISECOND,
    100 * MILLISECOND,
    250 * MILLISECOND,
    500 * MILLISECOND,
    1_000 * MILLISECOND,
    2_500 * MILLISECOND,
    5_000 * MILLISECOND,
    10_000 * MILLISECOND,
    30_000 * MILLISECOND,
];

/// Durations, counted.
#[derive(Debug)]
pub struct Histogram {
    /// Upper bounds in nanoseconds, each included, rising.
    bounds: &'static [u64],
    /// One per bound, and one for all beyond.
    counts: Box<[AtomicU64]>,
    nanoseconds: AtomicU64,
}

/// A histogram's counts at one moment, or several histograms' together.
#[derive(Clone, Debug)]
pub struct Snapshot {
    bounds: &'static [u64],
    counts: Vec<u64>,
    nanoseconds: u64,
}

impl Histogram {
    pub fn of_own_time() -> Self {
        Self::with_bounds(OWN)
    }

    pub fn of_waits() -> Self {
        Self::with_bounds(WAIT)
    }

    fn with_bounds(bounds: &'static [u64]) -> Self {
        Self {
            bounds,
            counts: (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect(),
            nanoseconds: AtomicU64::new(0),
        }
    }

    pub fn observe(&self, duration: Duration) {
        let nanoseconds = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        let place = self.bounds.partition_point(|bound| *bound < nanoseconds);
        if let Some(count) = self.counts.get(place) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        self.nanoseconds.fetch_add(nanoseconds, Ordering::Relaxed);
    }

    pub fn snapshot(&self) -> Snapshot {
        let counts = self.counts.iter();
        Snapshot {
            bounds: self.bounds,
            counts: counts.map(|count| count.load(Ordering::Relaxed)).collect(),
            nanoseconds: self.nanoseconds.load(Ordering::Relaxed),
        }
    }
}

impl Snapshot {
    /// Adds what another counted by the same bounds.
    pub fn add(&mut self, other: &Self) {
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count += more;
        }
        self.nanoseconds += other.nanoseconds;
    }

    /// How many durations were at most a bound, in seconds, for each bound.
    pub fn cumulative(&self) -> impl Iterator<Item = (f64, u64)> {
        let below = self.counts.iter().scan(0, |sum, count| {
            *sum += count;
            Some(*sum)
        });
        self.bounds.iter().map(|bound| seconds(*bound)).zip(below)
    }

    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    pub fn sum(&self) -> f64 {
        seconds(self.nanoseconds)
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "shown to people, who don't read 53 bits"
)]
fn seconds(nanoseconds: u64) -> f64 {
    nanoseconds as f64 / 1e9
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_includes_itself_and_what_lies_beyond_all_is_counted() {
        let histogram = Histogram::of_waits();
        for millis in [1, 2, 30_000, 40_000] {
            histogram.observe(Duration::from_millis(millis));
        }
        let snapshot = histogram.snapshot();
        let counts: Vec<_> = snapshot.cumulative().collect();
        assert_eq!(counts[0], (0.001, 1));
        assert_eq!(counts[1], (0.005, 2));
        assert_eq!(counts.last(), Some(&(30.0, 3)));
        assert_eq!(snapshot.count(), 4);
        assert!((snapshot.sum() - 70.003).abs() < 1e-9);
    }

    #[test]
    fn bounds_rise() {
        assert!(OWN.is_sorted_by(|one, next| one < next));
        assert!(WAIT.is_sorted_by(|one, next| one < next));
    }

    #[test]
    fn histograms_of_workers_add_up() {
        let (one, other) = (Histogram::of_own_time(), Histogram::of_own_time());
        one.observe(Duration::from_micros(20));
        other.observe(Duration::from_micros(30));
        let mut sum = one.snapshot();
        sum.add(&other.snapshot());
        assert_eq!(sum.count(), 2);
        assert_eq!(sum.cumulative().next(), Some((0.000_025, 1)));
    }
}
