//! What may change a cell that has a score.
//!
//! ### clear
//!
//! `clear = "protect"`: what becomes of a score without `scoreGiven` on a cell that has one.
//!
//! Formula: `forward` (unless set) empties the cell, `protect` is recorded and not sent, `refuse`
//! answers POLICY_REFUSED.
//! Boundaries: a cell without a score takes it in any case; a score of 0 is a score. What is protected
//! or refused is no attempt. After a clear that was forwarded the attempts remain, and the next score
//! is folded with them.
//! Example:
//!
//! ```text
//! clear = "protect"
//!
//! no score → forwarded: no score
//! 80 of 100 → forwarded: 80 of 100
//! no score → kept by clear
//! ```
//!
//! ### not_final
//!
//! `not_final = "protect"`: the same for any `gradingProgress` but FullyGraded.
//!
//! Formula: `forward` (unless set), `protect` or `refuse`, as for `clear`.
//! Boundaries: a score without `scoreGiven` that is not final obeys the stricter of the two keys.
//! Example:
//!
//! ```text
//! not_final = "refuse"
//!
//! 50 of 100, pending → forwarded: 50 of 100
//! 80 of 100, pending → refused by not_final: POLICY_REFUSED
//! 80 of 100 → forwarded: 80 of 100
//! ```
//!
//! ### stale
//!
//! `stale = "ignore"`: what becomes of a score whose `timestamp` is older than the cell's.
//!
//! Formula: `timestamp` < the newest that took effect in the cell; `forward` (unless set) lets it join
//! the attempts, so that `keep` decides, `ignore` is recorded and not sent, `refuse` answers
//! STALE_SCORE.
//! Boundaries: an equal one is not older; one without `timestamp` is stamped on its arrival, behind
//! all others, and never stale.
//! Example:
//!
//! ```text
//! stale = "refuse"
//!
//! 80 of 100, stamped 10:00:00 → forwarded: 80 of 100
//! 70 of 100, stamped 09:59:59 → refused by stale: STALE_SCORE
//! 60 of 100, stamped 10:00:00 → forwarded: 60 of 100
//! ```

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
