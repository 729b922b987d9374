//! What is counted, and the page that shows it. Everything on a request's way is a handle held by
//! whoever counts, one set per worker, so that counting neither looks anything up nor makes cores
//! wait for each other; a scrape adds the workers' counts up.
//!
//! Not the `prometheus-client` crate: its families are looked up by label and its histograms sit
//! behind a lock (docs/decisions/0002).

mod callers;
mod configuration;
mod exposition;
mod handshake;
mod histogram;
mod limit;
mod meters;
mod metric;
mod outcome;
mod process;
mod rules;
mod spans;
mod upstream;
mod worker;

pub use callers::{CallerHandle, CallerMeter};
pub use configuration::ConfigurationMeter;
pub use exposition::{Family, Page};
pub use handshake::{HandshakeFailure, HandshakeMeter};
pub use histogram::{Histogram, Snapshot};
pub use limit::{Fill, Limit};
pub use meters::Meters;
pub use metric::{Kind, Metric, list};
pub use outcome::Outcome;
pub use process::Process;
pub use rules::{Act, Effect, Mode};
pub use spans::SpanMeter;
pub use upstream::{Failed, UpstreamMeter};
pub use worker::WorkerMeter;
