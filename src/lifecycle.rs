//! Whether the gateway takes new work.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::watch;

/// Shared by workers, admin listener and signals.
#[derive(Debug)]
pub struct Lifecycle {
    serving: AtomicBool,
    draining: AtomicBool,
    stopping: watch::Sender<bool>,
    ending: watch::Sender<bool>,
    cutting_off: watch::Sender<bool>,
}

impl Default for Lifecycle {
    fn default() -> Self {
        let (stopping, _) = watch::channel(false);
        let (ending, _) = watch::channel(false);
        let (cutting_off, _) = watch::channel(false);
        Self {
            serving: AtomicBool::new(false),
            draining: AtomicBool::new(false),
            stopping,
            ending,
            cutting_off,
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
        is_set(&self.stopping).await;
    }

    /// The time for what is in flight is over.
    pub fn end(&self) {
        self.ending.send_replace(true);
    }

    /// Resolves once `end` has been called.
    pub async fn ending(&self) {
        is_set(&self.ending).await;
    }

    /// Nothing is waited for any more.
    pub fn cut_off(&self) {
        self.cutting_off.send_replace(true);
    }

    /// Resolves once `cut_off` has been called.
    pub async fn is_cut_off(&self) {
        is_set(&self.cutting_off).await;
    }
}

async fn is_set(signal: &watch::Sender<bool>) {
    // The sender lives as long as it is borrowed, so waiting can't fail.
    let _ = signal.subscribe().wait_for(|is_set| *is_set).await;
}
