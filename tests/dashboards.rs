//! The dashboard and the alert rules name metrics and labels that exist, and use them as their
//! kinds ask for.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use scoregate::meter::{Kind, Metric, list};
use serde::Deserialize;
use serde_json::Value;

const DASHBOARD: &str = include_str!("../config/grafana/dashboard.json");
const ALERTS: &str = include_str!("../config/grafana/alerts.yaml");
const OPERATIONS: &str = include_str!("../docs/operations.md");

/// What Prometheus adds to every sample.
const ADDED: [&str; 2] = ["job", "instance"];

fn texts<'a>(value: &'a Value, name: &str, found: &mut Vec<&'a str>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| texts(item, name, found)),
        Value::Object(members) => {
            for (key, value) in members {
                match value.as_str() {
                    Some(text) if key == name => found.push(text),
                    _ => texts(value, name, found),
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn dashboard_expressions() -> Vec<String> {
    let dashboard: Value = serde_json::from_str(DASHBOARD).unwrap();
    let mut found = Vec::new();
    texts(&dashboard, "expr", &mut found);
    found.into_iter().map(str::to_owned).collect()
}

/// One rule, with nothing but what Prometheus knows.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Alert {
    alert: String,
    expr: String,
    r#for: String,
    labels: Labels,
    annotations: Annotations,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Labels {
    severity: Severity,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Severity {
    Warning,
    Critical,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Annotations {
    summary: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Group {
    name: String,
    rules: Vec<Alert>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rules {
    groups: Vec<Group>,
}

fn alerts(text: &str) -> Vec<Alert> {
    let rules: Rules = serde_saphyr::from_str(text).unwrap_or_else(|cause| panic!("{cause}"));
    let [group] = <[Group; 1]>::try_from(rules.groups).ok().unwrap();
    assert_eq!(group.name, "scoregate");
    group.rules
}

/// As Prometheus writes it: a number and a unit.
fn is_duration(text: &str) -> bool {
    let number = text.trim_end_matches(['s', 'm', 'h', 'd']);
    number.len() + 1 == text.len() && number.parse::<u32>().is_ok()
}

/// The labels that a text names, `{{ $labels.instance }}`.
fn named(summary: &str) -> Vec<&str> {
    let names = summary.split("$labels.").skip(1);
    names
        .map(|name| name.split([' ', '}']).next().unwrap())
        .collect()
}

/// Words of an expression, each with what stands right before and behind it; texts in quotes are
/// no words.
fn words(expression: &str) -> Vec<(&str, &str, &str)> {
    let mut words = Vec::new();
    let (mut place, mut in_quotes) = (0, false);
    while let Some(letter) = expression[place..].chars().next() {
        let rest = &expression[place..];
        let is_part = |letter: char| letter.is_ascii_alphanumeric() || "_:".contains(letter);
        let end = rest.find(|letter| !is_part(letter)).unwrap_or(rest.len());
        match letter {
            '"' => in_quotes = !in_quotes,
            _ if !in_quotes && end > 0 => {
                words.push((&rest[..end], &expression[..place], &rest[end..]));
                place += end;
                continue;
            }
            _ => {}
        }
        place += letter.len_utf8();
    }
    words
}

fn is_ours(word: &str) -> bool {
    word.starts_with("scoregate_") || word.starts_with("process_")
}

/// The metric that a sample's name belongs to.
fn metric(name: &str) -> &'static Metric {
    let belongs = |metric: &&Metric| match metric.kind {
        Kind::Counter | Kind::Gauge => metric.name == name,
        Kind::Histogram => ["_bucket", "_sum", "_count"]
            .iter()
            .any(|suffix| name.strip_suffix(suffix) == Some(metric.name)),
    };
    let found = list::ALL.iter().find(belongs);
    found.unwrap_or_else(|| panic!("there is no metric `{name}`"))
}

/// The names in a selector, `{a="…", b=~"…"}`, right behind a metric.
fn selected(behind: &str) -> Vec<&str> {
    let Some(selector) = behind.strip_prefix('{') else {
        return Vec::new();
    };
    let (selector, _) = selector.split_once('}').expect("an end of the selector");
    words(selector)
        .into_iter()
        .map(|(word, _, _)| word)
        .collect()
}

/// What stands behind a metric and its selector.
fn behind_selector(behind: &str) -> &str {
    match behind.strip_prefix('{') {
        Some(selector) => selector.split_once('}').map_or("", |(_, rest)| rest),
        None => behind,
    }
}

/// The names in `by (…)`.
fn grouped(expression: &str) -> Vec<&str> {
    let lists = expression.split(" by (").skip(1);
    let names = lists.flat_map(|list| list.split(')').next().unwrap().split(','));
    names.map(str::trim).collect()
}

fn check(expression: &str) {
    let mut labels = BTreeSet::from(ADDED);
    for (word, before, behind) in words(expression) {
        if !is_ours(word) {
            continue;
        }
        let metric = metric(word);
        let has_bound = word.ends_with("_bucket");
        labels.extend(metric.labels);
        labels.extend(has_bound.then_some("le"));
        for label in selected(behind) {
            let known = metric.labels.contains(&label) || ADDED.contains(&label);
            assert!(known, "`{word}` has no label `{label}`: {expression}");
        }
        // A counter says nothing by itself, beyond that it is new; and a gauge has no rate.
        let in_rate = before.ends_with("rate(") || before.ends_with("increase(");
        let in_birth =
            before.ends_with(" unless ") || behind_selector(behind).starts_with(" unless ");
        let as_counter = in_rate || in_birth;
        assert_eq!(as_counter, metric.kind != Kind::Gauge, "{expression}");
    }
    for label in grouped(expression) {
        assert!(
            labels.contains(label),
            "nothing has a label `{label}`: {expression}"
        );
    }
    let opened = expression.matches('(').count();
    assert_eq!(opened, expression.matches(')').count(), "{expression}");
}

#[test]
fn the_dashboard_uses_metrics_that_exist_and_leaves_none_out() {
    let expressions = dashboard_expressions();
    expressions.iter().for_each(|expression| check(expression));
    let names = expressions.iter().flat_map(|expression| words(expression));
    let names = names.filter(|(word, _, _)| is_ours(word));
    let shown: BTreeSet<_> = names.map(|(word, _, _)| metric(word).name).collect();
    let all: BTreeSet<_> = list::ALL.iter().map(|metric| metric.name).collect();
    assert_eq!(shown, all);
}

#[test]
fn the_dashboards_choices_come_from_metrics_that_exist() {
    let dashboard: Value = serde_json::from_str(DASHBOARD).unwrap();
    let mut found = Vec::new();
    texts(&dashboard, "definition", &mut found);
    assert_eq!(found.len(), 2);
    for definition in found {
        let words = words(definition);
        let [(function, _, _), (name, _, _), (label, _, _)] = words.as_slice() else {
            panic!("{definition}");
        };
        let known = metric(name).labels.contains(label) || ADDED.contains(label);
        assert!(*function == "label_values" && known, "{definition}");
    }
}

#[test]
fn the_alerts_use_metrics_that_exist_and_say_what_to_do() {
    let alerts = alerts(ALERTS);
    assert!(alerts.len() > 10);
    for alert in &alerts {
        let Alert {
            alert: name, expr, ..
        } = alert;
        check(expr);
        assert!(is_duration(&alert.r#for), "{name}: `{}`", alert.r#for);
        let Annotations { summary } = &alert.annotations;
        assert!(!summary.is_empty(), "{name}");
        for label in named(summary) {
            let survives = grouped(expr).contains(&label) || !expr.contains("sum");
            assert!(survives, "{name}: its expression has no `{label}`");
        }
        let row = format!("| `{name}` |");
        assert!(OPERATIONS.contains(&row), "docs/operations.md lacks {row}");
    }
    let names: BTreeSet<_> = alerts.iter().map(|alert| &alert.alert).collect();
    assert_eq!(
        names.len(),
        alerts.len(),
        "an alert has the name of another"
    );
    let rows = OPERATIONS.matches("| `Scoregate").count();
    assert_eq!(
        rows,
        names.len(),
        "docs/operations.md lists an alert that does not exist"
    );
    let critical = |alert: &&Alert| matches!(alert.labels.severity, Severity::Critical);
    let critical = alerts.iter().filter(critical).count();
    assert!((1..alerts.len()).contains(&critical));
}

#[test]
fn an_alert_without_one_of_its_parts_is_noticed() {
    let good = "groups: [{ name: scoregate, rules: [{ alert: A, expr: up == 0, for: 0m, \
         labels: { severity: warning }, annotations: { summary: a } }] }]";
    assert_eq!(alerts(good).len(), 1);
    for part in [
        "alert: A, ",
        "expr: up == 0, ",
        "for: 0m, ",
        "severity: warning",
        "summary: a",
    ] {
        assert!(good.contains(part));
        let less = good.replace(part, "");
        let read = serde_saphyr::from_str::<Rules>(&less);
        assert!(read.is_err(), "nobody misses `{part}`");
    }
    let odd = good.replace("warning", "urgent");
    assert!(serde_saphyr::from_str::<Rules>(&odd).is_err());
    assert!(!is_duration("5") && !is_duration("m") && is_duration("15m"));
}

#[test]
#[should_panic(expected = "there is no metric `scoregate_request_total`")]
fn a_misspelt_metric_is_noticed() {
    check("rate(scoregate_request_total[5m])");
}

#[test]
#[should_panic(expected = "has no label `code`")]
fn a_label_of_another_metric_is_noticed() {
    check(r#"sum(rate(scoregate_requests_total{code="INTERNAL"}[5m]))"#);
}

#[test]
#[should_panic(expected = "sum(scoregate_requests_total) > 0")]
fn a_counter_without_a_rate_is_noticed() {
    check("sum(scoregate_requests_total) > 0");
}

fn yaml_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let is_yaml = path
            .extension()
            .is_some_and(|end| end == "yaml" || end == "yml");
        match path.is_dir() {
            true => yaml_files(&path, found),
            false => found.extend(is_yaml.then_some(path)),
        }
    }
}

#[test]
fn every_yaml_file_can_be_read_and_every_manifest_says_what_it_is() {
    let mut files = Vec::new();
    let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("config");
    yaml_files(&config, &mut files);
    assert!(files.len() > 6, "{files:?}");
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let read = serde_saphyr::from_str::<Value>(&text);
        let read = read.unwrap_or_else(|cause| panic!("{}: {cause}", file.display()));
        assert!(read.is_object(), "{}", file.display());
        if file.parent().unwrap().ends_with("kubernetes") {
            for member in ["apiVersion", "kind"] {
                assert!(read[member].is_string(), "{}: {member}", file.display());
            }
        }
    }
}
