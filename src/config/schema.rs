//! The JSON Schema of the configuration, made from its structs: for editors (`scoregate schema`)
//! and for naming the keys that exist.

use serde_json::Value;

use super::document::Document;
use super::path::{KeyPath, Step};

/// The JSON Schema of the configuration file.
pub fn json_schema() -> Value {
    let mut schema = Value::from(schemars::schema_for!(Document));
    if let Some(object) = schema.as_object_mut() {
        object.insert("title".to_owned(), "scoregate.toml".into());
    }
    schema
}

/// The names of the keys that may stand in the table at `path`.
pub(super) fn keys_at(path: &KeyPath) -> Vec<String> {
    let root = json_schema();
    let mut found = vec![&root];
    for step in path.steps() {
        found = found
            .into_iter()
            .flat_map(|schema| alternatives(&root, schema))
            .filter_map(|schema| match step {
                Step::Key(name) => schema.get("properties")?.get(name),
                Step::Index(_) => schema.get("items"),
            })
            .collect();
    }
    let tables = found
        .into_iter()
        .flat_map(|schema| alternatives(&root, schema));
    tables
        .filter_map(|schema| schema.get("properties")?.as_object())
        .flat_map(|properties| properties.keys().cloned())
        .collect()
}

/// A schema with its reference followed, or each of the schemas it allows.
fn alternatives<'a>(root: &'a Value, schema: &'a Value) -> Vec<&'a Value> {
    let reference = schema.get("$ref").and_then(Value::as_str);
    let target = reference.and_then(|reference| root.pointer(reference.strip_prefix('#')?));
    if let Some(target) = target {
        return alternatives(root, target);
    }
    match schema.get("anyOf").and_then(Value::as_array) {
        Some(list) => list
            .iter()
            .flat_map(|one| alternatives(root, one))
            .collect(),
        None => vec![schema],
    }
}
