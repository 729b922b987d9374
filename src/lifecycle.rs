//! Whether the gateway takes new work.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::watch;

/// How near the end is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Of before every listener is bound too.
    Serving,
    /// Readiness is down; work that still comes is served.
    Leaving,
    /// New requests are refused; those in flight finish.
    Draining,
}

/// Shared by workers, admin listener and signals.
#[derive(Debug)]
pub struct Lifecycle {
    serving: AtomicBool,
    draining: AtomicBool,
    stage: watch::Sender<Stage>,
    ending: watch::Sender<bool>,
    cutting_off: watch::Sender<bool>,
}

impl Default for Lifecycle {
    fn default() -> Self {
        let (stage, _) = watch::channel(Stage::Serving);
        let (ending, _) = watch::channel(false);
        let (cutting_off, _) = watch::channel(false);
        Self {
            serving: AtomicBool::new(false),
            draining: AtomicBool::new(false),
            stage,
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

    /// Readiness goes down; work that still comes is served, and its callers are asked to connect
    /// anew.
    pub fn leave(&self) {
        // First, so that whoever sees readiness down is asked.
        self.stage.send_replace(Stage::Leaving);
        self.serving.store(false, Ordering::Relaxed);
    }

    /// New requests are refused and listeners close; those in flight finish.
    pub fn drain(&self) {
        self.serving.store(false, Ordering::Relaxed);
        self.draining.store(true, Ordering::Relaxed);
        self.stage.send_replace(Stage::Draining);
    }

    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    /// How near the end is now.
    pub fn stage(&self) -> Stage {
        *self.stage.borrow()
    }

    /// Resolves once `drain` has been called.
    pub async fn drained(&self) {
        self.reached(Stage::Draining).await;
    }

    /// Resolves once it is as near as this.
    pub async fn reached(&self, stage: Stage) {
        // As in `is_set`.
        let _ = self.stage.subscribe().wait_for(|now| *now >= stage).await;
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
