//! What both databases must do, and what is each one's own.

mod backlogs;
mod browse;
#[allow(
    dead_code,
    reason = "the black-box tests have it too, and use more of it"
)]
mod cluster;
mod counted;
mod encoding;
mod erasure;
mod failures;
mod meters;
mod migrations;
mod plans;
pub(super) mod sample;
mod sharing;
mod suite;
