//! The JSON bodies of all other operations: kept in value, written anew, so that LTIAAS parses
//! what was checked here. Numbers keep their digits; null members and tokens are dropped.

use super::json::{Malformed, Members, Nulls, text_of, write_object};
use super::member::TOKENS;

/// Reads a JSON object and writes it in compact form.
pub fn rewrite(body: &[u8]) -> Result<Vec<u8>, Malformed> {
    let mut members = Members::read(text_of(body)?, 1)?;
    members.0.retain(|(name, _)| !TOKENS.contains(&&**name));
    let mut written = Vec::with_capacity(body.len());
    write_object(members, 1, Nulls::Drop, &mut written)?;
    Ok(written)
}
