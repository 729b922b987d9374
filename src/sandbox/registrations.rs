//! `/api/registrations/:id` and its completion. Refuses the id `unknown` with a 404.

use http::StatusCode;
use serde_json::json;

use super::answer::{Answer, envelope, json};

/// `GET /api/registrations/:id`: any id is known, but `unknown`.
pub fn registration(id: &str) -> Result<Answer, Answer> {
    known(id)?;
    let body = json!({
        "id": id,
        "platform": { "url": "https://lms.example.com", "productFamilyCode": "sandbox" },
        "messages": [{ "type": "LtiResourceLinkRequest" }],
    });
    Ok(json(StatusCode::OK, &body))
}

/// `POST /api/registrations/:id/complete`.
pub fn complete(id: &str) -> Result<Answer, Answer> {
    known(id)?;
    let body = json!({ "id": id, "form": "<script>window.close()</script>" });
    Ok(json(StatusCode::OK, &body))
}

fn known(id: &str) -> Result<(), Answer> {
    match id {
        "unknown" => Err(envelope(
            StatusCode::NOT_FOUND,
            "REGISTRATION_NOT_FOUND",
            "There is no such registration.",
        )),
        _ => Ok(()),
    }
}
