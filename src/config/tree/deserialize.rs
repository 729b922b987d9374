//! Lets serde read a tree. Its errors say what is allowed, never what stands there: whoever
//! reports them knows whether that may be repeated.

use std::fmt;

use serde::de::value::{MapDeserializer, SeqDeserializer, StrDeserializer};
use serde::de::{self, Deserializer, Expected, IntoDeserializer, Unexpected, Visitor};
use serde::forward_to_deserialize_any;

use super::{Node, Value};
use crate::config::problem::Place;

/// The newtype that asks for a number's exact text.
pub(in crate::config) const NUMBER: &str = "scoregate::Number";

/// The newtype that asks for a number's exact text, or a text.
pub(in crate::config) const NUMBER_OR_TEXT: &str = "scoregate::NumberOrText";

/// A value that is not of the kind its key takes.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(in crate::config) struct Mismatch(String);

impl de::Error for Mismatch {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(message.to_string())
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let wanted = wanted(expected);
        let kind = match found {
            Unexpected::Float(_) if wanted == WHOLE => "a fraction",
            found => kind(found),
        };
        Self(format!("must be {wanted}, not {kind}"))
    }

    fn invalid_value(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self(format!("must be {}", wanted(expected)))
    }

    fn unknown_variant(_: &str, expected: &'static [&'static str]) -> Self {
        Self(format!("must be one of {}", listed(expected)))
    }
}

fn listed(names: &[&str]) -> String {
    let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    names.join(", ")
}

const WHOLE: &str = "a whole number, 0 or more";

/// serde's names for kinds, in the words of someone who writes a configuration.
fn wanted(expected: &dyn Expected) -> String {
    let text = expected.to_string();
    match text.as_str() {
        "a string" => "a text in quotes".to_owned(),
        "a boolean" => "`true` or `false`".to_owned(),
        "a sequence" => "a list in `[ ]`".to_owned(),
        "u16" | "u32" | "u64" | "usize" => WHOLE.to_owned(),
        _ => text,
    }
}

fn kind(found: Unexpected<'_>) -> &'static str {
    match found {
        Unexpected::Bool(_) => "`true` or `false`",
        Unexpected::Unsigned(_) | Unexpected::Signed(_) | Unexpected::Float(_) => "a number",
        Unexpected::Seq => "a list",
        Unexpected::Map => "a table",
        _ => "a text",
    }
}

impl<'de> IntoDeserializer<'de, Mismatch> for &'de Node {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> Deserializer<'de> for &'de Node {
    type Error = Mismatch;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        match &self.value {
            Value::Text(text) | Value::Time(text) => visitor.visit_borrowed_str(text),
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::Fraction(text) => visitor.visit_f64(text.parse().unwrap_or(f64::NAN)),
            Value::Whole(text) => match text.parse() {
                Ok(number) => visitor.visit_i64(number),
                Err(_) => Err(Mismatch("is too large a number".to_owned())),
            },
            Value::List(list) => {
                SeqDeserializer::new(list.iter().map(|entry| &entry.node)).deserialize_any(visitor)
            }
            Value::Table(table) => {
                let members = table.iter().map(|(key, node)| (key.as_str(), node));
                MapDeserializer::new(members).deserialize_any(visitor)
            }
        }
    }

    /// A variable has no quotes of its own: where a text is wanted, `42` is one.
    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        match (&self.place, self.value.scalar()) {
            (Place::Variable(_), Some(text)) => visitor.visit_string(text),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Mismatch> {
        match (&self.value, name) {
            (Value::Whole(text) | Value::Fraction(text), NUMBER) => {
                visitor.visit_borrowed_str(text)
            }
            (Value::Whole(text) | Value::Fraction(text) | Value::Text(text), NUMBER_OR_TEXT) => {
                visitor.visit_borrowed_str(text)
            }
            (_, NUMBER) => Err(Mismatch("must be a number, without quotes".to_owned())),
            (_, NUMBER_OR_TEXT) => Err(Mismatch("must be a number, or a text".to_owned())),
            _ => visitor.visit_newtype_struct(self),
        }
    }

    /// A list would be read too, its entries as the members in the order of the source.
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Mismatch> {
        match &self.value {
            Value::List(_) => Err(de::Error::invalid_type(Unexpected::Seq, &visitor)),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        names: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Mismatch> {
        match &self.value {
            Value::Text(text) => visitor.visit_enum(StrDeserializer::new(text)),
            _ => {
                let names = listed(names);
                Err(Mismatch(format!("must be one of {names}, in quotes")))
            }
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char bytes byte_buf unit unit_struct
        seq tuple tuple_struct map identifier ignored_any
    }
}
