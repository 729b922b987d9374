//! Submissions on their way to their record, each with a place until it is there. Whoever waits until
//! none is left takes no place for it: those that still come would find none.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

/// The places of all workers.
#[derive(Debug)]
pub struct Recording {
    places: Arc<Semaphore>,
    /// How many submissions have one, and when the last of them is recorded.
    under_way: Arc<UnderWay>,
}

#[derive(Debug, Default)]
struct UnderWay {
    count: AtomicUsize,
    none: Notify,
}

/// One submission's. Dropped when it is recorded.
#[derive(Debug)]
pub struct Place {
    under_way: Arc<UnderWay>,
    _permit: OwnedSemaphorePermit,
}

impl Recording {
    /// As many places as requests may be in flight.
    pub fn new(most: usize) -> Self {
        Self {
            places: Arc::new(Semaphore::new(most)),
            under_way: Arc::default(),
        }
    }

    /// `None` where all are taken.
    pub fn place(&self) -> Option<Place> {
        let permit = self.places.clone().try_acquire_owned().ok()?;
        self.under_way.count.fetch_add(1, Ordering::AcqRel);
        Some(Place {
            under_way: self.under_way.clone(),
            _permit: permit,
        })
    }

    pub fn is_quiet(&self) -> bool {
        self.under_way.count.load(Ordering::Acquire) == 0
    }

    /// Waits until no submission has a place.
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

impl Drop for Place {
    fn drop(&mut self) {
        if self.under_way.count.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.under_way.none.notify_waiters();
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
        let first = recording.place().unwrap();
        let mut quiet = std::pin::pin!(recording.quiet());
        assert!(timeout(Duration::ZERO, quiet.as_mut()).await.is_err());
        let second = recording.place().unwrap();
        assert!(recording.place().is_none());
        drop(first);
        assert!(timeout(Duration::ZERO, quiet.as_mut()).await.is_err());
        drop(second);
        quiet.await;
        assert!(recording.is_quiet());
    }
}
