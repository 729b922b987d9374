//! A caller's places: how many of its requests may be in flight. Counted on across reloads whatever
//! becomes of the bound, since what was in flight before still is.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use quick_cache::sync::Cache;

use crate::meter::Fill;

/// Callers of one issuer whose places are remembered. One that is forgotten has all of them free.
const CALLERS: usize = 10_000;

/// One caller's.
#[derive(Clone, Debug)]
pub struct Places {
    most: usize,
    taken: Arc<AtomicUsize>,
}

/// Those of an issuer's callers, each with its own.
#[derive(Clone)]
pub struct IssuerPlaces {
    most: usize,
    taken: Arc<Cache<Arc<str>, Arc<AtomicUsize>>>,
}

/// One of them, taken until this is dropped.
#[derive(Debug)]
pub struct Place(Arc<AtomicUsize>);

impl Places {
    /// Counts on from those before.
    pub fn after(before: Option<&Self>, most: usize) -> Self {
        let taken = before.map(|before| before.taken.clone());
        Self {
            most,
            taken: taken.unwrap_or_default(),
        }
    }

    /// Takes one, or none where all are taken.
    pub fn take(&self) -> Option<Place> {
        let one_more = |taken| (taken < self.most).then_some(taken + 1);
        let taken = &self.taken;
        let took = taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more);
        took.ok().map(|_| Place(taken.clone()))
    }

    pub fn most(&self) -> usize {
        self.most
    }

    pub fn fill(&self) -> Fill {
        Fill::new(self.taken.load(Ordering::Relaxed), self.most)
    }
}

impl IssuerPlaces {
    /// Counts on from those before.
    pub fn after(before: Option<&Self>, most: usize) -> Self {
        let taken = before.map(|before| before.taken.clone());
        Self {
            most,
            taken: taken.unwrap_or_else(|| Arc::new(Cache::new(CALLERS))),
        }
    }

    /// The caller's own.
    pub fn of(&self, caller: &Arc<str>) -> Places {
        let made = self
            .taken
            .get_or_insert_with(caller, || Ok::<_, std::convert::Infallible>(Arc::default()));
        let taken = match made {
            Ok(taken) => taken,
            Err(never) => match never {},
        };
        Places {
            most: self.most,
            taken,
        }
    }

    /// How full those of its fullest caller are.
    pub fn fill(&self) -> Fill {
        let taken = self.taken.iter();
        let taken = taken.map(|(_, taken)| taken.load(Ordering::Relaxed));
        Fill::new(taken.max().unwrap_or(0), self.most)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn a_place_is_its_callers_again_once_it_is_dropped() {
        let places = Places::after(None, 2);
        let (one, other) = (places.take(), places.take());
        assert!(one.is_some() && other.is_some() && places.take().is_none());
        drop(one);
        assert_eq!(places.fill(), Fill::new(1, 2));
        assert!(places.take().is_some());
    }

    #[test]
    fn what_is_taken_outlives_a_reload_whatever_the_bound_becomes() {
        let before = Places::after(None, 2);
        let taken = [before.take(), before.take()];
        let wider = Places::after(Some(&before), 3);
        let third = wider.take();
        assert!(third.is_some() && wider.take().is_none() && before.take().is_none());
        let narrower = Places::after(Some(&wider), 1);
        assert_eq!(narrower.fill(), Fill::new(3, 1));
        drop(taken);
        assert!(narrower.take().is_none());
        drop(third);
        assert!(narrower.take().is_some());
        assert_eq!(narrower.fill().used, 0);
    }

    #[test]
    fn are_each_callers_own_and_the_fullest_shows() {
        let places = IssuerPlaces::after(None, 2);
        let (one, other) = (Arc::from("id/one"), Arc::from("id/other"));
        let taken = [places.of(&one).take(), places.of(&one).take()];
        assert!(places.of(&one).take().is_none());
        let another = places.of(&other).take();
        assert!(another.is_some());
        assert_eq!(places.fill(), Fill::new(2, 2));
        drop(taken);
        let renewed = IssuerPlaces::after(Some(&places), 1);
        assert!(renewed.of(&one).take().is_some());
        assert!(renewed.of(&other).take().is_none());
    }

    #[test]
    fn no_more_are_taken_than_there_are_however_many_ask_at_once() {
        let places = Places::after(None, 3);
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..10_000 {
                        let place = places.take();
                        assert!(places.fill().used <= 3);
                        drop(place);
                    }
                });
            }
        });
        assert_eq!(places.fill().used, 0);
    }
}
