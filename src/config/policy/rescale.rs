//! `rescale` and `fill_maximum`: a maximum, as a number or the line item's own.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize as De, Deserializer, Visitor};
use serde::{Deserialize, Serialize};

use super::number;
use crate::config::findings::At;
use crate::config::number::Number;
use crate::config::tree::NUMBER_OR_TEXT;
use crate::policy::{Rescale, Target};

const LINE_ITEM: &str = "line_item";

/// Another scale.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, expecting = "a table, `{ to = 100 }`")]
#[schemars(deny_unknown_fields)]
pub struct RescaleSection {
    /// The maximum to put the score on: a number, or `"line_item"` for the line item's own.
    #[schemars(required)]
    pub to: Option<TargetText>,
}

/// A number, or `"line_item"`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(transparent)]
pub struct TargetText(Number);

impl RescaleSection {
    pub(super) fn check(&self, at: &At<'_>) -> Option<Rescale> {
        let at = at.key("to");
        let to = at.required(&self.to)?.check(&at)?;
        Some(Rescale { to })
    }
}

impl TargetText {
    pub(super) fn check(&self, at: &At<'_>) -> Option<Target> {
        match self.0.text() {
            LINE_ITEM => Some(Target::LineItem),
            text if text.starts_with(|first: char| first.is_alphabetic()) => {
                at.problem("must be a number greater than 0, or \"line_item\"")
            }
            _ => number::positive(&self.0, at).map(Target::Number),
        }
    }
}

impl<'de> De<'de> for TargetText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = TargetText;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number, or \"line_item\"")
            }

            fn visit_str<E>(self, text: &str) -> Result<TargetText, E> {
                Ok(TargetText(Number::new(text)))
            }
        }
        deserializer.deserialize_newtype_struct(NUMBER_OR_TEXT, Text)
    }
}

impl JsonSchema for TargetText {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Target".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [{ "type": "number" }, { "enum": [LINE_ITEM] }] })
    }
}
