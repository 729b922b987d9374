//! Properties, against a slow reference that is obviously right, and under changes that must not
//! matter.

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::Zero;
use proptest::prelude::*;

use super::*;

fn whole(number: i64) -> BigRational {
    BigRational::from_integer(BigInt::from(number))
}

fn exact(decimal: Decimal) -> BigRational {
    let (digits, power) = decimal.parts();
    let ten = BigRational::from_integer(10.into());
    BigRational::from_integer(digits.into()) * num_traits::Pow::pow(&ten, power)
}

/// Submissions of one cell, a second apart, each an attempt of its own.
fn run(keys: &Keys, attempts: &[(i64, i64, i64)]) -> Vec<Past> {
    let policies = Policies::new(vec![policy("p", keys.clone())]);
    let mut history = Vec::new();
    for (index, (given, maximum, time)) in attempts.iter().enumerate() {
        let mut score = score(&given.to_string(), &maximum.to_string());
        let time = jiff::Timestamp::from_second(1_700_000_000 + time).unwrap();
        score.timestamp = Some(crate::score::Timestamp::at(time));
        let now = jiff::Timestamp::from_second(1_800_000_000 + index as i64).unwrap();
        let subject = Subject {
            now,
            ..subject(&score)
        };
        let submission = Submission {
            subject,
            line_item_maximum: None,
            shown: Shown::Unread,
        };
        let effective = policies.effective(&subject).enforced;
        let judgement = judge(&submission, &history, &effective);
        history.extend(judgement.past(&score, now, Fate::Confirmed));
    }
    history
}

fn stands(history: &[Past]) -> Points {
    history.last().unwrap().stands.unwrap()
}

/// What must stand, straight from the definitions.
fn reference(keep: Keep, attempts: &[(i64, i64, i64)]) -> BigRational {
    let ratio = |(given, maximum, _): &(i64, i64, i64)| whole(*given) / whole(*maximum);
    let at = |attempt: Option<&(i64, i64, i64)>| ratio(attempt.unwrap());
    let sum =
        |numbers: Vec<BigRational>| numbers.into_iter().fold(BigRational::zero(), |a, b| a + b);
    match keep {
        Keep::Highest => attempts.iter().map(ratio).max().unwrap(),
        Keep::Lowest => attempts.iter().map(ratio).min().unwrap(),
        Keep::Latest => at(attempts.iter().max_by_key(|attempt| attempt.2)),
        Keep::First => at(attempts.iter().min_by_key(|attempt| attempt.2)),
        Keep::Average => sum(attempts.iter().map(ratio).collect()) / whole(attempts.len() as i64),
        Keep::Total => {
            let given = attempts.iter().map(|attempt| attempt.0).sum();
            whole(given) / whole(attempts.iter().map(|attempt| attempt.1).sum())
        }
    }
}

fn keep() -> impl Strategy<Value = Keep> {
    prop::sample::select(vec![
        Keep::Highest,
        Keep::Lowest,
        Keep::Latest,
        Keep::First,
        Keep::Average,
        Keep::Total,
    ])
}

/// Each at a time of its own.
fn attempts() -> impl Strategy<Value = Vec<(i64, i64, i64)>> {
    let attempt = (0_i64..200, 1_i64..120);
    let times = Just((0..8_i64).collect::<Vec<_>>()).prop_shuffle();
    (prop::collection::vec(attempt, 1..8), times).prop_map(|(attempts, times)| {
        let timed = attempts.into_iter().zip(times);
        timed
            .map(|((given, maximum), time)| (given, maximum, time))
            .collect()
    })
}

fn is_near(shown: Points, expected: &BigRational) -> bool {
    let distance = exact(shown.given) / exact(shown.maximum) - expected;
    num_traits::Signed::abs(&distance) < BigRational::new(1.into(), 10_i64.pow(15).into())
}

proptest! {
    #[test]
    fn what_is_kept_is_what_the_definition_says(keep in keep(), attempts in attempts()) {
        let keys = Keys { keep: Some(keep), ..Keys::default() };
        let stands = stands(&run(&keys, &attempts));
        prop_assert!(is_near(stands, &reference(keep, &attempts)), "{:?}", stands);
    }

    #[test]
    fn the_order_of_arrival_does_not_matter(keep in keep(), attempts in attempts()) {
        let keys = Keys { keep: Some(keep), ..Keys::default() };
        let mut sorted = attempts.clone();
        sorted.sort_by_key(|attempt| attempt.2);
        let (one, other) = (stands(&run(&keys, &attempts)), stands(&run(&keys, &sorted)));
        prop_assert_eq!(one, other);
    }

    #[test]
    fn submitting_twice_is_submitting_once(keep in keep(), attempts in attempts()) {
        let keys = Keys { keep: Some(keep), ..Keys::default() };
        let twice: Vec<_> = attempts.iter().flat_map(|attempt| [*attempt, *attempt]).collect();
        prop_assert_eq!(stands(&run(&keys, &attempts)), stands(&run(&keys, &twice)));
    }

    #[test]
    fn no_more_attempts_count_than_may(max in 1_usize..5, attempts in attempts()) {
        let over = OverLimit::Ignore;
        let keys = Keys {
            keep: Some(Keep::Highest),
            attempts: Some(Attempts { max, over }),
            ..Keys::default()
        };
        let counted = &attempts[..max.min(attempts.len())];
        let stands = stands(&run(&keys, &attempts));
        prop_assert!(is_near(stands, &reference(Keep::Highest, counted)));
    }

    #[test]
    fn scaling_given_and_maximum_together_scales_what_stands(
        given in 0_i64..200, maximum in 1_i64..120, factor in 1_i64..50, percent in 0_i64..130,
    ) {
        let percent = decimal(&percent.to_string());
        let keys = Keys {
            minimum: Some(Minimum { percent }),
            maximum: Some(Maximum { percent: decimal("100"), over: Over::Cap }),
            ..Keys::default()
        };
        let one = stands(&run(&keys, &[(given, maximum, 0)]));
        let many = stands(&run(&keys, &[(given * factor, maximum * factor, 0)]));
        prop_assert_eq!(exact(one.given) * whole(factor), exact(many.given));
    }

    #[test]
    fn a_cap_is_the_smaller_of_score_and_limit(given in 0_i64..200, maximum in 1_i64..120, percent in 0_i64..130) {
        let cap = Keys {
            maximum: Some(Maximum { percent: decimal(&percent.to_string()), over: Over::Cap }),
            ..Keys::default()
        };
        let expected = whole(given).min(whole(maximum) * whole(percent) / whole(100));
        prop_assert_eq!(exact(stands(&run(&cap, &[(given, maximum, 0)])).given), expected);
    }
}
