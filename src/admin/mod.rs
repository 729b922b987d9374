//! The admin listener: health, readiness, metrics and the applied configuration. Never on the public port.

mod metrics;
mod pages;
mod serve;

pub use pages::Admin;
pub use serve::serve_admin;
