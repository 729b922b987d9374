//! Reads a query loosely and keeps only what the operation knows, repaired where an SDK gets it
//! wrong and the intent is plain.

use std::borrow::Cow;

use thiserror::Error;

use super::Operation;
use crate::line_item::{LineItem, NotALineItem, decode_form, decode_once, encode_component};

/// The query that is sent, and the URL in it that LTIAAS would fetch with the LMS's token.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// Without `?`; empty when there is none.
    pub text: String,
    pub url: Option<LineItem>,
}

/// Why a query can't be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum QueryFault {
    #[error("the query holds a malformed percent escape")]
    Escape,
    #[error("the `url` parameter can't be used: {0}")]
    Url(#[from] NotALineItem),
}

/// Reads the raw query of a request for `operation`.
pub fn read_query(raw: &str, operation: Operation) -> Result<Query, QueryFault> {
    let known = operation.query();
    let mut query = Query::default();
    if known.is_empty() {
        return Ok(query);
    }
    let mut seen: Vec<&str> = Vec::new();
    for pair in raw.split('&') {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let name = decode_form(name).ok_or(QueryFault::Escape)?;
        let Some(name) = known.iter().find(|known| **known == repair_name(&name)) else {
            continue;
        };
        // Of several with one name only the first counts, so that what is checked is what is sent.
        if seen.contains(name) {
            continue;
        }
        seen.push(name);
        let value = decode_form(value).ok_or(QueryFault::Escape)?;
        let Some(value) = repair_value(name, value) else {
            continue;
        };
        if *name == "url" {
            query.url = Some(LineItem::parse(&value)?);
        }
        push_pair(&mut query.text, name, &value);
    }
    Ok(query)
}

/// The Python SDK sends `user_id`, and any hand-written client a `RAW` now and then.
fn repair_name(name: &str) -> &str {
    match name {
        "user_id" => "userId",
        raw if raw.eq_ignore_ascii_case("raw") => "raw",
        other => other,
    }
}

/// `None` drops the parameter.
fn repair_value<'a>(name: &str, value: Cow<'a, str>) -> Option<Cow<'a, str>> {
    match name {
        // Python writes its booleans with a capital.
        "raw" => match value.to_ascii_lowercase().as_str() {
            "true" | "1" => Some(Cow::Borrowed("true")),
            "false" | "0" => Some(Cow::Borrowed("false")),
            _ => None,
        },
        // No role holds an escape, but every address may.
        "role" => Some(decode_again(value)),
        "url" if is_encoded_url(&value) => Some(decode_again(value)),
        _ => Some(value),
    }
}

/// Undoes the second of two encodings; a text that is none stays.
fn decode_again(value: Cow<'_, str>) -> Cow<'_, str> {
    match decode_once(&value) {
        Some(Cow::Owned(decoded)) => Cow::Owned(decoded),
        Some(Cow::Borrowed(_)) | None => value,
    }
}

/// Whether an escape is left over in the scheme: then the SDK has encoded the whole twice.
fn is_encoded_url(value: &str) -> bool {
    let start: String = value
        .chars()
        .take(8)
        .collect::<String>()
        .to_ascii_lowercase();
    start.starts_with("http%3a") || start.starts_with("https%3a")
}

fn push_pair(query: &mut String, name: &str, value: &str) {
    if !query.is_empty() {
        query.push('&');
    }
    query.push_str(name);
    query.push('=');
    encode_component(value, query);
}
