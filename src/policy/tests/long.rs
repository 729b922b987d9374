//! Long histories: a judgement runs on a worker's thread, which serves others too. The bounds are wide;
//! what they are to catch takes many times as long.

use std::time::{Duration, Instant};

use super::*;
use crate::config::policies_of;
use crate::score::Timestamp;

const A_WHILE: Duration = Duration::from_secs(5);

fn history(attempts: impl Iterator<Item = (Points, jiff::Timestamp)>) -> Vec<Past> {
    let past = |(points, submitted)| Past {
        points: Some(points),
        timestamp: Some(Timestamp::at(submitted)),
        is_stamped: false,
        submitted_at: Some(Timestamp::at(submitted)),
        arrived: submitted,
        role: Role::Attempt,
        fate: Fate::Confirmed,
        stands: Some(points),
        sent: None,
    };
    attempts.map(past).collect()
}

fn second(second: i64) -> jiff::Timestamp {
    jiff::Timestamp::from_second(1_700_000_000 + second).unwrap()
}

fn judged_in_a_while(keys: &str, history: &[Past]) -> Judgement {
    let policies = Policies::new(policies_of(&format!("[[policy]]\nname = 'p'\n{keys}\n")));
    let score = score("1", "2");
    let subject = subject(&score);
    let submission = Submission {
        subject,
        line_item_maximum: None,
        shown: Shown::Unread,
    };
    let started = Instant::now();
    let judgement = judge(&submission, history, &policies.effective(&subject).enforced);
    let took = started.elapsed();
    assert!(took < A_WHILE, "{keys}: {took:?}");
    judgement
}

/// Scores of maxima that have hardly a factor in common.
fn of_unlike_maxima(count: i64) -> Vec<Past> {
    let maximum = |index: i64| format!("1{:023}", (index * index * 7919 + index) * 104_729 + 1);
    history((0..count).map(|index| (points("1", &maximum(index)), second(index))))
}

#[test]
fn what_unlike_maxima_come_to_is_worked_out_in_time() {
    for keep in ["average", "total"] {
        let judgement = judged_in_a_while(&format!("keep = '{keep}'"), &of_unlike_maxima(1_000));
        assert_eq!(judgement.decision, Decision::Adjusted);
    }
}

#[test]
fn the_best_that_was_on_time_is_looked_for_once() {
    let due = second(4_000);
    let keys = format!(
        "due = '{due}'\nlate = {{ kind = 'newly_earned', percent = 50 }}\nkeep = 'highest'"
    );
    let attempts = (0..8_000).map(|index| (points("1", "8"), second(index)));
    let judgement = judged_in_a_while(&keys, &history(attempts));
    // The one at hand is late and half full: half of what it gained is taken off.
    assert_eq!(judgement.stands, Some(points("0.625", "2")));
}
