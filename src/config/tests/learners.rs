//! Learners whom policies name: no message and no page repeats their ids.

use serde_json::json;

use super::{ACCOUNT, Setting};

const LEARNER: &str = "learner_anna_17";

fn under(policy: &str) -> Setting {
    Setting::new(&format!(
        "{ACCOUNT}[[policy]]\nname = 'p'\nmaximum = {{ percent = 100 }}\n{policy}\n"
    ))
}

#[test]
fn no_message_repeats_a_learners_id() {
    let due = "due = '2027-01-01T00:00:00Z'";
    for policy in [
        format!("extensions = '{LEARNER}'"),
        format!("extensions = ['{LEARNER}']"),
        format!("extensions = [{{ users = '{LEARNER}', {due} }}]"),
        format!("extensions = [{{ users = [{{ id = '{LEARNER}' }}], {due} }}]"),
        format!("extensions = [{{ user = ['{LEARNER}'], {due} }}]"),
        format!("extensions = [{{ {LEARNER} = '2027-01-01T00:00:00Z' }}]"),
        format!("extensions = [{{ users = ['{LEARNER}'], due = 'tomorrow' }}]"),
        format!("match = 'score.userId == \"{LEARNER}\"'"),
        format!("match = {{ when = 'score.userId = \"{LEARNER}\"' }}"),
        format!("match = {{ when = 'score.userId == {LEARNER}' }}"),
        format!("match = {{ when = 'score.userId == \"{LEARNER}' }}"),
        format!("match = {{ when = ['score.userId == \"{LEARNER}\"'] }}"),
        format!("match = {{ when = 'score.userID == \"{LEARNER}\"' }}"),
        format!("require = 'score.userId != \"{LEARNER}\"'"),
        format!("require = ['score.userId != \"{LEARNER}\"']"),
        format!("require = [{{ when = 'score.userId ! \"{LEARNER}\"', message = 'no' }}]"),
        format!("require = [{{ when = 'score.userId !== \"{LEARNER}\"', message = 'no' }}]"),
    ] {
        let Err(problems) = under(&policy).load() else {
            panic!("loaded:\n{policy}");
        };
        let said = format!("{problems} {problems:?} {:?}", problems.warnings);
        assert!(!said.contains("anna"), "{policy}\n{said}");
    }
}

#[test]
fn what_is_wrong_with_a_condition_is_told_by_its_place() {
    for (when, expected) in [
        (
            "score.userId = 1",
            "is no condition: it is no CEL expression; the first fault is at line 1, column 14",
        ),
        (
            "scor.percent > 1.0",
            "is no condition: it names something that does not exist; there are `score`, ",
        ),
    ] {
        let problems = under(&format!("match = {{ when = '{when}' }}")).problems();
        let expected = format!("9: policy[0].match.when: {expected}");
        assert!(problems[0].starts_with(&expected), "{problems:?}");
    }
}

#[test]
fn the_view_masks_learners_and_the_policies_tell_them_apart() {
    let of = |users: &str| {
        let extension = format!("[{{ users = {users}, due = '2027-01-01T00:00:00Z' }}]");
        under(&format!("extensions = {extension}")).loaded()
    };
    let (one, other) = (of("['anna', 'ben']"), of("['anna', 'cleo']"));
    let extension = json!([{"users": ["***", "***"], "due": "2027-01-01T00:00:00Z"}]);
    assert_eq!(one.view["policy"][0]["extensions"], extension);
    assert_eq!(one.view, other.view);
    // As they are counted: by their whole text.
    assert_ne!(one.policies, other.policies);
    assert_eq!(
        one.policies.to_string(),
        r#"[{"extensions":[{"due":"2027-01-01T00:00:00Z","users":["anna","ben"]}],"maximum":{"over":"cap","percent":100},"name":"p"}]"#
    );
}

#[test]
fn the_view_tells_no_condition() {
    let policy = "match = { when = 'score.userId == \"anna\"' }\n\
         require = [{ when = 'score.userId != \"ben\"', message = 'No.' }]";
    let view = under(policy).loaded().view;
    let policy = &view["policy"][0];
    assert_eq!(policy["match"]["when"], "***");
    let required = json!([{"when": "***", "message": "No."}]);
    assert_eq!(policy["require"], required);
}
