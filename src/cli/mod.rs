//! The commands. Each is one file with a `run`, which says by its exit code how it went.

pub mod check;
pub mod key;
pub mod schema;
