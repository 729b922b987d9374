//! `POST` and `GET /api/lineitems/:id/scores`. Refuses what LTIAAS documents as wrong with a 400
//! that lists every flaw; what the platform refuses comes back as an external error.

use http::StatusCode;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;

use super::answer::{Answer, envelope_with, json, no_content};
use super::body::Members;
use super::grade_book::{Grade, Lms, Refused};
use super::number::Number;
use super::paging::Page;
use super::query::Query;
use super::score::{Flaw, Score};
use super::state::State;

pub fn submit(state: &State, id: &str, members: &Members) -> Answer {
    let score = match Score::read(members) {
        Ok(score) => score,
        Err(flaws) => return flawed(&flaws, members),
    };
    let lms = state.options.lms;
    // The caller's own timestamp is overwritten, as ltijs does.
    let posted = state.grade_book().post(id, score, lms, Timestamp::now());
    posted.map_or_else(|refused| external(id, refused, lms), |()| no_content())
}

pub fn read(state: &State, id: &str, query: Query) -> Result<Answer, Answer> {
    let page = Page::wanted(results_url(id), query)?;
    let lms = state.options.lms;
    let grades = state.grade_book().grades_of(id, lms);
    let mut grades = grades.map_err(|refused| external(id, refused, lms))?;
    if let Some(user) = page.filter("userId") {
        grades.retain(|grade| grade.user_id == user);
    }
    let (grades, next) = page.cut(grades, &["userId"]);
    let scores = grades.into_iter().map(SentResult::of).collect();
    Ok(json(StatusCode::OK, &Container { scores, next }))
}

#[derive(Serialize)]
struct Container {
    scores: Vec<SentResult>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SentResult {
    id: String,
    user_id: String,
    score_of: String,
    timestamp: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    result_score: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    result_maximum: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    comment: Option<String>,
}

impl SentResult {
    fn of(grade: Grade) -> Self {
        let maximum = grade.result_score.is_some().then_some(grade.result_maximum);
        Self {
            id: beneath(&results_url(&grade.line_item), &grade.user_id),
            user_id: grade.user_id,
            score_of: grade.line_item,
            timestamp: grade.timestamp,
            result_score: grade.result_score,
            result_maximum: maximum,
            comment: grade.comment,
        }
    }
}

/// Where the platform keeps a line item's results: beneath it, its query kept.
fn results_url(id: &str) -> String {
    beneath(id, "results")
}

fn beneath(url: &str, segment: &str) -> String {
    let (path, query) = url
        .split_once('?')
        .map_or((url, None), |(p, q)| (p, Some(q)));
    let mut longer = format!("{path}/");
    match segment {
        "results" => longer.push_str(segment),
        other => crate::line_item::encode_component(other, &mut longer),
    }
    query.map_or(longer.clone(), |query| format!("{longer}?{query}"))
}

/// The 400 of a body that is not what LTIAAS documents.
pub fn flawed(flaws: &[Flaw], members: &Members) -> Answer {
    let first = flaws
        .first()
        .map_or("The body is not valid.", |flaw| flaw.message);
    let details = json!({ "errors": flaws, "bodyReceived": members });
    envelope_with(StatusCode::BAD_REQUEST, "VALIDATION_ERROR", first, details)
}

/// A platform's refusal, passed on.
pub fn external(id: &str, refused: Refused, lms: Lms) -> Answer {
    let (status, message) = match (refused, lms) {
        (Refused::NoSuchLineItem, _) => (StatusCode::NOT_FOUND, "Not Found"),
        (Refused::NotALineItem, _) => (StatusCode::BAD_REQUEST, "INVALID_LINEITEM_ID"),
        (Refused::MaximumMissing, Lms::Moodle) => {
            (StatusCode::BAD_REQUEST, "Incorrect score received")
        }
        (Refused::MaximumMissing, Lms::Ags | Lms::Canvas) => (
            StatusCode::UNPROCESSABLE_ENTITY,
            "ScoreMaximum must be supplied when scoreGiven is present",
        ),
        (Refused::Stale, _) => (
            StatusCode::CONFLICT,
            "Refusing score with an older timestamp",
        ),
        (Refused::Full, _) => (StatusCode::INSUFFICIENT_STORAGE, "The sandbox is full"),
    };
    let details = json!({ "externalError": true, "externalUrl": id });
    envelope_with(
        status,
        message,
        "The platform refused the request.",
        details,
    )
}
