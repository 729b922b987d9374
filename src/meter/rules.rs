//! What policies' rules did. Most scores no rule touches, so this alone is looked up: in a map of
//! the worker's own, whose lock only a scrape ever waits for.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// One rule of one policy doing something.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Act {
    pub policy: Arc<str>,
    pub rule: &'static str,
    pub mode: Mode,
    pub effect: Effect,
}

/// Whether a policy acts, or only says what it would do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Mode {
    Enforce,
    Report,
}

/// What a rule did to a score.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Effect {
    Changed,
    Refused,
}

impl Mode {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Enforce => "enforce",
            Self::Report => "report",
        }
    }
}

impl Effect {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Changed => "changed",
            Self::Refused => "refused",
        }
    }
}

/// One worker's counts.
#[derive(Debug, Default)]
pub struct RuleMeter(Mutex<HashMap<Act, u64>>);

impl RuleMeter {
    pub fn count(&self, act: Act) {
        let mut acts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *acts.entry(act).or_default() += 1;
    }

    pub fn add_to(&self, sums: &mut std::collections::BTreeMap<Act, u64>) {
        let acts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (act, count) in &*acts {
            *sums.entry(act.clone()).or_default() += count;
        }
    }
}
