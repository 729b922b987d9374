//! Judging: a submission, the cell's history and the keys in force → what should stand in the cell,
//! what leaves, and why, rule by rule. Everything is computed anew from the raw attempts.

use jiff::Timestamp as Instant;

use super::attempt::{Attempt, Attempts};
use super::decision::Decision;
use super::fold::{Fold, fold};
use super::gates::{self, Gate};
use super::judgement::{Act, Judgement, Leaving, Marks, RefusedBy};
use super::keys::Effective;
use super::rules::comment::Applied;
use super::sending;
use super::{ConditionFailed, ConditionKey, Past, Role, Sent, Subject};
use crate::error::Owner;
use crate::score::{Decimal, GradingProgress, Points, Score, Timestamp};

/// A submission, and what had to be read for it (`Effective::needs`).
#[derive(Clone, Copy, Debug)]
pub struct Submission<'a> {
    pub subject: Subject<'a>,
    /// The line item's own maximum; `None` where it was not read.
    pub line_item_maximum: Option<Decimal>,
    pub shown: Shown,
}

/// What the LMS shows at present.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// Nobody looked.
    Unread,
    /// No result, or one without a score.
    Nothing,
    Result(Points),
}

/// Judges one submission. `history` is the cell's, in the order in which it took effect; empty where
/// none is needed.
pub fn judge(submission: &Submission<'_>, history: &[Past], effective: &Effective) -> Judgement {
    let mut trial = Trial::new(submission, history, effective);
    match trial.run() {
        Ok(verdict) => trial.taken(verdict),
        Err(Stop::Kept) => trial.kept(),
        Err(Stop::Refused(by)) => trial.refused(by),
    }
}

/// Why a submission goes no further.
pub(super) enum Stop {
    /// Recorded and nothing else.
    Kept,
    Refused(RefusedBy),
}

/// What a submission that takes effect leads to.
struct Verdict {
    role: Role,
    stands: Option<Points>,
    /// Absent where nothing is sent.
    leaves: Option<Leaving>,
}

/// One judgement on its way.
pub(super) struct Trial<'a> {
    pub submission: &'a Submission<'a>,
    pub history: &'a [Past],
    pub effective: &'a Effective,
    pub score: &'a Score,
    /// What came, completed.
    raw: Option<Points>,
    acts: Vec<Act>,
    spared: Vec<Act>,
    failed: Option<ConditionFailed>,
}

impl<'a> Trial<'a> {
    fn new(submission: &'a Submission<'a>, history: &'a [Past], effective: &'a Effective) -> Self {
        Self {
            submission,
            history,
            effective,
            score: submission.subject.score,
            raw: submission.subject.score.points,
            acts: Vec::new(),
            spared: Vec::new(),
            failed: None,
        }
    }

    fn run(&mut self) -> Result<Verdict, Stop> {
        let missing = self.complete().err();
        let gates = match missing {
            Some(_) => gates::without_maximum(self.effective),
            None => &gates::ALL,
        };
        if let Some(gate) = gates.iter().find_map(|gate| gate(self)) {
            let input = self.raw.map_or_else(|| Marks::of(self.score), Marks::from);
            return Err(self.stop(gate, input));
        }
        if let Some(missing) = missing {
            return Err(missing);
        }
        match self.raw {
            None => self.without_points(),
            Some(points) => self.with_points(points),
        }
    }

    /// `fill_maximum`, before anything looks at the value.
    fn complete(&mut self) -> Result<(), Stop> {
        let Some(given) = self.score.given_alone else {
            return Ok(());
        };
        let missing = || Stop::Refused(RefusedBy::MaximumMissing);
        let set = self.effective.fill_maximum.as_ref().ok_or_else(missing)?;
        let maximum = set.value.value(self.submission.line_item_maximum);
        let maximum = maximum.filter(|maximum| *maximum > Decimal::ZERO);
        let maximum = maximum.ok_or_else(missing)?;
        let points = Points { given, maximum };
        self.raw = Some(points);
        self.acts.push(Act {
            rule: "fill_maximum",
            policy: set.policy.clone(),
            mode: set.mode,
            input: Marks::of(self.score),
            output: Some(points.into()),
            reason: format!("The score came without a maximum, so it counts as one of {maximum}."),
        });
        Ok(())
    }

    fn stop(&mut self, gate: Gate<'_>, input: Marks) -> Stop {
        let Gate {
            rule,
            policy,
            mode,
            reason,
            outcome,
            failure,
        } = gate;
        let owner = Owner {
            policy: policy.clone(),
            rule,
        };
        let stays = match (rule, self.submission.shown) {
            ("override", Shown::Result(points)) => Some(points),
            ("override", Shown::Nothing) => None,
            _ => self.cell(),
        };
        self.acts.push(Act {
            rule,
            policy: policy.clone(),
            mode,
            input,
            output: (outcome == gates::Outcome::Keep).then(|| stays.into()),
            reason: match failure {
                Some(failure) => format!(
                    "{} The condition could not be evaluated: {failure}.",
                    ended(&reason)
                ),
                None => reason.clone(),
            },
        });
        self.failed = failure.map(|failure| ConditionFailed {
            policy: policy.clone(),
            key: ConditionKey::Require,
            failure,
        });
        match outcome {
            gates::Outcome::Keep => Stop::Kept,
            gates::Outcome::Refuse => Stop::Refused(RefusedBy::Policy { owner, reason }),
            gates::Outcome::RefuseAsStale => Stop::Refused(RefusedBy::Stale { owner, reason }),
        }
    }

    /// A clear, or mere progress: no rule acts on "no score".
    fn without_points(&mut self) -> Result<Verdict, Stop> {
        let submitted_at = self.score.submission.submitted_at.clone();
        if let Some(gate) = sending::protects(self, None) {
            return Err(self.stop(gate, Marks::default()));
        }
        let (leaving, commented) = self.leaving(None, submitted_at);
        self.acts.extend(commented);
        Ok(Verdict {
            role: Role::Clear,
            stands: None,
            leaves: Some(leaving),
        })
    }

    fn with_points(&mut self, points: Points) -> Result<Verdict, Stop> {
        let at_hand = self.at_hand(points);
        let Fold {
            points: stands,
            attempt,
            acts,
            spared,
            refused,
        } = fold(self, &at_hand);
        self.acts.extend(acts);
        self.spared = spared;
        if let Some(by) = refused {
            return Err(Stop::Refused(by));
        }
        let (leaving, commented) = self.leaving(Some(stands), attempt.submitted_at);
        let is_older = attempt.arrival != at_hand.arrival;
        let kept = match is_older && sending::is_in_cell(self, stands) {
            // `keep` has said why already.
            true => true,
            false => self.holds_back(&leaving, stands),
        };
        if !kept {
            self.acts.extend(commented);
        }
        Ok(Verdict {
            role: Role::Attempt,
            stands: Some(stands),
            leaves: (!kept).then_some(leaving),
        })
    }

    /// `unchanged` and `override`: the attempt counts, yet nothing is sent.
    fn holds_back(&mut self, leaving: &Leaving, stands: Points) -> bool {
        let gate = sending::skips(self, leaving).or_else(|| sending::protects(self, Some(stands)));
        match gate {
            Some(gate) => {
                self.stop(gate, leaving.points.into());
                true
            }
            None => false,
        }
    }

    /// What would leave, and what that does to the comment.
    fn leaving(
        &self,
        points: Option<Points>,
        submitted_at: Option<Timestamp>,
    ) -> (Leaving, Option<Act>) {
        let own = self.score.comment.as_deref();
        let Some(set) = &self.effective.comment else {
            let leaving = Leaving {
                points,
                submitted_at,
                comment: own.map(str::to_owned),
            };
            return (leaving, None);
        };
        let reasons: Vec<_> = self.acts.iter().map(Act::in_short).collect();
        let Applied { comment, reason } = set.value.apply(own, &reasons);
        let act = reason.map(|reason| Act {
            rule: "comment",
            policy: set.policy.clone(),
            mode: set.mode,
            input: points.into(),
            output: Some(points.into()),
            reason,
        });
        let leaving = Leaving {
            points,
            submitted_at,
            comment,
        };
        (leaving, act)
    }

    /// Whether this makes final what the cell has shown as not final so far: some LMSs count only what is.
    pub fn makes_final(&self, last: &Sent) -> bool {
        self.score.grading == GradingProgress::FullyGraded && !last.is_final
    }

    pub fn at_hand(&self, points: Points) -> Attempt {
        let arrived = self.submission.subject.now;
        let placed = self.timestamp().instant();
        Attempt::at_hand(self.score, points, arrived, placed, self.history.len())
    }

    pub fn raw(&self) -> Option<Points> {
        self.raw
    }

    /// When it was submitted: what lateness and the window go by.
    pub fn time(&self) -> Instant {
        let own = self.score.submission.submitted_at.as_ref();
        let own = own.or(self.score.timestamp.as_ref());
        own.map_or(self.submission.subject.now, Timestamp::instant)
    }

    pub fn attempts(&self) -> Attempts {
        Attempts::of(self.history)
    }

    /// The cell's score: that of the last judgement that took effect.
    pub fn cell(&self) -> Option<Points> {
        self.effects().next_back()?.stands
    }

    /// The submissions that took effect.
    pub fn effects(&self) -> impl DoubleEndedIterator<Item = &Past> {
        self.history.iter().filter(|past| past.takes_effect())
    }

    /// The newest `timestamp` taken for the cell.
    pub fn newest_timestamp(&self) -> Option<Instant> {
        let timestamps = self.effects().filter_map(|past| past.timestamp.as_ref());
        timestamps.map(Timestamp::instant).max()
    }

    /// Its own timestamp, or a stamp: its arrival, but later than every other of the cell, so that
    /// it is never stale and an attempt of its own.
    fn timestamp(&self) -> Timestamp {
        let own = self.score.timestamp.clone();
        own.unwrap_or_else(|| {
            let arrived = self.submission.subject.now;
            let newest = self
                .history
                .iter()
                .filter_map(|past| past.timestamp.as_ref());
            let newest = newest.map(Timestamp::instant).max();
            let after = newest.map(|newest| {
                let after = newest.checked_add(jiff::SignedDuration::from_millis(1));
                after.unwrap_or(Instant::MAX)
            });
            Timestamp::at(after.map_or(arrived, |after| after.max(arrived)))
        })
    }

    fn taken(self, verdict: Verdict) -> Judgement {
        let Verdict {
            role,
            stands,
            leaves,
        } = verdict;
        let came = Marks::of(self.score);
        let decision = match &leaves {
            None => Decision::Kept,
            Some(leaving) if Marks::from(leaving.points) == came => Decision::Forwarded,
            Some(_) => Decision::Adjusted,
        };
        Judgement {
            role: Some(role),
            stands,
            leaves,
            ..self.nothing(decision)
        }
    }

    fn kept(self) -> Judgement {
        Judgement {
            role: Some(Role::Aside),
            ..self.nothing(Decision::Kept)
        }
    }

    fn refused(self, by: RefusedBy) -> Judgement {
        Judgement {
            refused_by: Some(by),
            ..self.nothing(Decision::Refused)
        }
    }

    /// Nothing leaves and the cell stays as it is.
    fn nothing(self, decision: Decision) -> Judgement {
        Judgement {
            decision,
            role: None,
            raw: self.raw,
            timestamp: self.timestamp(),
            stands: self.cell(),
            leaves: None,
            acts: self.acts,
            spared: self.spared,
            refused_by: None,
            failed: self.failed,
        }
    }
}

/// A message as a sentence, which another may follow.
fn ended(message: &str) -> String {
    let message = message.trim_end();
    match message.ends_with(['.', '!', '?', '…', ':', ';']) {
        true => message.to_owned(),
        false => format!("{message}."),
    }
}
