//! `keep = "highest"`: what stands in the cell when there were several attempts.
//!
//! | | stands |
//! |---|---|
//! | `latest` | the attempt with the newest `timestamp` |
//! | `first` | the one with the oldest |
//! | `highest`, `lowest` | by `given / maximum`, since maxima may differ |
//! | `average` | the mean of the ratios times the largest maximum |
//! | `total` | Σ given of Σ maximum |
//!
//! Formula: that of the table, over the attempts as the rules before `keep` left them.
//! Boundaries: equal timestamps go by arrival; ties of `highest` and `lowest` go to the later; rules
//! after `keep` go by the time of the attempt that stands, with `average` and `total` that of the
//! newest. When an older attempt stands and the cell has its value already, nothing is sent. Unset:
//! the submission at hand. `round` acts on the attempts, so that an `average` or a `total` of what it
//! rounded may have up to 28 digits again: `order = ["keep", "round"]` rounds what is sent.
//! Example:
//!
//! ```text
//! keep = "average"
//!
//! 8 of 10, submitted 08:00:00 → forwarded: 8 of 10
//! 18 of 20, submitted 09:00:00 → adjusted by keep: 17 of 20
//! ```
//!
//! ```text
//! order = ["keep", "round"]
//! keep = "average"
//! round = { digits = 2 }
//!
//! 1 of 3, submitted 08:00:00 → forwarded: 1 of 3
//! 2 of 7, submitted 09:00:00 → adjusted by keep, round: 2.17 of 7
//! ```
//!
//! ```text
//! keep = "total"
//!
//! 8 of 10, submitted 08:00:00 → forwarded: 8 of 10
//! 18 of 20, submitted 09:00:00 → adjusted by keep: 26 of 30
//! ```
//!
//! ```text
//! keep = "highest"
//!
//! 8 of 10, submitted 08:00:00 → forwarded: 8 of 10
//! 7 of 10, submitted 09:00:00 → kept by keep
//! 9 of 10, submitted 10:00:00 → forwarded: 9 of 10
//! ```

use std::cmp::Ordering;

use serde::Serialize;

use crate::policy::attempt::Attempt;
use crate::policy::exact::Exact;
use crate::policy::worth::Worth;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Keep {
    Latest,
    Highest,
    First,
    Average,
    Total,
    Lowest,
}

/// An attempt, and what the rules before `keep` made of it.
#[derive(Clone, Debug)]
pub struct Candidate<'a> {
    pub attempt: &'a Attempt,
    pub worth: Worth,
}

impl Keep {
    /// The attempt whose time counts, and the value; `None` without attempts.
    pub fn fold<'a>(self, candidates: &[Candidate<'a>]) -> Option<Candidate<'a>> {
        let best = |order: fn(&Candidate<'_>, &Candidate<'_>) -> Ordering| {
            candidates.iter().max_by(|a, b| order(a, b)).cloned()
        };
        match self {
            Self::Latest => newest(candidates).cloned(),
            Self::First => best(|a, b| by_time(b, a)),
            Self::Highest => best(|a, b| by_ratio(a, b).then_with(|| by_time(a, b))),
            Self::Lowest => best(|a, b| by_ratio(b, a).then_with(|| by_time(a, b))),
            Self::Average => pooled(candidates, average(candidates)?),
            Self::Total => pooled(candidates, total(candidates)),
        }
    }

    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Latest => "The latest attempt counts",
            Self::Highest => "The highest attempt counts",
            Self::First => "The first attempt counts",
            Self::Average => "The average of all attempts counts",
            Self::Total => "All attempts count together",
            Self::Lowest => "The lowest attempt counts",
        }
    }
}

/// The one with the newest timestamp.
fn newest<'c, 'a>(candidates: &'c [Candidate<'a>]) -> Option<&'c Candidate<'a>> {
    candidates.iter().max_by(|a, b| by_time(a, b))
}

fn by_time(one: &Candidate<'_>, other: &Candidate<'_>) -> Ordering {
    one.attempt.place().cmp(&other.attempt.place())
}

fn by_ratio(one: &Candidate<'_>, other: &Candidate<'_>) -> Ordering {
    one.worth.ratio().cmp(&other.worth.ratio())
}

fn pooled<'a>(candidates: &[Candidate<'a>], worth: Worth) -> Option<Candidate<'a>> {
    let attempt = newest(candidates)?.attempt;
    Some(Candidate { attempt, worth })
}

fn average(candidates: &[Candidate<'_>]) -> Option<Worth> {
    let worths = || candidates.iter().map(|candidate| &candidate.worth);
    let maximum = worths().map(|worth| worth.maximum.clone()).max()?;
    let count = Exact::from(i64::try_from(candidates.len()).ok()?);
    // What each adds, rather than the mean of the ratios times the maximum: the sum may be long.
    let weight = maximum.clone() / count;
    let parts = worths().map(|worth| worth.ratio() * weight.clone());
    Some(Worth {
        given: parts.sum(),
        maximum,
    })
}

fn total(candidates: &[Candidate<'_>]) -> Worth {
    let worths = || candidates.iter().map(|candidate| candidate.worth.clone());
    Worth {
        given: worths().map(|worth| worth.given).sum(),
        maximum: worths().map(|worth| worth.maximum).sum(),
    }
}
