//! Attempts: what a cell's submissions come down to. An attempt is a distinct `submittedAt`, else a
//! distinct `timestamp`, else each arrival, counted and not clocked. A score for an attempt that is
//! there already is a regrade: it takes its place.

use std::collections::HashMap;

use jiff::Timestamp as Instant;

use super::{Fate, Past, Role};
use crate::score::{Points, Score, Timestamp};

/// One attempt, raw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    pub points: Points,
    /// The caller's own.
    pub timestamp: Option<Timestamp>,
    pub submitted_at: Option<Timestamp>,
    pub arrived: Instant,
    /// Its place in the order of timestamps: its own, or that of its stamp.
    pub placed: Instant,
    /// Its place among all submissions of the cell.
    pub arrival: usize,
    /// The arrival with which it was taken, which uses up one of `attempts.max`; `None` as long as
    /// its fate is unknown.
    pub taken: Option<usize>,
    /// Whether its fate was unknown when it was first made.
    pub was_in_doubt: bool,
}

impl Attempt {
    fn of_past(arrival: usize, past: &Past) -> Option<Self> {
        let points = match past.role {
            Role::Attempt => past.points?,
            Role::Clear | Role::Aside => return None,
        };
        Some(Self {
            points,
            timestamp: past.timestamp.clone().filter(|_| !past.is_stamped),
            submitted_at: past.submitted_at.clone(),
            arrived: past.arrived,
            placed: past
                .timestamp
                .as_ref()
                .map_or(past.arrived, Timestamp::instant),
            arrival,
            taken: (past.fate == Fate::Confirmed).then_some(arrival),
            was_in_doubt: past.fate == Fate::Unknown,
        })
    }

    /// The submission at hand, were it to take effect.
    pub fn at_hand(
        score: &Score,
        points: Points,
        arrived: Instant,
        placed: Instant,
        arrival: usize,
    ) -> Self {
        Self {
            points,
            placed,
            timestamp: score.timestamp.clone(),
            submitted_at: score.submission.submitted_at.clone(),
            arrived,
            arrival,
            taken: Some(arrival),
            was_in_doubt: false,
        }
    }

    /// The time that lateness is counted from.
    pub fn time(&self) -> Instant {
        let own = self.identity();
        own.unwrap_or(self.arrived)
    }

    /// What tells it from other attempts; `None` tells it from all.
    fn identity(&self) -> Option<Instant> {
        let own = self.submitted_at.as_ref().or(self.timestamp.as_ref());
        own.map(Timestamp::instant)
    }

    pub fn is_same(&self, other: &Self) -> bool {
        self.identity().is_some() && self.identity() == other.identity()
    }

    /// One that was taken once is taken for ever.
    fn regrade(&mut self, attempt: Self) {
        *self = Self {
            taken: self.taken.or(attempt.taken),
            was_in_doubt: self.was_in_doubt,
            ..attempt
        };
    }

    /// Its place in the order of `timestamp`, then arrival.
    pub fn place(&self) -> (Instant, usize) {
        (self.placed, self.arrival)
    }
}

/// The attempts of a cell, in the order in which each was first made.
#[derive(Clone, Debug, Default)]
pub struct Attempts(Vec<Attempt>);

impl Attempts {
    /// Finds the attempt of a regrade by its identity, so that a long history costs no more for each
    /// of its submissions than a short one.
    pub fn of(history: &[Past]) -> Self {
        let mut attempts = Self::default();
        if history.is_empty() {
            return attempts;
        }
        let mut places = HashMap::new();
        for (arrival, past) in history.iter().enumerate() {
            let Some(attempt) = Attempt::of_past(arrival, past) else {
                continue;
            };
            let next = attempts.0.len();
            let place = attempt
                .identity()
                .map(|identity| *places.entry(identity).or_insert(next));
            match place.and_then(|place| attempts.0.get_mut(place)) {
                Some(known) => known.regrade(attempt),
                None => attempts.0.push(attempt),
            }
        }
        attempts
    }

    /// Whether the attempt is there already.
    pub fn knows(&self, attempt: &Attempt) -> bool {
        self.0.iter().any(|known| known.is_same(attempt))
    }

    /// How many use up one of `attempts.max`.
    pub fn used(&self) -> usize {
        self.0.iter().filter_map(|attempt| attempt.taken).count()
    }

    /// A new attempt, or a regrade.
    pub fn join(&mut self, attempt: Attempt) {
        match self.0.iter_mut().find(|known| known.is_same(&attempt)) {
            Some(known) => known.regrade(attempt),
            None => self.0.push(attempt),
        }
    }

    /// Leaves the first `most` that were taken; the others were taken under a higher limit. What was
    /// in doubt and is sent again once others have used up the limit takes nobody's place and loses
    /// none.
    pub fn limit(&mut self, most: usize) {
        let mut taken: Vec<_> = self.0.iter().filter_map(|attempt| attempt.taken).collect();
        taken.sort_unstable();
        if let Some(&first_over) = taken.get(most) {
            self.0
                .retain(|attempt| attempt.was_in_doubt || attempt.taken < Some(first_over));
        }
    }

    pub fn iter(&self) -> impl Iterator<Item = &Attempt> {
        self.0.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A submission of some role at one of few instants, so that regrades come up.
    fn pasts() -> impl Strategy<Value = Past> {
        let instant = |second: i64| Instant::from_second(second).unwrap();
        let timestamp = move |second| Timestamp::at(instant(second));
        let time = || prop::option::of(0..4_i64);
        let role =
            prop_oneof![3 => Just(Role::Attempt), 1 => Just(Role::Clear), 1 => Just(Role::Aside)];
        let fate = prop_oneof![Just(Fate::Confirmed), Just(Fate::Unknown)];
        (time(), any::<bool>(), time(), 0..9_i64, role, fate).prop_map(
            move |(own, is_stamped, submitted, arrived, role, fate)| Past {
                points: Some(Points {
                    given: crate::score::Decimal::ONE,
                    maximum: crate::score::Decimal::ONE,
                }),
                timestamp: own.map(timestamp),
                is_stamped,
                submitted_at: submitted.map(timestamp),
                arrived: instant(arrived),
                role,
                fate,
                stands: None,
                sent: None,
            },
        )
    }

    proptest! {
        #[test]
        fn a_history_comes_to_what_joining_one_by_one_comes_to(history in prop::collection::vec(pasts(), 0..20)) {
            let mut joined = Attempts::default();
            let attempts = history.iter().enumerate();
            attempts.filter_map(|(arrival, past)| Attempt::of_past(arrival, past)).for_each(|attempt| joined.join(attempt));
            prop_assert_eq!(Attempts::of(&history).0, joined.0);
        }
    }
}
