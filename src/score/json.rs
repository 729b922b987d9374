//! JSON as scoregate reads it: one value, in UTF-8, without duplicate members at any depth, nested
//! 32 levels at most; numbers keep their own digits. What another parser could read differently is
//! malformed.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use thiserror::Error;

/// An object in the body itself is level 1.
const DEEPEST: usize = 32;

/// Why a body is not one JSON value that every parser reads alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Malformed {
    #[error("The body is empty.")]
    Empty,
    #[error("The body is not UTF-8.")]
    NotUtf8,
    #[error("The body is not JSON.")]
    Syntax,
    #[error("The body must be a JSON object.")]
    NotAnObject,
    #[error("The body has a member twice in one object.")]
    Duplicate,
    #[error("The body is nested more than 32 levels deep.")]
    TooDeep,
}

/// What becomes of members that are null.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nulls {
    Keep,
    Drop,
}

/// The text of a body. A byte order mark is skipped, as RFC 8259 section 8.1 allows.
pub fn text_of(body: &[u8]) -> Result<&str, Malformed> {
    let text = std::str::from_utf8(body).map_err(|_| Malformed::NotUtf8)?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let text = text.trim_matches([' ', '\t', '\n', '\r']);
    match text.is_empty() {
        true => Err(Malformed::Empty),
        false => Ok(text),
    }
}

/// The members of an object, in order, values unread.
pub struct Members<'a>(pub Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a> Members<'a> {
    /// Reads the object at `depth`.
    pub fn read(text: &'a str, depth: usize) -> Result<Self, Malformed> {
        if depth > DEEPEST {
            return Err(Malformed::TooDeep);
        }
        if !text.starts_with('{') {
            // Told apart from broken JSON, since the remedy differs.
            let sound = serde_json::from_str::<&RawValue>(text).is_ok();
            return Err(if sound {
                Malformed::NotAnObject
            } else {
                Malformed::Syntax
            });
        }
        let members: Self = serde_json::from_str(text).map_err(|_| Malformed::Syntax)?;
        match members.has_duplicates() {
            true => Err(Malformed::Duplicate),
            false => Ok(members),
        }
    }

    /// Pairwise for the few members a score has, sorted for the thousands an attack has.
    fn has_duplicates(&self) -> bool {
        let names = || self.0.iter().map(|(name, _)| name);
        if self.0.len() <= 16 {
            return names()
                .enumerate()
                .any(|(index, name)| names().skip(index + 1).any(|other| other == name));
        }
        let mut sorted: Vec<_> = names().collect();
        sorted.sort_unstable();
        sorted.windows(2).any(|pair| pair.first() == pair.last())
    }
}

/// Writes a value in compact form, checking it on the way. `depth` is that of its container.
pub fn write_value(
    value: &str,
    depth: usize,
    nulls: Nulls,
    out: &mut Vec<u8>,
) -> Result<(), Malformed> {
    match value.as_bytes().first() {
        Some(b'{') => write_object(Members::read(value, depth + 1)?, depth + 1, nulls, out),
        Some(b'[') => write_array(value, depth + 1, nulls, out),
        Some(b'"') => {
            write_text(&text(value)?, out);
            Ok(())
        }
        // A number, `true`, `false` or `null`, as it came.
        _ => {
            out.extend_from_slice(value.as_bytes());
            Ok(())
        }
    }
}

/// Writes the members of an object that was read at `depth`.
pub fn write_object(
    members: Members<'_>,
    depth: usize,
    nulls: Nulls,
    out: &mut Vec<u8>,
) -> Result<(), Malformed> {
    out.push(b'{');
    let mut first = true;
    for (name, value) in members.0 {
        if nulls == Nulls::Drop && is_null(value) {
            continue;
        }
        if !std::mem::take(&mut first) {
            out.push(b',');
        }
        write_text(&name, out);
        out.push(b':');
        write_value(value.get(), depth, nulls, out)?;
    }
    out.push(b'}');
    Ok(())
}

fn write_array(
    value: &str,
    depth: usize,
    nulls: Nulls,
    out: &mut Vec<u8>,
) -> Result<(), Malformed> {
    if depth > DEEPEST {
        return Err(Malformed::TooDeep);
    }
    let Items(items) = serde_json::from_str(value).map_err(|_| Malformed::Syntax)?;
    out.push(b'[');
    for (index, item) in items.into_iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write_value(item.get(), depth, nulls, out)?;
    }
    out.push(b']');
    Ok(())
}

pub fn is_null(value: &RawValue) -> bool {
    value.get() == "null"
}

/// The text of a JSON string that is known to be sound.
pub fn text(value: &str) -> Result<Cow<'_, str>, Malformed> {
    let within = value
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    // Without escapes it stands there as it is.
    if let Some(plain) = within.filter(|within| !within.as_bytes().contains(&b'\\')) {
        return Ok(Cow::Borrowed(plain));
    }
    serde_json::from_str(value)
        .map(|Text(text)| text)
        .map_err(|_| Malformed::Syntax)
}

pub fn write_text(text: &str, out: &mut Vec<u8>) {
    // A Vec takes every write, and text is always JSON: this can't fail.
    let _ = serde_json::to_writer(out, text);
}

struct Text<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;
        impl<'de> Visitor<'de> for TextVisitor {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(TextVisitor)
    }
}

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MembersVisitor;
        impl<'de> Visitor<'de> for MembersVisitor {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let mut members = Vec::with_capacity(8);
                while let Some(Text(name)) = map.next_key()? {
                    members.push((name, map.next_value()?));
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(MembersVisitor)
    }
}

struct Items<'a>(Vec<&'a RawValue>);

impl<'de> Deserialize<'de> for Items<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ItemsVisitor;
        impl<'de> Visitor<'de> for ItemsVisitor {
            type Value = Items<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Items<'de>, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = seq.next_element()? {
                    items.push(item);
                }
                Ok(Items(items))
            }
        }
        deserializer.deserialize_seq(ItemsVisitor)
    }
}
