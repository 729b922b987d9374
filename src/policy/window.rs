//! When a submission is taken, and when it is late. Its time is `submission.submittedAt`, else
//! `timestamp`, else its arrival.
//!
//! ### opens
//!
//! `opens = "2026-03-01T08:00:00Z"`: nothing is taken before. An instant has an offset from UTC, `Z` or
//! such as `+01:00`: `"2026-03-01T08:00:00+01:00"` is eight o'clock in Madrid in winter, `+02:00` in
//! summer.
//!
//! Formula: refused (POLICY_REFUSED) where the submission's time < `opens`; that time is
//! `submission.submittedAt`, else `timestamp`, else its arrival.
//! Boundaries: the instant itself is in; compared to the millisecond; `extensions` don't move it.
//! Example:
//!
//! ```text
//! opens = "2026-03-01T08:00:00Z"
//!
//! 80 of 100, submitted 07:59:59.999 → refused by opens: POLICY_REFUSED
//! 80 of 100, submitted 08:00:00 → forwarded: 80 of 100
//! ```
//!
//! ### due
//!
//! `due = "2026-03-01T12:00:00Z"`: when a submission begins to be late, for `late`. Alone it costs
//! nothing.
//!
//! Formula: lateness = the submission's time (see `opens`) − `due`, in whole elapsed seconds rounded
//! down; 0 and less is on time.
//! Boundaries: less than a second late is on time. A score that is judged again later stays as late
//! as it was.
//! Example:
//!
//! ```text
//! due = "2026-03-01T12:00:00Z"
//! late = { kind = "flat", points = 5 }
//!
//! 80 of 100, submitted 12:00:00.999 → forwarded: 80 of 100
//! 80 of 100, submitted 12:00:01 → adjusted by late: 75 of 100
//! ```
//!
//! ### grace
//!
//! `grace = "15m"`: how late still counts as on time. Whole `s`, `m`, `h` or `d`.
//!
//! Formula: lateness ≤ `grace` counts as none; beyond it, lateness counts from `due`, the grace
//! included.
//! Boundaries: exactly `grace` is on time; `extensions` have it too; without `due` it does nothing.
//! Example:
//!
//! ```text
//! due = "2026-03-01T12:00:00Z"
//! grace = "15m"
//! late = { kind = "per_interval", percent = 1, interval = "1m" }
//!
//! 80 of 100, submitted 12:15:00 → forwarded: 80 of 100
//! 80 of 100, submitted 12:15:01 → adjusted by late: 64 of 100
//! ```
//!
//! ### closes
//!
//! `closes = "2026-03-05T12:00:00Z"`: nothing is taken after.
//!
//! Formula: refused (POLICY_REFUSED) where the submission's time (see `opens`) > `closes`.
//! Boundaries: the instant itself is in; compared to the millisecond; `grace` and `extensions` don't
//! move it, so that a later `due` for one learner needs a later `closes` for all.
//! Example:
//!
//! ```text
//! due = "2026-03-01T12:00:00Z"
//! closes = "2026-03-01T18:00:00Z"
//! extensions = [{ users = ["u"], due = "2026-03-09T12:00:00Z" }]
//!
//! 80 of 100, submitted 18:00:00 → forwarded: 80 of 100
//! 80 of 100, submitted 18:00:00.001 → refused by closes: POLICY_REFUSED
//! ```
//!
//! ### extensions
//!
//! `extensions = [{ users = ["…"], due = "…" }]`: another `due` for some learners, by their LTI user
//! ids.
//!
//! Formula: the learner's `due` is that of the first extension that names them, else `due`.
//! Boundaries: they have the `grace` that all have; they move neither `opens` nor `closes`; where
//! there is no `due`, only those who are named can be late. The list of a later policy takes the place of
//! the whole one of an earlier. No message repeats the ids, `/config` shows `***` for each, and an
//! explanation names no other learner than its own.
//! Example:
//!
//! ```text
//! due = "2026-03-01T12:00:00Z"
//! late = { kind = "flat", points = 5 }
//! extensions = [{ users = ["u"], due = "2026-03-01T18:00:00Z" }]
//!
//! 80 of 100, submitted 13:00:00, user u → forwarded: 80 of 100
//! 80 of 100, submitted 13:00:00, user w → adjusted by late: 75 of 100
//! ```

use std::borrow::Cow;
use std::sync::Arc;

use jiff::Timestamp as Instant;
use serde::Serialize;

use super::keys::{Effective, Set};
use crate::score::Timestamp;

/// A later `due` for some learners.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Extension {
    /// LTI user ids.
    pub users: Vec<String>,
    pub due: Timestamp,
}

/// All extensions of a policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Extensions(pub Arc<[Extension]>);

impl Extensions {
    fn due_of(&self, user: &str) -> Option<&Timestamp> {
        let is_for = |extension: &&Extension| extension.users.iter().any(|known| known == user);
        self.0.iter().find(is_for).map(|extension| &extension.due)
    }

    /// As far as one learner may know: what is kept of them would outlive the erasure of the others.
    fn only_of(&self, user: &str) -> Self {
        let own = self.due_of(user).map(|due| Extension {
            users: vec![user.to_owned()],
            due: due.clone(),
        });
        Self(own.into_iter().collect())
    }
}

/// How late a submission is, in whole seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lateness {
    OnTime,
    /// No more than `grace`, which counts as on time.
    Forgiven(u64),
    Late(u64),
}

impl Lateness {
    pub fn counts(self) -> bool {
        matches!(self, Self::Late(_))
    }
}

impl Effective {
    /// As it may be told of one learner's submission: with no other learner's id.
    pub fn told_of(&self, user: &str) -> Cow<'_, Self> {
        if self.extensions.is_none() && self.require.is_none() {
            return Cow::Borrowed(self);
        }
        let mut told = self.clone();
        if let Some(set) = &mut told.extensions {
            set.value = set.value.only_of(user);
        }
        if let Some(set) = &mut told.require {
            set.value = set.value.untold();
        }
        Cow::Owned(told)
    }

    pub fn lateness(&self, user: &str, time: Instant) -> Lateness {
        let extended = self.extensions.as_ref();
        let due = extended
            .and_then(|set| set.value.due_of(user))
            .or(self.due.as_ref().map(|set| &set.value));
        let Some(due) = due else {
            return Lateness::OnTime;
        };
        let late = time.as_nanosecond() - due.instant().as_nanosecond();
        let late = u64::try_from(late.div_euclid(1_000_000_000)).unwrap_or(0);
        let grace = self.grace.as_ref().map_or(0, |set| set.value.seconds);
        match late {
            0 => Lateness::OnTime,
            _ if late <= grace => Lateness::Forgiven(late),
            _ => Lateness::Late(late),
        }
    }

    /// The bound that a time is outside of: the key, its value and why.
    pub fn outside(&self, time: Instant) -> Option<(&'static str, &Set<Timestamp>, String)> {
        let millisecond = |instant: Instant| instant.as_nanosecond().div_euclid(1_000_000);
        let at = |set: &Set<Timestamp>| millisecond(set.value.instant());
        let opens = self.opens.as_ref();
        if let Some(set) = opens.filter(|set| millisecond(time) < at(set)) {
            let reason = format!("Submitted before it opened at {}.", set.value.text());
            return Some(("opens", set, reason));
        }
        let closes = self.closes.as_ref();
        let set = closes.filter(|set| millisecond(time) > at(set))?;
        let reason = format!("Submitted after it closed at {}.", set.value.text());
        Some(("closes", set, reason))
    }
}
