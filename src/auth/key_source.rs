//! Where an issuer's keys come from, and the one reader that keeps a fetched set current.
//!
//! Only `keep_current` ever reads, so nothing is read twice at once; requests ask it to, and wait.
//! The last good set stays until a good read replaces it, and there is never a fallback key.

use std::convert::Infallible;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use http::Uri;
use rustls::ClientConfig;
use tokio::sync::{Notify, Semaphore, oneshot, watch};
use tokio::time::{Instant, sleep_until, timeout};

use super::Unverified;
use super::fetch::fetch;
use super::tally::{Reads as ReadCounts, Tally};
use super::timing::{Read, Schedule, Timing};
use crate::error::{Cause, chain};
use crate::key_set::KeySet;
use crate::meter::Fill;
use crate::origin::Origin;

/// A key set behind a URL.
pub struct KeySource {
    issuer: String,
    url: Uri,
    origin: Origin,
    tls: Arc<ClientConfig>,
    /// How often it is read, and how long a read may take.
    refresh: Duration,
    timeout: Duration,
    timing: Timing,
    current: ArcSwapOption<KeySet>,
    /// Raised whenever the set changes, so that tokens verified before are verified anew.
    generation: AtomicU64,
    reads: watch::Sender<Reads>,
    tally: Tally,
    asked: Mutex<Asked>,
    wanted: Notify,
    /// Places for requests that wait for a read. Whoever they are from is not known yet, so there are few.
    places: Semaphore,
    most_waiting: usize,
}

/// Reads so far. One is under way while more have begun than ended.
#[derive(Clone, Copy, Default)]
struct Reads {
    begun: u64,
    ended: u64,
    /// Nobody reads any more.
    is_over: bool,
}

impl Reads {
    fn under_way(self) -> Option<u64> {
        (self.begun > self.ended).then_some(self.begun)
    }
}

/// The last read that was asked for because of an unknown key.
#[derive(Default)]
struct Asked {
    at: Option<Instant>,
    read: u64,
}

impl KeySource {
    pub fn new(
        issuer: &str,
        url: Uri,
        tls: Arc<ClientConfig>,
        refresh: Duration,
        timeout: Duration,
        timing: Timing,
        most_waiting: usize,
    ) -> Result<Self, crate::origin::BadOrigin> {
        Ok(Self {
            issuer: issuer.to_owned(),
            origin: Origin::of(&url)?,
            url,
            tls,
            refresh,
            timeout,
            timing,
            current: ArcSwapOption::empty(),
            generation: AtomicU64::new(0),
            reads: watch::channel(Reads::default()).0,
            tally: Tally::default(),
            asked: Mutex::default(),
            wanted: Notify::new(),
            places: Semaphore::new(most_waiting),
            most_waiting,
        })
    }

    /// Goes on with what `before` has read of the same set in another way, until a read of its own is
    /// good.
    #[must_use]
    pub fn after(self, before: &Self) -> Self {
        Self {
            current: ArcSwapOption::new(before.current()),
            tally: before.tally.clone(),
            ..self
        }
    }

    pub fn is_of(&self, url: &Uri) -> bool {
        self.url == *url
    }

    /// Whether a source made with these would read in the same way.
    pub fn reads_as(&self, tls: &Arc<ClientConfig>, refresh: Duration, timeout: Duration) -> bool {
        Arc::ptr_eq(&self.tls, tls) && (self.refresh, self.timeout) == (refresh, timeout)
    }

    pub fn current(&self) -> Option<Arc<KeySet>> {
        self.current.load_full()
    }

    pub fn has_loaded(&self) -> bool {
        self.current.load().is_some()
    }

    /// How the reads so far went.
    pub fn tally(&self) -> ReadCounts {
        self.tally.reads()
    }

    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// How full the places are of those who wait for a read.
    pub fn waiting(&self) -> Fill {
        let free = self.places.available_permits();
        Fill::new(self.most_waiting.saturating_sub(free), self.most_waiting)
    }

    /// Waits for a read that is under way and, where that is not enough, for one that begins from now on,
    /// where one is due. Afterwards the set is as current as it gets. Refuses at once where too many wait
    /// already.
    pub async fn catch_up(&self, is_enough: impl Fn() -> bool) -> Result<(), Unverified> {
        let place = self.places.try_acquire();
        let _place = place.map_err(|_| Unverified::TooManyWait)?;
        if let Some(read) = self.seen().under_way() {
            // It may have begun before the provider had the key.
            if !self.has_ended(read).await || is_enough() {
                return Ok(());
            }
        }
        self.has_ended(self.ask()).await;
        Ok(())
    }

    fn seen(&self) -> Reads {
        *self.reads.borrow()
    }

    /// Waits for a read, and says whether it has ended in time, or never will.
    async fn has_ended(&self, read: u64) -> bool {
        let mut reads = self.reads.subscribe();
        let ended = reads.wait_for(|reads| reads.ended >= read || reads.is_over);
        timeout(self.timeout, ended).await.is_ok()
    }

    /// The number of the read to wait for. All who come before it has ended share it.
    fn ask(&self) -> u64 {
        let seen = self.seen();
        if let Some(read) = seen.under_way() {
            return read;
        }
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let due = asked
            .at
            .is_none_or(|at| at.elapsed() >= self.timing.unknown_key);
        if due {
            // Stamped before the read, so that a slow one counts too.
            *asked = Asked {
                at: Some(Instant::now()),
                read: seen.begun + 1,
            };
            self.wanted.notify_one();
        }
        asked.read
    }

    /// Reads at once, then whenever it is time or somebody asks, until the sender of `end` is dropped. Whoever
    /// waits then is a request under the configuration before: it gets the read that it waits for.
    pub async fn keep_current(&self, mut end: oneshot::Receiver<Infallible>) {
        let mut schedule = Schedule::new(self.refresh, self.timing);
        loop {
            let begun = Instant::now();
            let pause = schedule.after(self.read().await);
            tokio::select! {
                biased;
                // First, because whoever has asked already is waiting.
                () = self.wanted.notified() => {}
                _ = &mut end => break,
                // From start to start, so that a read that hangs puts off nothing.
                () = sleep_until(begun + pause) => {}
            }
        }
        self.reads.send_modify(|reads| reads.is_over = true);
    }

    async fn read(&self) -> Read {
        // A request that asked before this moment is answered by this read, not by one more.
        let _ = futures_util::FutureExt::now_or_never(self.wanted.notified());
        self.reads.send_modify(|reads| reads.begun += 1);
        let fetching = fetch(&self.url, &self.origin, &self.tls);
        let fetched = timeout(self.longest_read(), fetching).await;
        let set = match fetched {
            Err(elapsed) => Err(Cause::from(elapsed)),
            Ok(Err(fault)) => Err(fault.into()),
            Ok(Ok(bytes)) => KeySet::parse(&bytes).ok_or_else(|| "the answer is no key set".into()),
        };
        let read = match set {
            Ok(set) => {
                self.tally.good();
                self.adopt(set);
                Read::Good
            }
            Err(cause) => {
                self.tally.failed();
                tracing::warn!(target: "scoregate::auth", issuer = self.issuer, cause = chain(&*cause), "the key set could not be read");
                if self.has_loaded() {
                    Read::Stale
                } else {
                    Read::Cold
                }
            }
        };
        self.reads.send_modify(|reads| reads.ended = reads.begun);
        read
    }

    fn longest_read(&self) -> Duration {
        match self.has_loaded() {
            true => self.timeout,
            false => self.timeout.min(self.timing.cold_read),
        }
    }

    fn adopt(&self, set: KeySet) {
        let before = self.current.load();
        if before
            .as_ref()
            .is_some_and(|before| before.says_the_same_as(&set))
        {
            return;
        }
        let (issuer, keys, left_out) = (&self.issuer, set.usable(), set.left_out());
        tracing::info!(target: "scoregate::auth", issuer, keys, left_out, "the key set is loaded");
        if left_out > 0 {
            tracing::warn!(target: "scoregate::auth", issuer, left_out, "some keys of the set can't be used");
        }
        // The set first: whoever sees the new generation must find the new keys.
        self.current.store(Some(Arc::new(set)));
        self.generation.fetch_add(1, Ordering::Release);
    }
}
