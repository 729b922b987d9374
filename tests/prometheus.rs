//! What Prometheus itself says of the alert rules and of `/metrics`: `promtool` reads both, and
//! runs the rules over series that should wake somebody, and over those that should not.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]
#[allow(dead_code, unused_imports)]
mod support;

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use support::*;

const RULES: &str = "config/grafana/alerts.yaml";
const CASES: &str = "tests/prometheus/alerts.yaml";

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// Whether `promtool` finds all well, and what it says.
fn promtool(arguments: &[&str], file: Option<&Path>, stdin: &str) -> (bool, String) {
    let mut child = Command::new("promtool")
        .args(arguments)
        .args(file)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool, of Debian's package `prometheus`");
    let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
    let output = child.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (
        output.status.success(),
        String::from_utf8_lossy(&said).into_owned(),
    )
}

fn yaml(name: &str) -> Value {
    serde_saphyr::from_str(&fs::read_to_string(file(name)).unwrap()).unwrap()
}

fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().unwrap().iter()
}

/// The alerts that a file of rules names.
fn alerts() -> BTreeSet<String> {
    let rules = yaml(RULES);
    let rules = items(&rules["groups"]).flat_map(|group| items(&group["rules"]));
    rules
        .map(|rule| rule["alert"].as_str().unwrap().to_owned())
        .collect()
}

/// The alerts that some case of the unit tests wants to see firing, or quiet.
fn tried(firing: bool) -> BTreeSet<String> {
    let cases = yaml(CASES);
    let cases = items(&cases["tests"]).flat_map(|case| items(&case["alert_rule_test"]));
    let wanted = cases.filter(|case| items(&case["exp_alerts"]).next().is_some() == firing);
    wanted
        .map(|case| case["alertname"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn prometheus_takes_the_alert_rules() {
    let (good, said) = promtool(&["check", "rules"], Some(&file(RULES)), "");
    assert!(good, "{said}");
    assert!(
        said.contains(&format!("{} rules found", alerts().len())),
        "{said}"
    );
}

#[test]
fn each_alert_fires_on_what_it_is_for_and_on_nothing_else() {
    let (good, said) = promtool(&["test", "rules"], Some(&file(CASES)), "");
    assert!(good, "{said}");
    assert_eq!(tried(true), alerts());
    assert_eq!(tried(false), alerts());
}

/// Otherwise a case that nobody runs would pass.
#[test]
fn an_alert_that_never_fires_is_noticed() {
    let here = tempfile::tempdir().unwrap();
    let rules = fs::read_to_string(file(RULES)).unwrap();
    let deaf = rules.replace("expr: scoregate_ready == 0", "expr: scoregate_ready == 2");
    assert_ne!(deaf, rules);
    fs::write(here.path().join("alerts.yaml"), deaf).unwrap();
    let cases = fs::read_to_string(file(CASES)).unwrap();
    let cases = cases.replace("../../config/grafana/alerts.yaml", "alerts.yaml");
    let copy = here.path().join("cases.yaml");
    fs::write(&copy, cases).unwrap();
    let (good, said) = promtool(&["test", "rules"], Some(&copy), "");
    assert!(!good && said.contains("ScoregateNotReady"), "{said}");
}

#[test]
fn prometheus_finds_nothing_to_say_of_the_metrics() {
    let upstream = Upstream::accepting();
    let mut settings = Settings::new(upstream.address);
    settings.tables =
        "[[policy]]\nname = \"institution\"\nmaximum = { percent = 50, over = \"cap\" }\n"
            .to_owned();
    let gateway = Gateway::start(&settings);
    gateway.submit(SCORE);
    gateway.submit("{}");
    gateway.ask(&Request::new("GET", "/nothing"));
    let metrics = Metrics::wait_for(&gateway, "scoregate_requests_total", &[], 3.0);
    let (good, said) = promtool(&["check", "metrics"], None, &metrics.text);
    assert!(good && said.is_empty(), "{said}");
    // The same tool does complain where there is something to complain about.
    let odd = metrics.text.replace("_requests_total", "_requests");
    let (good, said) = promtool(&["check", "metrics"], None, &odd);
    assert!(!good && said.contains("scoregate_requests"), "{said}");
}
