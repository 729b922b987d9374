//! `[ledger]` and `[delivery]`: in this version the words for "no record" and "forward at once",
//! so that a configuration written for a later one is refused rather than half obeyed.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::findings::At;

/// Where submissions are recorded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, expecting = "a table, `[ledger]`")]
#[schemars(deny_unknown_fields)]
pub struct LedgerSection {
    /// `"none"`: nothing is recorded. This version knows no other.
    #[schemars(extend("enum" = ["none"]))]
    pub url: String,
}

/// How scores reach LTIAAS.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, expecting = "a table, `[delivery]`")]
#[schemars(deny_unknown_fields)]
pub struct DeliverySection {
    /// `"relay"`: a score is forwarded while its caller waits. This version knows no other.
    #[schemars(extend("enum" = ["relay"]))]
    pub mode: String,
}

impl Default for LedgerSection {
    fn default() -> Self {
        Self {
            url: "none".to_owned(),
        }
    }
}

impl Default for DeliverySection {
    fn default() -> Self {
        Self {
            mode: "relay".to_owned(),
        }
    }
}

impl LedgerSection {
    /// Whether submissions are recorded, which some policies need.
    pub(super) fn records(&self) -> bool {
        self.url != "none"
    }

    pub(super) fn check(&self, at: &At<'_>) -> Option<()> {
        match self.url.as_str() {
            "none" => Some(()),
            _ => at.key("url").problem(
                "must be \"none\": this version of scoregate keeps no ledger, so nothing would be recorded",
            ),
        }
    }
}

impl DeliverySection {
    pub(super) fn check(&self, at: &At<'_>) -> Option<()> {
        match self.mode.as_str() {
            "relay" => Some(()),
            _ => at.key("mode").problem(
                "must be \"relay\": this version of scoregate stores no scores for later delivery",
            ),
        }
    }
}
