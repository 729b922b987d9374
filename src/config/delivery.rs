//! `[delivery]`: in this version the word for "forward at once", so that a configuration written
//! for a later one is refused rather than half obeyed.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::findings::At;

/// How scores reach LTIAAS.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, expecting = "a table, `[delivery]`")]
#[schemars(deny_unknown_fields)]
pub struct DeliverySection {
    /// `"relay"`: a score is forwarded while its caller waits. This version knows no other.
    #[schemars(extend("enum" = ["relay"]))]
    pub mode: String,
}

impl Default for DeliverySection {
    fn default() -> Self {
        Self {
            mode: "relay".to_owned(),
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
