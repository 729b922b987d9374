//! The admin listener: health, readiness and the applied configuration. Never on the public port.

mod pages;
mod serve;

pub use pages::Admin;
pub use serve::serve_admin;
