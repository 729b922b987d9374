//! `clear`, `not_final` and `stale`: what may change a cell that has a score.
//!
//! `clear` is for a score without `scoreGiven`, `not_final` for any `gradingProgress` but
//! FullyGraded; a score without `scoreGiven` that is not final obeys the stricter of the two. A cell
//! without a score takes both. What is protected or refused is no attempt.
//! `stale` is for a `timestamp` older than the newest taken for the cell; one without a timestamp is
//! stamped on arrival and never stale; an equal one is not older.

use serde::Serialize;

/// From lax to strict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Protection {
    #[default]
    Forward,
    /// Recorded, not sent.
    Protect,
    Refuse,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stale {
    #[default]
    Forward,
    /// Recorded, not sent.
    Ignore,
    Refuse,
}
