//! What one worker counts of one account's LTIAAS.

use std::array;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::StatusCode;

use super::{Histogram, Snapshot};

/// Classes of status, the place being the hundreds.
const CLASSES: [&str; 10] = [
    "0xx", "1xx", "2xx", "3xx", "4xx", "5xx", "6xx", "7xx", "8xx", "9xx",
];

macro_rules! failures {
    ($($(#[doc = $doc:literal])* $variant:ident $name:literal;)*) => {
        /// Why there was no answer.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Failed { $($(#[doc = $doc])* $variant,)* }

        impl Failed {
            const ALL: &[Self] = &[$(Self::$variant,)*];

            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }
    };
}

failures! {
    Connect "connect";
    ConnectTimeout "connect_timeout";
    /// TLS was fine, HTTP could not be started.
    Handshake "handshake";
    /// Before anything was sent.
    Closed "closed";
    /// After something was sent.
    Broken "broken";
    NotHttp "not_http";
    AnswerTimeout "answer_timeout";
}

/// Held by the worker's connections to one account.
#[derive(Debug)]
pub struct UpstreamMeter {
    waits: Histogram,
    answers: [AtomicU64; CLASSES.len()],
    failures: [AtomicU64; Failed::ALL.len()],
    keys_rejected: AtomicU64,
    opened: AtomicU64,
    idle: AtomicU64,
}

impl Default for UpstreamMeter {
    fn default() -> Self {
        Self {
            waits: Histogram::of_waits(),
            answers: array::from_fn(|_| AtomicU64::new(0)),
            failures: array::from_fn(|_| AtomicU64::new(0)),
            keys_rejected: AtomicU64::new(0),
            opened: AtomicU64::new(0),
            idle: AtomicU64::new(0),
        }
    }
}

impl UpstreamMeter {
    /// The head of an answer came, after a while.
    pub fn answered(&self, status: StatusCode, waited: Duration) {
        self.waits.observe(waited);
        let class = usize::from(status.as_u16() / 100);
        if let Some(count) = self.answers.get(class) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// No answer came.
    pub fn failed(&self, reason: Failed) {
        if let Some(count) = self.failures.get(reason as usize) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub fn key_rejected(&self) {
        self.keys_rejected.fetch_add(1, Ordering::Relaxed);
    }

    pub fn opened(&self) {
        self.opened.fetch_add(1, Ordering::Relaxed);
    }

    /// How many connections are kept now.
    pub fn idle(&self, connections: usize) {
        self.idle.store(connections as u64, Ordering::Relaxed);
    }
}

/// What the workers counted of one account, together.
#[derive(Debug)]
pub struct Sums {
    pub waits: Snapshot,
    pub answers: Vec<(&'static str, u64)>,
    pub failures: Vec<(&'static str, u64)>,
    pub keys_rejected: u64,
    pub opened: u64,
    pub idle: u64,
}

impl Sums {
    pub fn of(meters: &[&UpstreamMeter]) -> Self {
        let sum = |count: &dyn Fn(&UpstreamMeter) -> Option<&AtomicU64>| {
            let counts = meters.iter().filter_map(|meter| count(meter));
            counts.map(|count| count.load(Ordering::Relaxed)).sum()
        };
        let classes = CLASSES.into_iter().enumerate();
        let reasons = Failed::ALL.iter().enumerate();
        let answers = classes.map(|(place, name)| (name, sum(&|one| one.answers.get(place))));
        let failures =
            reasons.map(|(place, reason)| (reason.name(), sum(&|one| one.failures.get(place))));
        Self {
            waits: waits(meters),
            answers: answers.filter(|(_, count)| *count > 0).collect(),
            failures: failures.collect(),
            keys_rejected: sum(&|one| Some(&one.keys_rejected)),
            opened: sum(&|one| Some(&one.opened)),
            idle: sum(&|one| Some(&one.idle)),
        }
    }
}

fn waits(meters: &[&UpstreamMeter]) -> Snapshot {
    let mut waits = Histogram::of_waits().snapshot();
    for meter in meters {
        waits.add(&meter.waits.snapshot());
    }
    waits
}
