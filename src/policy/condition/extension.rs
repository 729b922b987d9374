//! An extension as a condition sees it: all of it, whatever stands in it, since what is not seen would
//! be forwarded unjudged. Each number is a double, one that is too large an infinity.

use std::collections::HashMap;

use cel::Value;
use serde_json::value::RawValue;

/// What stands in it; `None` where it is no JSON, which an extension that was read never is.
pub(super) fn value(json: &[u8]) -> Option<Value> {
    read(serde_json::from_slice(json).ok()?)
}

fn read(json: &RawValue) -> Option<Value> {
    let text = json.get();
    match text.as_bytes().first()? {
        b'{' => object(text),
        b'[' => list(text),
        b'"' => serde_json::from_str(text)
            .ok()
            .map(|text: String| text.into()),
        b't' | b'f' => Some(Value::Bool(text == "true")),
        b'n' => Some(Value::Null),
        // Every number of JSON is one to Rust, and none is out of its range.
        _ => text.parse().ok().map(Value::Float),
    }
}

fn object(text: &str) -> Option<Value> {
    let members: HashMap<String, &RawValue> = serde_json::from_str(text).ok()?;
    let members = members.into_iter();
    let read = members.map(|(name, value)| Some((name.into(), read(value)?)));
    read.collect::<Option<_>>().map(super::map)
}

fn list(text: &str) -> Option<Value> {
    let items: Vec<&RawValue> = serde_json::from_str(text).ok()?;
    let items = items.into_iter().map(read);
    items.collect::<Option<Vec<_>>>().map(Value::from)
}
