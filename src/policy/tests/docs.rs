//! The manual of the policy keys: its reference is the rules' own documentation, and each of its
//! recipes is run.

use super::*;
use crate::config::policies_of;

const MANUAL: &str = include_str!("../../../docs/policy.md");

/// The files that document keys, in the order of the manual.
const RULES: &[&str] = &[
    include_str!("../window.rs"),
    include_str!("../rules/rescale.rs"),
    include_str!("../rules/late.rs"),
    include_str!("../rules/minimum.rs"),
    include_str!("../rules/maximum.rs"),
    include_str!("../rules/pass.rs"),
    include_str!("../rules/round.rs"),
    include_str!("../rules/keep.rs"),
    include_str!("../step.rs"),
    include_str!("../protect.rs"),
    include_str!("../settings.rs"),
    include_str!("../rules/comment.rs"),
    include_str!("../require.rs"),
];

fn documentation(source: &str) -> String {
    let lines = source.lines().map_while(|line| line.strip_prefix("//!"));
    let lines: Vec<_> = lines
        .map(|line| line.strip_prefix(' ').unwrap_or(line))
        .collect();
    lines.join("\n")
}

#[test]
fn the_manual_says_what_the_rules_say() {
    for rule in RULES {
        let text = documentation(rule);
        assert!(MANUAL.contains(&text), "docs/policy.md lacks:\n{text}");
    }
}

/// The recipes of the manual: name and TOML.
fn recipes() -> Vec<Policy> {
    let blocks = MANUAL.split("```toml\n").skip(1);
    let texts = blocks.map(|block| block.split("```").next().unwrap());
    texts.flat_map(policies_of).collect()
}

/// Given, maximum, and the instant submitted.
type Submitted<'a> = (&'a str, &'a str, &'a str);

/// What stands after each of these submissions under one recipe.
fn stands(recipe: &str, submissions: &[Submitted<'_>]) -> Vec<String> {
    let recipes = recipes()
        .into_iter()
        .filter(|policy| &*policy.name == recipe);
    let policies = Policies::new(
        recipes
            .map(|policy| Policy {
                mode: Mode::Enforce,
                ..policy
            })
            .collect(),
    );
    let mut history = Vec::new();
    let mut shown = Vec::new();
    for (given, maximum, submitted) in submissions {
        let mut score = score(given, maximum);
        score.submission.submitted_at = crate::score::Timestamp::parse(submitted);
        score.timestamp = score.submission.submitted_at.clone();
        let now = submitted.parse().unwrap();
        let subject = Subject {
            now,
            ..subject(&score)
        };
        let submission = Submission {
            subject,
            line_item_maximum: Some(decimal("100")),
            shown: Shown::Unread,
        };
        let judgement = judge(
            &submission,
            &history,
            &policies.effective(&subject).enforced,
        );
        shown.push(match (&judgement.refused_by, judgement.stands) {
            (Some(_), _) => "refused".to_owned(),
            (None, points) => Marks::from(points).to_string(),
        });
        history.extend(judgement.past(&score, now, Fate::Confirmed));
    }
    shown
}

#[test]
fn each_recipe_does_what_its_prose_says() {
    let (on_time, day_late, week_late) = (
        "2026-05-01T12:00:00Z",
        "2026-05-02T12:00:00Z",
        "2026-05-08T12:00:00Z",
    );
    let table: &[(&str, &[Submitted<'_>], &[&str])] = &[
        ("lakeside", &[("110", "100", on_time)], &["100 of 100"]),
        (
            "northfield",
            &[("90", "100", on_time), ("90", "100", day_late)],
            &["90 of 100", "80 of 100"],
        ),
        (
            "hillcrest",
            &[("80", "100", on_time), ("60", "100", day_late)],
            &["80 of 100", "80 of 100"],
        ),
        (
            "stonebridge",
            &[("10", "100", day_late), ("10", "100", week_late)],
            &["9 of 100", "refused"],
        ),
        (
            "riverside",
            &[("59", "100", on_time), ("60", "100", day_late)],
            &["0 of 1", "1 of 1"],
        ),
        (
            "westmoor",
            &[("40", "100", on_time), ("100", "100", day_late)],
            &["40 of 100", "85 of 100"],
        ),
        ("eastgate", &[("1", "3", on_time)], &["33.33 of 100"]),
        (
            "ashford",
            &[
                ("5", "10", on_time),
                ("7", "10", day_late),
                ("9", "10", week_late),
            ],
            &["5 of 10", "7 of 10", "refused"],
        ),
        (
            "oakmont",
            &[("95", "100", on_time), ("95", "100", day_late)],
            &["95 of 100", "80 of 100"],
        ),
        (
            "fairview",
            &[("8", "10", on_time), ("18", "20", day_late)],
            &["8 of 10", "17 of 20"],
        ),
    ];
    for (recipe, submissions, expected) in table {
        assert_eq!(stands(recipe, submissions), *expected, "{recipe}");
    }
    let names: Vec<_> = recipes()
        .iter()
        .map(|policy| policy.name.to_string())
        .collect();
    let tested: Vec<_> = table.iter().map(|(name, ..)| (*name).to_owned()).collect();
    assert_eq!(names, tested);
}
