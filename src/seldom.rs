//! An event that may come with every request, and that the log tells once a minute at most.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long nothing more is told.
const PAUSE: Duration = Duration::from_secs(60);

#[derive(Debug, Default)]
pub struct Seldom(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    told: Option<Instant>,
    untold: u64,
}

impl Seldom {
    /// Notes that it has happened. Where it is to be told: how often it has happened since it was
    /// told last, this time included.
    pub fn note(&self, now: Instant) -> Option<u64> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.untold += 1;
        let told = state.told;
        if told.is_some_and(|told| now.saturating_duration_since(told) < PAUSE) {
            return None;
        }
        state.told = Some(now);
        Some(std::mem::take(&mut state.untold))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_the_first_at_once_and_then_one_a_minute_with_their_number() {
        let (seldom, start) = (Seldom::default(), Instant::now());
        let note = |seconds| seldom.note(start + Duration::from_secs(seconds));
        let told: Vec<_> = [0, 1, 59, 60, 61, 119, 300, 301].map(note).into();
        let expected = [Some(1), None, None, Some(3), None, None, Some(3), None];
        assert_eq!(told, expected);
    }
}
