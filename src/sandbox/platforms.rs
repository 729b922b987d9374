//! `/admin/platforms` and `/api/platforms`: the registered platforms. A write needs all members.

use std::collections::BTreeMap;

use http::StatusCode;
use serde_json::value::to_raw_value;

use super::answer::{Answer, envelope, json, no_content};
use super::body::Members;
use super::score::Flaw;
use super::scores::flawed;

const MOST: usize = 1_000;

const REQUIRED: &[Flaw] = &[
    required("url", "url is required."),
    required("clientId", "clientId is required."),
    required("name", "name is required."),
    required(
        "authenticationEndpoint",
        "authenticationEndpoint is required.",
    ),
    required("accesstokenEndpoint", "accesstokenEndpoint is required."),
    required("authConfig", "authConfig is required."),
];

const fn required(field: &'static str, message: &'static str) -> Flaw {
    Flaw { field, message }
}

#[derive(Debug, Default)]
pub struct Platforms {
    known: BTreeMap<String, Members>,
    created: u64,
}

impl Platforms {
    pub fn list(&self) -> Answer {
        let platforms: Vec<&Members> = self.known.values().collect();
        json(StatusCode::OK, &Container { platforms })
    }

    pub fn create(&mut self, members: Members) -> Result<Answer, Answer> {
        check(&members)?;
        if self.known.len() >= MOST {
            return Err(envelope(
                StatusCode::INSUFFICIENT_STORAGE,
                "The sandbox is full",
                "Delete some platforms.",
            ));
        }
        self.created += 1;
        let id = format!("platform-{}", self.created);
        Ok(self.keep(&id, members, false))
    }

    pub fn read(&self, id: &str) -> Result<Answer, Answer> {
        let found = self.known.get(id).ok_or_else(not_found)?;
        Ok(json(StatusCode::OK, found))
    }

    pub fn replace(&mut self, id: &str, members: Members) -> Result<Answer, Answer> {
        let before = self.known.get(id).ok_or_else(not_found)?;
        check(&members)?;
        let active = before
            .get("active")
            .is_some_and(|active| active.get() == "true");
        Ok(self.keep(id, members, active))
    }

    pub fn delete(&mut self, id: &str) -> Result<Answer, Answer> {
        let removed = self.known.remove(id).ok_or_else(not_found);
        removed.map(|_| no_content())
    }

    pub fn set_active(&mut self, id: &str, active: bool) -> Result<Answer, Answer> {
        let members = self.known.get(id).cloned().ok_or_else(not_found)?;
        Ok(self.keep(id, members, active))
    }

    fn keep(&mut self, id: &str, mut members: Members, active: bool) -> Answer {
        members.insert("id".into(), to_raw_value(id).unwrap_or_default());
        members.insert("active".into(), to_raw_value(&active).unwrap_or_default());
        let answer = json(StatusCode::OK, &members);
        self.known.insert(id.to_owned(), members);
        answer
    }
}

#[derive(serde::Serialize)]
struct Container<'a> {
    platforms: Vec<&'a Members>,
}

fn check(members: &Members) -> Result<(), Answer> {
    let missing = |flaw: &&Flaw| {
        members
            .get(flaw.field)
            .is_none_or(|value| value.get() == "null")
    };
    let missing: Vec<Flaw> = REQUIRED.iter().filter(missing).copied().collect();
    match missing.is_empty() {
        true => Ok(()),
        false => Err(flawed(&missing, members)),
    }
}

fn not_found() -> Answer {
    let description = "The platform is not registered.";
    envelope(StatusCode::NOT_FOUND, "PLATFORM_NOT_FOUND", description)
}
