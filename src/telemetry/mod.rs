//! What operators see: the log through `tracing`, and one access line a request.

mod access;
mod log;
mod trail;

pub use access::{AccessLog, flush_access_lines};
pub use log::{LogUnusable, start_log, watch_panics};
pub use trail::Trail;
