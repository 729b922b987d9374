//! The list of rules. A new one is a file beside this and a line in the list.

mod maximum;

use std::sync::Arc;

pub use maximum::{Maximum, Over};

use crate::score::Points;

/// One rule, with the values that a policy gave it.
pub trait Rule {
    /// What it makes of a score.
    fn apply(&self, points: Points) -> Effect;
}

/// What a rule makes of a score. Reasons are one plain sentence for an instructor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    Unchanged,
    Changed { points: Points, reason: String },
    Refused { reason: String },
}

/// The value of a key, and the policy it is from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Set<T> {
    pub policy: Arc<str>,
    pub value: T,
}

macro_rules! rules {
    ($($key:ident: $Rule:ty;)*) => {
        /// The keys of one policy. A key that is not set does nothing.
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        pub struct Keys { $(pub $key: Option<$Rule>,)* }

        /// The keys that are in force for one score.
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        pub struct Effective { $(pub $key: Option<Set<$Rule>>,)* }

        impl Effective {
            /// Lays a policy's keys over those of the policies before it.
            pub fn overlay(&mut self, policy: &Arc<str>, keys: &Keys) {
                $(if let Some(value) = &keys.$key {
                    self.$key = Some(Set { policy: policy.clone(), value: value.clone() });
                })*
            }

            /// The rules in force, in the order in which they act: name, policy, rule.
            pub fn rules(&self) -> impl Iterator<Item = (&'static str, &Arc<str>, &dyn Rule)> {
                [$(self.$key.as_ref().map(|set| (stringify!($key), &set.policy, &set.value as &dyn Rule)),)*]
                    .into_iter()
                    .flatten()
            }
        }
    };
}

// In the order in which they act.
rules! {
    maximum: Maximum;
}
