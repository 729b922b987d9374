//! Places for submissions, each taken before the body is read and held until there is a record of it.
//! Whoever waits until nothing is being recorded takes no place for it: those that still come would
//! find none.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

/// The places of all workers.
#[derive(Debug)]
pub struct Recording {
    places: Arc<Semaphore>,
    under_way: Arc<Count>,
}

/// How many submissions are being recorded.
#[derive(Debug, Default)]
struct Count {
    count: AtomicUsize,
    none: Notify,
}

/// Of a submission whose body is on its way.
#[derive(Debug)]
pub struct Place {
    _permit: OwnedSemaphorePermit,
}

/// Of a submission whose body is here. Dropped when it is recorded.
#[derive(Debug)]
pub struct UnderWay {
    all: Arc<Count>,
    _place: Place,
}

impl Recording {
    pub fn new(most: usize) -> Self {
        Self {
            places: Arc::new(Semaphore::new(most)),
            under_way: Arc::default(),
        }
    }

    /// `None` where all are taken.
    pub fn place(&self) -> Option<Place> {
        let permit = self.places.clone().try_acquire_owned().ok()?;
        Some(Place { _permit: permit })
    }

    /// From now on the submission will be recorded.
    pub fn begin(&self, place: Place) -> UnderWay {
        self.under_way.count.fetch_add(1, Ordering::AcqRel);
        UnderWay {
            all: self.under_way.clone(),
            _place: place,
        }
    }

    /// Whether nothing is being recorded.
    pub fn is_quiet(&self) -> bool {
        self.under_way.count.load(Ordering::Acquire) == 0
    }

    /// Waits until nothing is being recorded.
    pub async fn quiet(&self) {
        loop {
            let mut none = std::pin::pin!(self.under_way.none.notified());
            // Before the look, so that the last one's end right after it is heard of.
            none.as_mut().enable();
            if self.is_quiet() {
                return;
            }
            none.await;
        }
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        if self.all.count.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.all.none.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    #[tokio::test]
    async fn waiting_for_the_last_takes_no_place() {
        let recording = Recording::new(2);
        recording.quiet().await;
        let first = recording.begin(recording.place().unwrap());
        let mut quiet = std::pin::pin!(recording.quiet());
        assert!(timeout(Duration::ZERO, quiet.as_mut()).await.is_err());
        let second = recording.begin(recording.place().unwrap());
        assert!(recording.place().is_none());
        drop(first);
        assert!(timeout(Duration::ZERO, quiet.as_mut()).await.is_err());
        drop(second);
        quiet.await;
        assert!(recording.is_quiet());
    }

    #[tokio::test]
    async fn a_body_that_is_on_its_way_has_a_place_and_is_not_waited_for() {
        let recording = Recording::new(1);
        let place = recording.place().unwrap();
        assert!(recording.place().is_none());
        recording.quiet().await;
        drop(place);
        assert!(recording.place().is_some());
    }
}
