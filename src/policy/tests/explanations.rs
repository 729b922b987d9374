//! Reasons, as JSON and read back.

use serde_json::{Value, json};

use super::*;
use crate::config::policies_of;

#[test]
fn an_explanation_tells_each_rule_with_its_origin() {
    let config = "[[policy]]\nname = 'tardy'\ndue = '2025-03-09T11:59:59Z'\nlate = { kind = 'per_interval', percent = 10, interval = '24h' }\n[[policy]]\nname = 'shadow'\nmode = 'report'\nmaximum = { percent = 50 }\n";
    let score = score("93", "100");
    let subject = subject(&score);
    let in_force = Policies::new(policies_of(config)).effective(&subject);
    let submission = Submission {
        subject,
        line_item_maximum: None,
        shown: Shown::Unread,
    };
    let judgement = judge(&submission, &[], &in_force.enforced);
    let reported = judge(&submission, &[], &in_force.reported.unwrap());
    let told = Reasons::of(&in_force.enforced, &judgement, Some(&reported), "u").unwrap();
    let shown: Value = serde_json::from_str(&serde_json::to_string(&told).unwrap()).unwrap();
    let late = json!({"rule": "late", "policy": "tardy",
        "input": {"scoreGiven": 93, "scoreMaximum": 100},
        "output": {"scoreGiven": 73, "scoreMaximum": 100},
        "reason": "1 day and 1 second late: 20 points off."});
    assert_eq!(
        shown["effective"]["late"],
        json!({"policy": "tardy", "value":
        {"kind": "per_interval", "percent": 10, "interval": "24h", "of": "possible"}})
    );
    assert_eq!(shown["rules"], json!([late]));
    assert_eq!(shown["report"]["rules"][0]["policy"], "shadow");
    assert_eq!(
        shown["report"]["judged"],
        json!({"scoreGiven": 50, "scoreMaximum": 100})
    );
    // What the ledger writes is the same.
    let written = ReasonsOf::new(&in_force.enforced, &judgement, Some(&reported), "u");
    assert_eq!(serde_json::to_value(&written).unwrap(), shown);
    let nothing = Policies::new(Vec::new()).effective(&submission.subject);
    let judgement = judge(&submission, &[], &nothing.enforced);
    let written = ReasonsOf::new(&nothing.enforced, &judgement, None, "u");
    assert_eq!(serde_json::to_string(&written).unwrap(), "{}");
}

/// Each entry keeps one, and an erasure reaches those of one learner.
#[test]
fn an_explanation_names_no_other_learner() {
    let config = "[[policy]]\nname = 'p'\nextensions = [\
        { users = ['ann', 'bob'], due = '2030-01-01T00:00:00Z' }, \
        { users = ['cid', 'bob'], due = '2031-01-01T00:00:00Z' }]\n\
        require = [{ when = \"score.userId != 'ann'\", message = 'Ask.' }]\n";
    let score = score("93", "100");
    let subject = subject(&score);
    let in_force = Policies::new(policies_of(config)).effective(&subject);
    let submission = Submission {
        subject,
        line_item_maximum: None,
        shown: Shown::Unread,
    };
    let judgement = judge(&submission, &[], &in_force.enforced);
    let due = |user: &str, year: u16| json!([{"users": [user], "due": format!("{year}-01-01T00:00:00Z")}]);
    for (user, told) in [
        ("bob", due("bob", 2030)),
        ("cid", due("cid", 2031)),
        ("dan", json!([])),
    ] {
        let written = ReasonsOf::new(&in_force.enforced, &judgement, None, user);
        let written = serde_json::to_value(&written).unwrap();
        assert_eq!(
            written["effective"]["extensions"],
            json!({"policy": "p", "value": told})
        );
        let require = json!([{"when": "***", "message": "Ask."}]);
        assert_eq!(
            written["effective"]["require"],
            json!({"policy": "p", "value": require})
        );
    }
}
