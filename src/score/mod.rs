//! Scores: from the bytes of a submission to its canonical form, or to all of its faults at once,
//! and back to bytes. Pure: values in, values out.

mod canonical;
mod decimal;
mod json;
mod member;
mod read;
mod rewrite;
mod timestamp;
mod words;

pub use canonical::{Extension, Points, Score, Submission};
pub use decimal::{Decimal, NotADecimal};
pub use json::Malformed;
pub use read::{Fill, UnknownMembers, Unreadable, maximum_missing, read, read_for};
pub use rewrite::rewrite;
pub use timestamp::Timestamp;
pub use words::{ActivityProgress, GradingProgress};

#[cfg(test)]
mod tests;
