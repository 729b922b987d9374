//! What a submission must pass before any rule looks at its value. Each gate says why it stops one;
//! the first that does decides.

use std::sync::Arc;

use super::Mode;
use super::condition::EvaluationFailed;
use super::judge::Trial;
use super::keys::{Effective, Set};
use super::protect::{Protection, Stale};
use super::settings::OverLimit;
use crate::count::Count;
use crate::score::{GradingProgress, Timestamp};

/// A gate that is shut.
pub(super) struct Gate<'a> {
    pub rule: &'static str,
    pub policy: &'a Arc<str>,
    pub mode: Mode,
    /// For the caller too.
    pub reason: String,
    pub outcome: Outcome,
    /// Where it is shut for want of an answer.
    pub failure: Option<EvaluationFailed>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Recorded, answered `kept`.
    Keep,
    /// POLICY_REFUSED.
    Refuse,
    /// STALE_SCORE.
    RefuseAsStale,
}

type Ask = for<'a> fn(&Trial<'a>) -> Option<Gate<'a>>;

/// In the order in which they are asked: what never depends on the cell comes first.
pub(super) const ALL: [Ask; 6] = [window, require, comment, stale, protection, attempts];

/// Those that a score passes or not whatever its maximum is, for one that lacks it: none where nothing was to
/// fill it, which is a fault of the score. A `require` may look at the maximum, so nothing that comes after it
/// can be told either.
pub(super) fn without_maximum(effective: &Effective) -> &'static [Ask] {
    match (&effective.fill_maximum, &effective.require) {
        (None, _) => &[],
        (Some(_), None) => &[window, comment, stale, protection],
        (Some(_), Some(_)) => &[window],
    }
}

pub(super) fn shut<'a, T>(
    rule: &'static str,
    set: &'a Set<T>,
    outcome: Outcome,
    reason: impl Into<String>,
) -> Option<Gate<'a>> {
    Some(Gate {
        rule,
        policy: &set.policy,
        mode: set.mode,
        reason: reason.into(),
        outcome,
        failure: None,
    })
}

fn window<'a>(trial: &Trial<'a>) -> Option<Gate<'a>> {
    let (rule, set, reason) = trial.effective.outside(trial.time())?;
    shut(rule, set, Outcome::Refuse, reason)
}

fn require<'a>(trial: &Trial<'a>) -> Option<Gate<'a>> {
    let set = trial.effective.require.as_ref()?;
    let unmet = set.value.unmet(&trial.submission.subject, trial.raw())?;
    let gate = shut("require", set, Outcome::Refuse, unmet.message)?;
    Some(Gate {
        failure: unmet.failure,
        ..gate
    })
}

fn comment<'a>(trial: &Trial<'a>) -> Option<Gate<'a>> {
    let set = trial.effective.comment.as_ref()?;
    let own = trial.score.comment.as_deref();
    match set.value.refuses(own) {
        true => shut(
            "comment",
            set,
            Outcome::Refuse,
            "The comment holds markup, which it may not.",
        ),
        false => None,
    }
}

fn stale<'a>(trial: &Trial<'a>) -> Option<Gate<'a>> {
    let set = trial.effective.stale.as_ref()?;
    let outcome = match set.value {
        Stale::Forward => return None,
        Stale::Ignore => Outcome::Keep,
        Stale::Refuse => Outcome::RefuseAsStale,
    };
    let own = trial.score.timestamp.as_ref().map(Timestamp::instant)?;
    match trial.newest_timestamp().is_some_and(|newest| own < newest) {
        true => shut("stale", set, outcome, "A newer score is there already."),
        false => None,
    }
}

/// `clear` and `not_final`, the stricter of which wins.
fn protection<'a>(trial: &Trial<'a>) -> Option<Gate<'a>> {
    trial.cell()?;
    let is_clear = trial.raw().is_none() && trial.score.given_alone.is_none();
    let is_final = trial.score.grading == GradingProgress::FullyGraded;
    let clear = trial.effective.clear.as_ref().filter(|_| is_clear);
    let not_final = trial.effective.not_final.as_ref().filter(|_| !is_final);
    let strictness = |set: Option<&Set<Protection>>| set.map(|set| set.value);
    match strictness(not_final) > strictness(clear) {
        true => protect(
            "not_final",
            not_final?,
            "The grading is not final, and the score that is there stays.",
        ),
        false => protect(
            "clear",
            clear?,
            "The submission has no score, and the one that is there stays.",
        ),
    }
}

fn protect<'a>(rule: &'static str, set: &'a Set<Protection>, reason: &str) -> Option<Gate<'a>> {
    match set.value {
        Protection::Forward => None,
        Protection::Protect => shut(rule, set, Outcome::Keep, reason),
        Protection::Refuse => shut(rule, set, Outcome::Refuse, reason),
    }
}

fn attempts<'a>(trial: &Trial<'a>) -> Option<Gate<'a>> {
    let set = trial.effective.attempts.as_ref()?;
    let at_hand = trial.at_hand(trial.raw()?);
    let attempts = trial.attempts();
    let most = set.value.max;
    if attempts.knows(&at_hand) || attempts.used() < most {
        return None;
    }
    let outcome = match set.value.over {
        OverLimit::Refuse => Outcome::Refuse,
        OverLimit::Ignore => Outcome::Keep,
    };
    let allowed = Count(most, "attempt");
    shut(
        "attempts",
        set,
        outcome,
        format!("All attempts are used up: {allowed} may count."),
    )
}
