//! What the claims of a token say: for whom it is, when, who calls, and with what scope.

use std::fmt;

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use serde_json::{Map, Number, Value};

use super::Unverified;
use super::token::{object, present};

/// The longest caller name a claim may give, in characters.
const LONGEST: usize = 256;

/// How far our clock and the issuer's may differ, in seconds.
const LEEWAY: i64 = 10;

/// The claims of a token whose signature is good.
#[derive(Debug)]
pub struct Claims {
    registered: Registered,
    all: Named,
}

/// All claims by name. One that stands twice is refused: two readers might see two values.
#[derive(Debug)]
struct Named(Map<String, Value>);

/// What every token must say.
#[derive(Debug, Deserialize)]
struct Registered {
    iss: String,
    aud: Audience,
    exp: Seconds,
    #[serde(default, deserialize_with = "present")]
    nbf: Option<Seconds>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum Audience {
    One(String),
    Several(Vec<String>),
}

/// A time, since 1970, rounded down.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "Number")]
struct Seconds(i64);

impl TryFrom<Number> for Seconds {
    type Error = &'static str;

    fn try_from(number: Number) -> Result<Self, Self::Error> {
        if let Some(seconds) = number.as_i64().filter(|seconds| *seconds >= 0) {
            return Ok(Self(seconds));
        }
        // What is beyond the range becomes its end.
        let seconds = number.as_f64().filter(|seconds| *seconds >= 0.0);
        let seconds = seconds.ok_or("a time is not negative")?;
        Ok(Self(seconds as i64))
    }
}

impl Claims {
    pub fn read(bytes: &[u8]) -> Result<Self, Unverified> {
        Ok(Self {
            registered: object(bytes)?,
            all: object(bytes)?,
        })
    }

    /// Checks that the token is this issuer's, for one of these audiences, and valid at this moment.
    pub fn check(
        &self,
        issuer: &str,
        audiences: &[String],
        now: Timestamp,
    ) -> Result<(), Unverified> {
        let Registered { iss, aud, exp, nbf } = &self.registered;
        let now = now.as_second();
        if iss != issuer {
            return Err(Unverified::UnknownIssuer);
        }
        if !aud.names(audiences) {
            return Err(Unverified::Audience);
        }
        if exp.0.saturating_add(LEEWAY) < now {
            return Err(Unverified::Expired);
        }
        match nbf {
            Some(nbf) if nbf.0 > now.saturating_add(LEEWAY) => Err(Unverified::NotYetValid),
            _ => Ok(()),
        }
    }

    /// Seconds since 1970 at which the token ends, rounded down.
    pub fn expiry(&self) -> i64 {
        self.registered.exp.0
    }

    pub fn get(&self, claim: &str) -> Option<&Value> {
        self.all.0.get(claim)
    }

    /// The text of the claim that names the caller. Control characters would forge log lines.
    pub fn caller(&self, claim: &str) -> Result<&str, Unverified> {
        let name = self.get(claim).and_then(Value::as_str).unwrap_or_default();
        let is_plain =
            !name.is_empty() && name.chars().count() <= LONGEST && !name.chars().any(breaks_lines);
        match is_plain {
            true => Ok(name),
            false => Err(Unverified::CallerClaim),
        }
    }
}

impl<'de> Deserialize<'de> for Named {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Claims;
        impl<'de> Visitor<'de> for Claims {
            type Value = Named;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("claims")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut claims: A) -> Result<Named, A::Error> {
                let mut all = Map::new();
                while let Some((name, value)) = claims.next_entry()? {
                    if all.insert(name, value).is_some() {
                        return Err(A::Error::custom("a claim stands twice"));
                    }
                }
                Ok(Named(all))
            }
        }
        deserializer.deserialize_map(Claims)
    }
}

impl Audience {
    pub fn names(&self, audiences: &[String]) -> bool {
        match self {
            Self::One(one) => audiences.contains(one),
            Self::Several(several) => several.iter().any(|one| audiences.contains(one)),
        }
    }
}

/// Control characters, and the line and paragraph separators of Unicode.
fn breaks_lines(character: char) -> bool {
    character.is_control() || matches!(character, '\u{2028}' | '\u{2029}')
}
