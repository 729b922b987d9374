//! The digests of gateway keys, as an entry of a caller's `keys`.

use std::borrow::Cow;
use std::fmt;

use jiff::Timestamp;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};

use super::findings::At;
use super::instant::unreadable;
use crate::gateway_key::{PREFIX, digest as digest_of};
use crate::score;

/// The SHA-256 digest of a gateway key.
#[derive(Clone)]
pub struct KeyDigest {
    pub digest: [u8; 32],
    pub not_after: Option<Timestamp>,
}

/// One entry of `keys`: `"sha256:…"`, or `{ digest = "sha256:…", not_after = "…" }`.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyEntry {
    digest: Option<String>,
    not_after: Option<String>,
    is_table: bool,
}

/// The long form of an entry.
#[derive(Default, Deserialize)]
#[serde(default)]
struct KeyTable {
    digest: Option<String>,
    not_after: Option<String>,
}

impl KeyEntry {
    /// The digest as written.
    pub(super) fn digest(&self) -> Option<&str> {
        self.digest.as_deref()
    }

    pub(super) fn check(&self, at: &At<'_>, now: Timestamp) -> Option<KeyDigest> {
        let digest_at = if self.is_table {
            at.key("digest")
        } else {
            at.clone()
        };
        let digest = digest_at
            .required(&self.digest)
            .and_then(|text| check_digest(&digest_at, text));
        let not_after = match &self.not_after {
            Some(text) => check_not_after(&at.key("not_after"), text, now).map(Some),
            None => {
                at.warn("never expires: `{ digest = \"sha256:…\", not_after = \"…\" }` gives a key its end");
                Some(None)
            }
        };
        Some(KeyDigest {
            digest: digest?,
            not_after: not_after?,
        })
    }
}

fn check_digest(at: &At<'_>, text: &str) -> Option<[u8; 32]> {
    if text.starts_with(PREFIX) {
        return at.problem(
            "this is a key itself, not its digest; as it has been written down, make a new one \
             with `scoregate key new` and put the digest here",
        );
    }
    match text.strip_prefix("sha256:").and_then(unhex) {
        None => at.problem(
            "must be `sha256:` and 64 hex digits in lower case, as `scoregate key new` prints it",
        ),
        Some(digest) if digest == digest_of("") => at.problem("is the digest of an empty text"),
        digest => digest,
    }
}

fn unhex(text: &str) -> Option<[u8; 32]> {
    let digits: Vec<u8> = text
        .bytes()
        .map(|byte| match byte {
            b'0'..=b'9' => Some(byte - b'0'),
            b'a'..=b'f' => Some(byte - b'a' + 10),
            _ => None,
        })
        .collect::<Option<_>>()?;
    let bytes: Vec<u8> = digits
        .chunks(2)
        .map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit))
        .collect();
    (digits.len() == 64)
        .then(|| bytes.try_into().ok())
        .flatten()
}

fn check_not_after(at: &At<'_>, text: &str, now: Timestamp) -> Option<Timestamp> {
    let Some(instant) = instant(text) else {
        return unreadable(text, at, "2027-01-31T00:00:00Z");
    };
    if instant < now {
        at.warn("this key has expired");
    }
    Some(instant)
}

/// As in policies, and without seconds too.
fn instant(text: &str) -> Option<Timestamp> {
    let strict = || score::Timestamp::parse(text).map(|read| read.instant());
    text.parse().ok().or_else(strict)
}

impl<'de> Deserialize<'de> for KeyEntry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(EntryVisitor)
    }
}

struct EntryVisitor;

impl<'de> Visitor<'de> for EntryVisitor {
    type Value = KeyEntry;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a digest, \"sha256:…\" or `{ digest = \"sha256:…\", not_after = \"…\" }`")
    }

    fn visit_str<E>(self, text: &str) -> Result<KeyEntry, E> {
        Ok(KeyEntry {
            digest: Some(text.to_owned()),
            not_after: None,
            is_table: false,
        })
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<KeyEntry, A::Error> {
        let KeyTable { digest, not_after } =
            KeyTable::deserialize(MapAccessDeserializer::new(map))?;
        Ok(KeyEntry {
            digest,
            not_after,
            is_table: true,
        })
    }
}

impl fmt::Debug for KeyDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyDigest(***, not_after: {:?})", self.not_after)
    }
}

/// Never the text: a key may have been put where its digest belongs.
impl fmt::Debug for KeyEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyEntry(***)")
    }
}

impl Serialize for KeyEntry {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("digest", "sha256:***")?;
        if let Some(not_after) = &self.not_after {
            map.serialize_entry("not_after", not_after)?;
        }
        map.end()
    }
}

impl JsonSchema for KeyEntry {
    fn schema_name() -> Cow<'static, str> {
        "KeyEntry".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let digest = json_schema!({ "type": "string", "pattern": "^sha256:[0-9a-f]{64}$" });
        json_schema!({
            "description": "The SHA-256 digest of a gateway key, alone or with the instant at which the key ends.",
            "anyOf": [
                digest,
                {
                    "type": "object",
                    "properties": {
                        "digest": digest,
                        "not_after": {
                            "description": "The key is refused from this instant on (RFC 3339).",
                            "type": "string",
                            "format": "date-time"
                        }
                    },
                    "required": ["digest"],
                    "additionalProperties": false
                }
            ]
        })
    }
}
