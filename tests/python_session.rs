//! A session of the official Python SDK before the sandbox: what one step writes, a later one
//! reads back, so that the documented rules of LTIAAS hold on the whole way.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]
#[path = "support/certificate.rs"]
mod certificate;
#[path = "support/sandbox.rs"]
mod sandbox;
#[path = "support/sdk.rs"]
mod sdk;
#[allow(dead_code, unused_imports)]
mod support;
#[allow(dead_code)]
#[path = "support/tools.rs"]
mod tools;

use sandbox::Sandbox;
use sdk::{Launch, SERVICE_KEY, Session};
use serde_json::{Value, json};
use support::*;

fn score(item: &str, given: f64) -> Value {
    json!({
        "line_item_id": item,
        "user_id": "learner-1",
        "activity_progress": "Completed",
        "grading_progress": "FullyGraded",
        "score_given": given,
        "score_maximum": 100,
    })
}

/// What the grade book shows of `learner-1`, as a share of the maximum.
fn shown(session: &Session, item: &str) -> f64 {
    let filter = json!({"line_item_id": item, "user_id": "learner-1"});
    let results = session.succeed("get_scores", filter);
    let results = results["scores"].as_array().unwrap();
    assert_eq!(results.len(), 1, "{results:?}");
    let number = |name: &str| results[0][name].as_f64().unwrap();
    number("result_score") / number("result_maximum")
}

#[test]
fn a_line_item_lives_from_creation_to_deletion() {
    for launch in [Launch::Ltik, Launch::ServiceKey] {
        let sandbox = Sandbox::start();
        let session = Session::before(sandbox.address, launch, None);
        let item = json!({"label": "Quiz é", "score_maximum": 100, "tag": "quiz"});
        let made = session.succeed("create_line_item", item);
        let id = made["id"].as_str().unwrap();

        let listed = session.succeed("get_line_items", json!({"tag": "quiz"}));
        assert_eq!(listed["line_items"][0]["id"], id);
        assert_eq!(listed["line_items"].as_array().unwrap().len(), 1);

        session.succeed("submit_score", score(id, 83.5));
        assert!((shown(&session, id) - 0.835).abs() < 1e-9);
        session.succeed("submit_score", score(id, 105.0));
        assert!((shown(&session, id) - 1.0).abs() < 1e-9);

        let renamed = json!({"id": id, "label": "Exam", "score_maximum": 100});
        session.succeed("update_line_item", renamed);
        let read = session.succeed("get_line_item", json!({"id": id}));
        // Replacing erases what the new one leaves out.
        assert_eq!(
            (&read["label"], &read["tag"]),
            (&json!("Exam"), &Value::Null)
        );

        session.succeed("delete_line_item", json!({"id": id}));
        let gone = session.fail("get_line_item", json!({"id": id}));
        assert_eq!(gone["status"], 404);
        assert_all_ours(&sandbox, launch);
    }
}

/// Every request came with the account's key and this launch.
fn assert_all_ours(sandbox: &Sandbox, launch: Launch) {
    let expected = match launch {
        Launch::Ltik => format!("LTIK-AUTH-V2 {API_KEY}:{LTIK}"),
        Launch::ServiceKey => format!("SERVICE-AUTH-V1 {API_KEY}:{SERVICE_KEY}"),
    };
    let requests = sandbox.requests();
    assert!(!requests.is_empty());
    for request in requests {
        let headers = request["headers"].as_array().unwrap();
        let authorization: Vec<_> = headers
            .iter()
            .filter(|header| header[0].as_str() == Some("authorization"))
            .collect();
        assert_eq!(authorization.len(), 1, "{request}");
        assert_eq!(authorization[0][1], expected.as_str());
    }
}

#[test]
fn pages_are_followed_to_the_last() {
    let sandbox = Sandbox::start();
    let session = Session::before(sandbox.address, Launch::ServiceKey, None);
    for (operation, list, least) in [
        ("get_memberships", "members", 5),
        ("get_line_items", "line_items", 3),
    ] {
        for label in ["A", "B"] {
            let item = json!({"label": label, "score_maximum": 10});
            session.succeed("create_line_item", item);
        }
        let mut page = session.succeed(operation, json!({"limit": 2}));
        let mut seen = page[list].as_array().unwrap().len();
        while let Some(next) = page["next"].as_str() {
            page = session.succeed(operation, json!({"url": next}));
            let more = page[list].as_array().unwrap().len();
            assert!(more > 0, "an empty page of {operation}");
            seen += more;
        }
        assert!(seen >= least, "{seen} of {operation}");
    }
}

#[test]
fn a_launch_is_read_and_links_are_made() {
    let sandbox = Sandbox::start();
    let session = Session::before(sandbox.address, Launch::Ltik, None);
    let token = session.succeed("get_id_token", json!({}));
    assert_eq!(token["user"]["id"], "learner-1");
    let item = token["services"]["assignment_and_grades"]["lineItemId"].clone();
    session.succeed("submit_score", score(item.as_str().unwrap(), 50.0));
    assert!((shown(&session, item.as_str().unwrap()) - 0.5).abs() < 1e-9);
    let raw = session.succeed("get_raw_id_token", json!({}));
    assert_eq!(raw["sub"], "learner-1");
    let form = session.succeed("build_deep_linking_form", json!({}));
    assert!(form["form"].as_str().unwrap().contains("<form"));
    let parts = session.succeed("build_deep_linking_form_components", json!({}));
    assert!(parts["target"].is_string());
    assert_all_ours(&sandbox, Launch::Ltik);
}
