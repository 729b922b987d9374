//! Keys that decide what becomes of a submission and leave its value alone.
//!
//! ### attempts
//!
//! `attempts = { max = 3, over = "refuse" }`: how many attempts count.
//!
//! Formula: an attempt is a distinct `submittedAt`, else a distinct `timestamp`, else each arrival. The
//! first `max` by arrival count; beyond them `refuse` (unless set) answers POLICY_REFUSED, `ignore` is
//! recorded and not sent.
//! Boundaries: a score for an attempt that is there is a regrade, replaces it and is never over the
//! limit; refused and ignored ones use up none, nor does one of unknown fate. Where such a one is sent
//! again after others have used up the limit, it counts beside them and pushes none out.
//! Example:
//!
//! ```text
//! attempts = { max = 1 }
//! keep = "highest"
//!
//! 80 of 100, submitted 08:00:00 → forwarded: 80 of 100
//! 90 of 100, submitted 09:00:00 → refused by attempts: POLICY_REFUSED
//! 70 of 100, submitted 08:00:00 → forwarded: 70 of 100
//! ```
//!
//! ### unchanged
//!
//! `unchanged = "skip"`: nothing is sent that changes nothing.
//!
//! Formula: `skip` keeps a score whose share of its maximum equals the one last sent, or is nearer to
//! it than `tolerance`, and whose comment is the one last sent; `forward` (unless set) sends it.
//! Boundaries: full marks over less, and a first score of zero, are always sent; so is what follows a
//! score that was lost on its way, and what is FullyGraded where the last one was not: some LMSs count
//! only what is final. With `comment.explain` the reasons are part of the comment: one that counts how
//! late a score is differs each time a tool without `submittedAt` and `timestamp` sends it.
//! Example:
//!
//! ```text
//! unchanged = "skip"
//!
//! 0 of 100 → forwarded: 0 of 100
//! 0 of 10 → kept by unchanged
//! 5 of 10 → forwarded: 5 of 10
//! ```
//!
//! ### tolerance
//!
//! `tolerance = 0.01`: how near two shares of the maximum count as equal, for `unchanged`.
//!
//! Formula: |new share − share last sent| < `tolerance`.
//! Boundaries: 0 unless set, and less than 1, the whole maximum; exactly `tolerance` apart is sent; it
//! does nothing unless `unchanged` is `skip`. `check` warns of a tenth or more.
//! Example:
//!
//! ```text
//! unchanged = "skip"
//! tolerance = 0.01
//!
//! 80 of 100 → forwarded: 80 of 100
//! 80.9 of 100 → kept by unchanged
//! 81 of 100 → forwarded: 81 of 100
//! 99.5 of 100 → forwarded: 99.5 of 100
//! 100 of 100 → forwarded: 100 of 100
//! ```
//!
//! ### override
//!
//! `override = "protect"`: who wins where a person has edited the grade in the LMS. The result is read
//! before anything is sent.
//!
//! Formula: edited where the share that is shown differs from the one last sent by 0.001 or more.
//! `tool_wins` (unless set) sends in any case, `protect` keeps the edit, `raise_only` sends what is
//! above it.
//! Boundaries: an absent result counts as 0; where nothing was sent yet, any result is an edit. What
//! was lost on its way may or may not be shown: neither is an edit. A report policy alone has
//! nothing read from the LMS, and reports as though nobody had edited anything.
//! Example:
//!
//! ```text
//! override = "raise_only"
//!
//! 50 of 100 → forwarded: 50 of 100
//! 70 of 100, where the LMS shows 80 of 100 → kept by override
//! 90 of 100, where the LMS shows 80 of 100 → forwarded: 90 of 100
//! ```

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
