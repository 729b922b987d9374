//! A clock for what must not last longer here than in the database: on Linux it goes on while the machine is
//! suspended. `Instant` doesn't, and elsewhere there is nothing else.

use std::time::Duration;

/// Since some moment before.
#[cfg(target_os = "linux")]
pub fn now() -> Duration {
    use rustix::time::{ClockId, clock_gettime};
    Duration::try_from(clock_gettime(ClockId::Boottime)).unwrap_or_default()
}

#[cfg(not(target_os = "linux"))]
pub fn now() -> Duration {
    use std::sync::LazyLock;
    use std::time::Instant;
    static BEGINNING: LazyLock<Instant> = LazyLock::new(Instant::now);
    BEGINNING.elapsed()
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[test]
    fn goes_as_fast_as_others() {
        let (before, began) = (now(), Instant::now());
        while began.elapsed() < Duration::from_millis(5) {
            std::hint::spin_loop();
        }
        let passed = now() - before;
        assert!(passed >= Duration::from_millis(5), "{passed:?}");
        assert!(
            passed <= began.elapsed() + Duration::from_millis(5),
            "{passed:?}"
        );
    }
}
