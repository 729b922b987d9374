//! `/api/lineitems` and `/api/lineitems/:id`. Creating and replacing answer 201; replacing erases
//! what the new body leaves out. Refuses a body without a label or a maximum above 0 with a 400.

use http::StatusCode;
use serde::Serialize;

use super::answer::{Answer, json, no_content};
use super::body::Members;
use super::grade_book::Refused;
use super::number::Number;
use super::paging::Page;
use super::query::Query;
use super::score::{Flaw, text};
use super::scores::{external, flawed};
use super::state::State;

const FILTERS: &[(&str, &str)] = &[
    ("resourceLinkId", "resourceLinkId"),
    ("resourceId", "resourceId"),
    ("tag", "tag"),
];

pub fn list(state: &State, query: Query) -> Result<Answer, Answer> {
    let base = format!("{}/api/lti/courses/1/line_items", state.options.platform);
    let page = Page::wanted(base, query)?;
    let mut items = state.grade_book().line_items();
    for (parameter, member) in FILTERS {
        if let Some(wanted) = page.filter(parameter) {
            items.retain(|item| text(item, member).as_deref() == Some(wanted));
        }
    }
    let filters: Vec<&str> = FILTERS.iter().map(|(parameter, _)| *parameter).collect();
    let (line_items, next) = page.cut(items, &filters);
    Ok(json(StatusCode::OK, &Container { line_items, next }))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Container {
    line_items: Vec<Members>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

pub fn create(state: &State, members: Members) -> Result<Answer, Answer> {
    check(&members)?;
    let created = state.grade_book().create(&state.options.platform, members);
    shown(state, "", StatusCode::CREATED, created)
}

pub fn read(state: &State, id: &str) -> Result<Answer, Answer> {
    let read = state.grade_book().read(id);
    shown(state, id, StatusCode::OK, read)
}

pub fn replace(state: &State, id: &str, members: Members) -> Result<Answer, Answer> {
    check(&members)?;
    let replaced = state.grade_book().replace(id, members);
    shown(state, id, StatusCode::CREATED, replaced)
}

pub fn delete(state: &State, id: &str) -> Result<Answer, Answer> {
    let deleted = state.grade_book().delete(id);
    deleted
        .map(|()| no_content())
        .map_err(|refused| external(id, refused, state.options.lms))
}

fn shown(
    state: &State,
    id: &str,
    status: StatusCode,
    members: Result<Members, Refused>,
) -> Result<Answer, Answer> {
    members
        .map(|members| json(status, &members))
        .map_err(|refused| external(id, refused, state.options.lms))
}

fn check(members: &Members) -> Result<(), Answer> {
    let mut flaws = Vec::new();
    if text(members, "label").is_none() {
        flaws.push(Flaw {
            field: "label",
            message: "label is required and must be a string.",
        });
    }
    let maximum = members
        .get("scoreMaximum")
        .and_then(|value| Number::read(value));
    if !maximum.is_some_and(|maximum| maximum.is_positive()) {
        flaws.push(Flaw {
            field: "scoreMaximum",
            message: "scoreMaximum is required and must be a number above 0.",
        });
    }
    match flaws.is_empty() {
        true => Ok(()),
        false => Err(flawed(&flaws, members)),
    }
}
