//! The pure core, rule by rule.

mod cells;
mod docs;
mod explanations;
mod long;
mod random;
mod reference;
mod vectors;
mod whole;

use super::*;
use crate::config::policies_of;
use crate::line_item::Pattern;
use crate::score::{Decimal, Points, Score, UnknownMembers, read};

fn decimal(text: &str) -> Decimal {
    Decimal::from_json(text).unwrap()
}

fn points(given: &str, maximum: &str) -> Points {
    Points {
        given: decimal(given),
        maximum: decimal(maximum),
    }
}

fn score(given: &str, maximum: &str) -> Score {
    let body = format!(
        r#"{{"userId":"u","activityProgress":"Completed","gradingProgress":"FullyGraded","scoreGiven":{given},"scoreMaximum":{maximum}}}"#
    );
    read(body.as_bytes(), UnknownMembers::Refuse).unwrap()
}

fn subject(score: &Score) -> Subject<'_> {
    Subject {
        caller: "quiz-app",
        account: "main",
        line_item: "https://lms.example.edu/1",
        score,
        now: "2025-03-10T12:00:00Z".parse().unwrap(),
    }
}

fn policy(name: &str, keys: Keys) -> Policy {
    Policy {
        name: name.into(),
        mode: Mode::Enforce,
        matching: Match::default(),
        keys,
    }
}

fn maximum(percent: &str, over: Over) -> Keys {
    let percent = decimal(percent);
    Keys {
        maximum: Some(Maximum { percent, over }),
        ..Keys::default()
    }
}

fn judged(policies: Vec<Policy>, score: &Score) -> Judgement {
    let subject = subject(score);
    let in_force = Policies::new(policies).effective(&subject);
    assert_eq!(in_force.failures, []);
    let submission = Submission {
        subject,
        line_item_maximum: None,
        shown: Shown::Unread,
    };
    judge(&submission, &[], &in_force.enforced)
}

#[test]
fn maximum_caps_refuses_or_allows() {
    use Decision::{Adjusted, Forwarded, Refused};
    for (percent, over, given, of, decision, left) in [
        ("100", Over::Cap, "110", "100", Adjusted, Some("100")),
        ("100", Over::Cap, "100", "100", Forwarded, Some("100")),
        (
            "100",
            Over::Cap,
            "100.0000000000000000000000001",
            "100",
            Adjusted,
            Some("100"),
        ),
        ("100", Over::Allow, "110", "100", Forwarded, Some("110")),
        ("100", Over::Refuse, "110", "100", Refused, None),
        ("100", Over::Refuse, "100", "100", Forwarded, Some("100")),
        ("110", Over::Cap, "111", "100", Adjusted, Some("110")),
        ("33.3", Over::Cap, "1", "3", Adjusted, Some("0.999")),
        ("0", Over::Cap, "1", "3", Adjusted, Some("0")),
        ("50", Over::Cap, "1e28", "1e28", Adjusted, Some("5e27")),
        ("1", Over::Cap, "1", "1e-28", Adjusted, Some("0")),
        (
            "99.99999999",
            Over::Cap,
            "9",
            "1.234567890123456789012345678",
            Adjusted,
            Some("1.234567889999999999999999999"),
        ),
    ] {
        let judgement = judged(vec![policy("p", maximum(percent, over))], &score(given, of));
        let left = left.map(|left| points(left, of));
        let leaves = judgement.leaves.as_ref().and_then(|leaving| leaving.points);
        assert_eq!(
            (judgement.decision, leaves),
            (decision, left),
            "{percent} {over:?} {given}/{of}"
        );
        assert_eq!(judgement.rules().is_some(), decision != Forwarded);
    }
}

#[test]
fn a_refusal_names_its_policy_and_rule() {
    let refused = judged(
        vec![policy("strict", maximum("100", Over::Refuse))],
        &score("101", "100"),
    );
    let Some(RefusedBy::Policy { owner, .. }) = refused.refused_by else {
        panic!("{refused:?}");
    };
    assert_eq!((&*owner.policy, owner.rule), ("strict", "maximum"));
}

#[test]
fn a_later_policy_wins_key_by_key_and_keeps_its_name() {
    let policies = vec![
        policy("first", maximum("100", Over::Cap)),
        policy("second", maximum("120", Over::Cap)),
    ];
    let judgement = judged(policies, &score("130", "100"));
    assert_eq!(judgement.stands, Some(points("120", "100")));
    assert_eq!(&*judgement.acts[0].policy, "second");
}

#[test]
fn a_report_policy_changes_nothing_and_says_what_it_would_have_done() {
    let shadow = Policy {
        mode: Mode::Report,
        ..policy("shadow", maximum("50", Over::Cap))
    };
    let score = score("130", "100");
    let subject = subject(&score);
    let policies = Policies::new(vec![policy("real", maximum("100", Over::Cap)), shadow]);
    let in_force = policies.effective(&subject);
    let submission = Submission {
        subject,
        line_item_maximum: None,
        shown: Shown::Unread,
    };
    let real = judge(&submission, &[], &in_force.enforced);
    assert_eq!(
        (real.stands, real.report(&real)),
        (Some(points("100", "100")), None)
    );
    let reported = judge(&submission, &[], &in_force.reported.unwrap());
    assert_eq!(reported.stands, Some(points("50", "100")));
    assert_eq!(
        reported.report(&real).as_deref(),
        Some("maximum;policy=shadow")
    );
}

/// A key that no rule is named after acts through another's.
#[test]
fn a_report_policy_that_moves_a_date_shows_through_the_rule_that_goes_by_it() {
    let keys = |text: &str| policies_of(&format!("[[policy]]\nname = 'real'\n{text}\n"));
    let mut all = keys("late = { kind = 'flat', percent = 10 }");
    all.extend(keys("due = '2020-01-01T00:00:00Z'\nmode = 'report'"));
    let score = score("80", "100");
    let subject = subject(&score);
    let in_force = Policies::new(all).effective(&subject);
    let submission = Submission {
        subject,
        line_item_maximum: None,
        shown: Shown::Unread,
    };
    let real = judge(&submission, &[], &in_force.enforced);
    let reported = judge(&submission, &[], &in_force.reported.unwrap());
    assert_eq!(real.report(&real), None);
    assert_eq!(reported.report(&real).as_deref(), Some("late;policy=real"));
}

#[test]
fn only_what_matches_takes_part() {
    let line_items = |text: &str| vec![Pattern::parse(text).unwrap()];
    let when = |text: &str| Some(Condition::compile(text).unwrap());
    let any = Match::default;
    for (matching, takes_part) in [
        (any(), true),
        (
            Match {
                callers: vec!["quiz-app".into()],
                ..any()
            },
            true,
        ),
        (
            Match {
                callers: vec!["other".into()],
                ..any()
            },
            false,
        ),
        (
            Match {
                accounts: vec!["main".into()],
                ..any()
            },
            true,
        ),
        (
            Match {
                accounts: vec!["other".into()],
                callers: vec!["quiz-app".into()],
                ..any()
            },
            false,
        ),
        (
            Match {
                line_items: line_items("https://lms.example.edu/*"),
                ..any()
            },
            true,
        ),
        (
            Match {
                line_items: line_items("https://*.example.edu/*"),
                ..any()
            },
            true,
        ),
        (
            Match {
                line_items: line_items("**"),
                ..any()
            },
            true,
        ),
        (
            Match {
                line_items: line_items("https://lms.example.edu/2"),
                ..any()
            },
            false,
        ),
        (
            Match {
                when: when("score.percent > 100.0"),
                ..any()
            },
            true,
        ),
        (
            Match {
                when: when("score.percent < 100.0"),
                ..any()
            },
            false,
        ),
    ] {
        let policy = Policy {
            matching: matching.clone(),
            ..policy("p", maximum("100", Over::Cap))
        };
        let adjusted = judged(vec![policy], &score("110", "100")).decision == Decision::Adjusted;
        assert_eq!(adjusted, takes_part, "{matching:?}");
    }
}

#[test]
fn a_condition_that_can_not_be_evaluated_is_no_match_and_is_told() {
    let matching = Match {
        when: Some(Condition::compile("score.comment == 'x'").unwrap()),
        ..Match::default()
    };
    let policy = Policy {
        matching,
        ..policy("p", maximum("50", Over::Cap))
    };
    let score = score("1", "1");
    let in_force = Policies::new(vec![policy]).effective(&subject(&score));
    assert_eq!(&*in_force.failures[0].policy, "p");
    assert_eq!(in_force.enforced.maximum, None);
}

/// The caller is told what is to be done, operators what is wrong.
#[test]
fn a_requirement_that_can_not_be_evaluated_refuses_and_is_told() {
    let require = |when: &str, message: &str| Keys {
        require: Some(Requirements(
            [Requirement {
                when: Condition::compile(when).unwrap(),
                message: message.to_owned(),
            }]
            .into(),
        )),
        ..Keys::default()
    };
    let cause = "a member that it names is absent; guard it with has(), or an extension with `\"…\" in score && …`";
    let unknown = "score.comment == 'x'";
    for (when, message, said, failed) in [
        ("has(score.comment)", "Say why.", "Say why.", None),
        ("has(score.comment)", "Say why", "Say why", None),
        (unknown, "Say why.", "Say why.", Some(cause)),
        (unknown, "Say why", "Say why.", Some(cause)),
        (unknown, "Say why! ", "Say why!", Some(cause)),
    ] {
        let policy = policy("p", require(when, message));
        let judgement = judged(vec![policy], &score("1", "1"));
        let Some(RefusedBy::Policy { reason, .. }) = &judgement.refused_by else {
            panic!("{when}: {judgement:?}");
        };
        assert_eq!(reason, message);
        let told = match failed {
            Some(cause) => format!("{said} The condition could not be evaluated: {cause}."),
            None => said.to_owned(),
        };
        assert_eq!(judgement.acts[0].reason, told);
        let failed = failed.map(|cause| ConditionFailed {
            policy: "p".into(),
            key: ConditionKey::Require,
            failure: EvaluationFailed(cause),
        });
        assert_eq!(judgement.failed, failed);
    }
}
