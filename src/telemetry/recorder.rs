//! What is done with a request that is over: it is counted, and has its access line. One per
//! worker.

use std::sync::Arc;
use std::time::Duration;

use super::{AccessLog, IdKey, Trail};
use crate::meter::{Outcome, WorkerMeter};

#[derive(Debug)]
pub struct Recorder {
    pub access: AccessLog,
    pub ids: Arc<IdKey>,
    pub meter: Arc<WorkerMeter>,
    #[cfg(feature = "otlp")]
    pub traces: Option<Arc<super::Traces>>,
}

impl Recorder {
    pub fn record(&self, trail: &Trail) {
        let whole = trail.started.elapsed();
        self.count(trail, whole);
        self.access.write(trail, whole);
    }

    fn count(&self, trail: &Trail, whole: Duration) {
        let caller = trail.caller.get();
        let caller = self
            .meter
            .caller(caller.map(|caller| (&caller.meter, &caller.label)));
        let operation = trail.operation.get().copied();
        self.meter
            .count(caller, operation, outcome(trail), whole, trail.own_time());
        if let Some(&decision) = trail.decision.get() {
            self.meter.decided(caller, decision);
        }
    }
}

fn outcome(trail: &Trail) -> Outcome {
    match trail.given() {
        None => Outcome::Aborted,
        Some((_, Some(code))) => Outcome::Refused(*code),
        Some((_, None)) if trail.was_cut_short() => Outcome::CutShort,
        Some((_, None)) => Outcome::Success,
    }
}
