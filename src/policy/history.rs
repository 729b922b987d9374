//! What a cell has seen: its recorded submissions, in the order in which they took effect. The
//! ledger keeps them; policy folds them. Raw points never change here: what policy makes of them
//! is computed anew for every judgement.

use jiff::Timestamp as Instant;

use crate::score::{Points, Timestamp};

/// One recorded submission of a cell that took effect, or was set aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Past {
    /// As it came, before any rule; absent for a score without points.
    pub points: Option<Points>,
    /// The caller's own, or the one it was stamped with under the cell's lock.
    pub timestamp: Option<Timestamp>,
    /// Whether that is a stamp, which gives it a place among the others and says nothing else of it.
    pub is_stamped: bool,
    pub submitted_at: Option<Timestamp>,
    pub arrived: Instant,
    pub role: Role,
    pub fate: Fate,
    /// What stood in the cell after it: the judgement that took effect.
    pub stands: Option<Points>,
    /// What left for it, if anything did.
    pub sent: Option<Sent>,
}

impl Past {
    /// Whether it changed what stands in the cell.
    pub fn takes_effect(&self) -> bool {
        match self.role {
            Role::Attempt | Role::Clear => true,
            Role::Aside => false,
        }
    }
}

/// What a recorded submission is to its cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// An attempt, or the regrade of the attempt with the same `submittedAt`.
    Attempt,
    /// A score without points that was forwarded: it emptied the cell, the attempts remain.
    Clear,
    /// Recorded and nothing else: protected, ignored, over the limit.
    Aside,
}

/// Whether what left has arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The upstream answered 2xx, or nothing had to leave.
    Confirmed,
    /// It may or may not have arrived: it joins the history but uses up none of `attempts.max`.
    Unknown,
}

/// What left for LTIAAS.
#[derive(Clone, PartialEq, Eq)]
pub struct Sent {
    pub points: Option<Points>,
    pub comment: Option<String>,
    /// Whether it was FullyGraded.
    pub is_final: bool,
}

/// Comments stay out of whatever prints a history.
impl std::fmt::Debug for Sent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sent")
            .field("points", &self.points)
            .finish_non_exhaustive()
    }
}
