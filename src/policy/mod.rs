//! Grading policy: what should stand in a cell of the grade book, and why. Pure: a submission, the
//! cell's history and the policies that match it go in, a judgement comes out; nothing here waits,
//! logs or reads a clock.

mod attempt;
mod brief;
mod condition;
mod decision;
mod difference;
mod exact;
mod explanation;
mod figure;
mod fold;
mod fraction;
mod gates;
mod history;
mod judge;
mod judgement;
mod keys;
mod matching;
mod policies;
mod prefixes;
mod protect;
mod require;
mod rules;
mod sending;
mod settings;
mod span;
mod step;
mod window;
mod worth;

pub use condition::{BadCondition, Condition, EvaluationFailed};
pub use decision::Decision;
pub use difference::Difference;
pub use exact::Rounding;
pub use explanation::{Acted, KeyInForce, Reasons, ReasonsOf, Reported};
pub use figure::Figure;
pub use history::{Fate, Past, Role, Sent};
pub use judge::{Shown, Submission, judge};
pub use judgement::{Act, Judgement, Leaving, Marks, RefusedBy};
pub use keys::{Effective, Keys, Needs, Set};
pub use matching::{Match, Subject};
pub use policies::{ConditionFailed, ConditionKey, InForceFor, Mode, Policies, Policy};
pub use protect::{Protection, Stale};
pub use require::{Requirement, Requirements};
pub use rules::{
    Comment, Html, Keep, Late, LateStep, Maximum, Minimum, Of, Over, Pass, Rescale, Round, Taken,
    Target,
};
pub use settings::{Attempts, OverLimit, Override, Unchanged};
pub use span::Span;
pub use step::{Order, Step};
pub use window::{Extension, Extensions};

#[cfg(test)]
mod tests;
