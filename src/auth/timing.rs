//! When a key set is read: how long after one read the next begins, if nobody asks for one.

use std::time::Duration;

use crate::config::LONGEST_FIRST_READ;

/// When a key set is read apart from its refresh.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    /// Between two reads for the sake of unknown keys.
    pub unknown_key: Duration,
    /// Between two reads while no set has loaded: at first, and at most after doubling.
    pub cold: (Duration, Duration),
    /// The longest that a read may take while no set has loaded, so that it is tried again in time.
    pub cold_read: Duration,
    /// After a failed read of a set that has loaded before.
    pub warm: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            unknown_key: Duration::from_secs(10),
            cold: (Duration::from_millis(250), Duration::from_secs(5)),
            cold_read: LONGEST_FIRST_READ,
            warm: Duration::from_secs(10),
        }
    }
}

/// How a read ended.
#[derive(Clone, Copy, Debug)]
pub enum Read {
    Good,
    /// Badly, with an earlier set to go on with.
    Stale,
    /// Badly, and there never was a set.
    Cold,
}

/// The time from the start of each read to the start of the next.
pub struct Schedule {
    refresh: Duration,
    timing: Timing,
    cold: Duration,
}

impl Schedule {
    pub fn new(refresh: Duration, timing: Timing) -> Self {
        Self {
            refresh,
            timing,
            cold: timing.cold.0,
        }
    }

    pub fn after(&mut self, read: Read) -> Duration {
        match read {
            Read::Good => self.refresh,
            Read::Stale => self.refresh.min(self.timing.warm),
            Read::Cold => {
                let next = (self.cold * 2).min(self.timing.cold.1);
                std::mem::replace(&mut self.cold, next)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REFRESH: Duration = Duration::from_secs(300);

    #[test]
    fn cold_retries_double_up_to_their_limit() {
        let mut schedule = Schedule::new(REFRESH, Timing::default());
        for millis in [250, 500, 1_000, 2_000, 4_000, 5_000, 5_000, 5_000] {
            assert_eq!(schedule.after(Read::Cold), Duration::from_millis(millis));
        }
    }

    #[test]
    fn a_failed_read_is_repeated_sooner_than_a_good_one() {
        let mut schedule = Schedule::new(REFRESH, Timing::default());
        assert_eq!(schedule.after(Read::Good), REFRESH);
        assert_eq!(schedule.after(Read::Stale), Duration::from_secs(10));
        let often = Duration::from_secs(2);
        let mut schedule = Schedule::new(often, Timing::default());
        assert_eq!(schedule.after(Read::Stale), often);
    }
}
