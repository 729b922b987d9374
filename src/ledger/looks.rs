//! The waits between looks at a cell that another gateway holds. Short at first, because most
//! cells are held for one post; longer with each look, so that many who wait for a slow one load
//! the database little; and up to a half at random, so that they don't look all at once.

use std::time::Duration;

const FIRST: Duration = Duration::from_millis(5);

const LONGEST: Duration = Duration::from_millis(50);

/// The waits of one who looks.
pub struct Looks {
    next: Duration,
}

impl Default for Looks {
    fn default() -> Self {
        Self { next: FIRST }
    }
}

impl Looks {
    /// How long to wait before the next look.
    pub fn wait(&mut self) -> Duration {
        let whole = self.next;
        self.next = (whole * 2).min(LONGEST);
        // Without random numbers, the whole.
        let random = getrandom::u32().unwrap_or(u32::MAX);
        whole / 2 + (whole / 2).mul_f64(f64::from(random) / f64::from(u32::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grows_from_five_to_fifty_milliseconds() {
        let mut looks = Looks::default();
        for whole in [5, 10, 20, 40, 50, 50, 50] {
            let whole = Duration::from_millis(whole);
            let wait = looks.wait();
            assert!((whole / 2..=whole).contains(&wait), "{wait:?} of {whole:?}");
        }
    }

    #[test]
    fn differs_between_those_who_wait() {
        let waits: std::collections::BTreeSet<_> =
            (0..64).map(|_| Looks::default().wait()).collect();
        assert!(waits.len() > 32, "{waits:?}");
    }
}
