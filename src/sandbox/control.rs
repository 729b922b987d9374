//! The `/_sandbox` pages: what came, what the grade book holds, and what is to go wrong next.
//! They need no credentials and are never recorded.

use http::{Method, StatusCode};
use serde_json::json;

use super::answer::{Answer, cannot, envelope, json, no_content};
use super::body::Received;
use super::fault::Fault;
use super::state::State;

pub const PREFIX: &str = "/_sandbox/";

pub fn answer(state: &State, method: &Method, path: &str, received: &Received) -> Answer {
    match (method.as_str(), path) {
        ("GET", "/_sandbox/requests") => json(StatusCode::OK, &state.recorder().requests()),
        ("DELETE", "/_sandbox/requests") => {
            state.recorder().clear();
            no_content()
        }
        ("GET", "/_sandbox/grades") => {
            let grades = state.grade_book().grades(state.options.lms);
            json(StatusCode::OK, &grades)
        }
        ("GET", "/_sandbox/faults") => json(StatusCode::OK, &state.faults().pending()),
        ("POST", "/_sandbox/faults") => add_faults(state, received),
        ("DELETE", "/_sandbox/faults") => {
            state.faults().clear();
            no_content()
        }
        (method, path) => cannot(method, path),
    }
}

fn add_faults(state: &State, received: &Received) -> Answer {
    match serde_json::from_slice::<Vec<Fault>>(&received.bytes) {
        Ok(faults) => {
            state.faults().add(faults);
            json(
                StatusCode::CREATED,
                &json!({ "pending": state.faults().pending().len() }),
            )
        }
        Err(cause) => envelope(
            StatusCode::BAD_REQUEST,
            "MALFORMED_FAULTS",
            &cause.to_string(),
        ),
    }
}
