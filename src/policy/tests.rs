use num_bigint::BigInt;
use num_rational::BigRational;
use proptest::prelude::*;

use super::*;
use crate::line_item::Pattern;
use crate::score::{Decimal, Points};

fn decimal(text: &str) -> Decimal {
    Decimal::from_json(text).unwrap()
}

fn points(given: &str, maximum: &str) -> Points {
    Points {
        given: decimal(given),
        maximum: decimal(maximum),
    }
}

fn policy(name: &str, percent: &str, over: Over) -> Policy {
    let maximum = Maximum {
        percent: decimal(percent),
        over,
    };
    Policy {
        name: name.into(),
        matching: Match::default(),
        keys: Keys {
            maximum: Some(maximum),
        },
    }
}

const SUBJECT: Subject<'static> = Subject {
    caller: "quiz-app",
    account: "main",
    line_item: "https://lms.example.edu/1",
};

fn judged(policies: Vec<Policy>, given: &str, maximum: &str) -> Judgement {
    judge(
        Some(points(given, maximum)),
        &Policies::new(policies).effective(&SUBJECT),
    )
}

#[test]
fn maximum_caps_refuses_or_allows() {
    for (percent, over, given, maximum, decision, left) in [
        ("100", Over::Cap, "110", "100", Decision::Adjusted, "100"),
        ("100", Over::Cap, "100", "100", Decision::Forwarded, "100"),
        (
            "100",
            Over::Cap,
            "100.0000000000000000000000001",
            "100",
            Decision::Adjusted,
            "100",
        ),
        ("100", Over::Allow, "110", "100", Decision::Forwarded, "110"),
        ("100", Over::Refuse, "110", "100", Decision::Refused, "110"),
        (
            "100",
            Over::Refuse,
            "100",
            "100",
            Decision::Forwarded,
            "100",
        ),
        ("110", Over::Cap, "111", "100", Decision::Adjusted, "110"),
        ("110", Over::Cap, "110", "100", Decision::Forwarded, "110"),
        ("33.3", Over::Cap, "1", "3", Decision::Adjusted, "0.999"),
        ("0", Over::Cap, "1", "3", Decision::Adjusted, "0"),
        ("50", Over::Cap, "1e28", "1e28", Decision::Adjusted, "5e27"),
        ("1", Over::Cap, "1", "1e-28", Decision::Adjusted, "0"),
        (
            "99.99999999",
            Over::Cap,
            "9",
            "1.234567890123456789012345678",
            Decision::Adjusted,
            "1.234567889999999999999999999",
        ),
    ] {
        let judgement = judged(vec![policy("p", percent, over)], given, maximum);
        let left = points(left, maximum);
        assert_eq!(
            (judgement.decision, judgement.points),
            (decision, Some(left)),
            "{percent} {over:?} {given}/{maximum}"
        );
        assert_eq!(judgement.rules().is_some(), decision != Decision::Forwarded);
    }
}

#[test]
fn a_refusal_names_its_policy_and_rule() {
    let refused = judged(vec![policy("strict", "100", Over::Refuse)], "101", "100")
        .refused_by
        .unwrap();
    assert_eq!(
        (&*refused.owner.policy, refused.owner.rule),
        ("strict", "maximum")
    );
}

#[test]
fn without_points_no_rule_acts() {
    let effective = Policies::new(vec![policy("p", "0", Over::Refuse)]).effective(&SUBJECT);
    let judgement = judge(None, &effective);
    assert_eq!(
        (judgement.decision, judgement.points, judgement.rules()),
        (Decision::Forwarded, None, None)
    );
}

#[test]
fn a_later_policy_wins_key_by_key_and_keeps_its_name() {
    let judgement = judged(
        vec![
            policy("first", "100", Over::Cap),
            policy("second", "120", Over::Cap),
        ],
        "130",
        "100",
    );
    assert_eq!(judgement.points, Some(points("120", "100")));
    assert_eq!(&*judgement.acts[0].policy, "second");
}

#[test]
fn only_what_matches_takes_part() {
    for (matching, takes_part) in [
        (Match::default(), true),
        (
            Match {
                callers: vec!["quiz-app".into()],
                ..Match::default()
            },
            true,
        ),
        (
            Match {
                callers: vec!["other".into()],
                ..Match::default()
            },
            false,
        ),
        (
            Match {
                accounts: vec!["main".into()],
                ..Match::default()
            },
            true,
        ),
        (
            Match {
                accounts: vec!["other".into()],
                callers: vec!["quiz-app".into()],
                ..Match::default()
            },
            false,
        ),
        (
            Match {
                line_items: vec![Pattern::parse("https://lms.example.edu/*").unwrap()],
                ..Match::default()
            },
            true,
        ),
        (
            Match {
                line_items: vec![Pattern::parse("https://lms.example.edu/2").unwrap()],
                ..Match::default()
            },
            false,
        ),
    ] {
        let policy = Policy {
            matching: matching.clone(),
            ..policy("p", "100", Over::Cap)
        };
        let adjusted = judged(vec![policy], "110", "100").decision == Decision::Adjusted;
        assert_eq!(adjusted, takes_part, "{matching:?}");
    }
}

/// The same rule, slowly and by the book.
fn reference(given: Decimal, maximum: Decimal, percent: Decimal) -> BigRational {
    let exact = |number: Decimal| {
        number.to_string().split_once('.').map_or_else(
            || BigRational::from_integer(number.to_string().parse().unwrap()),
            |(whole, fraction)| {
                let digits: BigInt = format!("{whole}{fraction}").parse().unwrap();
                let scale: BigInt = format!("1{}", "0".repeat(fraction.len())).parse().unwrap();
                BigRational::new(digits, scale)
            },
        )
    };
    let limit = exact(maximum) * exact(percent) / BigRational::from_integer(100.into());
    exact(given).min(limit)
}

fn number() -> impl Strategy<Value = Decimal> {
    (1_i128..1_000_000_000, -6_i32..3)
        .prop_map(|(digits, power)| Decimal::from_parts(digits, power).unwrap())
}

proptest! {
    #[test]
    fn a_capped_score_is_the_smaller_of_score_and_limit(given in number(), maximum in number(), percent in number()) {
        let cap = Maximum { percent, over: Over::Cap };
        let left = match cap.apply(Points { given, maximum }) {
            Effect::Changed { points, .. } => points.given,
            Effect::Unchanged => given,
            Effect::Refused { .. } => unreachable!(),
        };
        let expected = reference(given, maximum, percent);
        prop_assert_eq!(reference(left, left, decimal("100")), expected);
        prop_assert!(left <= given);
    }

    #[test]
    fn judging_a_capped_score_again_changes_nothing(given in number(), maximum in number(), percent in number()) {
        let cap = Maximum { percent, over: Over::Cap };
        if let Effect::Changed { points, .. } = cap.apply(Points { given, maximum }) {
            prop_assert_eq!(cap.apply(points), Effect::Unchanged);
        }
    }

    #[test]
    fn allowing_never_changes_anything(given in number(), maximum in number(), percent in number()) {
        let allow = Maximum { percent, over: Over::Allow };
        prop_assert_eq!(allow.apply(Points { given, maximum }), Effect::Unchanged);
    }
}
