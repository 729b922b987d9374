//! The official Python SDK, changed in nothing but its host and key: every operation it has,
//! over HTTPS, with both kinds of launch.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]
#[path = "support/certificate.rs"]
mod certificate;
#[path = "support/ltiaas.rs"]
mod ltiaas;
#[path = "support/sdk.rs"]
mod sdk;
#[allow(dead_code, unused_imports)]
mod support;
#[allow(dead_code)]
#[path = "support/tools.rs"]
mod tools;

use std::process::Command;

use sdk::{Launch, SERVICE_KEY, Session};
use serde_json::{Value, json};
use support::*;

const CANVAS: &str = ltiaas::ITEM;
const MOODLE: &str =
    "https://moodle.example/mod/lti/services.php/5/lineitems/26/lineitem?type_id=1";
const UNICODE: &str = "https://lms.example.com/a b/é~(1)'*!/1";
/// The SDK, the gateway, and a scripted LTIAAS that records what reaches it.
struct Setup {
    upstream: Upstream,
    session: Session,
    launch: Launch,
}

impl Setup {
    fn new(launch: Launch) -> Self {
        Self::with_key(launch, None)
    }

    fn with_key(launch: Launch, key: Option<&str>) -> Self {
        let upstream = ltiaas::start();
        Self {
            session: Session::before(upstream.address, launch, key),
            upstream,
            launch,
        }
    }

    /// Takes a step that works, and answers with its result and what it became upstream.
    fn succeed(&self, operation: &str, arguments: Value) -> (Value, Recorded) {
        let before = self.upstream.requests().len();
        let returned = self.session.succeed(operation, arguments);
        assert_eq!(self.upstream.requests().len(), before + 1);
        let recorded = self.upstream.last();
        assert_eq!(
            recorded.header("authorization"),
            Some(&*self.authorization())
        );
        (returned, recorded)
    }

    fn fail(&self, operation: &str, arguments: Value) -> Value {
        self.session.fail(operation, arguments)
    }

    /// What LTIAAS must get.
    fn authorization(&self) -> String {
        match self.launch {
            Launch::Ltik => format!("LTIK-AUTH-V2 {API_KEY}:{LTIK}"),
            Launch::ServiceKey => format!("SERVICE-AUTH-V1 {API_KEY}:{SERVICE_KEY}"),
        }
    }
}

fn score(item: &str) -> Value {
    json!({
        "line_item_id": item,
        "user_id": "5323497",
        "activity_progress": "Completed",
        "grading_progress": "FullyGraded",
        "score_given": 83.5,
        "score_maximum": 100,
        "comment": "très bien",
    })
}

fn status_and_message(response: &Value) -> (i64, &str) {
    let status = response["status"].as_i64().unwrap();
    (status, response["details"]["message"].as_str().unwrap())
}

fn each_launch(check: impl Fn(&Setup)) {
    for launch in [Launch::Ltik, Launch::ServiceKey] {
        check(&Setup::new(launch));
    }
}

#[test]
fn scores_of_every_kind_of_line_item_arrive_judged() {
    each_launch(|setup| {
        for item in [CANVAS, MOODLE, UNICODE] {
            let (returned, sent) = setup.succeed("submit_score", score(item));
            assert!(returned == Value::Null || returned == "", "{returned}");
            assert_eq!(sent.method(), "POST");
            let target = format!("/api/lineitems/{}/scores", encode(item));
            assert_same_target(sent.target(), &target);
            assert_eq!(sent.header("content-type"), Some("application/json"));
            let body = json!({
                "userId": "5323497",
                "activityProgress": "Completed",
                "gradingProgress": "FullyGraded",
                "scoreGiven": 83.5,
                "scoreMaximum": 100,
                "comment": "très bien",
            });
            assert_eq!(sent.json(), body);
        }
        let mut over = score(CANVAS);
        over["score_given"] = json!(105);
        let (_, sent) = setup.succeed("submit_score", over);
        assert_eq!(sent.json()["scoreGiven"], 100);
    });
}

/// `encodeURIComponent` leaves `!'()*`, which may be escaped as well.
fn assert_same_target(sent: &str, expected: &str) {
    let mut escaped = expected.to_owned();
    for mark in ['!', '\'', '(', ')', '*'] {
        escaped = escaped.replace(mark, &format!("%{:02X}", u32::from(mark)));
    }
    assert!(sent == expected || sent == escaped, "{sent} for {expected}");
}

#[test]
fn progress_alone_leaves_without_a_score() {
    each_launch(|setup| {
        let started = json!({
            "line_item_id": CANVAS,
            "user_id": 42,
            "activity_progress": "Started",
            "grading_progress": "NotReady",
        });
        let (_, sent) = setup.succeed("submit_score", started);
        let body = json!({
            "userId": "42",
            "activityProgress": "Started",
            "gradingProgress": "NotReady",
        });
        assert_eq!(sent.json(), body);
    });
}

#[test]
fn results_come_back_as_the_model_wants_them() {
    each_launch(|setup| {
        for item in [CANVAS, MOODLE, UNICODE] {
            let arguments = json!({"line_item_id": item, "user_id": "5 é", "limit": 10});
            let (results, sent) = setup.succeed("get_scores", arguments);
            assert_eq!(results["scores"][0]["result_score"], 83.5);
            assert_eq!(results["scores"][0]["user_id"], "5");
            let (path, query) = sent.target().split_once('?').unwrap();
            assert_same_target(path, &format!("/api/lineitems/{}/scores", encode(item)));
            let mut parameters: Vec<_> = query.split('&').collect();
            parameters.sort_unstable();
            assert_eq!(parameters, ["limit=10", "userId=5%20%C3%A9"]);
        }
    });
}

#[test]
fn the_next_page_is_asked_for_with_an_address_that_is_encoded_once() {
    each_launch(|setup| {
        let page = format!("{CANVAS}/results?page=2");
        let arguments = json!({"line_item_id": CANVAS, "url": page});
        let (_, sent) = setup.succeed("get_scores", arguments);
        let path = format!("/api/lineitems/{}/scores", encode(CANVAS));
        assert_eq!(sent.target(), format!("{path}?url={}", encode(&page)));

        let page = "https://lms.example.com/api/lti/courses/101/line_items?page=2";
        let (_, sent) = setup.succeed("get_line_items", json!({"url": page}));
        let expected = format!("/api/lineitems?url={}", encode(page));
        assert_eq!(sent.target(), expected);

        let page = "https://lms.example.com/memberships?page=2";
        let (_, sent) = setup.succeed("get_memberships", json!({"url": page}));
        let expected = format!("/api/memberships?url={}", encode(page));
        assert_eq!(sent.target(), expected);
    });
}

#[test]
fn line_items_are_listed_made_read_replaced_and_deleted() {
    each_launch(|setup| {
        let filters =
            json!({"tag": "quiz", "resource_id": "q1", "resource_link_id": "r é", "limit": 5});
        let (listed, sent) = setup.succeed("get_line_items", filters);
        assert_eq!(listed["line_items"][0]["id"], CANVAS);
        let (path, query) = sent.target().split_once('?').unwrap();
        assert_eq!(path, "/api/lineitems");
        let mut parameters: Vec<_> = query.split('&').collect();
        parameters.sort_unstable();
        let expected = [
            "limit=5",
            "resourceId=q1",
            "resourceLinkId=r%20%C3%A9",
            "tag=quiz",
        ];
        assert_eq!(parameters, expected);

        let made = json!({"label": "Quiz é", "score_maximum": 80.0, "tag": "quiz"});
        let body = json!({"label": "Quiz é", "scoreMaximum": 80.0, "tag": "quiz"});
        let (returned, sent) = setup.succeed("create_line_item", made.clone());
        assert_eq!(returned["score_maximum"], 80);
        assert_eq!((sent.method(), sent.target()), ("POST", "/api/lineitems"));
        assert_eq!(sent.json(), body);

        for item in [CANVAS, MOODLE, UNICODE] {
            let path = format!("/api/lineitems/{}", encode(item));
            let (returned, sent) = setup.succeed("get_line_item", json!({"id": item}));
            assert_eq!(returned["label"], "Quiz");
            assert_eq!(sent.method(), "GET");
            assert_same_target(sent.target(), &path);

            let mut replaced = made.clone();
            replaced["id"] = json!(item);
            let (returned, sent) = setup.succeed("update_line_item", replaced);
            assert_eq!(returned["id"], CANVAS);
            assert_eq!(sent.method(), "PUT");
            assert_same_target(sent.target(), &path);
            assert_eq!(sent.json(), body);

            let (returned, sent) = setup.succeed("delete_line_item", json!({"id": item}));
            assert_eq!(returned, Value::Null);
            assert_eq!(sent.method(), "DELETE");
            assert_same_target(sent.target(), &path);
        }
    });
}

#[test]
fn memberships_are_asked_for_by_a_role_that_is_encoded_once() {
    let role = "http://purl.imsglobal.org/vocab/lis/v2/membership#Learner";
    each_launch(|setup| {
        let arguments = json!({"role": role, "limit": 3});
        let (members, sent) = setup.succeed("get_memberships", arguments);
        assert_eq!(members["members"][0]["name"], "Zoë");
        let (path, query) = sent.target().split_once('?').unwrap();
        assert_eq!(path, "/api/memberships");
        let mut parameters: Vec<_> = query.split('&').collect();
        parameters.sort_unstable();
        let role = format!("role={}", encode(role));
        assert_eq!(parameters, ["limit=3", role.as_str()]);
    });
}

#[test]
fn id_tokens_and_deep_links_come_with_an_ltik() {
    let setup = Setup::new(Launch::Ltik);
    let (token, sent) = setup.succeed("get_id_token", json!({}));
    assert_eq!(token["user"]["name"], "Zoë");
    assert_eq!(token["services"]["service_key"], "launch-service-key");
    assert_eq!(sent.target(), "/api/idtoken");

    let (token, sent) = setup.succeed("get_raw_id_token", json!({}));
    assert_eq!(token["deployment_id"], "d");
    assert_eq!(sent.target(), "/api/idtoken?raw=true");

    let options = json!({"message": "Chosen é", "log": "2 items"});
    let (form, sent) = setup.succeed("build_deep_linking_form", options.clone());
    assert_eq!(form["form"], "<form></form>");
    assert_eq!(sent.target(), "/api/deeplinking/form");
    assert_eq!(sent.json(), deep_links());

    let (parts, sent) = setup.succeed("build_deep_linking_form_components", options);
    assert_eq!(parts["target"], "https://lms.example.com/return");
    assert_eq!(sent.target(), "/api/deeplinking");
    assert_eq!(sent.json(), deep_links());
}

/// What drive.py links to, without its nulls.
fn deep_links() -> Value {
    json!({
        "contentItems": [
            {"type": "ltiResourceLink", "title": "Quiz", "custom": {"level": 3}},
            {"type": "html", "html": "<p>é</p>"},
        ],
        "options": {"message": "Chosen é", "log": "2 items"},
    })
}

#[test]
fn refusals_of_the_gateway_surface_as_its_errors() {
    each_launch(|setup| {
        let mut faulty = score(CANVAS);
        faulty["score_given"] = json!(-1);
        let refused = setup.fail("submit_score", faulty);
        assert_eq!(status_and_message(&refused), (422, "INVALID_SCORE"));
        assert_eq!(refused["error"], "Unprocessable Entity");
        assert_eq!(refused["details"]["errors"][0]["field"], "/scoreGiven");

        let mut unknown = score(CANVAS);
        unknown["scoring_user_id"] = json!("t1");
        let refused = setup.fail("submit_score", unknown);
        assert_eq!(status_and_message(&refused), (422, "INVALID_SCORE"));
        let code = &refused["details"]["errors"][0]["code"];
        assert_eq!(code, "UNKNOWN_MEMBER");

        let elsewhere = score("https://evil.example/lineitems/1");
        let refused = setup.fail("submit_score", elsewhere);
        assert_eq!(status_and_message(&refused), (403, "LINE_ITEM_NOT_ALLOWED"));
        assert!(setup.upstream.requests().is_empty());
    });
}

#[test]
fn a_wrong_key_surfaces_as_the_error_of_its_scheme() {
    each_launch(|setup| {
        let wrong = Setup::with_key(setup.launch, Some("sgk_wrong"));
        let refused = wrong.fail("submit_score", score(CANVAS));
        let message = match wrong.launch {
            Launch::Ltik => "INVALID_LTIK_AUTH_AUTHORIZATION_HEADER",
            Launch::ServiceKey => "INVALID_SERVICE_AUTH_AUTHORIZATION_HEADER",
        };
        assert_eq!(status_and_message(&refused), (401, message));
        assert!(wrong.upstream.requests().is_empty());
    });
}

#[test]
fn errors_of_the_upstream_surface_whatever_shape_they_had() {
    let cases = [
        ("html", 502, "UPSTREAM_ERROR"),
        ("empty", 500, "UPSTREAM_ERROR"),
        ("array", 500, "UPSTREAM_ERROR"),
        ("errors", 400, "UPSTREAM_ERROR"),
        ("envelope", 403, "INACTIVE_SERVICE"),
        ("external", 422, "EXTERNAL_ERROR"),
        ("ltik", 401, "INVALID_LTIK_AUTH_AUTHORIZATION_HEADER"),
    ];
    each_launch(|setup| {
        for (kind, status, message) in cases {
            let item = ltiaas::broken_item(kind);
            for error in [
                setup.fail("submit_score", score(&item)),
                setup.fail("get_scores", json!({"line_item_id": item})),
                setup.fail("get_line_item", json!({"id": item})),
                setup.fail("delete_line_item", json!({"id": item})),
            ] {
                assert_eq!(status_and_message(&error), (status, message), "{kind}");
            }
        }
    });
}

/// The SDK knows `externalError`, `externalUrl` and `bodyReceived` in `details` alone.
#[test]
fn what_came_from_outside_of_ltiaas_is_where_the_sdk_looks_for_it() {
    each_launch(|setup| {
        for kind in ["html", "array", "external"] {
            let error = setup.fail("submit_score", score(&ltiaas::broken_item(kind)));
            let details = &error["details"];
            assert_eq!(details["externalError"], true, "{kind}: {error}");
            assert_ne!(details["bodyReceived"], Value::Null, "{kind}: {error}");
        }
        let error = setup.fail("submit_score", score(&ltiaas::broken_item("html")));
        let received = error["details"]["bodyReceived"].as_str().unwrap();
        assert!(received.contains("Bad Gateway"), "{received}");
        let error = setup.fail("submit_score", score(&ltiaas::broken_item("external")));
        let url = &error["details"]["externalUrl"];
        assert_eq!(url, "https://lms.example.com/scores");
    });
}

#[test]
fn a_connection_that_breaks_surfaces_as_an_error_with_a_response() {
    each_launch(|setup| {
        let item = ltiaas::broken_item("connection");
        let error = setup.fail("submit_score", score(&item));
        let (status, message) = status_and_message(&error);
        assert_eq!(status, 502, "{error}");
        let known = ["UPSTREAM_UNREACHABLE", "UPSTREAM_INVALID_RESPONSE"];
        assert!(known.contains(&message), "{error}");
    });
}

#[test]
fn every_operation_of_the_sdk_is_driven() {
    let known = "[name for name in dir(LTIAASLaunch) if not name.startswith('_')]";
    let script = format!("from ltiaas import LTIAASLaunch\nprint(*{known})");
    let output = Command::new(tools::python()).args(["-c", &script]).output();
    let names = String::from_utf8(output.unwrap().stdout).unwrap();
    let driven = [
        "build_deep_linking_form",
        "build_deep_linking_form_components",
        "create_line_item",
        "delete_line_item",
        "get_id_token",
        "get_line_item",
        "get_line_items",
        "get_memberships",
        "get_raw_id_token",
        "get_scores",
        "submit_score",
        "update_line_item",
    ];
    assert_eq!(names.split_whitespace().collect::<Vec<_>>(), driven);
}
