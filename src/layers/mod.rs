//! Layers wrap: each sees the request on its way in and the answer on its way out.
//! Their order is in `pipeline`.

mod admission;
mod envelope;
mod identify;
mod trace;

pub use admission::{Admission, AdmissionLayer};
pub use envelope::{Envelope, EnvelopeLayer, envelope_bytes};
pub use identify::{Identify, IdentifyLayer};
pub use trace::{Trace, TraceLayer};
