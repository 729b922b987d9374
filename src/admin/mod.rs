//! The admin listener: health, readiness, metrics and the applied configuration. Never on the public port.

mod ask;
mod metrics;
mod pages;
mod serve;

pub use ask::{Health, Question, ask};
pub use pages::Admin;
pub use serve::serve_admin;
