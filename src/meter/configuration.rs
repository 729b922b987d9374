//! Which configuration is in force, and how the last reload went.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use super::{Page, list};

/// Told of every configuration that is applied or refused.
#[derive(Debug, Default)]
pub struct ConfigurationMeter {
    generation: AtomicU64,
    /// In seconds since 1970.
    applied_at: AtomicU64,
    refused_last: AtomicBool,
    refused: AtomicU64,
}

impl ConfigurationMeter {
    /// A configuration is in force, the first or a reloaded one.
    pub fn applied(&self, generation: u64) {
        self.generation.store(generation, Ordering::Relaxed);
        self.applied_at.store(now(), Ordering::Relaxed);
        self.refused_last.store(false, Ordering::Relaxed);
    }

    /// A reload was refused; what was in force stays.
    pub fn refused(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
        self.refused_last.store(true, Ordering::Relaxed);
    }

    pub(super) fn write(&self, page: &mut Page) {
        let generation = self.generation.load(Ordering::Relaxed);
        let good = !self.refused_last.load(Ordering::Relaxed);
        page.family(&list::CONFIGURATION_GENERATION)
            .sample(&[], generation);
        page.family(&list::CONFIGURATION_APPLIED)
            .sample(&[], self.applied_at.load(Ordering::Relaxed));
        page.family(&list::CONFIGURATION_GOOD)
            .sample(&[], u8::from(good));
        page.family(&list::CONFIGURATION_RELOADS)
            // The first generation was no reload.
            .sample(&["applied"], generation.saturating_sub(1))
            .sample(&["refused"], self.refused.load(Ordering::Relaxed));
    }
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}
