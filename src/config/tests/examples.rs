//! The configurations that are shipped: each loads, and the manual lists every key at its default.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;

use super::super::document::Document;
use super::super::read::read;
use super::super::{Loaded, json_schema, load_with, tree};

fn shipped(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("config")
        .join(name)
}

fn load(name: &str) -> Loaded {
    let variables = [
        "LTIAAS_API_KEY",
        "LTIAAS_API_KEY_NEW",
        "LTIAAS_API_KEY_EVENING",
        "LTIAAS_SERVICE_KEY_EVENING",
        "SCOREGATE_ADMIN_TOKEN",
    ];
    let value = |name: &str| (name.to_owned(), format!("value-of-{name}"));
    let variables: BTreeMap<_, _> = variables.into_iter().map(value).collect();
    let folder = folder_with_files();
    let copy = folder.path().join("scoregate.toml");
    std::fs::copy(shipped(name), &copy).unwrap();
    load_with(&copy, &variables).unwrap_or_else(|problems| panic!("{problems}"))
}

/// A folder with the files that examples name.
fn folder_with_files() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(["scoregate.example".to_owned()]).unwrap();
    let write = |name: &str, content: &str| {
        let file = folder.path().join(name);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, content).unwrap();
    };
    write("tls/cert.pem", &made.cert.pem());
    write("tls/callers.pem", &made.cert.pem());
    write("tls/key.pem", &made.signing_key.serialize_pem());
    for name in [
        "admin-token",
        "ledger-password",
        "log-id-key",
        "ltiaas-api-key",
        "ltiaas-api-key-next",
    ] {
        write(
            &format!("secrets/{name}"),
            &format!("the-content-of-{name}-in-a-test"),
        );
    }
    folder
}

fn document(text: &str) -> Document {
    let mut tree = tree::parse(&Arc::from("manual"), text).unwrap();
    let read = read(&mut tree);
    assert_eq!(read.problems, []);
    read.document.unwrap()
}

fn manual() -> String {
    std::fs::read_to_string(shipped("scoregate.toml")).unwrap()
}

/// The manual with each setting that is off by default set: `#key` without a space.
fn manual_with_all_set() -> String {
    let lines = manual()
        .lines()
        .map(uncommented)
        .collect::<Vec<_>>()
        .join("\n");
    // The key stands twice: at its default and with an example.
    lines.replacen("service_keys = []\n", "", 1)
}

fn uncommented(line: &str) -> String {
    let is_off = line.starts_with('#') && !line.starts_with("# ") && line.len() > 1;
    line[usize::from(is_off)..].to_owned()
}

#[test]
fn every_example_loads_without_a_warning() {
    let names = std::fs::read_dir(shipped("examples")).unwrap();
    let names: BTreeSet<_> = names.map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names.len(), 5);
    for name in names {
        let loaded = load(&format!("examples/{}", name.display()));
        assert_eq!(loaded.warnings, [], "{}", name.display());
    }
}

#[test]
fn every_recipe_of_the_cookbook_loads_without_a_warning() {
    let cookbook = include_str!("../../../docs/policy.md");
    let recipes = cookbook.split("```toml\n").skip(1);
    let recipes = recipes.map(|recipe| recipe.split("```").next().unwrap());
    for recipe in recipes {
        let warnings = super::warnings::of_policies(recipe);
        assert_eq!(warnings, Vec::<String>::new(), "{recipe}");
    }
}

/// A change of one would be a reload.
#[test]
fn the_ledger_is_no_file_of_the_configuration() {
    let loaded = load("examples/one-tool.toml");
    assert!(loaded.config.ledger.is_some());
    let is_ledger = |file: &PathBuf| file.ends_with("scoregate.db");
    assert!(!loaded.files.iter().any(is_ledger), "{:?}", loaded.files);
}

#[test]
fn the_manual_loads() {
    assert_eq!(load("scoregate.toml").config.accounts[0].name, "main");
}

#[test]
fn the_manual_shows_the_defaults() {
    let without_account = Document {
        account: Vec::new(),
        ..document(&manual())
    };
    assert_eq!(without_account, Document::default());

    let all = document(&manual_with_all_set());
    let shown = serde_json::to_value(&all).unwrap();
    let mut minimal = serde_json::to_value(super::super::issuer::IssuerSection::default()).unwrap();
    let defaults = minimal.as_object_mut().unwrap();
    defaults.retain(|_, value| !value.is_null() && *value != Value::Array(Vec::new()));
    for (key, value) in defaults {
        assert_eq!(&shown["issuer"][0][key.as_str()], value, "issuer.{key}");
    }
}

#[test]
fn the_manual_lists_every_key_of_the_schema() {
    let text = manual_with_all_set();
    document(&text); // no key of it is unknown
    let listed = toml::from_str::<Value>(&text).unwrap();
    let mut keys = BTreeSet::new();
    keys_of_value("", &listed, &mut keys);
    // The two ways to name a secret's place or a key set's are explained once, in prose.
    let ways = [".env", ".file", ".url"];
    let mut wanted = BTreeSet::new();
    keys_of_schema("", &json_schema(), &mut wanted);
    assert!(
        wanted.contains("account.service_keys.line_items"),
        "{wanted:?}"
    );
    let missing: Vec<_> = wanted
        .difference(&keys)
        .filter(|key| !ways.iter().any(|way| key.ends_with(way)))
        .collect();
    assert_eq!(missing, Vec::<&String>::new());
}

fn keys_of_value(path: &str, value: &Value, keys: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                let path = joined(path, name);
                keys_of_value(&path, value, keys);
                keys.insert(path);
            }
        }
        Value::Array(entries) => entries
            .iter()
            .for_each(|entry| keys_of_value(path, entry, keys)),
        _ => {}
    }
}

fn keys_of_schema(path: &str, schema: &Value, keys: &mut BTreeSet<String>) {
    for alternative in schema["anyOf"].as_array().into_iter().flatten() {
        keys_of_schema(path, alternative, keys);
    }
    if let Some(items) = schema.get("items") {
        keys_of_schema(path, items, keys);
    }
    for (name, schema) in schema["properties"].as_object().into_iter().flatten() {
        let path = joined(path, name);
        keys_of_schema(&path, schema, keys);
        keys.insert(path);
    }
}

fn joined(path: &str, name: &str) -> String {
    match path {
        "" => name.to_owned(),
        _ => format!("{path}.{name}"),
    }
}

#[test]
fn each_time_limit_stands_in_the_schema_and_is_at_most_thirty_seconds() {
    let mut keys = BTreeSet::new();
    keys_of_schema("", &json_schema(), &mut keys);
    let limits: Vec<_> = keys
        .iter()
        .filter(|key| key.contains("timeout") || key.contains("deadline"))
        .collect();
    assert_eq!(limits.len(), 10, "{limits:?}");
    let server = load("scoregate.toml").config.server;
    let upstream = load("scoregate.toml").config.upstream;
    let traces = load("scoregate.toml").config.traces;
    for limit in [
        server.head_timeout,
        server.body_timeout,
        server.request_deadline,
        upstream.connect_timeout,
        upstream.answer_timeout,
        upstream.idle_timeout,
        upstream.key_set_timeout,
        traces.export_timeout,
    ] {
        assert!(limit <= std::time::Duration::from_secs(30), "{limit:?}");
    }
}

#[test]
fn the_schema_lets_editors_find_unknown_and_missing_keys() {
    let schema = json_schema();
    assert_eq!(schema["additionalProperties"], false);
    assert_eq!(schema["required"], serde_json::json!(["account"]));
    let caller = &schema["properties"]["caller"]["items"];
    assert_eq!(
        caller["required"],
        serde_json::json!(["account", "keys", "name"])
    );
    assert!(!schema.to_string().contains("null"));
    assert_tables_are_closed(&schema);
}

fn assert_tables_are_closed(schema: &Value) {
    let is_table = schema.get("properties").is_some();
    assert!(
        !is_table || schema["additionalProperties"] == false,
        "{schema}"
    );
    let properties = schema["properties"].as_object().into_iter().flatten();
    let alternatives = schema["anyOf"].as_array().into_iter().flatten();
    let beneath = properties
        .map(|(_, schema)| schema)
        .chain(alternatives)
        .chain(schema.get("items"));
    beneath.for_each(assert_tables_are_closed);
}
