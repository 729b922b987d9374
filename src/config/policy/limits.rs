//! `minimum`, `maximum`, `pass`: limits as shares of a score's maximum.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::number;
use crate::config::findings::At;
use crate::config::number::Number;
use crate::config::words::words;
use crate::policy::{Maximum, Minimum, Over, Pass};

/// A share of a score's maximum.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, expecting = "a table, `{ percent = 50 }`")]
#[schemars(deny_unknown_fields)]
pub struct PercentSection {
    /// The share of the score's maximum, 0 or more; may be a fraction.
    #[schemars(required)]
    pub percent: Option<Number>,
}

/// The most a score may be.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, expecting = "a table, `{ percent = 100, over = \"cap\" }`")]
#[schemars(deny_unknown_fields)]
pub struct MaximumSection {
    /// The share of the score's maximum, 0 or more; may be a fraction.
    #[schemars(required)]
    pub percent: Option<Number>,
    /// What becomes of a score above it: `cap` lowers it, `refuse` answers POLICY_REFUSED,
    /// `allow` leaves it (to lift what another policy set).
    pub over: OverText,
}

words! {
    #[derive(Default)]
    OverText is Over { #[default] Cap, Refuse, Allow }
}

impl PercentSection {
    pub(super) fn minimum(&self, at: &At<'_>) -> Option<Minimum> {
        let percent = number::share(&self.percent, at)?;
        Some(Minimum { percent })
    }

    pub(super) fn pass(&self, at: &At<'_>) -> Option<Pass> {
        let percent = number::share(&self.percent, at)?;
        Some(Pass { percent })
    }
}

impl MaximumSection {
    pub(super) fn check(&self, at: &At<'_>) -> Option<Maximum> {
        let percent = number::share(&self.percent, at)?;
        Some(Maximum {
            percent,
            over: self.over.into(),
        })
    }
}
