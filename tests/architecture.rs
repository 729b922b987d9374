//! Modules import downwards only, as ARCHITECTURE.md says, and it names every one of them.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

const ARCHITECTURE: &str = include_str!("../ARCHITECTURE.md");

type Imports = BTreeMap<String, BTreeSet<String>>;

/// Each module of the crate's root, and whom it imports. What only tests have does not count.
fn imports() -> Imports {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = BTreeMap::<String, Vec<PathBuf>>::new();
    for entry in fs::read_dir(&source).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        if name != "lib" && name != "main" {
            collect(&path, files.entry(name).or_default());
        }
    }
    let names: BTreeSet<String> = files.keys().cloned().collect();
    let imported = |(name, files): (String, Vec<PathBuf>)| {
        let mut found: BTreeSet<String> = files.iter().flat_map(|file| named(file)).collect();
        found.retain(|other| *other != name && names.contains(other));
        (name, found)
    };
    files.into_iter().map(imported).collect()
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) {
    let is_test = path.ends_with("tests") || path.ends_with("tests.rs");
    if path.is_dir() && !is_test {
        for entry in fs::read_dir(path).unwrap() {
            collect(&entry.unwrap().path(), files);
        }
    } else if path.extension().is_some_and(|kind| kind == "rs") && !is_test {
        files.push(path.to_owned());
    }
}

/// The names after `crate::`, without comments and the tests at the end.
fn named(file: &Path) -> Vec<String> {
    let text = fs::read_to_string(file).unwrap();
    let code = text.split("#[cfg(test)]\nmod").next().unwrap();
    let lines = code
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"));
    let after = lines.flat_map(|line| line.split("crate::").skip(1));
    let is_name = |byte: char| byte.is_ascii_alphanumeric() || byte == '_';
    let name = |text: &str| text.split(|byte| !is_name(byte)).next().map(str::to_owned);
    after.filter_map(name).collect()
}

/// A way from a module back to itself, if there is one.
fn cycle(imports: &Imports) -> Option<Vec<&str>> {
    let mut done = BTreeSet::new();
    let mut way = Vec::new();
    imports
        .keys()
        .find_map(|name| follow(name, imports, &mut way, &mut done))
}

fn follow<'a>(
    name: &'a str,
    imports: &'a Imports,
    way: &mut Vec<&'a str>,
    done: &mut BTreeSet<&'a str>,
) -> Option<Vec<&'a str>> {
    way.push(name);
    if let Some(start) = way.iter().position(|before| *before == name)
        && start + 1 < way.len()
    {
        return way.get(start..).map(<[_]>::to_vec);
    }
    if !done.contains(name) {
        for other in imports.get(name).into_iter().flatten() {
            if let Some(found) = follow(other, imports, way, done) {
                return Some(found);
            }
        }
        done.insert(name);
    }
    way.pop();
    None
}

#[test]
fn imports_point_down_only() {
    let imports = imports();
    assert!(
        imports.len() > 40,
        "only {} modules were found",
        imports.len()
    );
    assert!(imports.values().any(|imported| !imported.is_empty()));
    if let Some(found) = cycle(&imports) {
        panic!("modules import each other: {}", found.join(" → "));
    }
}

#[test]
fn a_cycle_is_found() {
    let imports = [
        ("a", vec!["b", "c"]),
        ("b", vec![]),
        ("c", vec!["d"]),
        ("d", vec!["c"]),
    ];
    let imports = imports.map(|(name, imported)| {
        let imported = imported.into_iter().map(str::to_owned).collect();
        (name.to_owned(), imported)
    });
    assert_eq!(cycle(&imports.into()), Some(vec!["c", "d", "c"]));
}

#[test]
fn every_module_has_its_level() {
    let (_, table) = ARCHITECTURE.split_once("## Who may import whom").unwrap();
    let (table, _) = table.split_once("\n## ").unwrap();
    for name in imports().keys() {
        assert!(table.contains(&format!("`{name}`")), "{name} has no level");
    }
}
