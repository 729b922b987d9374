//! The keys of a policy: one list, from which the keys of one policy and those in force for one
//! score are made. A new key is a line in it.

use std::sync::Arc;

use serde::Serialize;

use super::protect::{Protection, Stale};
use super::rules::{Comment, Keep, Late, Maximum, Minimum, Pass, Rescale, Round, Target};
use super::settings::{Attempts, Override, Unchanged};
use super::span::Span;
use super::step::Order;
use super::window::Extensions;
use super::{Mode, Requirements};
use crate::score::{Decimal, Score, Timestamp};

/// The value of a key, and the policy it is from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Set<T> {
    pub policy: Arc<str>,
    pub mode: Mode,
    pub value: T,
}

/// Takes keys in force, of whatever type their values are.
pub(super) trait Each {
    type Error;

    fn take(
        &mut self,
        key: &'static str,
        policy: &str,
        value: &impl Serialize,
    ) -> Result<(), Self::Error>;
}

macro_rules! keys {
    ($($(#[doc = $doc:literal])* $field:ident $name:literal: $Value:ty;)*) => {
        /// The keys of one policy. A key that is not set does nothing.
        #[derive(Clone, Debug, Default, PartialEq)]
        pub struct Keys { $($(#[doc = $doc])* pub $field: Option<$Value>,)* }

        /// The keys that are in force for one score.
        #[derive(Clone, Debug, Default, PartialEq)]
        pub struct Effective { $($(#[doc = $doc])* pub $field: Option<Set<$Value>>,)* }

        impl Keys {
            /// The names of all keys.
            pub const ALL: &[&'static str] = &[$($name,)*];

            /// The names of the keys that are set.
            pub fn names(&self) -> Vec<&'static str> {
                [$(self.$field.as_ref().map(|_| $name),)*].into_iter().flatten().collect()
            }
        }

        impl Effective {
            /// Lays a policy's keys over those of the policies before it.
            pub fn overlay(&mut self, policy: &Arc<str>, mode: Mode, keys: &Keys) {
                $(if let Some(value) = &keys.$field {
                    self.$field = Some(Set { policy: policy.clone(), mode, value: value.clone() });
                })*
            }

            /// Hands each key in force on, with its origin.
            pub(super) fn each_in_force<E: Each>(&self, each: &mut E) -> Result<(), E::Error> {
                $(if let Some(set) = &self.$field {
                    each.take($name, &set.policy, &set.value)?;
                })*
                Ok(())
            }
        }
    };
}

keys! {
    /// The order of the rules.
    order "order": Order;
    /// What stands in for a `scoreMaximum` that is missing.
    fill_maximum "fill_maximum": Target;
    rescale "rescale": Rescale;
    opens "opens": Timestamp;
    due "due": Timestamp;
    grace "grace": Span;
    closes "closes": Timestamp;
    extensions "extensions": Extensions;
    late "late": Late;
    minimum "minimum": Minimum;
    maximum "maximum": Maximum;
    pass "pass": Pass;
    round "round": Round;
    keep "keep": Keep;
    attempts "attempts": Attempts;
    clear "clear": Protection;
    not_final "not_final": Protection;
    stale "stale": Stale;
    unchanged "unchanged": Unchanged;
    /// How near ratios count as unchanged.
    tolerance "tolerance": Decimal;
    comment "comment": Comment;
    require "require": Requirements;
    overriding "override": Override;
}

/// What must be read before a score can be judged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// The cell's recorded submissions.
    pub history: bool,
    /// The line item's own maximum.
    pub line_item_maximum: bool,
    /// What the LMS shows, read just before sending. Only worth reading where a judgement without
    /// it says that something leaves.
    pub result: bool,
}

impl Needs {
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            history: self.history || other.history,
            line_item_maximum: self.line_item_maximum || other.line_item_maximum,
            result: self.result || other.result,
        }
    }
}

impl Effective {
    pub fn needs(&self) -> Needs {
        let overriding = self.overriding.as_ref();
        Needs {
            history: self.needs_history(),
            line_item_maximum: self.fills_from_line_item() || self.rescales_to_line_item(),
            result: overriding.is_some_and(|set| set.value != Override::ToolWins),
        }
    }

    /// Whether the line item's own maximum matters for this score: a progress has no scale, and what
    /// has a maximum needs none filled.
    pub fn asks_line_item(&self, score: &Score) -> bool {
        let lacks_maximum = score.given_alone.is_some();
        let has_points = lacks_maximum || score.points.is_some();
        lacks_maximum && self.fills_from_line_item() || has_points && self.rescales_to_line_item()
    }

    fn fills_from_line_item(&self) -> bool {
        let fills = self.fill_maximum.as_ref();
        fills.is_some_and(|set| set.value == Target::LineItem)
    }

    fn rescales_to_line_item(&self) -> bool {
        let rescales = self.rescale.as_ref();
        rescales.is_some_and(|set| set.value.to == Target::LineItem)
    }

    fn needs_history(&self) -> bool {
        fn value<T>(set: &Option<Set<T>>) -> Option<&T> {
            set.as_ref().map(|set| &set.value)
        }
        let Self {
            keep,
            attempts,
            stale,
            clear,
            not_final,
            unchanged,
            overriding,
            late,
            ..
        } = self;
        keep.is_some()
            || attempts.is_some()
            || value(stale).is_some_and(|stale| *stale != Stale::Forward)
            || value(clear).is_some_and(|clear| *clear != Protection::Forward)
            || value(not_final).is_some_and(|not_final| *not_final != Protection::Forward)
            || value(unchanged).is_some_and(|unchanged| *unchanged != Unchanged::Forward)
            || value(overriding).is_some_and(|overriding| *overriding != Override::ToolWins)
            || value(late).is_some_and(Late::needs_history)
    }
}

impl Keys {
    /// The keys that need a record of what was submitted before.
    pub fn that_need_history(&self) -> Vec<&'static str> {
        let alone = |keys: Self| {
            let mut effective = Effective::default();
            effective.overlay(&"".into(), Mode::Enforce, &keys);
            effective.needs().history
        };
        let Self {
            keep,
            attempts,
            stale,
            clear,
            not_final,
            unchanged,
            overriding,
            late,
            ..
        } = self.clone();
        let none = Self::default;
        [
            ("keep", Self { keep, ..none() }),
            ("attempts", Self { attempts, ..none() }),
            ("stale", Self { stale, ..none() }),
            ("clear", Self { clear, ..none() }),
            (
                "not_final",
                Self {
                    not_final,
                    ..none()
                },
            ),
            (
                "unchanged",
                Self {
                    unchanged,
                    ..none()
                },
            ),
            (
                "override",
                Self {
                    overriding,
                    ..none()
                },
            ),
            ("late", Self { late, ..none() }),
        ]
        .into_iter()
        .filter(|(_, keys)| alone(keys.clone()))
        .map(|(name, _)| name)
        .collect()
    }
}
