use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn written(body: &str) -> String {
    let score = read(body.as_bytes(), UnknownMembers::Refuse).unwrap();
    String::from_utf8(score.write()).unwrap()
}

fn faults(body: &str) -> Vec<(String, String)> {
    match read(body.as_bytes(), UnknownMembers::Refuse) {
        Err(Unreadable::Invalid { faults, .. }) => faults
            .into_iter()
            .map(|fault| (fault.field, fault.code.into_owned()))
            .collect(),
        other => panic!("{other:?}"),
    }
}

fn malformed(body: &[u8]) -> Malformed {
    match read(body, UnknownMembers::Drop) {
        Err(Unreadable::Malformed(malformed)) => malformed,
        other => panic!("{other:?}"),
    }
}

/// A sound score with these members put in, or taken out where null.
fn with(members: Value) -> String {
    let mut score = json!({
        "userId": "u", "activityProgress": "Completed", "gradingProgress": "FullyGraded",
        "scoreGiven": 83, "scoreMaximum": 100,
    });
    for (name, value) in members.as_object().unwrap() {
        match value.is_null() {
            true => score.as_object_mut().unwrap().remove(name),
            false => score
                .as_object_mut()
                .unwrap()
                .insert(name.clone(), value.clone()),
        };
    }
    score.to_string()
}

#[test]
fn sloppy_scores_are_written_in_one_canonical_form() {
    for (given, canonical) in [
        (
            r#" {"activityProgress": "Completed", "comment": null, "gradingProgress": "FullyGraded", "scoreGiven": 83.0, "scoreMaximum": 100.0, "userId": "5323497"}"#,
            r#"{"userId":"5323497","activityProgress":"Completed","gradingProgress":"FullyGraded","scoreGiven":83,"scoreMaximum":100}"#,
        ),
        (
            r#"{"activityProgress": "Started", "comment": null, "gradingProgress": "NotReady", "scoreGiven": null, "scoreMaximum": null, "userId": "5323497"}"#,
            r#"{"userId":"5323497","activityProgress":"Started","gradingProgress":"NotReady"}"#,
        ),
        (
            r#"{"userId":42,"activityProgress":"initiated","gradingProgress":"fully_graded","scoreGiven":"8.50","scoreMaximum":"10","ltik":"x","id_token":{"a":1}}"#,
            r#"{"userId":"42","activityProgress":"Initialized","gradingProgress":"FullyGraded","scoreGiven":8.5,"scoreMaximum":10}"#,
        ),
        (
            r#"{"userId":12345678901234567890123456789012345,"activityProgress":"Submitted","gradingProgress":"Pending-Manual","scoreGiven":-0.0,"scoreMaximum":1e0}"#,
            r#"{"userId":"12345678901234567890123456789012345","activityProgress":"Submitted","gradingProgress":"PendingManual","scoreGiven":0,"scoreMaximum":1}"#,
        ),
        (
            "\u{feff}{\"userId\":\"1\",\"activityProgress\":\"Completed\",\"gradingProgress\":\"FullyGraded\",\"scoreMaximum\":0,\"comment\":\"\\u00e9 \\u2713 \\\"q\\\" <b>x</b>\"}",
            r#"{"userId":"1","activityProgress":"Completed","gradingProgress":"FullyGraded","comment":"é ✓ \"q\" <b>x</b>"}"#,
        ),
        (
            r#"{"userId":"1","activityProgress":"Completed","gradingProgress":"FullyGraded","timestamp":"2017-04-16t18:54:36.736z","submission":{"submittedAt":"2017-04-16T18:54:36+02:00","startedAt":null},"scoringUserId":"9","https://canvas.instructure.com/lti/submission":{"new_submission" : false, "n": 1.50e3, "x":[ null ]}}"#,
            r#"{"userId":"1","activityProgress":"Completed","gradingProgress":"FullyGraded","timestamp":"2017-04-16T18:54:36.736Z","submission":{"submittedAt":"2017-04-16T18:54:36+02:00"},"scoringUserId":"9","https://canvas.instructure.com/lti/submission":{"new_submission":false,"n":1.50e3,"x":[null]}}"#,
        ),
        (
            r#"{"userId":"1","activityProgress":"Completed","gradingProgress":"FullyGraded","submission":{}}"#,
            r#"{"userId":"1","activityProgress":"Completed","gradingProgress":"FullyGraded"}"#,
        ),
    ] {
        assert_eq!(written(given), canonical);
    }
}

#[test]
fn each_faulty_member_is_named_with_its_code() {
    for (members, field, code) in [
        (json!({"userId": null}), "/userId", "REQUIRED"),
        (json!({"userId": ""}), "/userId", "REQUIRED"),
        (json!({"userId": {"a": 1}}), "/userId", "TYPE"),
        (json!({"userId": true}), "/userId", "TYPE"),
        (json!({"userId": 1.5}), "/userId", "TYPE"),
        (
            json!({"activityProgress": null}),
            "/activityProgress",
            "REQUIRED",
        ),
        (
            json!({"activityProgress": "Done"}),
            "/activityProgress",
            "UNKNOWN_VALUE",
        ),
        (
            json!({"gradingProgress": 1}),
            "/gradingProgress",
            "UNKNOWN_VALUE",
        ),
        (json!({"scoreGiven": -1}), "/scoreGiven", "RANGE"),
        (json!({"scoreGiven": "8,5"}), "/scoreGiven", "TYPE"),
        (json!({"scoreGiven": "N/A"}), "/scoreGiven", "TYPE"),
        (json!({"scoreGiven": "1e2"}), "/scoreGiven", "TYPE"),
        (json!({"scoreGiven": [1]}), "/scoreGiven", "TYPE"),
        (json!({"scoreGiven": true}), "/scoreGiven", "TYPE"),
        (json!({"scoreGiven": 1e300}), "/scoreGiven", "RANGE"),
        (json!({"scoreMaximum": null}), "/scoreMaximum", "REQUIRED"),
        (json!({"scoreMaximum": 0}), "/scoreMaximum", "RANGE"),
        (json!({"scoreMaximum": "x"}), "/scoreMaximum", "TYPE"),
        (
            json!({"scoreGiven": null, "scoreMaximum": "x"}),
            "/scoreMaximum",
            "TYPE",
        ),
        (json!({"comment": 1}), "/comment", "TYPE"),
        (json!({"timestamp": "yesterday"}), "/timestamp", "FORMAT"),
        (json!({"timestamp": 1}), "/timestamp", "TYPE"),
        (json!({"submission": []}), "/submission", "TYPE"),
        (
            json!({"submission": {"startedAt": "a"}}),
            "/submission/startedAt",
            "FORMAT",
        ),
        (
            json!({"submission": {"x/~": 1}}),
            "/submission/x~1~0",
            "UNKNOWN_MEMBER",
        ),
        (json!({"scoringUserId": ""}), "/scoringUserId", "FORMAT"),
        (json!({"https://": 1}), "/https:~1~1", "UNKNOWN_MEMBER"),
        (json!({"Comment": "x"}), "/Comment", "UNKNOWN_MEMBER"),
    ] {
        assert_eq!(
            faults(&with(members.clone())),
            [(field.to_owned(), code.to_owned())],
            "{members}"
        );
    }
}

#[test]
fn all_faults_are_reported_at_once() {
    let body = r#"{"userId":"","activityProgress":"Done","scoregiven":83,"scoreGiven":"x","scoreMaximum":-1,"timestamp":"t"}"#;
    let fields: Vec<_> = faults(body).into_iter().map(|(field, _)| field).collect();
    assert_eq!(
        fields,
        [
            "/userId",
            "/activityProgress",
            "/scoregiven",
            "/scoreGiven",
            "/timestamp",
            "/scoreMaximum",
            "/gradingProgress"
        ]
    );
}

#[test]
fn an_unknown_member_is_answered_with_the_one_that_was_meant() {
    for (name, meant) in [
        ("scoregiven", Some("scoreGiven")),
        ("score_given", Some("scoreGiven")),
        ("scoreGive", Some("scoreGiven")),
        ("maxScore", None),
        ("scoring_user_id", Some("scoringUserId")),
        ("user_id", Some("userId")),
        ("commment", Some("comment")),
        ("zzz", None),
    ] {
        let Err(Unreadable::Invalid { faults, .. }) =
            read(with(json!({name: 1})).as_bytes(), UnknownMembers::Refuse)
        else {
            panic!("{name}");
        };
        let message = &faults[0].message;
        match meant {
            Some(meant) => assert!(
                message.ends_with(&format!("Did you mean {meant}?")),
                "{name}: {message}"
            ),
            None => assert!(!message.contains("Did you mean"), "{name}: {message}"),
        }
    }
    assert!(
        read(
            with(json!({"zzz": {"a": [1]}})).as_bytes(),
            UnknownMembers::Drop
        )
        .is_ok()
    );
}

#[test]
fn what_parsers_could_read_differently_is_malformed() {
    let deep = |depth: usize| {
        format!(
            "{{\"https://x\":{}{}}}",
            "[".repeat(depth),
            "]".repeat(depth)
        )
    };
    let cases: Vec<(Vec<u8>, Malformed)> = vec![
        (b"".to_vec(), Malformed::Empty),
        (b" \n".to_vec(), Malformed::Empty),
        (b"{".to_vec(), Malformed::Syntax),
        (b"{\"a\":1,}".to_vec(), Malformed::Syntax),
        (b"{\"a\":NaN}".to_vec(), Malformed::Syntax),
        (b"{\"a\":01}".to_vec(), Malformed::Syntax),
        (b"{} {}".to_vec(), Malformed::Syntax),
        (b"{}x".to_vec(), Malformed::Syntax),
        (b"{\"a\":\"\\ud800\"}".to_vec(), Malformed::Syntax),
        (b"{\"\\ud800\":1}".to_vec(), Malformed::Syntax),
        (b"{\"a\":\"\x01\"}".to_vec(), Malformed::Syntax),
        (b"[]".to_vec(), Malformed::NotAnObject),
        (b"[{}]".to_vec(), Malformed::NotAnObject),
        (b"\"x\"".to_vec(), Malformed::NotAnObject),
        (b"null".to_vec(), Malformed::NotAnObject),
        (b"userId=1".to_vec(), Malformed::Syntax),
        (b"{\"a\":\"\xff\"}".to_vec(), Malformed::NotUtf8),
        (b"{\"a\":1,\"\\u0061\":2}".to_vec(), Malformed::Duplicate),
        (
            b"{\"https://x\":{\"b\":[{\"a\":1,\"a\":2}]}}".to_vec(),
            Malformed::Duplicate,
        ),
        (
            b"{\"ltik\":{\"a\":1,\"a\":2}}".to_vec(),
            Malformed::Duplicate,
        ),
        (
            b"{\"userId\":{\"a\":1,\"a\":2}}".to_vec(),
            Malformed::Duplicate,
        ),
        (
            b"{\"submission\":{\"a\":1,\"a\":2}}".to_vec(),
            Malformed::Duplicate,
        ),
        (deep(32).into_bytes(), Malformed::TooDeep),
        (deep(30_000).into_bytes(), Malformed::TooDeep),
        ("[".repeat(60_000).into_bytes(), Malformed::Syntax),
        ("{\"a\":".repeat(10_000).into_bytes(), Malformed::Syntax),
    ];
    for (body, why) in cases {
        assert_eq!(
            malformed(&body),
            why,
            "{}",
            String::from_utf8_lossy(&body[..body.len().min(40)])
        );
    }
    let deepest = with(json!({})).replacen(
        '{',
        &format!("{{\"https://x\":{}{},", "[".repeat(31), "]".repeat(31)),
        1,
    );
    assert!(read(deepest.as_bytes(), UnknownMembers::Refuse).is_ok());
}

/// The score is level 1, so `submission` is level 2, and what stands in it is deeper.
#[test]
fn depth_is_counted_from_the_score_wherever_a_value_stands() {
    let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    for (before, after, levels) in [
        ("{\"https://x\":", "}", 31),
        ("{\"unknown\":", "}", 31),
        ("{\"ltik\":", "}", 31),
        ("{\"comment\":", "}", 31),
        ("{\"scoreGiven\":", "}", 31),
        ("{\"gradingProgress\":", "}", 31),
        ("{\"submission\":", "}", 31),
        ("{\"submission\":{\"unknown\":", "}}", 30),
        ("{\"submission\":{\"startedAt\":", "}}", 30),
        ("{\"submission\":{\"submittedAt\":", "}}", 30),
    ] {
        let body = |levels| format!("{before}{}{after}", nested(levels));
        let deepest = read(body(levels).as_bytes(), UnknownMembers::Drop);
        let is_sound = matches!(deepest, Err(Unreadable::Invalid { .. }));
        assert!(is_sound, "{before}: {deepest:?}");
        let deeper = body(levels + 1);
        assert_eq!(malformed(deeper.as_bytes()), Malformed::TooDeep, "{before}");
    }
}

#[test]
fn thousands_of_members_are_read_in_time() {
    let members: Vec<_> = (0..5_000).map(|index| format!("\"m{index}\":0")).collect();
    let body = format!("{{{}}}", members.join(","));
    assert_eq!(faults(&body).len(), 5_003);
}

#[test]
fn other_bodies_keep_their_value_less_nulls_and_tokens() {
    for (given, sent) in [
        (
            r#"{"endDateTime": null, "label": "Quiz", "scoreMaximum": 100.0, "tag": "é \u0000"}"#,
            "{\"label\":\"Quiz\",\"scoreMaximum\":100.0,\"tag\":\"é \\u0000\"}",
        ),
        (
            r#"{"ltik":"x","a":{"id_token":1,"b":null,"c":[null,{"d":null}]}}"#,
            r#"{"a":{"id_token":1,"c":[null,{}]}}"#,
        ),
        (
            r#"{"n":12345678901234567890.10e5}"#,
            r#"{"n":12345678901234567890.10e5}"#,
        ),
        ("{}", "{}"),
    ] {
        assert_eq!(
            String::from_utf8(rewrite(given.as_bytes()).unwrap()).unwrap(),
            sent
        );
    }
    for body in [
        "",
        "[]",
        "{\"a\":1,\"a\":1}",
        "{\"a\":{\"b\":1,\"b\":1}}",
        "{}{}",
    ] {
        assert!(rewrite(body.as_bytes()).is_err(), "{body}");
    }
}

#[test]
fn a_score_shows_no_learner_and_no_comment_when_it_is_printed() {
    let body = with(json!({"userId": "learner-1", "comment": "private", "https://x": "private"}));
    let printed = format!(
        "{:?}",
        read(body.as_bytes(), UnknownMembers::Refuse).unwrap()
    );
    assert!(
        !printed.contains("learner-1") && !printed.contains("private"),
        "{printed}"
    );
}

fn any_score() -> impl Strategy<Value = Value> {
    let number = prop_oneof![
        (0_u64..1_000_000, 1_u32..100)
            .prop_map(|(whole, part)| json!(f64::from(part) / 8.0 + whole as f64)),
        any::<u32>().prop_map(|whole| json!(u64::from(whole) + 1)),
        (1_u32..1000, 0_u32..1000).prop_map(|(whole, part)| json!(format!("{whole}.{part}"))),
    ];
    let time = Just(json!("2026-11-24T13:00:00.5+01:00"));
    (
        prop_oneof![".{1,20}".prop_map(Value::from), any::<u64>().prop_map(Value::from)],
        prop::sample::select(vec!["Initiated", "started", "IN_PROGRESS", "Submitted", "completed"]),
        prop::sample::select(vec!["FullyGraded", "pending", "pending_manual", "Failed", "not-ready"]),
        prop::option::of((number.clone(), number)),
        prop::option::of(".{0,40}"),
        prop::option::of(time),
        prop::option::of(".{0,20}"),
    )
        .prop_map(|(user, activity, grading, points, comment, time, extension)| {
            let mut score = json!({"userId": user, "activityProgress": activity, "gradingProgress": grading, "comment": comment});
            if let Some((given, maximum)) = points {
                score["scoreGiven"] = given;
                score["scoreMaximum"] = maximum;
            }
            if let Some(time) = time {
                score["submission"] = json!({"submittedAt": time});
            }
            if let Some(text) = extension {
                score["https://example.org/ext"] = json!({"text": text, "n": 1.25});
            }
            score
        })
}

proptest! {
    #[test]
    fn normalizing_twice_changes_nothing(score in any_score()) {
        let once = read(score.to_string().as_bytes(), UnknownMembers::Refuse).unwrap();
        let twice = read(&once.write(), UnknownMembers::Refuse).unwrap();
        prop_assert_eq!(once.write(), twice.write());
        prop_assert!(once == twice);
    }

    #[test]
    fn what_is_sent_is_the_same_score_to_any_parser(score in any_score()) {
        let read = read(score.to_string().as_bytes(), UnknownMembers::Refuse).unwrap();
        let sent: Value = serde_json::from_slice(&read.write()).unwrap();
        let user = score["userId"].as_str().map_or_else(|| score["userId"].to_string(), str::to_owned);
        prop_assert_eq!(sent["userId"].as_str(), Some(user.as_str()));
        prop_assert_eq!(sent.get("comment"), Some(&score["comment"]).filter(|comment| !comment.is_null()));
        prop_assert_eq!(sent.get("https://example.org/ext"), score.get("https://example.org/ext"));
        let number = |value: &Value| value.as_f64().or_else(|| value.as_str()?.parse().ok());
        for name in ["scoreGiven", "scoreMaximum"] {
            prop_assert_eq!(sent.get(name).and_then(number), score.get(name).and_then(number));
        }
    }

    #[test]
    fn no_bytes_panic(body in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = read(&body, UnknownMembers::Refuse);
        let _ = rewrite(&body);
    }

    #[test]
    fn nothing_like_json_panics(body in r#"[{}\[\]",:\\a-e0-9.u -]{0,80}"#) {
        let _ = read(body.as_bytes(), UnknownMembers::Drop);
        let _ = rewrite(body.as_bytes());
    }
}

/// A maximum says nothing without a score, but a score that is refused anyway hears of all of it.
#[test]
fn a_wrong_maximum_is_a_fault_wherever_the_score_has_another() {
    let fields = |body: &str| match read(body.as_bytes(), UnknownMembers::Refuse) {
        Err(Unreadable::Invalid { faults, .. }) => faults
            .into_iter()
            .map(|fault| fault.field)
            .collect::<Vec<_>>(),
        Ok(_) => Vec::new(),
        Err(Unreadable::Malformed(fault)) => panic!("{fault}"),
    };
    let good = r#""userId":"1","activityProgress":"Started","gradingProgress":"Pending""#;
    assert_eq!(
        fields(&format!(r#"{{{good},"scoregiven":5,"scoreMaximum":-1}}"#)),
        ["/scoregiven", "/scoreMaximum"]
    );
    assert!(fields(&format!(r#"{{{good},"scoreMaximum":0}}"#)).is_empty());
}
