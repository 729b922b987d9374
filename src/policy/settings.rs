//! `attempts`, `unchanged`, `override`: keys that decide what becomes of a submission and leave its
//! value alone.
//!
//! Boundaries of `attempts`: the first `max` by arrival count; `over` is `refuse` unless set;
//! refused and ignored ones use up none, nor do those of unknown fate; a regrade of a taken attempt
//! is never over the limit.
//! Of `unchanged`: equal ratios, or nearer than `tolerance`, with the comment that was last sent;
//! never full marks over less, nor a first score of zero.
//! Of `override`: the result was edited when its ratio differs from the last sent by 0.001 or more,
//! an absent result counting as 0; with nothing sent yet, any result is an edit.

use serde::Serialize;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Attempts {
    /// 1 or more.
    pub max: usize,
    pub over: OverLimit,
}

/// What becomes of an attempt over the limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OverLimit {
    #[default]
    Refuse,
    /// Recorded, and answered `kept`.
    Ignore,
}

/// What becomes of a score that changes nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unchanged {
    #[default]
    Forward,
    Skip,
}

/// Who wins where a person has edited what the LMS shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Override {
    #[default]
    ToolWins,
    Protect,
    RaiseOnly,
}
