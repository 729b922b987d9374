//! Layers wrap: each sees the request on its way in and the answer on its way out.
//! Their order is in `pipeline`.

mod admission;
mod envelope;
mod identify;
mod trace;

pub use admission::AdmissionLayer;
pub use envelope::EnvelopeLayer;
pub use identify::IdentifyLayer;
pub use trace::TraceLayer;
