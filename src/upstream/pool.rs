//! Kept connections of one worker, the last used first, so that surplus ones age and close.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::connection::Connection;
use crate::deadline::Timer;
use crate::meter::UpstreamMeter;

/// The most connections one worker keeps for one account.
const MOST: usize = 512;

pub struct Pool {
    idle: Mutex<Vec<Idle>>,
    idle_timeout: Duration,
    meter: Arc<UpstreamMeter>,
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

impl Pool {
    pub fn new(idle_timeout: Duration, meter: Arc<UpstreamMeter>) -> Self {
        Self {
            idle: Mutex::default(),
            idle_timeout,
            meter,
        }
    }

    /// A connection that was open a moment ago.
    pub fn take(&self) -> Option<Kept> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = take(&mut idle);
        self.meter.idle(idle.len());
        taken
    }

    /// Keeps a connection for as long as the upstream said it will, less a second for the way, and
    /// never longer than configured.
    pub fn give_back(&self, kept: Kept, upstream_keeps: Option<Duration>) {
        let keeps = upstream_keeps.map_or(self.idle_timeout, |keeps| {
            keeps
                .saturating_sub(Duration::from_secs(1))
                .min(self.idle_timeout)
        });
        let until = Instant::now() + keeps;
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let shared = matches!(kept.connection, Connection::Http2(_));
        if idle.len() >= MOST || kept.connection.is_closed() {
            return;
        }
        if shared {
            // One entry stands for all its clones.
            idle.retain(|idle| !matches!(idle.kept.connection, Connection::Http2(_)));
        }
        idle.push(Idle { kept, until });
        self.meter.idle(idle.len());
    }
}

fn take(idle: &mut Vec<Idle>) -> Option<Kept> {
    let now = Instant::now();
    while let Some(last) = idle.pop() {
        if last.until <= now {
            // Those beneath have waited longer still.
            idle.clear();
            return None;
        }
        if last.kept.connection.is_closed() {
            continue;
        }
        if let Connection::Http2(sender) = &last.kept.connection {
            let shared = Connection::Http2(sender.clone());
            idle.push(last);
            return Some(shared.into());
        }
        return Some(last.kept);
    }
    None
}
