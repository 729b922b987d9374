//! The JSON Schema of the configuration, made from its structs: for editors (`scoregate schema`)
//! and for naming the keys that exist.

use std::sync::LazyLock;

use schemars::Schema;
use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use serde_json::Value;

use super::document::Document;
use super::path::{KeyPath, Step};

/// The JSON Schema of the configuration file.
pub fn json_schema() -> Value {
    let settings = SchemaSettings::draft2020_12()
        .with(|settings| settings.inline_subschemas = true)
        .with_transform(RecursiveTransform(finish));
    let mut schema = settings.into_generator().into_root_schema_for::<Document>();
    schema.insert("title".to_owned(), "scoregate.toml".into());
    schema.to_value()
}

fn finish(schema: &mut Schema) {
    require_what_has_no_default(schema);
    forbid_null(schema);
    if let Some(Value::String(text)) = schema.get_mut("description") {
        *text = text.replace('\n', " ");
    }
}

/// Every key is optional to serde, so that the check can report all that are missing at once; a
/// default that the key itself does not allow (null, or an empty list that must have entries)
/// shows that it is required all the same.
fn require_what_has_no_default(schema: &mut Schema) {
    let Some(Value::Object(properties)) = schema.get_mut("properties") else {
        return;
    };
    let mut required = Vec::new();
    for (name, property) in properties {
        let default = property.get("default");
        let is_empty = default.and_then(Value::as_array).is_some_and(Vec::is_empty);
        if default.is_some_and(Value::is_null) || is_empty && property.get("minItems").is_some() {
            property
                .as_object_mut()
                .map(|property| property.remove("default"));
            required.push(Value::from(name.as_str()));
        }
    }
    if !required.is_empty() {
        schema.insert("required".to_owned(), required.into());
    }
}

/// TOML has no null: a key that is not set is left out.
fn forbid_null(schema: &mut Schema) {
    if let Some(Value::Array(types)) = schema.get_mut("type") {
        types.retain(|name| name != "null");
        if let [one] = types.as_slice() {
            let one = one.clone();
            schema.insert("type".to_owned(), one);
        }
    }
    if let Some(Value::Array(words)) = schema.get_mut("enum") {
        words.retain(|word| !word.is_null());
    }
    if let Some(Value::Array(list)) = schema.get_mut("anyOf") {
        list.retain(|one| one.get("type").is_none_or(|name| name != "null"));
    }
}

/// Made once: a file may have many unknown keys.
static KNOWN: LazyLock<Value> = LazyLock::new(json_schema);

/// The names of the keys that may stand in the table at `path`.
pub(super) fn keys_at(path: &KeyPath) -> Vec<String> {
    let mut found = vec![&*KNOWN];
    for step in path.steps() {
        found = found
            .into_iter()
            .flat_map(alternatives)
            .filter_map(|schema| match step {
                Step::Key(name) => schema.get("properties")?.get(name),
                Step::Index(_) => schema.get("items"),
            })
            .collect();
    }
    let tables = found.into_iter().flat_map(alternatives);
    tables
        .filter_map(|schema| schema.get("properties")?.as_object())
        .flat_map(|properties| properties.keys().cloned())
        .collect()
}

/// Each of the schemas that a value may have.
fn alternatives(schema: &Value) -> &[Value] {
    let list = schema.get("anyOf").and_then(Value::as_array);
    list.map_or(std::slice::from_ref(schema), Vec::as_slice)
}
