//! `[scores]`: how submissions are read.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum UnknownMembersText {
    Refuse,
    Drop,
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
        let unknown_members = match self.unknown_members {
            UnknownMembersText::Refuse => UnknownMembers::Refuse,
            UnknownMembersText::Drop => UnknownMembers::Drop,
        };
        Scores { unknown_members }
    }
}
