//! The admin listener: health, readiness, metrics, the applied configuration and the ledger. Never
//! on the public port.

mod ask;
mod ledger;
mod metrics;
mod pages;
mod serve;

pub use ask::{Health, Question, ask};
pub use pages::Admin;
pub use serve::serve_admin;
