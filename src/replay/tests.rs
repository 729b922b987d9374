//! Tables over the pure fold; the command is tested with the real binary.

use std::convert::Infallible;
use std::sync::Arc;

use super::*;
use crate::explanation::Recorded;
use crate::ledger::{BodyDigest, Decision, Json, Receipt};
use crate::policy::{
    Condition, Keep, Keys, Late, Match, Maximum, Mode, Over, Policy, Requirement, Requirements,
    Rescale, Role, Target,
};

const ITEM: &str = "https://lms.example.com/1";

fn decimal(text: &str) -> Decimal {
    Decimal::from_json(text).unwrap()
}

fn points(given: &str, maximum: &str) -> Points {
    Points {
        given: decimal(given),
        maximum: decimal(maximum),
    }
}

fn policy(keys: Keys) -> Policy {
    Policy {
        name: Arc::from("candidate"),
        mode: Mode::Enforce,
        matching: Match::default(),
        keys,
    }
}

fn cap(percent: &str) -> Policy {
    let maximum = Maximum {
        percent: decimal(percent),
        over: Over::Cap,
    };
    policy(Keys {
        maximum: Some(maximum),
        ..Keys::default()
    })
}

fn highest() -> Policy {
    policy(Keys {
        keep: Some(Keep::Highest),
        ..Keys::default()
    })
}

/// A submission of `given` of 100 that was forwarded as it came, at a second of its own.
fn entry(second: i64, user: &str, given: &str) -> Entry {
    let time = jiff::Timestamp::from_second(1_700_000_000 + second).unwrap();
    let submission = format!(
        r#"{{"userId":"{user}","activityProgress":"Completed","gradingProgress":"FullyGraded","scoreGiven":{given},"scoreMaximum":100}}"#
    );
    let stands = Some(points(given, "100"));
    Entry {
        receipt: Receipt::mint(time).unwrap(),
        time,
        account: "main".to_owned(),
        caller: "quiz-app".to_owned(),
        line_item: ITEM.to_owned(),
        user: Some(user.to_owned()),
        submission: Some(Json::written(submission)),
        score: None,
        body: BodyDigest::of(b""),
        decision: Decision::Forwarded,
        code: None,
        rules: Vec::new(),
        judged: stands,
        policy_generation: 1,
        sent: None,
        upstream: Some(204),
        duration_ms: 1,
        explanation: None,
        past: Some(Past {
            points: stands,
            timestamp: None,
            is_stamped: false,
            submitted_at: None,
            arrived: time,
            role: Role::Attempt,
            fate: Fate::Confirmed,
            stands,
            sent: None,
        }),
    }
}

/// One that changed nothing.
fn failed(code: Code, entry: Entry) -> Entry {
    Entry {
        decision: Decision::Refused,
        code: Some(code.name().to_owned()),
        judged: None,
        past: None,
        ..entry
    }
}

fn replayed(candidate: Policy, entries: &[Entry]) -> (Outcome, Skipped) {
    replayed_by(vec![candidate], entries)
}

fn replayed_by(candidate: Vec<Policy>, entries: &[Entry]) -> (Outcome, Skipped) {
    let mut replay = Replay::new(candidate);
    for entry in entries {
        let Ok(()) = replay.take(entry, |_| Ok::<_, Infallible>(Vec::new()));
    }
    let skipped = replay.skipped();
    (replay.outcome(), skipped)
}

fn json(outcome: &Outcome) -> String {
    serde_json::to_string(outcome).unwrap()
}

#[test]
fn changed_cells_are_listed_and_all_are_counted() {
    let entries = [
        entry(0, "b", "80.5"),
        entry(1, "a", "60"),
        entry(2, "c", "90"),
    ];
    let (outcome, _) = replayed(cap("70"), &entries);
    assert_eq!(
        json(&outcome),
        format!(
            r#"{{"cells":3,"up":0,"down":2,"unchanged":1,"line_items":[{{"account":"main","line_item":"{ITEM}","cells":3,"up":0,"down":2,"unchanged":1,"largest_percent":-20}}],"changes":[{{"account":"main","line_item":"{ITEM}","user":"b","before":{{"scoreGiven":80.5,"scoreMaximum":100}},"after":{{"scoreGiven":70,"scoreMaximum":100}},"difference_percent":-10.5}},{{"account":"main","line_item":"{ITEM}","user":"c","before":{{"scoreGiven":90,"scoreMaximum":100}},"after":{{"scoreGiven":70,"scoreMaximum":100}},"difference_percent":-20}}]}}"#
        )
    );
}

/// `given` of `maximum`, as it came.
fn entry_of(second: i64, user: &str, given: &str, maximum: &str) -> Entry {
    let entry = entry(second, user, given);
    let stands = Some(points(given, maximum));
    let submission = entry.submission.as_ref().unwrap().raw().unwrap().get();
    let of = format!("\"scoreMaximum\":{maximum}");
    let submission = submission.replace("\"scoreMaximum\":100", &of);
    Entry {
        submission: Some(Json::written(submission)),
        judged: stands,
        past: entry.past.map(|past| Past {
            points: stands,
            stands,
            ..past
        }),
        ..entry
    }
}

/// A third of 100 is kept with 28 digits.
#[test]
fn what_only_rounding_changes_is_unchanged() {
    let rescale = Rescale {
        to: Target::Number(decimal("100")),
    };
    let candidate = policy(Keys {
        rescale: Some(rescale),
        ..Keys::default()
    });
    let entries = [
        entry_of(0, "a", "1", "3"),
        entry_of(1, "b", "2", "3"),
        entry_of(2, "c", "5", "7"),
    ];
    let (outcome, _) = replayed(candidate, &entries);
    assert_eq!((outcome.all.cells, outcome.all.unchanged), (3, 3));
    assert_eq!(outcome.line_items[0].largest_percent, None);
}

#[test]
fn a_cell_is_folded_from_all_its_submissions() {
    let entries = [entry(0, "u", "80"), entry(1, "u", "50")];
    let (outcome, _) = replayed(highest(), &entries);
    assert_eq!((outcome.all.up, outcome.all.cells), (1, 1));
    assert_eq!(outcome.changes[0].after, Some(points("80", "100").into()));
}

#[test]
fn what_policy_refused_counts_and_what_was_no_score_or_did_not_arrive_does_not() {
    for (code, up) in [
        (Code::PolicyRefused, 1),
        (Code::StaleScore, 1),
        (Code::InvalidScore, 0),
        (Code::UpstreamError, 0),
        (Code::LedgerUnavailable, 0),
    ] {
        let entries = [entry(0, "u", "50"), failed(code, entry(1, "u", "90"))];
        let (outcome, _) = replayed(highest(), &entries);
        assert_eq!(outcome.all.up, up, "{}", code.name());
        assert_eq!(outcome.all.cells, 1);
    }
}

#[test]
fn what_came_before_the_first_entry_counts_as_it_was_judged() {
    let before = entry(0, "u", "90").past.unwrap();
    let mut replay = Replay::new(vec![highest()]);
    let Ok(()) = replay.take(&entry(1, "u", "50"), |cell| {
        assert_eq!((&*cell.user, &*cell.line_item), ("u", ITEM));
        Ok::<_, Infallible>(vec![before])
    });
    let Ok(()) = replay.take(&entry(2, "u", "40"), |_| -> Result<_, Infallible> {
        panic!("a cell is met once")
    });
    let outcome = replay.outcome();
    assert_eq!(outcome.changes[0].before, Some(points("40", "100").into()));
    assert_eq!(outcome.changes[0].after, Some(points("90", "100").into()));
}

#[test]
fn a_candidate_in_report_mode_is_replayed_as_it_would_be_enforced() {
    let candidate = Policy {
        mode: Mode::Report,
        ..cap("70")
    };
    let (outcome, _) = replayed(candidate, &[entry(0, "u", "80")]);
    assert_eq!(outcome.all.down, 1);
}

/// Laid over the others, as a report is, it would win where it stands first.
#[test]
fn a_candidate_of_both_modes_is_merged_in_the_order_of_the_file() {
    let allow = policy(Keys {
        maximum: Some(Maximum {
            percent: decimal("100"),
            over: Over::Allow,
        }),
        ..Keys::default()
    });
    let reported = Policy {
        mode: Mode::Report,
        ..cap("100")
    };
    let entries = [entry(0, "u", "110")];
    let (outcome, _) = replayed_by(vec![reported.clone(), allow.clone()], &entries);
    assert_eq!((outcome.all.down, outcome.all.unchanged), (0, 1));
    let (outcome, _) = replayed_by(vec![allow, reported], &entries);
    assert_eq!((outcome.all.down, outcome.all.unchanged), (1, 0));
}

#[test]
fn a_cell_whose_maximum_is_not_on_record_is_left_out() {
    let candidate = || {
        policy(Keys {
            rescale: Some(Rescale {
                to: Target::LineItem,
            }),
            ..Keys::default()
        })
    };
    let (outcome, skipped) = replayed(candidate(), &[entry(0, "u", "80"), entry(1, "u", "90")]);
    assert_eq!(skipped.without_maximum, 1);
    // Nothing is said of a cell of which nothing is known.
    assert_eq!(outcome.all.cells, 0);
    assert!(outcome.changes.is_empty() && outcome.line_items.is_empty());
    let recorded = Recorded {
        line_item_maximum: Some(decimal("20")),
        ..Recorded::default()
    };
    let known = Entry {
        explanation: Some(Json::written(serde_json::to_vec(&recorded).unwrap())),
        ..entry(0, "u", "80")
    };
    let (outcome, skipped) = replayed(candidate(), &[known]);
    assert_eq!(skipped.without_maximum, 0);
    // 16 of 20 is the same share.
    assert_eq!(outcome.all.unchanged, 1);
}

#[test]
fn an_erased_learner_is_left_out_and_counted() {
    let erased = Entry {
        user: None,
        submission: None,
        score: None,
        past: None,
        ..entry(0, "u", "80")
    };
    let (outcome, skipped) = replayed(cap("70"), &[erased]);
    assert_eq!(outcome.all.cells, 0);
    assert_eq!(skipped.erased, 1);
}

#[test]
fn a_policy_without_history_keeps_none() {
    let late_alone = Late::PerInterval {
        percent: decimal("10"),
        interval: crate::policy::Span::new(86_400, "24h"),
        of: crate::policy::Of::Possible,
        floor_percent: None,
    };
    for (candidate, keeps) in [
        (cap("70"), false),
        (highest(), true),
        (
            policy(Keys {
                late: Some(late_alone),
                ..Keys::default()
            }),
            false,
        ),
    ] {
        let mut replay = Replay::new(vec![candidate]);
        let entry = entry(0, "u", "80");
        let Ok(()) = replay.take(&entry, |_| Ok::<_, Infallible>(Vec::new()));
        assert_eq!(!replay.cell(&entry, "u").unwrap().history.is_empty(), keeps);
    }
}

#[test]
fn conditions_that_can_not_be_evaluated_are_counted_by_policy() {
    let compile = |text| Condition::compile(text).unwrap();
    let by_comment = Policy {
        name: "by-comment".into(),
        matching: Match {
            when: Some(compile("score.comment == 'x'")),
            ..Match::default()
        },
        ..cap("50")
    };
    let timely = Requirement {
        when: compile("timestamp(score.timestamp) < now"),
        message: "Late.".to_owned(),
    };
    let timely = Policy {
        name: "timely".into(),
        ..policy(Keys {
            require: Some(Requirements([timely].into())),
            ..Keys::default()
        })
    };
    let entries = [entry(0, "a", "80"), entry(1, "b", "90")];
    let (outcome, _) = replayed_by(vec![by_comment, timely], &entries);
    let told = outcome.failed_conditions.iter();
    let told: Vec<_> = told
        .map(|failed| (&*failed.policy, failed.key, failed.submissions))
        .collect();
    assert_eq!(
        told,
        [("by-comment", "match.when", 2), ("timely", "require", 2)]
    );
    assert!(outcome.failed_conditions[0].cause.contains("is absent"));
    let (outcome, _) = replayed(cap("50"), &entries);
    assert!(!json(&outcome).contains("failed_conditions"));
}
