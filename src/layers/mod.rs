//! Layers wrap: each sees the request on its way in and the answer on its way out.
//! Their order is in `pipeline`.

mod admission;
mod envelope;
mod identify;
mod trace;

use std::sync::Arc;

pub use admission::AdmissionLayer;
pub use envelope::EnvelopeLayer;
pub use identify::IdentifyLayer;
pub use trace::TraceLayer;

use crate::caller_body::CallerBody;
use crate::gateway::Worker;
use crate::handoff::Traced;

/// What the layers hand to the first stage. The body travels beside the hand-offs, since reading
/// it uses it up.
pub struct Arrived {
    pub traced: Traced,
    pub body: CallerBody,
    /// Who serves it, under one configuration from here to the end.
    pub worker: Arc<Worker>,
}
