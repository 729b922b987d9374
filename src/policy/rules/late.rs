//! `late = { kind = "…", … }`: what being late costs. Lateness is counted from `due` (see `time`).
//!
//! | kind | formula |
//! |---|---|
//! | `per_interval` | ⌈lateness / interval⌉ × `percent` of the points possible (or `of = "earned"`), never below `floor_percent` |
//! | `steps` | `percent` of the first row whose `up_to` is not passed; past the last row, the last |
//! | `flat` | `percent`, or `points` on the scale that reaches the rule, however late |
//! | `ceiling` | more than `percent` of the maximum becomes `percent`; less stays |
//! | `newly_earned` | `percent` of what was gained over the best attempt that was on time |
//!
//! Boundaries: exactly one interval late is one interval, a second more is two; a row's `up_to`
//! belongs to it; the deduction of `per_interval` of the points possible is rounded to 2 decimals
//! half-up; a score under the floor stays as it is; nothing goes below 0.
//! Example: 90 of 100, 24 h and 1 s late, `percent = 10`, `interval = "24h"`: two intervals, 70.

use std::sync::Arc;

use serde::Serialize;

use super::{Circumstances, Effect, Rule};
use crate::policy::exact::{Exact, Rounding, to_decimal};
use crate::policy::span::{Span, in_words};
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
        let lateness = circumstances.lateness;
        if lateness == 0 {
            return Effect::Unchanged;
        }
        let given = worth.given.clone() - self.deduction(worth, circumstances);
        let how_late = in_words(lateness);
        let off = |given: &Decimal| {
            let off = to_decimal(&(worth.given.clone() - Exact::from(*given)));
            let points = if off == Decimal::ONE {
                "point"
            } else {
                "points"
            };
            format!("{how_late} late: {off} {points} off.")
        };
        Effect::of_given(worth, given.not_below_zero(), |given| match self {
            Self::PerInterval { .. } | Self::Steps { .. } | Self::Flat { .. } => off(&given),
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
    fn deduction(&self, worth: &Worth, circumstances: &Circumstances<'_>) -> Exact {
        let lateness = circumstances.lateness;
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
