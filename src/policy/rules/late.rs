//! `late = { kind = "…", … }`: what being late costs. Lateness is counted from `due`.
//!
//! | kind | formula |
//! |---|---|
//! | `per_interval` | ⌈lateness / interval⌉ × `percent` of the points possible (or `of = "earned"`), never below `floor_percent` |
//! | `steps` | `percent` of the first row whose `up_to` is not passed; past the last row, the last |
//! | `flat` | `percent`, or `points` on the scale that reaches the rule, however late |
//! | `ceiling` | more than `percent` of the maximum becomes `percent`; less stays |
//! | `newly_earned` | `percent` of what was gained over the best attempt that was on time |
//!
//! Formula: `given = given − deduction`, where `percent` is of the points possible unless
//! `of = "earned"`.
//! Boundaries: exactly one interval late is one interval, a second more is two; a row's `up_to`
//! belongs to it; the deduction of `per_interval` of the points possible is rounded to 2 decimals
//! half-up, the one down to the floor too, so that what is left may be half a hundredth of a point
//! below it (on a scale of 1 half a percent: let `rescale` come after `late` in `order`); a score under
//! the floor stays as it is; nothing goes below 0. A bonus above full marks pays for lateness, since
//! `maximum` acts afterwards: see there for the `order` in which it doesn't. The best attempt that was
//! on time is the one with the highest share of its maximum, as it reaches the rule; what is late and
//! below it stays as it is, and stands unless `keep` says otherwise.
//! Example:
//!
//! ```text
//! due = "2026-03-01T00:00:00Z"
//! late = { kind = "per_interval", percent = 10, interval = "6h", floor_percent = 50 }
//!
//! 90 of 100, submitted 06:00:00 → adjusted by late: 80 of 100
//! 90 of 100, submitted 06:00:01 → adjusted by late: 70 of 100
//! 90 of 100, submitted 23:00:00 → adjusted by late: 50 of 100
//! 40 of 100, submitted 23:00:00 → forwarded: 40 of 100
//! ```
//!
//! ```text
//! due = "2026-03-01T00:00:00Z"
//! late = { kind = "steps", of = "earned", steps = [{ up_to = "6h", percent = 10 }, { up_to = "12h", percent = 50 }] }
//!
//! 90 of 100, submitted 06:00:00 → adjusted by late: 81 of 100
//! 90 of 100, submitted 23:00:00 → adjusted by late: 45 of 100
//! ```
//!
//! ```text
//! due = "2026-03-01T00:00:00Z"
//! late = { kind = "flat", points = 15 }
//!
//! 90 of 100, submitted 00:00:01 → adjusted by late: 75 of 100
//! 9 of 100, submitted 23:00:00 → adjusted by late: 0 of 100
//! ```
//!
//! ```text
//! due = "2026-03-01T00:00:00Z"
//! late = { kind = "ceiling", percent = 80 }
//!
//! 90 of 100, submitted 06:00:00 → adjusted by late: 80 of 100
//! 70 of 100, submitted 06:00:00 → forwarded: 70 of 100
//! ```
//!
//! ```text
//! due = "2026-03-01T06:00:00Z"
//! late = { kind = "newly_earned", percent = 25 }
//!
//! 40 of 100, submitted 05:00:00 → forwarded: 40 of 100
//! 100 of 100, submitted 07:00:00 → adjusted by late: 85 of 100
//! ```

use std::sync::Arc;

use serde::Serialize;

use super::{Circumstances, Effect, Rule};
use crate::policy::exact::{Exact, Rounding};
use crate::policy::figure::Figure;
use crate::policy::span::{Span, in_words};
use crate::policy::window::Lateness;
use crate::policy::worth::Worth;
use crate::score::Decimal;

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Late {
    PerInterval {
        percent: Decimal,
        interval: Span,
        #[serde(skip_serializing_if = "Option::is_none")]
        floor_percent: Option<Decimal>,
        of: Of,
    },
    Steps {
        /// In ascending order, at least one.
        steps: Arc<[LateStep]>,
        of: Of,
    },
    Flat {
        #[serde(flatten)]
        taken: Taken,
    },
    Ceiling {
        percent: Decimal,
    },
    NewlyEarned {
        percent: Decimal,
    },
}

/// What a flat deduction is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Taken {
    Percent { percent: Decimal, of: Of },
    Points { points: Decimal },
}

/// A row of `steps`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LateStep {
    pub up_to: Span,
    pub percent: Decimal,
}

/// What a percentage is taken of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Of {
    #[default]
    Possible,
    Earned,
}

impl Of {
    fn take(self, worth: &Worth, percent: Decimal) -> Exact {
        match self {
            Self::Possible => worth.share(percent),
            Self::Earned => worth.given.clone().percent(percent),
        }
    }
}

impl Rule for Late {
    fn apply(&self, worth: &Worth, circumstances: &Circumstances<'_>) -> Effect {
        let lateness = match circumstances.lateness {
            Lateness::OnTime => return Effect::Unchanged,
            Lateness::Forgiven(seconds) => {
                let reason = format!("{} late, which the grace allows.", in_words(seconds));
                return Effect::Spared { reason };
            }
            Lateness::Late(seconds) => seconds,
        };
        let how_late = in_words(lateness);
        let given = worth.given.clone() - self.deduction(worth, lateness, circumstances);
        let given = given.not_below_zero();
        if given == worth.given {
            let why = self.why_nothing(worth);
            let reason = format!("{how_late} late: nothing off, since {why}.");
            return Effect::Spared { reason };
        }
        let off = Figure::of(worth.given.clone() - given.clone());
        Effect::of_given(worth, given, |given| match self {
            Self::PerInterval { .. } | Self::Steps { .. } | Self::Flat { .. } => {
                let points = if off.is_one() { "point" } else { "points" };
                format!("{how_late} late: {off} {points} off.")
            }
            Self::Ceiling { percent } => {
                format!("{how_late} late: no more than {percent} % counts, which is {given}.")
            }
            Self::NewlyEarned { percent } => format!(
                "{how_late} late: {percent} % off what was gained since the due date, which leaves {given}."
            ),
        })
    }
}

impl Late {
    /// What is taken off, never less than nothing.
    fn deduction(&self, worth: &Worth, lateness: u64, circumstances: &Circumstances<'_>) -> Exact {
        match self {
            Self::PerInterval {
                percent,
                interval,
                floor_percent,
                of,
            } => {
                let count = lateness.div_ceil(interval.seconds.max(1));
                let wanted = of.take(worth, *percent) * Exact::from(count);
                let deduction = match floor_percent {
                    Some(floor) => wanted.min(above(worth, *floor)),
                    None => wanted,
                };
                match of {
                    Of::Possible => deduction.rounded(2, Rounding::HalfUp),
                    Of::Earned => deduction,
                }
            }
            Self::Steps { steps, of } => {
                let step = steps.iter().find(|step| lateness <= step.up_to.seconds);
                let step = step.or(steps.last());
                step.map_or(Exact::zero(), |step| of.take(worth, step.percent))
            }
            Self::Flat {
                taken: Taken::Percent { percent, of },
            } => of.take(worth, *percent),
            Self::Flat {
                taken: Taken::Points { points },
            } => Exact::from(*points),
            Self::Ceiling { percent } => above(worth, *percent),
            Self::NewlyEarned { percent } => {
                let best = (circumstances.best_on_time)().unwrap_or(Exact::zero());
                let gain = worth.given.clone() - best * worth.maximum.clone();
                gain.not_below_zero().percent(*percent)
            }
        }
    }

    /// Of a score that is late and stays as it is.
    fn why_nothing(&self, worth: &Worth) -> String {
        if worth.given == Exact::zero() {
            return "there is nothing to take it from".to_owned();
        }
        match self {
            Self::PerInterval {
                floor_percent: Some(floor),
                ..
            } if worth.given <= worth.share(*floor) => {
                format!("the score is not above the floor of {floor} %")
            }
            Self::Ceiling { percent } => {
                format!("the score is not above {percent} % of its maximum")
            }
            Self::NewlyEarned { percent } if !percent.is_zero() => {
                "nothing was gained since the due date".to_owned()
            }
            Self::PerInterval { .. }
            | Self::Steps { .. }
            | Self::Flat { .. }
            | Self::NewlyEarned { .. } => "what is taken off comes to 0".to_owned(),
        }
    }

    /// Whether it looks at other attempts.
    pub fn needs_history(&self) -> bool {
        match self {
            Self::NewlyEarned { .. } => true,
            Self::PerInterval { .. }
            | Self::Steps { .. }
            | Self::Flat { .. }
            | Self::Ceiling { .. } => false,
        }
    }
}

/// How far a score is above a share of its maximum.
fn above(worth: &Worth, percent: Decimal) -> Exact {
    (worth.given.clone() - worth.share(percent)).not_below_zero()
}
