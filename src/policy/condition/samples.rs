//! Scores that a condition is tried on: complete, complete with other values, bare, without points.

use crate::policy::Subject;
use crate::score::{
    ActivityProgress, Decimal, GradingProgress, Points, Score, Submission, Timestamp,
};

pub(super) fn scores() -> [Score; 4] {
    let bare = Score {
        user: "learner".to_owned(),
        activity: ActivityProgress::Completed,
        grading: GradingProgress::FullyGraded,
        points: Some(Points {
            given: Decimal::ONE,
            maximum: Decimal::ONE,
        }),
        given_alone: None,
        comment: None,
        timestamp: None,
        submission: Submission::default(),
        scoring_user: None,
        extensions: Vec::new(),
    };
    let time = Timestamp::parse("2026-01-15T12:00:00Z");
    let full = Score {
        comment: Some("Well done.".to_owned()),
        timestamp: time.clone(),
        submission: Submission {
            started_at: time.clone(),
            submitted_at: time,
        },
        scoring_user: Some("teacher".to_owned()),
        ..bare.clone()
    };
    // Texts that are numbers, points that are not all: some conditions can look at nothing else.
    let other = Score {
        user: "42".to_owned(),
        points: Decimal::from_json("37.5")
            .ok()
            .zip(Decimal::from_json("80").ok())
            .map(|(given, maximum)| Points { given, maximum }),
        comment: Some("7".to_owned()),
        ..full.clone()
    };
    let without_points = Score {
        points: None,
        grading: GradingProgress::Pending,
        ..bare.clone()
    };
    [full, other, bare, without_points]
}

pub(super) fn subject(score: &Score) -> Subject<'_> {
    Subject {
        caller: "caller",
        account: "account",
        line_item: "https://lms.example.edu/line-items/1",
        score,
        now: jiff::Timestamp::UNIX_EPOCH,
    }
}
