//! `late`: one of five kinds, each with keys of its own.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::number;
use super::window::span;
use crate::config::duration::DurationText;
use crate::config::findings::At;
use crate::config::number::Number;
use crate::config::words::words;
use crate::policy::{Late, LateStep, Of, Taken};

/// What being late costs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(
    default,
    expecting = "a table, `{ kind = \"per_interval\", percent = 10, interval = \"24h\" }`"
)]
#[schemars(deny_unknown_fields)]
pub struct LateSection {
    /// `per_interval`, `steps`, `flat`, `ceiling` or `newly_earned`.
    #[schemars(required)]
    pub kind: Option<LateKindText>,
    /// What is taken off; with `ceiling`, the most that counts. Not with `steps`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub percent: Option<Number>,
    /// With `per_interval`: each begun one costs `percent`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval: Option<DurationText>,
    /// With `per_interval`: nothing is taken off below this share.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub floor_percent: Option<Number>,
    /// With `steps`: the rows, in ascending order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub steps: Option<Vec<StepSection>>,
    /// With `flat`, in the place of `percent`: points on the scale that reaches the rule.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub points: Option<Number>,
    /// What a percentage is of: `possible` (default) or `earned`. With `per_interval`, `steps` and
    /// `flat`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub of: Option<OfText>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum LateKindText {
    PerInterval,
    Steps,
    Flat,
    Ceiling,
    NewlyEarned,
}

words! {
    OfText is Of { Possible, Earned }
}

/// A row: how late, and what it costs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, expecting = "a table, `{ up_to = \"24h\", percent = 10 }`")]
#[schemars(deny_unknown_fields)]
pub struct StepSection {
    /// Includes its end.
    #[schemars(required)]
    pub up_to: Option<DurationText>,
    /// What is taken off.
    #[schemars(required)]
    pub percent: Option<Number>,
}

impl LateSection {
    pub(super) fn check(&self, at: &At<'_>) -> Option<Late> {
        let kind = *at.key("kind").required(&self.kind)?;
        self.check_unused(at, kind)?;
        match kind {
            LateKindText::PerInterval => self.per_interval(at),
            LateKindText::Steps => self.steps(at),
            LateKindText::Flat => self.flat(at),
            LateKindText::Ceiling => Some(Late::Ceiling {
                percent: number::share(&self.percent, at)?,
            }),
            LateKindText::NewlyEarned => Some(Late::NewlyEarned {
                percent: number::deduction(&self.percent, at)?,
            }),
        }
    }

    /// A key of another kind would look as if it did something.
    fn check_unused(&self, at: &At<'_>, kind: LateKindText) -> Option<()> {
        use LateKindText::{Ceiling, Flat, NewlyEarned, PerInterval, Steps};
        let keys: [(&str, bool, &[LateKindText]); 6] = [
            (
                "percent",
                self.percent.is_some(),
                &[PerInterval, Flat, Ceiling, NewlyEarned],
            ),
            ("interval", self.interval.is_some(), &[PerInterval]),
            (
                "floor_percent",
                self.floor_percent.is_some(),
                &[PerInterval],
            ),
            ("steps", self.steps.is_some(), &[Steps]),
            ("points", self.points.is_some(), &[Flat]),
            ("of", self.of.is_some(), &[PerInterval, Steps, Flat]),
        ];
        let mut unused = keys
            .iter()
            .filter(|(_, is_set, kinds)| *is_set && !kinds.contains(&kind));
        match unused.next() {
            Some((key, _, _)) => at.key(key).problem("is not for this `kind`"),
            None => Some(()),
        }
    }

    fn of(&self) -> Of {
        self.of.map_or(Of::Possible, Into::into)
    }

    fn per_interval(&self, at: &At<'_>) -> Option<Late> {
        let percent = number::percent(&self.percent, at);
        let interval_at = at.key("interval");
        let interval = interval_at
            .required(&self.interval)
            .and_then(|text| span(text, &interval_at));
        let floor = &self.floor_percent;
        let floor_percent = at.optional("floor_percent", floor, number::share_of);
        let interval = interval?;
        if interval.seconds == 0 {
            return interval_at.problem("must be longer than nothing");
        }
        Some(Late::PerInterval {
            percent: percent?,
            interval,
            floor_percent: floor_percent?,
            of: self.of(),
        })
    }

    fn steps(&self, at: &At<'_>) -> Option<Late> {
        let at = at.key("steps");
        let rows = at.required(&self.steps)?;
        if rows.is_empty() {
            return at.missing("must not be empty");
        }
        let steps = at.each(rows, |at, row| row.check(at))?;
        for (index, pair) in steps.windows(2).enumerate() {
            if let [one, next] = pair
                && next.up_to.seconds <= one.up_to.seconds
            {
                let at = at.index(index + 1).key("up_to");
                return at.problem("must be longer than in the row above");
            }
        }
        warn_of_fall(&steps, &at);
        Some(Late::Steps {
            steps: steps.into(),
            of: self.of(),
        })
    }

    fn flat(&self, at: &At<'_>) -> Option<Late> {
        let taken = match (&self.percent, &self.points) {
            (Some(_), Some(_)) => {
                return at
                    .key("points")
                    .problem("stands in the place of `percent`; remove one of them");
            }
            (_, None) => Taken::Percent {
                percent: number::deduction(&self.percent, at)?,
                of: self.of(),
            },
            (None, Some(_)) if self.of.is_some() => {
                return at.key("of").problem("is for `percent`, not for `points`");
            }
            (None, Some(points)) => Taken::Points {
                points: number::not_negative(points, &at.key("points"))?,
            },
        };
        Some(Late::Flat { taken })
    }
}

fn warn_of_fall(steps: &[LateStep], at: &At<'_>) {
    for (index, pair) in steps.windows(2).enumerate() {
        if let [one, next] = pair
            && next.percent < one.percent
        {
            let at = at.index(index + 1).key("percent");
            at.warn("is less than in the row above, so that who is later loses less");
        }
    }
}

impl StepSection {
    fn check(&self, at: &At<'_>) -> Option<LateStep> {
        let up_to_at = at.key("up_to");
        let up_to = up_to_at
            .required(&self.up_to)
            .and_then(|text| span(text, &up_to_at));
        let percent = number::deduction(&self.percent, at);
        Some(LateStep {
            up_to: up_to?,
            percent: percent?,
        })
    }
}
