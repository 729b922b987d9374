//! An upstream's envelope, read, and made into one that both SDKs can parse and that is not too
//! large. Between the two it is redacted: what is cut first is no longer recognized.

use std::collections::BTreeMap;

use serde_json::value::RawValue;
use serde_json::{Map, Value};

/// The most that a caller is shown of one text, in characters.
const MOST_SHOWN: usize = 2_000;

/// Room for lists of errors, and as much for all members that nobody knows, in bytes.
const MOST_ROOM: usize = 24 * 1024;

/// What is left of it.
struct Room {
    errors: usize,
    others: usize,
}

/// An object whose `details.message` is a text.
pub fn read_envelope(text: &str) -> Option<Map<String, Value>> {
    let envelope = match serde_json::from_str(text) {
        Ok(Value::Object(members)) => members,
        Ok(_) => return None,
        Err(_) => read_shallow(text)?,
    };
    has_message(&envelope).then_some(envelope)
}

/// An envelope without the members that are nested too deep to be read.
fn read_shallow(text: &str) -> Option<Map<String, Value>> {
    let members = raw_members(text)?;
    let details = raw_members(members.get("details")?.get())?;
    let mut envelope = readable(&members);
    envelope.insert("details".into(), readable(&details).into());
    Some(envelope)
}

fn raw_members(text: &str) -> Option<BTreeMap<String, Box<RawValue>>> {
    serde_json::from_str(text).ok()
}

fn readable(members: &BTreeMap<String, Box<RawValue>>) -> Map<String, Value> {
    let read = members.iter().filter_map(|(name, value)| {
        let value = serde_json::from_str(value.get()).ok()?;
        Some((name.clone(), value))
    });
    read.collect()
}

fn has_message(members: &Map<String, Value>) -> bool {
    let message = members
        .get("details")
        .and_then(|details| details.get("message"));
    message
        .and_then(Value::as_str)
        .is_some_and(|message| !message.is_empty())
}

/// The upstream's members, each with a type that both SDKs can parse, or not at all. `bodySent`
/// goes whatever it is: it repeats the caller's submission.
pub fn repair(envelope: &Map<String, Value>) -> Map<String, Value> {
    let mut kept = repair_members(envelope);
    if let Some(Value::Object(details)) = envelope.get("details") {
        let mut details = repair_members(details);
        // The reference wants a description; where there is none the message has to do.
        let message = details.get("message").cloned().unwrap_or_default();
        details.entry("description").or_insert(message);
        kept.insert("details".into(), Value::Object(details));
    }
    kept
}

fn repair_members(members: &Map<String, Value>) -> Map<String, Value> {
    let repaired = members
        .iter()
        .filter_map(|(name, value)| Some((name.clone(), repair_member(name, value)?)));
    repaired.collect()
}

fn repair_member(name: &str, value: &Value) -> Option<Value> {
    match name {
        "bodySent" => None,
        "error" | "message" | "description" | "code" | "externalUrl" => {
            as_text(value).map(Value::from)
        }
        "externalError" => value.as_bool().map(Value::from),
        "errors" => objects(value).map(Value::from),
        _ => Some(value)
            .filter(|value| !value.is_null())
            .map(without_nulls),
    }
}

/// A list of objects, as the Python SDK wants it.
fn objects(value: &Value) -> Option<Vec<Value>> {
    let objects = value.as_array()?.iter().filter(|item| item.is_object());
    let objects: Vec<_> = objects.map(without_nulls).collect();
    (!objects.is_empty()).then_some(objects)
}

/// A text as it is, a number as its digits; nothing where there is nothing to read.
fn as_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// No member of our errors is null: the strictest client refuses the whole envelope for one.
fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let kept = members.iter().filter(|(_, value)| !value.is_null());
            Value::Object(
                kept.map(|(name, value)| (name.clone(), without_nulls(value)))
                    .collect(),
            )
        }
        Value::Array(items) => items.iter().map(without_nulls).collect(),
        other => other.clone(),
    }
}

/// Cuts what is known to its start, and leaves out what else there is no room for.
pub fn cut(mut envelope: Map<String, Value>) -> Map<String, Value> {
    let mut room = Room {
        errors: MOST_ROOM,
        others: MOST_ROOM,
    };
    let details = envelope.remove("details");
    let mut kept = Map::new();
    // First, since it says more than anything beside it.
    if let Some(Value::Object(details)) = details {
        kept.insert("details".into(), cut_members(details, &mut room).into());
    }
    kept.extend(cut_members(envelope, &mut room));
    kept
}

fn cut_members(members: Map<String, Value>, room: &mut Room) -> Map<String, Value> {
    let cut = members.into_iter().filter_map(|(name, value)| {
        let value = cut_member(&name, value, room)?;
        Some((name, value))
    });
    cut.collect()
}

fn cut_member(name: &str, value: Value, room: &mut Room) -> Option<Value> {
    match (name, value) {
        ("error" | "message" | "description" | "code" | "externalUrl", Value::String(text)) => {
            Some(start_of(&text).into())
        }
        ("bodyReceived", received) => shown_whole(received),
        ("errors", Value::Array(errors)) => {
            let kept = errors
                .into_iter()
                .filter(|error| takes(error, &mut room.errors));
            let kept: Vec<_> = kept.collect();
            (!kept.is_empty()).then(|| kept.into())
        }
        (_, value) => takes(&value, &mut room.others).then_some(value),
    }
}

/// Takes the room that a value needs, where there is so much.
fn takes(value: &Value, room: &mut usize) -> bool {
    let left = room.checked_sub(value.to_string().len());
    *room = left.unwrap_or(*room);
    left.is_some()
}

/// What the upstream received from the LMS keeps its shape while it is small.
fn shown_whole(received: Value) -> Option<Value> {
    let text = received.to_string();
    match (received, text.len() > MOST_SHOWN) {
        (received, false) => Some(received),
        (Value::String(text), true) => shown(&text),
        (_, true) => shown(&text),
    }
}

/// The start of a text, where there is any.
pub fn shown(text: &str) -> Option<Value> {
    let text = text.trim();
    (!text.is_empty()).then(|| start_of(text).into())
}

fn start_of(text: &str) -> String {
    text.chars().take(MOST_SHOWN).collect()
}
