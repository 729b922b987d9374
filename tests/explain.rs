//! `scoregate explain`, before a gateway that records and without one.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]
#[allow(dead_code, unused_imports)]
mod support;

use std::path::Path;

use serde_json::{Value, json};
use support::*;

const SERVICE_KEY: &str = "service-key-of-the-course";

const TARDY: &str = r#"
[[policy]]
name = "tardy"
due = "2026-03-01T12:00:00Z"
late = { kind = "per_interval", percent = 10, interval = "24h" }
"#;

const DOCUMENT: &str = include_str!("../docs/explain-and-replay.md");

const LEDGER: &str = "[ledger]\nurl = \"sqlite:scoregate.db\"\n";

fn settings(upstream: &Upstream, tables: &str) -> Settings {
    let mut settings = Settings::new(upstream.address);
    settings.files = vec![("service-key".to_owned(), SERVICE_KEY.to_owned())];
    settings.account = format!(
        "service_keys = [{{ line_items = [\"{ITEM}\"], key = {{ file = \"$DIR/service-key\" }} }}]"
    );
    settings.tables = format!("{tables}\n{LEDGER}");
    settings
}

/// A folder with a configuration, and no gateway.
fn folder(tables: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let settings = settings(&Upstream::accepting(), tables);
    let text = settings.write(folder.path());
    std::fs::write(folder.path().join("scoregate.toml"), text).unwrap();
    folder
}

fn arguments<'a>(config: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let about = [
        "explain",
        "--config",
        config,
        "--caller",
        "quiz-app",
        "--line-item",
        ITEM,
    ];
    about.iter().chain(more).copied().collect()
}

fn ask(folder: &Path, score: &str, more: &[&str]) -> Ran {
    let config = folder.join("scoregate.toml");
    Ran::with(&arguments(config.to_str().unwrap(), more), score)
}

fn explained(folder: &Path, score: &str, more: &[&str]) -> Value {
    let more: Vec<_> = more.iter().chain(&["--json"]).copied().collect();
    ask(folder, score, &more).good_json()
}

fn recorded(folder: &Path, receipt: &str) -> Ran {
    let config = folder.join("scoregate.toml");
    let config = config.to_str().unwrap();
    Ran::with(
        &[
            "explain",
            "--config",
            config,
            "--receipt",
            receipt,
            "--json",
        ],
        "",
    )
}

fn late_by_a_day_and_a_second() -> String {
    let submission = r#"{"submittedAt":"2026-03-02T12:00:01Z"}"#;
    score_with(&[("scoreGiven", "93"), ("submission", submission)])
}

#[test]
fn a_score_is_explained_rule_by_rule_and_secrets_are_masked() {
    let folder = folder(TARDY);
    let score = late_by_a_day_and_a_second();
    let ran = ask(folder.path(), &score, &["--json"]);
    for secret in [SERVICE_KEY, API_KEY] {
        assert!(!ran.stdout.contains(secret), "{}", ran.stdout);
    }
    let explained = ran.good_json();
    assert_eq!(explained["decision"], "adjusted");
    assert_eq!(explained["score"]["userId"], "5323497");
    assert_eq!(explained["score"]["scoreGiven"], 93);
    let late = &explained["effective"]["late"];
    assert_eq!(late["policy"], "tardy");
    assert_eq!(late["value"]["kind"], "per_interval");
    assert_eq!(late["value"]["percent"], 10);
    assert_eq!(late["value"]["interval"], "24h");
    assert_eq!(explained["effective"]["due"]["policy"], "tardy");
    let rule = &explained["rules"][0];
    assert_eq!(
        (&rule["rule"], &rule["policy"]),
        (&json!("late"), &json!("tardy"))
    );
    assert_eq!(
        rule["input"],
        json!({"scoreGiven": 93, "scoreMaximum": 100})
    );
    assert_eq!(
        rule["output"],
        json!({"scoreGiven": 73, "scoreMaximum": 100})
    );
    let reason = rule["reason"].as_str().unwrap();
    assert!(
        reason.contains("1 day") && reason.ends_with('.'),
        "{reason}"
    );
    assert_eq!(
        explained["judged"],
        json!({"scoreGiven": 73, "scoreMaximum": 100})
    );
    assert_eq!(explained["report"], json!({"rules": []}));
    let request = &explained["request"];
    assert_eq!(
        (&request["method"], &request["target"]),
        (&json!("POST"), &json!(SCORES))
    );
    assert_eq!(
        request["headers"]["authorization"],
        "SERVICE-AUTH-V1 ***:***"
    );
    assert_eq!(request["body"]["scoreGiven"], 73);
    assert_eq!(
        request["body"]["submission"]["submittedAt"],
        "2026-03-02T12:00:01Z"
    );
}

#[test]
fn all_that_came_is_shown() {
    let folder = folder("");
    let extension = "https://tool.example/ext";
    let score = score_with(&[
        (
            "submission",
            r#"{"startedAt":"2026-03-01T09:00:00Z","submittedAt":"2026-03-01T10:00:00Z"}"#,
        ),
        ("scoringUserId", "\"grader-7\""),
        (extension, r#"{"attempt":2}"#),
    ]);
    let explained = explained(folder.path(), &score, &[]);
    for shown in [&explained["score"], &explained["request"]["body"]] {
        assert_eq!(
            shown["submission"],
            json!({"startedAt": "2026-03-01T09:00:00Z", "submittedAt": "2026-03-01T10:00:00Z"})
        );
        assert_eq!(shown["scoringUserId"], "grader-7");
        assert_eq!(shown[extension], json!({"attempt": 2}));
    }
    let text = ask(folder.path(), &score, &[]).stdout;
    for line in [
        "Started     2026-03-01T09:00:00Z",
        "Submitted   2026-03-01T10:00:00Z",
        "Graded by   grader-7",
        r#"Extension   https://tool.example/ext = {"attempt":2}"#,
    ] {
        assert!(text.contains(line), "no `{line}` in:\n{text}");
    }
}

/// All else can be copied from it.
#[test]
fn no_text_of_a_caller_turns_a_line_around() {
    let folder = folder("");
    let turned = |text: &str| json!(format!("{text}\u{202e}\u{9b}")).to_string();
    let (user, grader, comment) = (
        turned("o'brien 👩\u{200d}🏫"),
        turned("o'hara"),
        turned("it's"),
    );
    let score = score_with(&[
        ("userId", &user),
        ("scoringUserId", &grader),
        ("comment", &comment),
        ("https://tool.example/\u{202e}", &turned("\\\"'")),
    ]);
    let unknown = score_with(&[("score\u{202e}Given", "1")]);
    for (score, parts) in [
        (
            score,
            &[
                "83 of 100 for learner o'brien 👩\u{200d}🏫\\u202e\\u009b\n",
                "Graded by   o'hara\\u202e\\u009b\n",
                "\"comment\":\"it's\\u202e\\u009b\"",
                "Extension   https://tool.example/\\u202e = \"\\\\\\\"'\\u202e\\u009b\"\n",
            ][..],
        ),
        (unknown, &["  /score\\u202eGiven  "]),
    ] {
        let text = ask(folder.path(), &score, &[]).stdout;
        assert!(!text.contains(['\u{202e}', '\u{9b}']), "{text}");
        for part in parts {
            assert!(text.contains(part), "no `{part}` in:\n{text}");
        }
    }
}

#[test]
fn the_time_of_arrival_is_what_at_says() {
    let folder = folder(TARDY);
    let at = |time| explained(folder.path(), SCORE, &["--at", time]);
    assert_eq!(at("2026-03-01T12:00:00Z")["decision"], "forwarded");
    assert_eq!(at("2026-03-01T12:00:01Z")["judged"]["scoreGiven"], 73);
    // A date begins at midnight UTC.
    assert_eq!(at("2026-03-01")["decision"], "forwarded");
    assert_eq!(at("2026-03-02")["judged"]["scoreGiven"], 73);
}

#[test]
fn the_text_tells_an_instructor_what_happens_and_why() {
    let folder = folder(TARDY);
    let ran = ask(folder.path(), &late_by_a_day_and_a_second(), &[]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    for part in [
        "93 of 100",
        "adjusted",
        "from policy `tardy`",
        "late (policy `tardy`): 93 of 100 -> 73 of 100",
        "1 day",
        "authorization: SERVICE-AUTH-V1 ***:***",
    ] {
        assert!(ran.stdout.contains(part), "no `{part}` in:\n{}", ran.stdout);
    }
}

/// A decision is about the value; the comment may leave as another all the same.
#[test]
fn the_text_tells_the_comment_from_the_value() {
    let folder = folder("[[policy]]\nname = \"tidy\"\ncomment = { html = \"strip\" }\n");
    let text = |comment: &str| ask(folder.path(), &score_with(&[("comment", comment)]), &[]).stdout;
    let tidied = text("\"<b>Well done</b>\"");
    for part in [
        "Decision    forwarded: the value that leaves is the one that came; the comment is not\n",
        "  1. comment (policy `tidy`)\n     The comment lost its tags.\n",
    ] {
        assert!(tidied.contains(part), "no `{part}` in:\n{tidied}");
    }
    let plain = text("\"Well done\"");
    let decision = "Decision    forwarded: the value that leaves is the one that came\n";
    assert!(plain.contains(decision), "{plain}");
}

#[test]
fn the_text_rounds_what_has_no_end_and_says_so() {
    let folder = folder("[[policy]]\nname = \"scale\"\nrescale = { to = 100 }\n");
    let score = score_with(&[("scoreGiven", "5"), ("scoreMaximum", "7")]);
    let text = ask(folder.path(), &score, &[]).stdout;
    for part in [
        "Judged      about 71.43 of 100\n",
        "  1. rescale (policy `scale`): 5 of 7 -> about 71.43 of 100\n",
        "     Put on the scale of 100: about 71.43 of 100.\n",
        "\"scoreGiven\":71.42857142857142857142857143",
    ] {
        assert!(text.contains(part), "no `{part}` in:\n{text}");
    }
    let exact = ask(folder.path(), &score, &["--json"]).stdout;
    let judged = exact.split_once("\"judged\"").unwrap().1;
    assert!(judged.contains("71.42857142857142857142857143"), "{exact}");
}

#[test]
fn the_text_says_where_report_policies_would_change_nothing() {
    let late = format!("{TARDY}\n[[policy]]\nname = \"shadow\"\nmode = \"report\"\n");
    let score = late_by_a_day_and_a_second();
    for (percent, told) in [
        (60, "it would be adjusted\n  60 of 100 would stand\n"),
        (73, "the decision and the value would be the same\n"),
    ] {
        let folder = folder(&format!("{late}maximum = {{ percent = {percent} }}\n"));
        let text = ask(folder.path(), &score, &[]).stdout;
        let told = format!("\nWith the policies in report mode {told}");
        assert!(text.contains(&told), "no `{told}` in:\n{text}");
    }
}

/// Otherwise whoever gave a due date looks for the fault in it.
#[test]
fn the_text_says_why_a_late_score_lost_nothing() {
    let score = late_by_a_day_and_a_second();
    for (keys, reason) in [
        (
            "late = { kind = \"per_interval\", percent = 10, interval = \"24h\", floor_percent = 95 }",
            "1 day and 1 second late: nothing off, since the score is not above the floor of 95 %.",
        ),
        (
            "grace = \"2d\"\nlate = { kind = \"flat\", points = 10 }",
            "1 day and 1 second late, which the grace allows.",
        ),
        (
            "late = { kind = \"ceiling\", percent = 95 }",
            "1 day and 1 second late: nothing off, since the score is not above 95 % of its maximum.",
        ),
        (
            "late = { kind = \"flat\", points = 0 }",
            "1 day and 1 second late: nothing off, since what is taken off comes to 0.",
        ),
    ] {
        let folder = folder(&format!(
            "[[policy]]\nname = \"tardy\"\ndue = \"2026-03-01T12:00:00Z\"\n{keys}\n"
        ));
        let text = ask(folder.path(), &score, &[]).stdout;
        let told = format!(
            "  none changed or refused this score\n  late (policy `tardy`): 93 of 100, unchanged\n     {reason}\n"
        );
        assert!(text.contains(&told), "no `{told}` in:\n{text}");
        let json = explained(folder.path(), &score, &[]);
        assert_eq!(json["rules"], json!([]));
        assert_eq!(json["spared"][0]["reason"], *reason);
    }
    let folder = folder(TARDY);
    assert_eq!(explained(folder.path(), &score, &[]).get("spared"), None);
}

#[test]
fn a_receipt_tells_what_was_spared_then() {
    let (text, json) = told(
        &Upstream::accepting(),
        "[[policy]]\nname = \"tardy\"\ndue = \"2020-03-01T12:00:00Z\"\nlate = { kind = \"ceiling\", percent = 90 }\n",
    );
    assert_eq!(json["decision"], "forwarded");
    assert_eq!(json["spared"][0]["rule"], "late");
    let part = "nothing off, since the score is not above 90 % of its maximum.\n";
    assert!(text.contains(part), "no `{part}` in:\n{text}");
}

#[test]
fn a_file_is_read_in_place_of_stdin() {
    let folder = folder("");
    let file = folder.path().join("score.json");
    std::fs::write(&file, SCORE).unwrap();
    let explained = explained(folder.path(), "", &[file.to_str().unwrap()]);
    assert_eq!(explained["decision"], "forwarded");
    assert_eq!(explained["request"]["body"]["scoreGiven"], 83);
}

#[test]
fn a_ledger_that_is_not_there_is_an_empty_history_and_stays_away() {
    let folder = folder("[[policy]]\nname = \"best\"\nkeep = \"highest\"\n");
    let explained = explained(folder.path(), SCORE, &[]);
    assert_eq!(explained["decision"], "forwarded");
    assert!(!folder.path().join("scoregate.db").exists());
}

#[test]
fn what_was_recorded_of_the_cell_counts_and_explaining_records_nothing() {
    let upstream = Upstream::accepting();
    let policy = "[[policy]]\nname = \"once\"\nattempts = { max = 2 }\nkeep = \"highest\"\n";
    let gateway = Gateway::start(&settings(&upstream, policy));
    let folder = gateway.directory.path();
    assert_eq!(
        gateway.submit(score_with(&[("scoreGiven", "90")])).status,
        204
    );

    for _ in 0..3 {
        let second = explained(folder, &score_with(&[("scoreGiven", "40")]), &[]);
        assert_eq!(second["decision"], "kept", "{second:#}");
        assert_eq!(
            second["judged"],
            json!({"scoreGiven": 90, "scoreMaximum": 100})
        );
        assert_eq!(second.get("request"), None);
    }
    let other = score_with(&[("userId", "\"another\""), ("scoreGiven", "40")]);
    assert_eq!(explained(folder, &other, &[])["decision"], "forwarded");

    assert_eq!(
        gateway.submit(score_with(&[("scoreGiven", "95")])).status,
        204
    );
    let third = explained(folder, SCORE, &[]);
    assert_eq!(
        (&third["decision"], &third["code"]),
        (&json!("refused"), &json!("POLICY_REFUSED"))
    );
    assert_eq!(third["rules"][0]["rule"], "attempts");
    assert_eq!(third["rules"][0].get("output"), None);
    assert_eq!(third.get("judged"), None);
    assert_eq!(upstream.requests().len(), 2);
}

#[test]
fn a_receipt_shows_what_was_decided_then_and_nothing_is_judged_again() {
    let upstream = Upstream::accepting();
    let gateway = Gateway::start(&settings(&upstream, TARDY));
    let folder = gateway.directory.path();
    let score = late_by_a_day_and_a_second();
    let before = explained(folder, &score, &[]);
    let answer = gateway.submit(score);
    let receipt = answer.header("scoregate-receipt").unwrap();
    // From now on the configuration says something else.
    gateway.reconfigure(&settings(&upstream, ""));

    let mut after = recorded(folder, receipt).good_json();
    // The caller brought an ltik, which comes before the configured key.
    let authorization = &mut after["request"]["headers"]["authorization"];
    assert_eq!(authorization.take(), "LTIK-AUTH-V2 ***:***");
    *authorization = json!("SERVICE-AUTH-V1 ***:***");
    let entry = after.as_object_mut().unwrap().remove("entry").unwrap();
    assert_eq!(after, before);
    assert_eq!(entry["receipt"], receipt);
    assert!(entry["time"].as_str().unwrap().ends_with('Z'), "{entry}");
    assert_eq!(entry["account"], "main");
    assert_eq!(entry["caller"], "quiz-app");
    assert_eq!(entry["line_item"], ITEM);
    assert_eq!(entry["upstream"], json!({"status": 204}));
    assert_eq!(entry["taken"], "yes");
    let sent: Value = serde_json::from_str(&upstream.only().body()).unwrap();
    assert_eq!(after["request"]["body"], sent);
}

/// What the text says of a submission before this upstream.
fn told(upstream: &Upstream, policies: &str) -> (String, Value) {
    let gateway = Gateway::start(&settings(upstream, policies));
    let answer = gateway.submit(score_with(&[("scoreGiven", "90")]));
    let receipt = answer.header("scoregate-receipt").unwrap();
    let json = recorded(gateway.directory.path(), receipt).good_json();
    let config = gateway.config_file();
    let config = config.to_str().unwrap();
    let text = Ran::of(&["explain", "--config", config, "--receipt", receipt]).stdout;
    let time = json["entry"]["time"].as_str().unwrap();
    let text = text.replace(receipt, "RECEIPT").replace(time, "TIME");
    (text, json)
}

fn not_found() -> Upstream {
    Upstream::start(|_, _| {
        json_reply(
            404,
            r#"{"status":404,"error":"Not Found","details":{"message":"LINE_ITEM_NOT_FOUND","description":"There is none."}}"#,
        )
    })
}

#[test]
fn a_receipt_says_whether_the_score_arrived() {
    let (text, json) = told(&not_found(), "");
    let documented = DOCUMENT
        .lines()
        .skip_while(|line| *line != "Receipt     RECEIPT");
    for line in documented.take_while(|line| *line != "```") {
        assert!(
            text.contains(&format!("{line}\n")),
            "no `{line}` in:\n{text}"
        );
    }
    assert!(text.contains("Code        UPSTREAM_ERROR\n"), "{text}");
    assert!(!text.contains("Refusal"), "{text}");
    let answered = json!({"status": 404, "message": "LINE_ITEM_NOT_FOUND"});
    assert_eq!(json["entry"]["upstream"], answered);
    assert_eq!(json["entry"]["taken"], "no");

    let silent = Upstream::start(|_, _| Reply::ThenClose(Vec::new()));
    let (text, json) = told(&silent, "");
    for line in [
        "Decision    forwarded: to be sent as it came\n",
        "Judged      90 of 100, if LTIAAS took it\n",
        "LTIAAS      did not answer: whether it took the score is unknown\n",
        "Code        UPSTREAM_UNREACHABLE\n",
    ] {
        assert!(text.contains(line), "no `{line}` in:\n{text}");
    }
    assert_eq!(json["entry"].get("upstream"), None);
    assert_eq!(json["entry"]["taken"], "unknown");

    let (text, _) = told(&Upstream::accepting(), "");
    for line in [
        "Decision    forwarded: the value that leaves is the one that came\n",
        "Judged      90 of 100\n",
        "LTIAAS      answered 204: it took the score\n",
    ] {
        assert!(text.contains(line), "no `{line}` in:\n{text}");
    }
}

#[test]
fn a_receipt_says_that_nothing_was_sent_where_ltiaas_was_not_reached() {
    let (_held, address) = refusing_address();
    let mut upstream = Upstream::accepting();
    upstream.address = address;
    let (text, json) = told(&upstream, TARDY);
    for line in [
        "Decision    adjusted: to be sent with another value than came\n",
        "which does not stand: LTIAAS did not take it\n",
        "LTIAAS      was not reached; nothing was sent\n",
        "Code        UPSTREAM_UNREACHABLE\n",
        "\nNothing was sent to LTIAAS\n",
    ] {
        assert!(text.contains(line), "no `{line}` in:\n{text}");
    }
    for untrue in ["that leaves", "Nothing is sent", "Refusal"] {
        assert!(!text.contains(untrue), "{text}");
    }
    assert_eq!(json["entry"]["taken"], "no");
}

#[test]
fn a_receipt_says_that_an_edited_grade_stands_in_place_of_what_was_judged() {
    let edited = Upstream::start(|request, _| match request.method() {
        "GET" => json_reply(
            200,
            r#"{"scores":[{"userId":"5323497","resultScore":70,"resultMaximum":100}]}"#,
        ),
        _ => reply(204, "", ""),
    });
    let (text, json) = told(
        &edited,
        "[[policy]]\nname = \"staff\"\noverride = \"protect\"\n",
    );
    assert_eq!(json["decision"], "kept");
    let line = "Judged      90 of 100, which does not stand: the LMS has 70 of 100\n";
    assert!(text.contains(line), "no `{line}` in:\n{text}");
}

#[test]
fn a_receipt_says_that_ltiaas_was_only_asked() {
    let policy = "[[policy]]\nname = \"scale\"\nrescale = { to = \"line_item\" }\n";
    let (text, json) = told(&not_found(), policy);
    for line in [
        "LTIAAS      answered 404 LINE_ITEM_NOT_FOUND when asked what the LMS has; nothing was sent\n",
        "\nNo policy was asked: what it has to know could not be had\n",
    ] {
        assert!(text.contains(line), "no `{line}` in:\n{text}");
    }
    assert_eq!(json["entry"].get("taken"), None);
}

#[test]
fn a_text_of_ltiaas_is_not_taken_for_its_code() {
    let upstream = Upstream::start(|_, _| {
        json_reply(
            400,
            r#"{"details":{"message":"Jane Doe is no student here"}}"#,
        )
    });
    let (text, json) = told(&upstream, "");
    assert!(!text.contains("Jane"), "{text}");
    assert_eq!(json["entry"]["upstream"], json!({"status": 400}));
}

#[test]
fn a_receipt_of_a_refusal_says_why() {
    let upstream = Upstream::accepting();
    let policy = "[[policy]]\nname = \"cap\"\nmaximum = { percent = 100, over = \"refuse\" }\n";
    let gateway = Gateway::start(&settings(&upstream, policy));
    let folder = gateway.directory.path();
    for (given, code) in [("110", "POLICY_REFUSED"), ("\"x\"", "INVALID_SCORE")] {
        let answer = gateway.submit(score_with(&[("scoreGiven", given)]));
        assert_envelope(&answer, 422, code);
        let shown = recorded(folder, answer.header("scoregate-receipt").unwrap()).good_json();
        assert_eq!(
            (&shown["decision"], &shown["code"]),
            (&json!("refused"), &json!(code))
        );
        let told = &answer.json()["details"];
        assert_eq!(shown["description"], told["description"]);
        assert_eq!(shown.get("errors"), told.get("errors"));
        assert_eq!(shown.get("request"), None);
    }
}

#[test]
fn a_receipt_of_what_was_no_score_lists_its_faults_and_whose_it_was() {
    let upstream = Upstream::accepting();
    let gateway = Gateway::start(&settings(&upstream, ""));
    let folder = gateway.directory.path();
    let explained = |body: &str| {
        let answer = gateway.submit(body);
        assert_envelope(&answer, 422, "INVALID_SCORE");
        let receipt = answer.header("scoregate-receipt").unwrap().to_owned();
        (recorded(folder, &receipt), answer.json(), receipt)
    };
    let (shown, told, receipt) = explained(r#"{"userId":"u-1","scoregiven":5,"scoreMaximum":-1}"#);
    let shown = shown.good_json();
    assert_eq!(shown["errors"], told["details"]["errors"]);
    assert_eq!(shown["errors"].as_array().unwrap().len(), 4, "{shown}");
    let config = folder.join("scoregate.toml");
    let list = ["ledger", "list", "--user", "u-1", "--json", "--config"];
    let list: Vec<_> = list.into_iter().chain(config.to_str()).collect();
    let listed = Ran::with(&list, "").good_json();
    assert_eq!(listed[0]["receipt"], *receipt);
    // Nobody could ever have what the caller made up erased.
    let (shown, ..) = explained(r#"{"jane.doe@example.edu":5,"scoreMaximum":-1}"#);
    let shown = shown.good_json();
    assert!(!shown.to_string().contains("jane"), "{shown}");
    let fields: Vec<_> = shown["errors"].as_array().unwrap().iter().collect();
    assert_eq!(fields.len(), 4, "{shown}");
    let many: String = (0..40).map(|number| format!("\"x{number}\":1,")).collect();
    let (shown, ..) = explained(&format!(r#"{{{many}"userId":"u-1"}}"#));
    assert_eq!(shown.good_json()["errors"].as_array().unwrap().len(), 16);
}

/// What was sealed is gone, and nothing untrue is said in its place.
#[test]
fn a_receipt_of_an_erased_learner_says_what_is_left() {
    let upstream = Upstream::accepting();
    let gateway = Gateway::start(&settings(&upstream, TARDY));
    let folder = gateway.directory.path();
    let answer = gateway.submit(late_by_a_day_and_a_second());
    assert_eq!(answer.header("scoregate-decision"), Some("adjusted"));
    let receipt = answer.header("scoregate-receipt").unwrap();
    let before = recorded(folder, receipt).good_json();
    let (entry, judged) = (&before["entry"], &before["judged"]);
    let config = folder.join("scoregate.toml");
    let config = config.to_str().unwrap();
    let erase = [
        "ledger", "erase", "--user", "5323497", "--yes", "--config", config,
    ];
    assert_eq!(Ran::of(&erase).code, Some(0));
    assert_eq!(
        recorded(folder, receipt).good_json(),
        json!({
            "entry": entry,
            "user": "erased",
            "decision": "adjusted",
            "rules": [{"rule": "late", "policy": "tardy"}],
            "judged": judged,
        })
    );
    let text = Ran::of(&["explain", "--config", config, "--receipt", receipt]).stdout;
    assert!(text.contains("The learner was erased"), "{text}");
    assert!(text.contains("LTIAAS      answered 204\n"), "{text}");
    assert!(text.contains("1. late (policy `tardy`)"), "{text}");
    for untrue in ["no key is set", "Nothing is sent", "none changed"] {
        assert!(!text.contains(untrue), "{text}");
    }
}

#[test]
fn an_unknown_receipt_is_a_finding() {
    let upstream = Upstream::accepting();
    let gateway = Gateway::start(&settings(&upstream, ""));
    let receipt = gateway
        .submit(SCORE)
        .header("scoregate-receipt")
        .unwrap()
        .to_owned();
    let swapped: String = receipt.chars().rev().collect();
    for unknown in ["x", &swapped] {
        let ran = recorded(gateway.directory.path(), unknown);
        assert_eq!(ran.code, Some(1), "{}", ran.stderr);
        assert_eq!(ran.stdout, "");
    }
}

#[test]
fn report_policies_are_told_apart() {
    let folder =
        folder("[[policy]]\nname = \"shadow\"\nmode = \"report\"\nmaximum = { percent = 50 }\n");
    let explained = explained(folder.path(), SCORE, &[]);
    assert_eq!(explained["decision"], "forwarded");
    assert_eq!(explained["effective"], json!({}));
    assert_eq!(explained["rules"], json!([]));
    let reported = &explained["report"];
    assert_eq!(reported["rules"][0]["policy"], "shadow");
    assert_eq!(
        reported["judged"],
        json!({"scoreGiven": 50, "scoreMaximum": 100})
    );
    assert_eq!(explained["request"]["body"]["scoreGiven"], 83);
}

#[test]
fn what_would_be_refused_before_policy_is_explained_too() {
    let folder = folder("");
    let elsewhere = "https://other.example/1";
    for (score, more, code) in [
        ("{", &[][..], "MALFORMED_BODY"),
        ("{}", &[], "INVALID_SCORE"),
        (SCORE, &["--line-item", elsewhere], "LINE_ITEM_NOT_ALLOWED"),
    ] {
        let config = folder.path().join("scoregate.toml");
        let config = config.to_str().unwrap();
        let mut all = vec![
            "explain", "--json", "--config", config, "--caller", "quiz-app",
        ];
        all.extend(if more.is_empty() {
            &["--line-item", ITEM][..]
        } else {
            more
        });
        let explained = Ran::with(&all, score).good_json();
        assert_eq!(
            (&explained["decision"], &explained["code"]),
            (&json!("refused"), &json!(code))
        );
        assert_eq!(explained.get("request"), None);
        let errors = explained["errors"].as_array().map_or(0, Vec::len);
        assert_eq!(errors > 0, code == "INVALID_SCORE");
    }
    let whole = SCORE.len();
    let longest = format!("{}{SCORE}", " ".repeat(65_536 - whole));
    assert_eq!(
        explained(folder.path(), &longest, &[])["decision"],
        "forwarded"
    );
    let longer = explained(folder.path(), &format!(" {longest}"), &[]);
    assert_eq!(longer["code"], "BODY_TOO_LARGE");
}

#[test]
fn the_text_lists_the_faults_of_a_score_with_their_codes() {
    let folder = folder("");
    let text = ask(folder.path(), r#"{"userId":"u","scoregiven":5}"#, &[]).stdout;
    for line in [
        "Refusal     INVALID_SCORE The score has 3 faults\n",
        "  /activityProgress  REQUIRED  ",
        "  /scoregiven  UNKNOWN_MEMBER  ",
    ] {
        assert!(text.contains(line), "no `{line}` in:\n{text}");
    }
    assert!(!text.contains("`errors`"), "{text}");
}

#[test]
fn the_line_items_own_maximum_must_be_given_where_it_matters() {
    let folder = folder("[[policy]]\nname = \"scale\"\nrescale = { to = \"line_item\" }\n");
    let without = ask(folder.path(), SCORE, &["--json"]);
    assert_eq!(without.code, Some(2), "{}", without.stdout);
    assert!(
        without.stderr.contains("--line-item-maximum"),
        "{}",
        without.stderr
    );
    let with = explained(folder.path(), SCORE, &["--line-item-maximum", "10"]);
    assert_eq!(
        with["judged"],
        json!({"scoreGiven": 8.3, "scoreMaximum": 10})
    );
}

/// Without it, a policy in report mode would refuse what it never refuses.
#[test]
fn a_report_policy_needs_the_line_items_own_maximum_too() {
    let capped = "[[policy]]\nname = \"cap\"\nmaximum = { percent = 100 }\n";
    let shadow =
        "[[policy]]\nname = \"shadow\"\nmode = \"report\"\nrescale = { to = \"line_item\" }\n";
    let folder = folder(&format!("{capped}{shadow}"));
    let without = ask(folder.path(), SCORE, &["--json"]);
    assert_eq!(without.code, Some(2), "{}", without.stdout);
    let needed = "asks for the line item's own maximum: give it with --line-item-maximum";
    assert!(without.stderr.contains(needed), "{}", without.stderr);
    let with = explained(folder.path(), SCORE, &["--line-item-maximum", "10"]);
    assert_eq!(
        with["report"]["judged"],
        json!({"scoreGiven": 8.3, "scoreMaximum": 10})
    );
}

#[test]
fn what_is_no_value_of_an_option_is_said_in_its_own_words() {
    let folder = folder("");
    for (option, value, told) in [
        (
            "--at",
            "nonsense",
            "must be such as 2026-01-31T12:00:00Z or 2026-01-31",
        ),
        ("--line-item-maximum", "-1", "must not be negative"),
        ("--line-item-maximum", "ten", "for '--line-item-maximum"),
    ] {
        let ran = ask(folder.path(), SCORE, &[option, value]);
        assert_eq!(ran.code, Some(2), "{option} {value}: {}", ran.stdout);
        assert!(
            ran.stderr.contains(told),
            "{option} {value}: {}",
            ran.stderr
        );
    }
}

#[test]
fn wrong_usage_is_told_from_findings() {
    let folder = folder("");
    let config = folder.path().join("scoregate.toml");
    let config = config.to_str().unwrap();
    for (arguments, code) in [
        (vec!["explain", "--config", config], 2),
        (
            vec![
                "explain",
                "--config",
                config,
                "--caller",
                "nobody",
                "--line-item",
                ITEM,
            ],
            2,
        ),
        (
            vec![
                "explain",
                "--config",
                config,
                "--caller",
                "quiz-app",
                "--line-item",
                "http://x/1",
            ],
            2,
        ),
        (arguments(config, &["--at", "noon"]), 2),
        (arguments(config, &["/does/not/exist"]), 2),
        (arguments("/does/not/exist", &[]), 1),
    ] {
        let ran = Ran::with(&arguments, SCORE);
        assert_eq!(ran.code, Some(code), "{arguments:?} {}", ran.stderr);
        assert_eq!(ran.stdout, "", "{arguments:?}");
    }
}

#[test]
fn what_sends_nothing_needs_no_key_of_an_account() {
    let upstream = Upstream::accepting();
    let mut gateway = Gateway::start(&settings(&upstream, TARDY));
    let answer = gateway.submit(SCORE);
    let receipt = answer.header("scoregate-receipt").unwrap();
    gateway.signal("TERM");
    gateway.ended();
    let folder = gateway.directory.path();
    for file in ["api-key-0", "service-key"] {
        std::fs::remove_file(folder.join(file)).unwrap();
    }
    explained(folder, SCORE, &[]);
    recorded(folder, receipt).good_json();
    let config = folder.join("scoregate.toml");
    let config = config.to_str().unwrap();
    for more in [
        &["ledger", "list", "--config", config][..],
        &["ledger", "verify", "--config", config],
        &["replay", "--config", config, "--policy", config],
    ] {
        let ran = Ran::with(more, "");
        assert_eq!(ran.code, Some(0), "{more:?}: {}", ran.stderr);
    }
    let checked = Ran::with(&["check", "--config", config], "");
    assert_eq!(checked.code, Some(1), "{}", checked.stdout);
}
