//! What both databases must do, and what is each one's own.

mod cluster;
mod failures;
mod sample;
mod sharing;
mod suite;
