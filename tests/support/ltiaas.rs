//! A minimal LTIAAS: for each endpoint the success that its reference documents, as the SDKs'
//! models want it, and an error for line items that are named for one.

use serde_json::{Value, json};

use super::support::{Recorded, Reply, Upstream, encode, json_reply, reply};

/// The line item that most answers are about.
pub const ITEM: &str = "https://lms.example.com/api/lti/courses/101/line_items/7";

pub fn start() -> Upstream {
    Upstream::start(|request, _| answer(request))
}

fn answer(request: &Recorded) -> Reply {
    let target = request.target();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    match (request.method(), segments.as_slice()) {
        (_, ["api", "lineitems", id, ..]) if id.contains("broken") => broken(id),
        ("GET", ["api", "idtoken"]) if query == "raw=true" => success(200, &raw_id_token()),
        ("GET", ["api", "idtoken"]) => success(200, &id_token()),
        ("GET", ["api", "memberships"]) => success(200, &memberships()),
        ("GET", ["api", "lineitems"]) => success(200, &json!({"lineItems": [line_item()]})),
        ("POST", ["api", "lineitems"]) => success(201, &line_item()),
        ("GET", ["api", "lineitems", _]) => success(200, &line_item()),
        ("PUT", ["api", "lineitems", _]) => success(201, &line_item()),
        ("DELETE", ["api", "lineitems", _]) => reply(204, "", ""),
        ("GET", ["api", "lineitems", _, "scores"]) => success(200, &scores()),
        ("POST", ["api", "lineitems", _, "scores"]) => reply(204, "", ""),
        ("POST", ["api", "deeplinking", "form"]) => success(200, &json!({"form": "<form></form>"})),
        ("POST", ["api", "deeplinking"]) => success(
            200,
            &json!({"message": "jwt", "target": "https://lms.example.com/return"}),
        ),
        _ => reply(404, "text/html; charset=utf-8", "<pre>Cannot do that</pre>"),
    }
}

fn success(status: u16, body: &Value) -> Reply {
    json_reply(status, body.to_string())
}

/// Line items whose every answer is an error: `https://lms.example.com/broken/KIND`.
pub fn broken_item(kind: &str) -> String {
    format!("https://lms.example.com/broken/{kind}")
}

fn broken(id: &str) -> Reply {
    let is = |kind: &str| id == encode(&broken_item(kind));
    if is("html") {
        reply(502, "text/html", "<html>Bad Gateway</html>")
    } else if is("empty") {
        reply(500, "", "")
    } else if is("array") {
        json_reply(500, "[1, 2]")
    } else if is("errors") {
        json_reply(
            400,
            r#"{"status":400,"error":"Bad Request","details":{"errors":[]}}"#,
        )
    } else if is("envelope") {
        let details = json!({"message": "INACTIVE_SERVICE", "description": "No grades here."});
        let body = json!({"status": 403, "error": "Forbidden", "details": details});
        success(403, &body)
    } else if is("external") {
        let details = json!({
            "message": "EXTERNAL_ERROR",
            "description": "The platform refused.",
            "externalError": true,
            "externalUrl": "https://lms.example.com/scores",
            "bodyReceived": {"errors": {"type": "unprocessable_entity"}},
        });
        let body = json!({"status": 422, "error": "Unprocessable Entity", "details": details});
        success(422, &body)
    } else if is("ltik") {
        let description = "Invalid or expired ltik.";
        let message = "INVALID_LTIK_AUTH_AUTHORIZATION_HEADER";
        let details = json!({"message": message, "description": description});
        let body = json!({"status": 401, "error": "Unauthorized", "details": details});
        success(401, &body)
    } else {
        Reply::ThenClose(Vec::new())
    }
}

fn line_item() -> Value {
    json!({
        "id": ITEM,
        "label": "Quiz",
        "scoreMaximum": 80,
        "tag": "quiz",
        "resourceId": "q1",
        "startDateTime": "2026-01-01T00:00:00.000Z",
        "gradesReleased": true,
    })
}

fn scores() -> Value {
    let result = json!({
        "id": format!("{ITEM}/results/5"),
        "userId": "5",
        "scoreOf": ITEM,
        "resultScore": 83.5,
        "resultMaximum": 100,
        "comment": null,
        "timestamp": "2026-01-01T00:00:00.000Z",
    });
    json!({"scores": [result], "next": format!("{ITEM}/results?page=2")})
}

fn memberships() -> Value {
    json!({
        "id": "https://lms.example.com/memberships",
        "context": {"id": "c1", "label": "C", "title": "Course"},
        "members": [{"userId": "5", "roles": ["Learner"], "status": "Active", "name": "Zoë"}],
        "next": "https://lms.example.com/memberships?page=2",
    })
}

fn id_token() -> Value {
    json!({
        "ltiVersion": "1.3.0",
        "user": {"id": "5", "roles": ["Learner"], "name": "Zoë"},
        "platform": {"id": "p1", "url": "https://lms.example.com", "clientId": "c"},
        "launch": {"type": "LtiResourceLinkRequest", "custom": {"level": 3}},
        "services": {
            "outcomes": {"available": false},
            "deepLinking": {"available": false},
            "assignmentAndGrades": {"available": true, "lineItemId": ITEM},
            "namesAndRoles": {"available": true},
            "serviceKey": "launch-service-key",
        },
    })
}

fn raw_id_token() -> Value {
    let claim = |name: &str| format!("https://purl.imsglobal.org/spec/lti/claim/{name}");
    json!({
        "iss": "https://lms.example.com",
        "sub": "5",
        "aud": "c",
        "exp": 2_000_000_000,
        "iat": 1_900_000_000,
        "nonce": "n",
        "ltiVersion": "1.3.0",
        claim("message_type"): "LtiResourceLinkRequest",
        claim("deployment_id"): "d",
        claim("target_link_uri"): "https://tool.example",
        claim("roles"): ["Learner"],
    })
}
