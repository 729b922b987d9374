//! `[scores]`: how submissions are read.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::words::words;
use crate::score::UnknownMembers;

#[derive(Clone, Copy, Debug)]
pub struct Scores {
    pub unknown_members: UnknownMembers,
}

/// How submissions are read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, expecting = "a table, `[scores]`")]
#[schemars(deny_unknown_fields)]
pub struct ScoresSection {
    /// What becomes of a member that no score has: `refuse` answers INVALID_SCORE (a misspelt
    /// `scoreGiven` would clear a grade), `drop` leaves it out.
    pub unknown_members: UnknownMembersText,
}

words! {
    UnknownMembersText is UnknownMembers { Refuse, Drop }
}

impl Default for ScoresSection {
    fn default() -> Self {
        Self {
            unknown_members: UnknownMembersText::Refuse,
        }
    }
}

impl ScoresSection {
    pub(super) fn check(&self) -> Scores {
        Scores {
            unknown_members: self.unknown_members.into(),
        }
    }
}
