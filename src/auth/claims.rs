//! What verified claims say: who calls, until when, and with what scope.

use serde_json::{Map, Value};

use super::Unverified;

/// The longest caller name a claim may give, in characters.
const LONGEST: usize = 256;

pub type Claims = Map<String, Value>;

/// The text of the claim that names the caller. Control characters would forge log lines.
pub fn caller<'a>(claims: &'a Claims, claim: &str) -> Result<&'a str, Unverified> {
    let name = claims
        .get(claim)
        .and_then(Value::as_str)
        .unwrap_or_default();
    let is_plain =
        !name.is_empty() && name.chars().count() <= LONGEST && !name.chars().any(breaks_lines);
    match is_plain {
        true => Ok(name),
        false => Err(Unverified::CallerClaim),
    }
}

/// Control characters, and the line and paragraph separators of Unicode.
fn breaks_lines(character: char) -> bool {
    character.is_control() || matches!(character, '\u{2028}' | '\u{2029}')
}

/// Seconds since 1970 at which the token ends, rounded down.
pub fn expiry(claims: &Claims) -> i64 {
    let number = claims
        .get("exp")
        .and_then(|exp| exp.as_i64().or_else(|| exp.as_f64().map(|exp| exp as i64)));
    number.unwrap_or_default()
}
