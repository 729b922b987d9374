//! The harness of the black-box tests: the real binary in a directory of its own, a scripted
//! upstream, and a client that reads answers strictly. Blocking sockets and threads, so that
//! nothing here shares code with what is tested.

mod canary;
mod client;
mod envelope;
mod gate;
mod gateway;
mod message;
mod metrics;
mod ran;
mod request;
mod score;
mod settings;
mod until;
mod upstream;

pub use canary::{Canary, hex};
pub use client::{Client, Failure, Response};
pub use envelope::{assert_bodiless_or_envelope, assert_envelope, envelope};
pub use gate::Gate;
pub use gateway::Gateway;
pub use metrics::{Metrics, Sample};
pub use ran::Ran;
pub use request::{Request, encode, submission};
pub use score::score_with;
pub use settings::Settings;
pub use until::{until, until_within};
pub use upstream::{Recorded, Reply, Upstream, json_reply, refusing_address, reply};

use std::time::Duration;

/// The longest that anything may take before a test fails.
pub const DEADLINE: Duration = Duration::from_secs(10);

/// The account's key upstream.
pub const API_KEY: &str = "df06d55e-real-4121-b60f-account00key";

/// A line item on a platform of the account.
pub const ITEM: &str = "https://lms.example.com/course/1/lineitems/1";

/// The target of the scores route for `ITEM`.
pub const SCORES: &str =
    "/api/lineitems/https%3A%2F%2Flms.example.com%2Fcourse%2F1%2Flineitems%2F1/scores";

/// What a caller's launch brought.
pub const LTIK: &str = "eyJhbGciOiJIUzI1NiJ9.ltik.sig";

/// A score without faults.
pub const SCORE: &str = r#"{"userId":"5323497","activityProgress":"Completed","gradingProgress":"FullyGraded","scoreGiven":83,"scoreMaximum":100}"#;
