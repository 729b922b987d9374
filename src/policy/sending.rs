//! Whether what was judged has to be, and may be, sent: `unchanged` and `override`.

use super::exact::Exact;
use super::gates::{Gate, Outcome, shut};
use super::judge::{Shown, Trial};
use super::judgement::Leaving;
use super::settings::{Override, Unchanged};
use super::worth::Worth;
use super::{Fate, Past};
use crate::score::{Decimal, Points};

/// How far ratios differ where a person has edited one: LMSs round what they show.
fn edited() -> Exact {
    Exact::from(1_i64) / Exact::from(1_000_i64)
}

/// Whether the cell shows this already, for certain.
pub(super) fn is_in_cell(trial: &Trial<'_>, points: Points) -> bool {
    let last = last_sent(trial).filter(|past| past.fate == Fate::Confirmed);
    let sent = last.and_then(|past| past.sent.as_ref());
    sent.is_some_and(|sent| sent.points == Some(points) && !trial.makes_final(sent))
}

/// `unchanged = "skip"`.
pub(super) fn skips<'a>(trial: &Trial<'a>, leaving: &Leaving) -> Option<Gate<'a>> {
    let set = trial.effective.unchanged.as_ref()?;
    match set.value {
        Unchanged::Forward => return None,
        Unchanged::Skip => {}
    }
    let last = last_sent(trial).filter(|past| past.fate == Fate::Confirmed)?;
    let new = Worth::from(leaving.points?).ratio();
    let sent = last.sent.as_ref()?;
    let old = Worth::from(sent.points?).ratio();
    let full = Exact::from(1_i64);
    let is_full_over_less = new >= full && old < full;
    if is_full_over_less || trial.makes_final(sent) || sent.comment != leaving.comment {
        return None;
    }
    let tolerance = trial.effective.tolerance.as_ref();
    let tolerance = Exact::from(tolerance.map_or(Decimal::ZERO, |set| set.value));
    match new == old || new.distance(old) < tolerance {
        true => shut(
            "unchanged",
            set,
            Outcome::Keep,
            "The score is there already, or one as near as makes no difference.",
        ),
        false => None,
    }
}

/// `override`: a person has edited what the LMS shows.
pub(super) fn protects<'a>(trial: &Trial<'a>, leaving: Option<Points>) -> Option<Gate<'a>> {
    let set = trial.effective.overriding.as_ref()?;
    let shown = match trial.submission.shown {
        // The caller reads before it sends and judges again.
        Shown::Unread => return None,
        Shown::Nothing => None,
        Shown::Result(points) => Some(Worth::from(points).ratio()),
    };
    if !is_edited(trial, shown.as_ref()) {
        return None;
    }
    let shown = shown.unwrap_or(Exact::zero());
    let is_above = leaving.is_some_and(|points| Worth::from(points).ratio() > shown);
    let reason = match set.value {
        Override::ToolWins => return None,
        Override::RaiseOnly if is_above => return None,
        Override::RaiseOnly => "Somebody has edited the grade, and this score is not above it.",
        Override::Protect => "Somebody has edited the grade, and it stays.",
    };
    shut("override", set, Outcome::Keep, reason)
}

/// Whether what is shown is neither what surely arrived last nor anything that was sent after that
/// and may have arrived.
fn is_edited(trial: &Trial<'_>, shown: Option<&Exact>) -> bool {
    let or_zero = shown.cloned().unwrap_or(Exact::zero());
    for past in trial.history.iter().rev() {
        let Some(sent) = &past.sent else { continue };
        let sent = sent.points.map(|points| Worth::from(points).ratio());
        let is_other = or_zero.clone().distance(sent.unwrap_or(Exact::zero())) >= edited();
        if !is_other || past.fate == Fate::Confirmed {
            return is_other;
        }
    }
    shown.is_some()
}

fn last_sent<'a>(trial: &Trial<'a>) -> Option<&'a Past> {
    trial.history.iter().rfind(|past| past.sent.is_some())
}
