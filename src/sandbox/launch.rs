//! What belongs to a launch: the ID token, the class list and deep linking. One sample course
//! with one line item and five people stands behind them all.

use http::StatusCode;
use serde_json::{Value, json};

use super::answer::{Answer, envelope, json};
use super::body::Members;
use super::paging::Page;
use super::query::Query;
use super::state::State;

const ROLES: &str = "http://purl.imsglobal.org/vocab/lis/v2/membership#";
const CLAIM: &str = "https://purl.imsglobal.org/spec/lti/claim/";
const PEOPLE: &[(&str, &str, &str)] = &[
    ("instructor-1", "Iris Instructor", "Instructor"),
    ("learner-1", "Ada Learner", "Learner"),
    ("learner-2", "Ben Learner", "Learner"),
    ("learner-3", "Cleo Learner", "Learner"),
    ("learner-4", "Dev Learner", "Learner"),
];

pub fn id_token(state: &State, query: &Query) -> Answer {
    let platform = &state.options.platform;
    let token = match query.get("raw") {
        Some("true") => raw_id_token(platform),
        _ => plain_id_token(platform),
    };
    json(StatusCode::OK, &token)
}

fn plain_id_token(platform: &str) -> Value {
    json!({
        "ltiVersion": "1.3.0",
        "user": {
            "id": "learner-1", "name": "Ada Learner", "email": "learner-1@example.com",
            "roles": [format!("{ROLES}Learner")],
        },
        "platform": {
            "id": "sandbox", "url": platform, "clientId": "client-1", "deploymentId": "1",
            "name": "Sandbox LMS", "productFamilyCode": "sandbox",
        },
        "launch": {
            "type": "LtiResourceLinkRequest", "target": "https://tool.example.com/",
            "context": { "id": "1", "label": "COURSE", "title": "A course", "type": ["CourseSection"] },
            "resourceLink": { "id": "1", "title": "Quiz 1" },
            "presentation": { "documentTarget": "iframe", "width": "800" },
            "custom": {},
        },
        "services": {
            "outcomes": { "available": false },
            "deepLinking": { "available": true },
            "assignmentAndGrades": { "available": true, "lineItemId": sample_line_item(platform) },
            "namesAndRoles": { "available": true },
            "serviceKey": "sandbox-service-key",
        },
    })
}

fn raw_id_token(platform: &str) -> Value {
    let mut token = json!({
        "ltiVersion": "1.3.0", "iss": platform, "sub": "learner-1", "aud": "client-1",
        "exp": 4_000_000_000_u64, "iat": 1_700_000_000, "nonce": "nonce", "name": "Ada Learner",
    });
    let claims = [
        ("message_type", json!("LtiResourceLinkRequest")),
        ("version", json!("1.3.0")),
        ("deployment_id", json!("1")),
        ("target_link_uri", json!("https://tool.example.com/")),
        ("roles", json!([format!("{ROLES}Learner")])),
        (
            "context",
            json!({ "id": "1", "label": "COURSE", "title": "A course" }),
        ),
        ("resource_link", json!({ "id": "1", "title": "Quiz 1" })),
    ];
    if let Some(members) = token.as_object_mut() {
        members.extend(claims.map(|(name, value)| (format!("{CLAIM}{name}"), value)));
    }
    token
}

fn sample_line_item(platform: &str) -> String {
    format!("{platform}/api/lti/courses/1/line_items/quiz-1")
}

pub fn memberships(state: &State, query: Query) -> Result<Answer, Answer> {
    let base = format!(
        "{}/api/lti/courses/1/names_and_roles",
        state.options.platform
    );
    let page = Page::wanted(base.clone(), query)?;
    let wanted = page.filter("role").map(short);
    let has_role = |role: &str| wanted.is_none_or(|wanted| wanted.eq_ignore_ascii_case(role));
    let people = PEOPLE
        .iter()
        .filter(|(_, _, role)| has_role(role))
        .map(member);
    let (members, next) = page.cut(people.collect(), &["role", "resourceLinkId"]);
    let mut body = json!({
        "id": base,
        "context": { "id": "1", "label": "COURSE", "title": "A course" },
        "members": members,
    });
    if let (Some(next), Some(container)) = (next, body.as_object_mut()) {
        container.insert("next".into(), next.into());
    }
    Ok(json(StatusCode::OK, &body))
}

/// A role's short name: what follows the `#` of its URI.
fn short(role: &str) -> &str {
    role.rsplit('#').next().unwrap_or(role)
}

fn member((id, name, role): &(&str, &str, &str)) -> Value {
    json!({
        "userId": id, "name": name, "email": format!("{id}@example.com"),
        "roles": [format!("{ROLES}{role}")], "status": "Active",
    })
}

pub fn deep_linking_form(state: &State, members: &Members) -> Result<Answer, Answer> {
    let (message, target) = deep_link(state, members)?;
    let form = format!(
        "<form id=\"ltiaas_dl\" action=\"{target}\" method=\"POST\">\
         <input type=\"hidden\" name=\"JWT\" value=\"{message}\" /></form>\
         <script>document.getElementById('ltiaas_dl').submit()</script>"
    );
    Ok(json(StatusCode::OK, &json!({ "form": form })))
}

pub fn deep_linking_message(state: &State, members: &Members) -> Result<Answer, Answer> {
    let (message, target) = deep_link(state, members)?;
    Ok(json(
        StatusCode::OK,
        &json!({ "message": message, "target": target }),
    ))
}

/// A message that looks like a signed one, and where it goes.
fn deep_link(state: &State, members: &Members) -> Result<(&'static str, String), Answer> {
    match members.get("contentItems") {
        Some(items) if items.get().starts_with('[') => Ok((
            "eyJhbGciOiJub25lIn0.e30.",
            format!("{}/deep_linking_response", state.options.platform),
        )),
        _ => Err(envelope(
            StatusCode::BAD_REQUEST,
            "VALIDATION_ERROR",
            "contentItems is required and must be an array.",
        )),
    }
}
