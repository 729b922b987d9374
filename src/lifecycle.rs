//! Whether the gateway takes new work.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::watch;

/// Shared by workers, admin listener and signals.
#[derive(Debug)]
pub struct Lifecycle {
    serving: AtomicBool,
    draining: AtomicBool,
    stopping: watch::Sender<bool>,
}

impl Default for Lifecycle {
    fn default() -> Self {
        let (stopping, _) = watch::channel(false);
        Self {
            serving: AtomicBool::new(false),
            draining: AtomicBool::new(false),
            stopping,
        }
    }
}

impl Lifecycle {
    /// Every listener is bound.
    pub fn serving(&self) {
        self.serving.store(true, Ordering::Relaxed);
    }

    /// Whether new work is welcome, as a load balancer should see it.
    pub fn is_serving(&self) -> bool {
        self.serving.load(Ordering::Relaxed)
    }

    /// Readiness goes down; work that still comes is served.
    pub fn leave(&self) {
        self.serving.store(false, Ordering::Relaxed);
    }

    /// New requests are refused and listeners close; those in flight finish.
    pub fn drain(&self) {
        self.leave();
        self.draining.store(true, Ordering::Relaxed);
        self.stopping.send_replace(true);
    }

    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    /// Resolves once `drain` has been called.
    pub async fn drained(&self) {
        // The sender lives as long as `self`, so waiting can't fail.
        let _ = self
            .stopping
            .subscribe()
            .wait_for(|stopping| *stopping)
            .await;
    }
}
