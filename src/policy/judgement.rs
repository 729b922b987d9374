//! The policy's answer to one submission.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp as Instant;
use serde::{Deserialize, Serialize};

use super::step::Step;
use super::{ConditionFailed, Decision, Fate, Mode, Past, Role, Sent};
use crate::error::Owner;
use crate::score::{Decimal, GradingProgress, Points, Score, Timestamp};

/// The policy's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    pub decision: Decision,
    /// What the submission is to its cell once it takes effect; `None` where it was refused, which
    /// changes nothing.
    pub role: Option<Role>,
    /// What came, before any rule, with the maximum that `fill_maximum` gave it.
    pub raw: Option<Points>,
    /// Its own, or the one it was stamped with.
    pub timestamp: Timestamp,
    /// What stands in the cell once this takes effect.
    pub stands: Option<Points>,
    /// What leaves; `None` where nothing is sent.
    pub leaves: Option<Leaving>,
    /// The rules that acted, in order.
    pub acts: Vec<Act>,
    /// Those that left the value as it was, where one would wonder why.
    pub spared: Vec<Act>,
    pub refused_by: Option<RefusedBy>,
    /// The `require` that refused it because it could not be evaluated.
    pub failed: Option<ConditionFailed>,
}

/// What is written over the submission's own body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leaving {
    pub points: Option<Points>,
    /// That of the attempt that stands.
    pub submitted_at: Option<Timestamp>,
    pub comment: Option<String>,
}

/// A rule that acted on a submission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Act {
    pub rule: &'static str,
    pub policy: Arc<str>,
    /// That of the policy.
    pub mode: Mode,
    pub input: Marks,
    /// Absent where the rule refused.
    pub output: Option<Marks>,
    /// One plain sentence for an instructor.
    pub reason: String,
}

/// Points as far as there are any.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marks {
    #[serde(rename = "scoreGiven", skip_serializing_if = "Option::is_none")]
    pub given: Option<Decimal>,
    #[serde(rename = "scoreMaximum", skip_serializing_if = "Option::is_none")]
    pub maximum: Option<Decimal>,
}

/// Who refused, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RefusedBy {
    /// POLICY_REFUSED.
    Policy { owner: Owner, reason: String },
    /// STALE_SCORE.
    Stale { owner: Owner, reason: String },
    /// INVALID_SCORE: a `scoreGiven` without a `scoreMaximum` that no policy fills.
    MaximumMissing,
}

impl Leaving {
    /// The submission's own score with what was judged.
    pub fn put_into(&self, mut score: Score) -> Score {
        score.points = self.points;
        score.given_alone = None;
        if score.submission.submitted_at != self.submitted_at {
            score.submission.submitted_at.clone_from(&self.submitted_at);
            // Of another attempt: what is submitted before it was started is no submission.
            let own = &score.submission;
            if instant(&own.started_at) > instant(&own.submitted_at) {
                score.submission.started_at = None;
            }
        }
        score.comment.clone_from(&self.comment);
        score
    }
}

fn instant(timestamp: &Option<Timestamp>) -> Option<Instant> {
    timestamp.as_ref().map(Timestamp::instant)
}

impl From<Option<Points>> for Marks {
    fn from(points: Option<Points>) -> Self {
        Self {
            given: points.map(|points| points.given),
            maximum: points.map(|points| points.maximum),
        }
    }
}

impl From<Points> for Marks {
    fn from(points: Points) -> Self {
        Some(points).into()
    }
}

/// `83 of 100`, or `no score`.
impl fmt::Display for Marks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.given, self.maximum) {
            (None, _) => f.write_str("no score"),
            (Some(given), None) => write!(f, "{given}"),
            (Some(given), Some(maximum)) => write!(f, "{given} of {maximum}"),
        }
    }
}

impl Marks {
    /// As a score came.
    pub fn of(score: &Score) -> Self {
        match score.given_alone {
            Some(given) => Self {
                given: Some(given),
                maximum: None,
            },
            None => score.points.into(),
        }
    }
}

impl Judgement {
    /// The value of `scoregate-rules`; `None` when no rule acted.
    pub fn rules(&self) -> Option<String> {
        listed(self.acts.iter().map(|act| act.rule.to_owned()))
    }

    /// The value of `scoregate-report`, for a judgement of what report policies would do.
    pub fn report(&self, enforced: &Self) -> Option<String> {
        let reported = self.beside(enforced);
        listed(reported.map(|act| format!("{};policy={}", act.rule, act.policy)))
    }

    /// What the rules of report policies did; or, where these set only what another's rule goes by,
    /// such as `due`, what that did otherwise.
    pub fn beside<'a>(&'a self, enforced: &'a Self) -> impl Iterator<Item = &'a Act> {
        let is_own = |act: &&Act| act.mode == Mode::Report;
        let has_own = self.acts.iter().any(|act| is_own(&act));
        self.acts.iter().filter(move |act| match has_own {
            true => is_own(act),
            false => !enforced.acts.contains(act),
        })
    }

    /// Whether it was refused for want of a maximum, the line item's own perhaps.
    pub fn lacks_maximum(&self) -> bool {
        match &self.refused_by {
            Some(RefusedBy::MaximumMissing) => true,
            Some(RefusedBy::Policy { owner, .. }) => owner.rule == Step::Rescale.name(),
            Some(RefusedBy::Stale { .. }) | None => false,
        }
    }

    /// The body that leaves: the submission's own, with what was judged.
    pub fn score_to_send(&self, score: Score) -> Option<Score> {
        Some(self.leaves.as_ref()?.put_into(score))
    }

    /// The entry of the cell's history, once it is known what became of what left; `None` where it
    /// was refused.
    pub fn past(&self, score: &Score, arrived: Instant, fate: Fate) -> Option<Past> {
        Some(Past {
            points: self.raw,
            timestamp: Some(self.timestamp.clone()),
            is_stamped: score.timestamp.is_none(),
            submitted_at: score.submission.submitted_at.clone(),
            arrived,
            role: self.role?,
            fate,
            stands: self.stands,
            sent: self.leaves.clone().map(|leaving| Sent {
                points: leaving.points,
                comment: leaving.comment,
                is_final: score.grading == GradingProgress::FullyGraded,
            }),
        })
    }
}

fn listed(names: impl Iterator<Item = String>) -> Option<String> {
    let names: Vec<_> = names.collect();
    (!names.is_empty()).then(|| names.join(", "))
}
