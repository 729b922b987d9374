//! Kept connections of one worker. Of those for one request at a time the last used comes first, of
//! those that requests share the oldest with room, so that surplus ones age and close.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

use super::connection::Connection;
use super::shared::Shared;
use crate::deadline::Timer;
use crate::meter::UpstreamMeter;

/// The most connections one worker keeps for one account.
const MOST: usize = 512;

/// How many connections that requests share are opened at once.
const TURNS: usize = 2;

pub struct Pool {
    kept: Mutex<Connections>,
    idle_timeout: Duration,
    meter: Arc<UpstreamMeter>,
    /// Whether the upstream spoke HTTP/2 when a connection was last opened.
    shares: AtomicBool,
    turns: Semaphore,
}

#[derive(Default)]
struct Connections {
    /// HTTP/1.1: with nobody's request on them.
    idle: Vec<Idle>,
    /// HTTP/2: with room or without, the first with room taken first.
    shared: Vec<Entry>,
}

/// A connection, and the timer of whatever waits on it.
pub struct Kept {
    pub connection: Connection,
    pub timer: Timer,
}

impl From<Connection> for Kept {
    fn from(connection: Connection) -> Self {
        Self {
            connection,
            timer: Timer::default(),
        }
    }
}

struct Idle {
    kept: Kept,
    /// After this the upstream may be about to close it, and a request could cross that on the wire.
    until: Instant,
}

struct Entry {
    connection: Shared,
    until: Instant,
}

impl Pool {
    pub fn new(idle_timeout: Duration, meter: Arc<UpstreamMeter>) -> Self {
        Self {
            kept: Mutex::default(),
            idle_timeout,
            meter,
            shares: AtomicBool::new(false),
            turns: Semaphore::new(TURNS),
        }
    }

    /// A connection that was open a moment ago.
    pub fn take(&self) -> Option<Kept> {
        let mut kept = self.lock();
        let taken = kept.take();
        self.meter.idle(kept.unused());
        taken
    }

    /// A new connection is there. One that requests share, others may use from now on.
    pub fn note_opened(&self, connection: &Connection) {
        let shares = matches!(connection, Connection::Http2(_));
        self.shares.store(shares, Ordering::Relaxed);
        if let Connection::Http2(shared) = connection {
            self.lock().share(shared.clone(), self.until(None));
        }
    }

    /// Whoever opens a connection that requests share holds a turn, so that a crowd opens no
    /// connection each: those that wait find room on what others have opened.
    pub async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        self.turns.acquire().await.ok()
    }

    pub fn shares(&self) -> bool {
        self.shares.load(Ordering::Relaxed)
    }

    /// Keeps a connection for as long as the upstream said it will, less a second for the way, and
    /// never longer than configured.
    pub fn give_back(&self, given: Kept, upstream_keeps: Option<Duration>) {
        let until = self.until(upstream_keeps);
        let mut kept = self.lock();
        if given.connection.is_closed() {
            return;
        }
        match given.connection {
            Connection::Http2(shared) => kept.share(shared, until),
            Connection::Http1(_) if kept.idle.len() >= MOST => return,
            Connection::Http1(_) => kept.idle.push(Idle { kept: given, until }),
        }
        self.meter.idle(kept.unused());
    }

    /// Closes what has been kept for long enough. Whoever takes a connection looks at those alone that it
    /// comes across.
    pub fn close_unused(&self) {
        let mut kept = self.lock();
        kept.close_unused(Instant::now());
        self.meter.idle(kept.unused());
    }

    fn until(&self, upstream_keeps: Option<Duration>) -> Instant {
        let keeps = upstream_keeps.map_or(self.idle_timeout, |keeps| {
            keeps
                .saturating_sub(Duration::from_secs(1))
                .min(self.idle_timeout)
        });
        Instant::now() + keeps
    }

    fn lock(&self) -> MutexGuard<'_, Connections> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Pool {
    /// One that has taken its place says its own number when it is looked through next.
    fn drop(&mut self) {
        self.meter.idle(0);
    }
}

impl Connections {
    fn take(&mut self) -> Option<Kept> {
        match self.shared.is_empty() {
            true => self.take_idle(),
            false => self.take_shared().or_else(|| self.take_idle()),
        }
    }

    fn take_idle(&mut self) -> Option<Kept> {
        let now = Instant::now();
        while let Some(last) = self.idle.pop() {
            if last.until <= now {
                // Those beneath have waited longer still.
                self.idle.clear();
                return None;
            }
            if !last.kept.connection.is_closed() {
                return Some(last.kept);
            }
        }
        None
    }

    fn take_shared(&mut self) -> Option<Kept> {
        self.close_shared(Instant::now());
        let mut entries = self.shared.iter();
        let entry = entries.find(|entry| entry.connection.has_room())?;
        Some(Connection::Http2(entry.connection.clone()).into())
    }

    fn close_unused(&mut self, now: Instant) {
        self.idle
            .retain(|idle| idle.until > now && !idle.kept.connection.is_closed());
        self.close_shared(now);
    }

    /// Each closes with the last request on it.
    fn close_shared(&mut self, now: Instant) {
        self.shared
            .retain(|entry| entry.until > now && !entry.connection.is_closed());
    }

    /// One entry stands for all its clones.
    fn share(&mut self, connection: Shared, until: Instant) {
        let is_there = |entry: &&mut Entry| entry.connection.is_same(&connection);
        let is_full = self.shared.len() >= MOST;
        match self.shared.iter_mut().find(is_there) {
            Some(entry) => entry.until = until,
            None if is_full => {}
            None => self.shared.push(Entry { connection, until }),
        }
    }

    fn unused(&self) -> usize {
        let shared = self.shared.iter().map(|entry| &entry.connection);
        self.idle.len() + shared.filter(|one| one.others() == 0).count()
    }
}
