//! What both databases must do, and what is each one's own.

mod browse;
#[allow(
    dead_code,
    reason = "the black-box tests have it too, and use more of it"
)]
mod cluster;
mod encoding;
mod erasure;
mod failures;
mod meters;
mod migrations;
mod plans;
pub(super) mod sample;
mod sharing;
mod suite;
