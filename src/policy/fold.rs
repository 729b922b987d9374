//! The rules and `keep` over all attempts of a cell: those before `keep` act on each attempt, `keep`
//! folds, those after it act on the fold, with the time of the attempt that stands.

use std::cell::OnceCell;
use std::sync::Arc;

use super::Mode;
use super::attempt::{Attempt, Attempts};
use super::exact::Exact;
use super::figure::Figure;
use super::judge::Trial;
use super::judgement::{Act, Marks, RefusedBy};
use super::rules::{Candidate, Circumstances, Effect};
use super::step::{RuleInForce, Step};
use super::window::Lateness;
use super::worth::Worth;
use crate::error::Owner;
use crate::score::Points;

/// What the rules make of a cell.
pub(super) struct Fold {
    pub points: Points,
    /// The attempt that stands.
    pub attempt: Attempt,
    /// Those of the rules on the attempt at hand, `keep`, and those after it, in order.
    pub acts: Vec<Act>,
    /// Those that left the value as it was, where one would wonder why.
    pub spared: Vec<Act>,
    pub refused: Option<RefusedBy>,
}

/// All that rules look at.
struct Cell<'a> {
    trial: &'a Trial<'a>,
    attempts: Attempts,
    /// The same for every attempt, so worked out once.
    best_on_time: OnceCell<Option<Exact>>,
}

pub(super) fn fold(trial: &Trial<'_>, at_hand: &Attempt) -> Fold {
    let mut attempts = trial.attempts();
    attempts.join(at_hand.clone());
    if let Some(set) = &trial.effective.attempts {
        attempts.limit(set.value.max);
    }
    let cell = Cell {
        trial,
        attempts,
        best_on_time: OnceCell::new(),
    };
    let (before, after) = trial.effective.steps();
    let mut run = Run::new(&cell, at_hand);
    run.apply(before);
    if run.refused.is_none() {
        run.keep(before);
        run.apply(after);
    }
    run.finish()
}

/// The rules on one value, one after another.
struct Run<'a> {
    cell: &'a Cell<'a>,
    attempt: Attempt,
    worth: Worth,
    acts: Vec<Act>,
    spared: Vec<Act>,
    refused: Option<RefusedBy>,
}

impl<'a> Run<'a> {
    fn new(cell: &'a Cell<'a>, attempt: &Attempt) -> Self {
        Self {
            cell,
            attempt: attempt.clone(),
            worth: attempt.points.into(),
            acts: Vec::new(),
            spared: Vec::new(),
            refused: None,
        }
    }

    fn apply(&mut self, steps: &[Step]) {
        for step in steps {
            if self.refused.is_some() {
                return;
            }
            if let Some(rule) = step.rule(self.cell.trial.effective) {
                let effect = self.cell.effect(rule, &self.attempt, &self.worth);
                self.take(rule.name, rule.policy, rule.mode, effect);
            }
        }
    }

    fn take(&mut self, rule: &'static str, policy: &Arc<str>, mode: Mode, effect: Effect) {
        let (output, reason) = match effect {
            Effect::Unchanged => return,
            Effect::Spared { reason } => return self.spare(rule, policy, mode, reason),
            // Whatever else were sent for it would be another score.
            Effect::Changed { worth, .. } if !worth.can_be_written() => (
                None,
                "The score would be too large to be written.".to_owned(),
            ),
            Effect::Changed { worth, reason } => (Some(worth), reason),
            Effect::Refused { reason } => (None, reason),
        };
        self.acts.push(Act {
            rule,
            policy: policy.clone(),
            mode,
            input: self.worth.points().into(),
            output: output.as_ref().map(|worth| worth.points().into()),
            reason: reason.clone(),
        });
        match output {
            Some(worth) => self.worth = worth,
            None => {
                let policy = policy.clone();
                let owner = Owner { policy, rule };
                self.refused = Some(RefusedBy::Policy { owner, reason });
            }
        }
    }

    fn spare(&mut self, rule: &'static str, policy: &Arc<str>, mode: Mode, reason: String) {
        let stays = Marks::from(self.worth.points());
        self.spared.push(Act {
            rule,
            policy: policy.clone(),
            mode,
            input: stays,
            output: Some(stays),
            reason,
        });
    }

    /// Folds all attempts.
    fn keep(&mut self, before: &[Step]) {
        let Some(set) = &self.cell.trial.effective.keep else {
            return;
        };
        let candidates = self.cell.candidates(before);
        let Some(Candidate { attempt, worth }) = set.value.fold(&candidates) else {
            return;
        };
        if worth == self.worth && attempt.arrival == self.attempt.arrival {
            return;
        }
        let reason = format!("{}: {}.", set.value.sentence(), figures(&worth));
        let effect = Effect::Changed { worth, reason };
        self.take(Step::Keep.name(), &set.policy, set.mode, effect);
        self.attempt = attempt.clone();
    }

    fn finish(self) -> Fold {
        let Self {
            cell: _,
            attempt,
            worth,
            acts,
            spared,
            refused,
        } = self;
        // Untouched, the points need no arithmetic back.
        let points = match acts.is_empty() {
            true => attempt.points,
            false => worth.points(),
        };
        Fold {
            points,
            attempt,
            acts,
            spared,
            refused,
        }
    }
}

fn figures(worth: &Worth) -> String {
    let Worth { given, maximum } = worth.clone();
    format!("{} of {}", Figure::of(given), Figure::of(maximum))
}

impl Cell<'_> {
    /// Each attempt as the rules before `keep` leave it. One that they refuse today, since a policy
    /// has changed, doesn't count.
    fn candidates(&self, before: &[Step]) -> Vec<Candidate<'_>> {
        let candidate = |attempt| {
            let worth = self.worth(attempt, before)?;
            Some(Candidate { attempt, worth })
        };
        self.attempts.iter().filter_map(candidate).collect()
    }

    fn worth(&self, attempt: &Attempt, steps: &[Step]) -> Option<Worth> {
        let mut run = Run::new(self, attempt);
        run.apply(steps);
        run.refused.is_none().then_some(run.worth)
    }

    fn effect(&self, rule: RuleInForce<'_>, attempt: &Attempt, worth: &Worth) -> Effect {
        let best_on_time = || self.best_on_time();
        let circumstances = Circumstances {
            lateness: self.lateness(attempt),
            line_item_maximum: self.trial.submission.line_item_maximum,
            best_on_time: &best_on_time,
        };
        rule.rule.apply(worth, &circumstances)
    }

    fn lateness(&self, attempt: &Attempt) -> Lateness {
        let user = &self.trial.score.user;
        self.trial.effective.lateness(user, attempt.time())
    }

    /// Only `late` asks, and only rules before it are run to find out: it never comes to ask itself.
    fn best_on_time(&self) -> Option<Exact> {
        let best = self.best_on_time.get_or_init(|| self.find_best_on_time());
        best.clone()
    }

    /// The highest ratio among the attempts that were on time, as it reaches `late`.
    fn find_best_on_time(&self) -> Option<Exact> {
        let (before, after) = self.trial.effective.steps();
        let reaching: Vec<_> = before
            .iter()
            .chain(after)
            .copied()
            .take_while(|step| *step != Step::Late)
            .collect();
        let on_time = self
            .attempts
            .iter()
            .filter(|attempt| !self.lateness(attempt).counts());
        let worths = on_time.filter_map(|attempt| self.worth(attempt, &reaching));
        worths.map(|worth| worth.ratio()).max()
    }
}
