//! What operators see of requests: the log through `tracing`, one access line each, and what is
//! counted.

mod access;
mod conditions;
mod id_key;
mod log;
#[cfg(feature = "otlp")]
mod otlp;
mod outlet;
mod recorder;
mod trail;
mod wait;

pub use access::{AccessLog, flush_access_lines};
pub use conditions::FailedConditions;
pub use id_key::{IdHash, IdKey};
pub use log::{set_log_level, start_log, watch_panics};
#[cfg(feature = "otlp")]
pub use otlp::{CannotExport, OpenSpan, Traces};
pub use outlet::{LastLines, log_lines_dropped, say_last};
pub use recorder::Recorder;
pub use trail::Trail;
pub use wait::Wait;
