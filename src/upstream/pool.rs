//! Kept connections of one worker, the last used first, so that surplus ones age and close.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::connection::Connection;
use crate::meter::UpstreamMeter;

/// The most connections one worker keeps for one account.
const MOST: usize = 512;

pub struct Pool {
    idle: Mutex<Vec<Idle>>,
    idle_timeout: Duration,
    meter: Arc<UpstreamMeter>,
}

struct Idle {
    connection: Connection,
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
    pub fn take(&self) -> Option<Connection> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = take(&mut idle);
        self.meter.idle(idle.len());
        taken
    }

    /// Keeps a connection for as long as the upstream said it will, less a second for the way, and
    /// never longer than configured.
    pub fn give_back(&self, connection: Connection, upstream_keeps: Option<Duration>) {
        let keeps = upstream_keeps.map_or(self.idle_timeout, |keeps| {
            keeps
                .saturating_sub(Duration::from_secs(1))
                .min(self.idle_timeout)
        });
        let until = Instant::now() + keeps;
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let shared = matches!(connection, Connection::Http2(_));
        if idle.len() >= MOST || connection.is_closed() {
            return;
        }
        if shared {
            // One entry stands for all its clones.
            idle.retain(|kept| !matches!(kept.connection, Connection::Http2(_)));
        }
        idle.push(Idle { connection, until });
        self.meter.idle(idle.len());
    }
}

fn take(idle: &mut Vec<Idle>) -> Option<Connection> {
    let now = Instant::now();
    while let Some(kept) = idle.pop() {
        if kept.until <= now {
            // Those beneath have waited longer still.
            idle.clear();
            return None;
        }
        if kept.connection.is_closed() {
            continue;
        }
        if let Connection::Http2(sender) = &kept.connection {
            let shared = Connection::Http2(sender.clone());
            idle.push(kept);
            return Some(shared);
        }
        return Some(kept.connection);
    }
    None
}
