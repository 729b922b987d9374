//! The manual of the policy keys: its reference is the rules' own documentation, and each of its
//! examples and recipes is run.

use super::cells::{self, Cell};
use super::*;
use crate::config::policies_of;

const MANUAL: &str = include_str!("../../../docs/policy.md");

/// The files that document keys, by name, in the order of the manual.
const RULES: &[(&str, &str)] = &[
    ("window", include_str!("../window.rs")),
    ("rescale", include_str!("../rules/rescale.rs")),
    ("late", include_str!("../rules/late.rs")),
    ("minimum", include_str!("../rules/minimum.rs")),
    ("maximum", include_str!("../rules/maximum.rs")),
    ("pass", include_str!("../rules/pass.rs")),
    ("round", include_str!("../rules/round.rs")),
    ("keep", include_str!("../rules/keep.rs")),
    ("step", include_str!("../step.rs")),
    ("protect", include_str!("../protect.rs")),
    ("settings", include_str!("../settings.rs")),
    ("comment", include_str!("../rules/comment.rs")),
    ("require", include_str!("../require.rs")),
];

fn documentation(source: &str) -> String {
    let lines = source.lines().map_while(|line| line.strip_prefix("//!"));
    let lines: Vec<_> = lines
        .map(|line| line.strip_prefix(' ').unwrap_or(line))
        .collect();
    lines.join("\n")
}

/// One key, and what is said of it.
struct Section {
    key: String,
    text: String,
}

/// A file that documents one key is named for it; one of several has a heading for each.
fn sections() -> Vec<Section> {
    let of = |(file, source): &(&str, &str)| -> Vec<Section> {
        let text = documentation(source);
        let section = |key: &str, text: &str| Section {
            key: key.to_owned(),
            text: text.trim().to_owned(),
        };
        match text.contains("### ") {
            false => vec![section(file, &text)],
            true => {
                let parts = text.split("### ").skip(1);
                let split = parts.map(|part| part.split_once('\n').unwrap());
                split.map(|(key, text)| section(key, text)).collect()
            }
        }
    };
    RULES.iter().flat_map(of).collect()
}

#[test]
fn the_manual_says_what_the_rules_say() {
    let printed = sections()
        .iter()
        .map(|Section { key, text }| format!("### {key}\n\n{text}\n"))
        .collect::<Vec<_>>();
    let printed = format!("## The keys\n\n{}\n## Choices", printed.join("\n"));
    assert!(
        MANUAL.contains(&printed),
        "docs/policy.md lacks:\n{printed}"
    );
}

#[test]
fn each_key_has_its_formula_its_boundaries_and_an_example() {
    let sections = sections();
    let mut documented: Vec<_> = sections.iter().map(|section| &*section.key).collect();
    let mut keys = Keys::ALL.to_vec();
    documented.sort_unstable();
    keys.sort_unstable();
    assert_eq!(documented, keys);
    for Section { key, text } in &sections {
        for part in ["\nFormula: ", "\nBoundaries: ", "\nExample:\n\n```text\n"] {
            assert!(text.contains(part), "{key} lacks {part:?}");
        }
    }
}

/// The examples of a section: the keys, and for each submission what is said of it.
fn examples(text: &str) -> impl Iterator<Item = (&str, Vec<(&str, &str)>)> {
    let blocks = text.split("```text\n").skip(1);
    blocks.map(|block| {
        let block = block.split("```").next().unwrap();
        let (keys, lines) = block.split_once("\n\n").unwrap();
        let lines = lines.lines().map(|line| line.split_once(" → ").unwrap());
        (keys, lines.collect())
    })
}

/// `80 of 100, submitted 08:00:00, user w` as the members of a score.
fn members(submission: &str, cell: &mut Cell) -> String {
    let mut parts = submission.split(", ");
    let mut members = match parts.next().unwrap() {
        "no score" => String::new(),
        points => match points.split_once(" of ") {
            Some((given, maximum)) => format!(r#","scoreGiven":{given},"scoreMaximum":{maximum}"#),
            None => format!(r#","scoreGiven":{points}"#),
        },
    };
    let day = "2026-03-01";
    for part in parts {
        members += &match part.split_once(' ').unwrap_or((part, "")) {
            ("submitted", at) => format!(r#","submission":{{"submittedAt":"{day}T{at}Z"}}"#),
            ("stamped", at) => format!(r#","timestamp":"{day}T{at}Z""#),
            ("user", user) => format!(r#","userId":"{user}""#),
            ("comment", comment) => format!(r#","comment":"{comment}""#),
            ("pending", "") => cells::PENDING.to_owned(),
            ("where", shown) => {
                let points = shown.strip_prefix("the LMS shows ").unwrap();
                let (given, maximum) = points.split_once(" of ").unwrap();
                cell.shows(given, maximum);
                String::new()
            }
            other => panic!("{other:?}"),
        };
    }
    members
}

#[test]
fn each_example_comes_out_as_written() {
    for Section { key, text } in sections() {
        for (keys, lines) in examples(&text) {
            let mut cell = Cell::under(keys);
            for (submission, expected) in lines {
                let members = members(submission, &mut cell);
                let judgement = cell.judge(&members, Fate::Confirmed);
                let leaving = judgement.leaves.as_ref();
                let comment = leaving.and_then(|leaving| leaving.comment.as_deref());
                let comment = comment.map_or(String::new(), |text| format!(", comment {text}"));
                let said = cells::said(&judgement) + &comment;
                assert_eq!(said, expected, "{key}: {submission}");
            }
        }
    }
}

/// The text of the manual between two headings.
fn part(from: &str, to: &str) -> &'static str {
    let after = MANUAL.split_once(from).unwrap().1;
    after.split_once(to).unwrap().0
}

fn text_blocks(text: &str) -> impl Iterator<Item = &str> {
    let blocks = text.split("```text\n").skip(1);
    blocks.map(|block| block.split("```").next().unwrap())
}

#[test]
fn each_pattern_fits_what_the_manual_says() {
    let mut pattern = None;
    let mut tried = 0;
    for line in text_blocks(part("### match", "### mode")).flat_map(str::lines) {
        let Some(said) = line.strip_prefix("  ") else {
            pattern = Some(Pattern::parse(line).unwrap());
            continue;
        };
        let (fits, id) = said.split_once(' ').unwrap();
        let id = crate::line_item::LineItem::parse(id.trim()).unwrap();
        let matches = pattern.as_ref().unwrap().matches(id.normalized());
        assert_eq!(matches, fits == "fits", "{pattern:?} {line}");
        tried += 1;
    }
    assert_eq!(tried, 21);
}

#[test]
fn each_condition_of_the_manual_is_true_of_its_score() {
    let stamp = "2026-03-02T07:30:00Z";
    let body = format!(
        r#"{{"userId":"5323497","activityProgress":"Completed","gradingProgress":"FullyGraded","scoreGiven":80,"scoreMaximum":100,"comment":"Well done","timestamp":"{stamp}","submission":{{"submittedAt":"{stamp}"}}}}"#
    );
    let score = read(body.as_bytes(), UnknownMembers::Refuse).unwrap();
    let subject = Subject {
        caller: "quiz-app",
        account: "main",
        line_item: "https://canvas.example.edu/api/lti/courses/101/line_items/7",
        score: &score,
        now: "2026-03-02T07:31:00Z".parse().unwrap(),
    };
    let conditions = text_blocks(part("## Conditions", "## Cookbook")).flat_map(str::lines);
    let mut tried = 0;
    for text in conditions {
        let condition = Condition::compile(text).unwrap_or_else(|fault| panic!("{text}: {fault}"));
        assert_eq!(condition.holds(&subject), Ok(true), "{text}");
        tried += 1;
    }
    assert_eq!(tried, 22);
}

/// A tool that tells of progress has no score to tell yet.
#[test]
fn the_guarded_condition_takes_what_has_no_score() {
    for (when, taken) in [
        ("score.percent >= 10.0", false),
        ("!has(score.percent) || score.percent >= 10.0", true),
    ] {
        let mut cell = Cell::under(&format!(
            "require = [{{ when = '{when}', message = 'Too low.' }}]"
        ));
        let judgement = cell.judge(cells::PENDING, Fate::Confirmed);
        assert_eq!(judgement.refused_by.is_none(), taken, "{when}");
        let judgement = cell.judge(r#","scoreGiven":9,"scoreMaximum":100"#, Fate::Confirmed);
        assert!(judgement.refused_by.is_some(), "{when}");
        assert!(MANUAL.contains(&format!("`{when}`")), "{when}");
    }
}

/// The recipes of the manual: the TOML of each.
fn recipes() -> impl Iterator<Item = &'static str> {
    let blocks = MANUAL.split("```toml\n").skip(1);
    blocks.map(|block| block.split("```").next().unwrap())
}

fn name_of(recipe: &str) -> String {
    policies_of(recipe)[0].name.to_string()
}

/// Given, maximum, and the instant submitted.
type Submitted<'a> = (&'a str, &'a str, &'a str);

/// What stands after each of these submissions, in the order of their arrival, under one recipe.
fn stands(recipe: &str, submissions: &[Submitted<'_>]) -> Vec<String> {
    let policies = Policies::new(policies_of(recipe));
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

const ON_TIME: &str = "2026-05-01T12:00:00Z";
const MINUTES_LATE: &str = "2026-05-02T00:09:00Z";
const DAY_LATE: &str = "2026-05-02T12:00:00Z";
const WEEK_LATE: &str = "2026-05-08T12:00:00Z";

/// A recipe, submissions in the order of their arrival, and what stands after each.
type Case = (
    &'static str,
    &'static [Submitted<'static>],
    &'static [&'static str],
);

/// In the order of the manual.
const CASES: &[Case] = &[
    ("lakeside", &[("110", "100", ON_TIME)], &["100 of 100"]),
    (
        "northfield",
        &[("90", "100", ON_TIME), ("90", "100", DAY_LATE)],
        &["90 of 100", "80 of 100"],
    ),
    (
        "hillcrest",
        &[("80", "100", ON_TIME), ("60", "100", DAY_LATE)],
        &["80 of 100", "80 of 100"],
    ),
    (
        "stonebridge",
        &[
            ("10", "100", MINUTES_LATE),
            ("10", "100", DAY_LATE),
            ("10", "100", WEEK_LATE),
        ],
        &["10 of 100", "9 of 100", "refused"],
    ),
    (
        "riverside",
        &[("59", "100", ON_TIME), ("60", "100", DAY_LATE)],
        &["0 of 1", "1 of 1"],
    ),
    (
        "westmoor",
        &[("40", "100", ON_TIME), ("100", "100", DAY_LATE)],
        &["40 of 100", "85 of 100"],
    ),
    (
        "westmoor",
        &[("80", "100", ON_TIME), ("30", "100", DAY_LATE)],
        &["80 of 100", "80 of 100"],
    ),
    ("eastgate", &[("1", "3", ON_TIME)], &["33.33 of 100"]),
    (
        "ashford",
        &[
            ("5", "10", ON_TIME),
            ("7", "10", DAY_LATE),
            ("9", "10", WEEK_LATE),
        ],
        &["5 of 10", "7 of 10", "refused"],
    ),
    // The newer attempt came first.
    (
        "ashford",
        &[("7", "10", DAY_LATE), ("5", "10", ON_TIME)],
        &["7 of 10", "7 of 10"],
    ),
    (
        "oakmont",
        &[("95", "100", ON_TIME), ("95", "100", DAY_LATE)],
        &["95 of 100", "80 of 100"],
    ),
    (
        "fairview",
        &[("8", "10", ON_TIME), ("18", "20", DAY_LATE)],
        &["8 of 10", "17 of 20"],
    ),
];

/// Whether all cases of a recipe come out as they should under this text of it.
fn keeps_its_word(name: &str, recipe: &str) -> bool {
    let mut cases = CASES.iter().filter(|(case, ..)| *case == name);
    cases.all(|(_, submissions, expected)| stands(recipe, submissions) == *expected)
}

#[test]
fn each_recipe_does_what_its_prose_says() {
    let mut names = Vec::new();
    for recipe in recipes() {
        let name = name_of(recipe);
        assert!(keeps_its_word(&name, recipe), "{name}");
        names.push(name);
    }
    let mut tested: Vec<_> = CASES.iter().map(|(name, ..)| (*name).to_owned()).collect();
    tested.dedup();
    assert_eq!(names, tested);
}

/// A key that could be left out is none that its case tries.
#[test]
fn no_key_of_a_recipe_can_be_left_out() {
    for recipe in recipes() {
        let is_key = |line: &&str| !line.starts_with("[[") && !line.starts_with("name");
        for key in recipe.lines().filter(is_key) {
            let without = recipe.replace(key, "");
            let name = name_of(recipe);
            assert!(!keeps_its_word(&name, &without), "{name}: {key}");
        }
    }
}
