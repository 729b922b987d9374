//! `scoregate replay`, over what a gateway has recorded.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]
#[allow(dead_code, unused_imports)]
mod support;

use std::path::{Path, PathBuf};

use serde_json::json;
use support::*;

fn start(policies: &str) -> (Gateway, Upstream) {
    let upstream = Upstream::accepting();
    let mut settings = Settings::new(upstream.address);
    settings.tables = format!("{policies}\n[ledger]\nurl = \"sqlite:scoregate.db\"\n");
    (Gateway::start(&settings), upstream)
}

fn submit(gateway: &Gateway, user: &str, given: &str) -> Response {
    let user = json!(user).to_string();
    gateway.submit(score_with(&[("userId", &user), ("scoreGiven", given)]))
}

fn cap(percent: &str) -> String {
    format!("[[policy]]\nname = \"candidate\"\nmaximum = {{ percent = {percent} }}\n")
}

const HIGHEST: &str = "[[policy]]\nname = \"candidate\"\nkeep = \"highest\"\n";

fn write_candidate(folder: &Path, text: &str) -> PathBuf {
    let file = folder.join("candidate.toml");
    std::fs::write(&file, text).unwrap();
    file
}

fn replay(folder: &Path, candidate: &str, more: &[&str]) -> Ran {
    let config = folder.join("scoregate.toml");
    let candidate = write_candidate(folder, candidate);
    let mut arguments = vec!["replay", "--config", config.to_str().unwrap()];
    arguments.extend(["--policy", candidate.to_str().unwrap()]);
    arguments.extend(more);
    Ran::of(&arguments)
}

#[test]
fn what_would_change_is_listed_while_the_gateway_runs() {
    let (gateway, upstream) = start("");
    for (user, given) in [("b", "80.5"), ("a", "60"), ("c", "70")] {
        assert_eq!(submit(&gateway, user, given).status, 204);
    }
    let ran = replay(gateway.directory.path(), &cap("70"), &["--json"]);
    // The same text again: numbers are exact, and nothing is left over.
    assert_eq!(
        ran.good_json(),
        json!({
            "cells": 3, "up": 0, "down": 1, "unchanged": 2,
            "line_items": [{"account": "main", "line_item": ITEM, "cells": 3, "up": 0, "down": 1,
                "unchanged": 2, "largest_percent": -10.5}],
            "changes": [{"account": "main", "line_item": ITEM, "user": "b",
                "before": {"scoreGiven": 80.5, "scoreMaximum": 100},
                "after": {"scoreGiven": 70, "scoreMaximum": 100},
                "difference_percent": -10.5}]
        })
    );
    assert_eq!(ran.stderr, "", "no progress where there is no terminal");
    assert_eq!(upstream.requests().len(), 3);
    assert_eq!(submit(&gateway, "d", "90").status, 204);
}

#[test]
fn csv_and_table_tell_the_same() {
    let (gateway, _upstream) = start("");
    submit(&gateway, "=1+1", "80.5");
    submit(&gateway, "a", "60");
    submit(&gateway, "o'brien", "90");
    let folder = gateway.directory.path();
    let csv = replay(folder, &cap("70"), &["--format", "csv"]);
    assert_eq!(
        csv.stdout,
        format!(
            "account,line_item,user,before_given,before_maximum,after_given,after_maximum,difference_percent\n\
             main,{ITEM},'=1+1,80.5,100,70,100,-10.5\n\
             main,{ITEM},o'brien,90,100,70,100,-20\n"
        )
    );
    let table = replay(folder, &cap("70"), &[]);
    assert_eq!(table.code, Some(0));
    for part in [
        "3 cells: 0 up, 2 down, 1 unchanged",
        ITEM,
        "80.5 of 100 -> 70 of 100 (-10.5 %)",
        "  o'brien: 90 of 100",
    ] {
        assert!(
            table.stdout.contains(part),
            "no `{part}` in:\n{}",
            table.stdout
        );
    }
}

/// A third is kept with 28 digits, which nobody reads and which are no change.
#[test]
fn shares_without_an_end_are_compared_and_shown_as_what_they_are() {
    let (gateway, _upstream) = start("");
    for (user, given, maximum) in [("a", "1", "3"), ("b", "5", "7"), ("c", "0.7", "3")] {
        let user = json!(user).to_string();
        let members = [
            ("userId", &*user),
            ("scoreGiven", given),
            ("scoreMaximum", maximum),
        ];
        assert_eq!(gateway.submit(score_with(&members)).status, 204);
    }
    let candidate = "[[policy]]\nname = \"candidate\"\nrescale = { to = 100 }\nminimum = { percent = 33.33333333333333333333333333 }\n";
    let table = replay(gateway.directory.path(), candidate, &[]).stdout;
    for part in [
        "3 cells: 1 up, 0 down, 2 unchanged\n",
        "; largest change 10 %\n",
        "  c: 0.7 of 3 -> about 33.33 of 100 (10 %)\n",
    ] {
        assert!(table.contains(part), "no `{part}` in:\n{table}");
    }
}

#[test]
fn a_cell_is_folded_with_the_candidate_from_all_that_was_submitted() {
    let (gateway, _upstream) = start("");
    for given in ["90", "40", "60"] {
        assert_eq!(submit(&gateway, "u", given).status, 204);
    }
    let folder = gateway.directory.path();
    let table = replay(folder, HIGHEST, &[]).stdout;
    assert!(table.starts_with("1 cell: "), "{table}");
    let outcome = replay(folder, HIGHEST, &["--json"]).good_json();
    assert_eq!(outcome["up"], 1);
    assert_eq!(
        outcome["changes"][0]["before"],
        json!({"scoreGiven": 60, "scoreMaximum": 100})
    );
    assert_eq!(
        outcome["changes"][0]["after"],
        json!({"scoreGiven": 90, "scoreMaximum": 100})
    );
    assert_eq!(outcome["changes"][0]["difference_percent"], 30);
}

#[test]
fn what_policy_refused_is_replayed_and_what_was_no_score_is_not() {
    let (gateway, _upstream) =
        start("[[policy]]\nname = \"now\"\nmaximum = { percent = 100, over = \"refuse\" }\n");
    assert_envelope(&submit(&gateway, "u", "110"), 422, "POLICY_REFUSED");
    assert_envelope(&submit(&gateway, "v", "\"much\""), 422, "INVALID_SCORE");
    let outcome = replay(gateway.directory.path(), &cap("100"), &["--json"]).good_json();
    assert_eq!(
        outcome["changes"],
        json!([{"account": "main", "line_item": ITEM, "user": "u",
            "after": {"scoreGiven": 100, "scoreMaximum": 100}, "difference_percent": 100}])
    );
    assert_eq!((&outcome["cells"], &outcome["up"]), (&json!(1), &json!(1)));
}

#[test]
fn since_leaves_what_came_before_as_it_was_judged() {
    let (gateway, _upstream) = start("");
    let folder = gateway.directory.path();
    submit(&gateway, "u", "90");
    submit(&gateway, "before", "90");
    // Receipts and entries are no finer than a millisecond.
    let started = jiff::Timestamp::now();
    while jiff::Timestamp::now().as_millisecond() <= started.as_millisecond() + 1 {}
    let since = jiff::Timestamp::now().to_string();
    submit(&gateway, "u", "40");
    let outcome = replay(folder, HIGHEST, &["--json", "--since", &since]).good_json();
    assert_eq!(outcome["cells"], 1, "{outcome:#}");
    assert_eq!(
        outcome["changes"][0]["after"],
        json!({"scoreGiven": 90, "scoreMaximum": 100})
    );
    let later = (jiff::Timestamp::now() + jiff::SignedDuration::from_hours(1)).to_string();
    let outcome = replay(folder, HIGHEST, &["--json", "--since", &later]).good_json();
    assert_eq!(
        outcome,
        json!({"cells": 0, "up": 0, "down": 0, "unchanged": 0, "line_items": [], "changes": []})
    );
}

#[test]
fn since_may_be_a_date() {
    let (gateway, _upstream) = start("");
    submit(&gateway, "u", "40");
    for (since, cells) in [("2026-01-31", 1), ("9999-01-01", 0)] {
        let arguments = ["--json", "--since", since];
        let outcome = replay(gateway.directory.path(), HIGHEST, &arguments).good_json();
        assert_eq!(outcome["cells"], cells, "{since}");
    }
}

#[test]
fn a_candidate_in_report_mode_is_replayed_as_if_it_were_enforced() {
    let (gateway, _upstream) = start("");
    submit(&gateway, "u", "80");
    let candidate = format!("{}mode = \"report\"\n", cap("70"));
    let outcome = replay(gateway.directory.path(), &candidate, &["--json"]).good_json();
    assert_eq!(outcome["down"], 1);
}

#[test]
fn all_that_is_wrong_with_the_candidate_is_said_as_check_says_it() {
    let (gateway, _upstream) = start("");
    let text = "[[policy]]\nname = \"a\"\nmaximum = { percent = -1 }\n[[policy]]\nname = \"b\"\nlatte = 1\n\
        match = { callers = [\"nobody\"] }\n";
    let ran = replay(gateway.directory.path(), text, &["--json"]);
    assert_eq!((ran.code, &*ran.stdout), (Some(1), ""));
    for part in [
        "problem: ",
        "candidate.toml:3: policy[0].maximum.percent: ",
        "candidate.toml:6: policy[1].latte: ",
        "candidate.toml:7: policy[1].match.callers[0]: is no caller",
        "3 problems",
    ] {
        assert!(ran.stderr.contains(part), "no `{part}` in:\n{}", ran.stderr);
    }
    for (text, part) in [
        ("", "there is no `[[policy]]`"),
        ("[[policy]\n", "candidate.toml:1"),
    ] {
        let ran = replay(gateway.directory.path(), text, &[]);
        assert_eq!(ran.code, Some(1));
        assert!(ran.stderr.contains(part), "{}", ran.stderr);
    }
}

#[test]
fn of_a_whole_configuration_only_the_policies_are_read() {
    let (gateway, _upstream) = start("");
    submit(&gateway, "u", "80");
    let candidate = format!(
        "[server]\nlisten = \"nowhere\"\n[ledger]\nurl = \"none\"\n{}",
        cap("70")
    );
    let outcome = replay(gateway.directory.path(), &candidate, &["--json"]).good_json();
    assert_eq!(outcome["down"], 1);
}

/// It was changed behind the gateway's back: without it, what comes after would be judged otherwise.
#[test]
fn an_entry_whose_seal_does_not_open_is_no_erased_learners() {
    let (gateway, _upstream) = start("");
    for (user, given) in [("a", "60"), ("b", "80")] {
        assert_eq!(submit(&gateway, user, given).status, 204);
    }
    let file = gateway.directory.path().join("scoregate.db");
    let database = rusqlite::Connection::open(file).unwrap();
    database
        .execute("UPDATE entries SET sealed = X'00' WHERE sequence = 1", [])
        .unwrap();
    let ran = replay(gateway.directory.path(), &cap("70"), &[]);
    assert_eq!(ran.code, Some(1), "{}", ran.stderr);
    assert!(
        ran.stderr
            .contains("an entry can't be read: run `scoregate ledger verify`"),
        "{}",
        ran.stderr
    );
}

#[test]
fn without_a_ledger_there_is_nothing_to_replay() {
    let (gateway, upstream) = start("");
    let folder = gateway.directory.path();
    let mut settings = Settings::new(upstream.address);
    for (tables, part) in [
        ("[ledger]\nurl = \"none\"\n", "there is no ledger"),
        ("[ledger]\nurl = \"sqlite:another.db\"\n", "does not exist"),
    ] {
        settings.tables = tables.to_owned();
        std::fs::write(folder.join("other.toml"), settings.write(folder)).unwrap();
        let (config, candidate) = (
            folder.join("other.toml"),
            write_candidate(folder, &cap("70")),
        );
        let (config, candidate) = (config.to_str().unwrap(), candidate.to_str().unwrap());
        let ran = Ran::of(&["replay", "--config", config, "--policy", candidate]);
        assert_eq!(ran.code, Some(1));
        assert!(ran.stderr.contains(part), "{}", ran.stderr);
    }
    assert!(!folder.join("another.db").exists());
}

#[test]
fn wrong_usage_is_told_from_findings() {
    for arguments in [
        &["replay"][..],
        &["replay", "--config", "x"],
        &[
            "replay", "--config", "x", "--policy", "y", "--since", "noon",
        ],
        &[
            "replay", "--config", "x", "--policy", "y", "--format", "xml",
        ],
        &[
            "replay", "--config", "x", "--policy", "y", "--json", "--format", "csv",
        ],
    ] {
        assert_eq!(Ran::of(arguments).code, Some(2), "{arguments:?}");
    }
}

#[test]
fn a_condition_that_could_not_be_evaluated_is_told_of() {
    let (gateway, _upstream) = start("");
    submit(&gateway, "a", "80");
    submit(&gateway, "b", "90");
    let candidate = "[[policy]]\nname = \"explained\"\nrequire = [{ when = \"score.comment != ''\", message = \"Say why.\" }]\n";
    let ran = replay(gateway.directory.path(), candidate, &["--json"]);
    let told = "scoregate: `require` of policy `explained` could not be evaluated for 2 submissions: a member that it names is absent";
    assert!(ran.stderr.contains(told), "{}", ran.stderr);
    let failed = &ran.good_json()["failed_conditions"][0];
    assert_eq!(failed["policy"], "explained");
    assert_eq!(failed["key"], "require");
    assert_eq!(failed["submissions"], 2);
}
