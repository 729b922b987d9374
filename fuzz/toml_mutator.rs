//! Changes a configuration as a whole: a value becomes one of another kind, a table loses or gains a key,
//! an array an item. Of bytes that change alone few are still TOML.

use std::sync::LazyLock;

use fastrand::Rng;
use toml::{Table, Value};

/// Every key and many good values.
const EXAMPLES: [&str; 5] = [
    include_str!("../config/scoregate.toml"),
    include_str!("../config/examples/production.toml"),
    include_str!("../config/examples/mtls.toml"),
    include_str!("../docs/policy.md"),
    include_str!("../fuzz/dictionaries/config.dict"),
];

/// What no key takes, or only some do.
const ODD: &str = r#"values = [
    "", " ", "x", "a\u0000b", "\u00e9", "*", "https://*", "https://x.example/a", "http://[::1]:1/", "-1s", "1h", "400d", "0.5",
    "100%", "1/3", "2026-01-01T00:00:00Z", "2026-13-01", "9999999999999999999999999999999", "sqlite:", "postgres://h/d", "true",
    "score.submission.submittedAt", "1 + ", "has(score.comment) && score.scoreGiven > 1.0", "[", "{", "((((((((1))))))))",
    0, 1, -1, 100, 65535, 65536, 9223372036854775807, -9223372036854775808, 0.0, -0.0, 0.1, 1e300, -1e-300, inf, nan,
    true, false, 2026-01-01T00:00:00Z, 2026-01-01, 12:00:00, [], {}, [[]], [{}], [1], [""], ["x", "x"], { x = 1 },
    { env = "KEY" }, { env = "NONE" }, { file = "x" }, { env = "KEY", file = "x" }, { percent = 10 }, { points = "1" },
]"#;

static ODD_VALUES: LazyLock<Vec<Value>> = LazyLock::new(|| {
    let odd: Table = toml::from_str(ODD).expect("TOML");
    odd["values"].as_array().expect("an array").clone()
});

/// What stands in the examples, in tables within tables too, with its key.
static GOOD_VALUES: LazyLock<Vec<(String, Value)>> = LazyLock::new(|| {
    let lines = EXAMPLES.iter().flat_map(|example| example.lines());
    let lines = lines.map(|line| line.trim_start_matches(['#', ' ']));
    let mut tables: Vec<Table> = lines.filter_map(|line| toml::from_str(line).ok()).collect();
    let mut values = Vec::new();
    while let Some(table) = tables.pop() {
        for (key, value) in table {
            tables.extend(value.as_table().cloned());
            let items = value.as_array().into_iter().flatten();
            tables.extend(items.filter_map(Value::as_table).cloned());
            values.push((key, value));
        }
    }
    values
});

static KEYS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let is_part = |letter: char| !(letter.is_ascii_alphanumeric() || letter == '_');
    let words = EXAMPLES.iter().flat_map(|example| example.split(is_part));
    let mut keys: Vec<_> = words
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect();
    keys.sort();
    keys.dedup();
    keys
});

/// `None` where it is no TOML, or too long afterwards.
pub fn mutate(bytes: &[u8], longest: usize, seed: u64) -> Option<String> {
    let table: Table = toml::from_str(str::from_utf8(bytes).ok()?).ok()?;
    let mut rng = Rng::with_seed(seed);
    let mut whole = Value::Table(table);
    for _ in 0..rng.usize(1..4) {
        let mut place = rng.usize(0..count(&whole));
        let other = rng.usize(0..count(&whole));
        let other = nth(&mut whole, &mut other.clone()).cloned();
        let node = nth(&mut whole, &mut place)?;
        change(node, other?, &mut rng);
    }
    let text = toml::to_string(whole.as_table()?).ok()?;
    (text.len() <= longest).then_some(text)
}

fn count(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(count).sum(),
        Value::Table(members) => members.values().map(count).sum::<usize>(),
        _ => 0,
    }
}

/// The value at a place of the tree, counted from above.
fn nth<'a>(value: &'a mut Value, place: &mut usize) -> Option<&'a mut Value> {
    if *place == 0 {
        return Some(value);
    }
    *place -= 1;
    match value {
        Value::Array(items) => items.iter_mut().find_map(|item| nth(item, place)),
        Value::Table(members) => members
            .iter_mut()
            .find_map(|(_, member)| nth(member, place)),
        _ => None,
    }
}

/// A value for a key: half of the time one that examples have for it.
fn value(key: &str, other: Value, rng: &mut Rng) -> Value {
    let of_this_key = GOOD_VALUES.iter().filter(|(name, _)| name == key);
    let of_this_key: Vec<&Value> = of_this_key.map(|(_, value)| value).collect();
    let good = rng.choice(of_this_key).cloned();
    let any = rng
        .choice(GOOD_VALUES.iter())
        .map(|(_, value)| value.clone());
    let odd = rng.choice(ODD_VALUES.iter()).cloned();
    let chosen = match rng.u8(..8) {
        0 => any,
        1 | 2 => odd,
        3 => None,
        _ => good,
    };
    chosen.unwrap_or(other)
}

fn change(node: &mut Value, other: Value, rng: &mut Rng) {
    match node {
        Value::Table(members) if rng.u8(..8) > 0 => {
            let key = rng.choice(members.keys()).cloned();
            let unused = match rng.bool() {
                true => rng.choice(GOOD_VALUES.iter()).map(|(key, _)| key),
                false => rng.choice(KEYS.iter()),
            };
            let unused = unused.cloned().unwrap_or_default();
            match (rng.u8(..4), key) {
                (0, Some(key)) => drop(members.remove(&key)),
                (1, Some(key)) => {
                    let value = members.remove(&key).unwrap_or(other);
                    members.insert(unused, value);
                }
                (2, Some(key)) => {
                    let new = value(&key, other, rng);
                    members.insert(key, new);
                }
                _ => {
                    let new = value(&unused, other, rng);
                    members.insert(unused, new);
                }
            }
        }
        Value::Array(items) if rng.u8(..4) > 0 => {
            let place = rng.usize(..items.len().max(1));
            match (rng.u8(..3), items.get(place).cloned()) {
                (0, Some(_)) => drop(items.remove(place)),
                (1, Some(item)) => items.push(item),
                _ => items.push(value("", other, rng)),
            }
        }
        _ if rng.u8(..8) == 0 => *node = Value::Array(vec![node.clone()]),
        _ => *node = value("", other, rng),
    }
}
