//! A refusal: what the caller is told, and the private cause that only the log sees.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use http::{HeaderName, HeaderValue, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Cause, Code};

/// Why a request goes no further. One pointer wide, so that the good path stays cheap.
#[derive(Debug)]
pub struct Refusal(Box<Parts>);

#[derive(Debug)]
struct Parts {
    code: Code,
    description: Cow<'static, str>,
    faults: Vec<Fault>,
    owner: Option<Owner>,
    headers: Vec<(HeaderName, HeaderValue)>,
    upstream: Option<UpstreamAnswer>,
    cause: Option<Cause>,
    may_have_arrived: bool,
}

/// One fault of a score, as `details.errors` lists it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// JSON pointer to the faulty member.
    pub field: String,
    /// A short constant, such as `REQUIRED`.
    pub code: Cow<'static, str>,
    /// One sentence that helps to mend it. Never repeats a value.
    pub message: String,
}

impl Fault {
    /// Whether its pointer is one that we wrote, not the caller.
    pub fn is_of_known_member(&self) -> bool {
        self.code != "UNKNOWN_MEMBER"
    }
}

/// Whose refusal a POLICY_REFUSED is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    pub policy: Arc<str>,
    pub rule: &'static str,
}

/// An error that LTIAAS answered: its status, and the members of its envelope already repaired.
#[derive(Debug)]
pub struct UpstreamAnswer {
    pub status: StatusCode,
    pub envelope: Map<String, Value>,
}

impl Refusal {
    pub fn new(code: Code, description: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Parts {
            code,
            description: description.into(),
            faults: Vec::new(),
            owner: None,
            headers: Vec::new(),
            upstream: None,
            cause: None,
            may_have_arrived: false,
        }))
    }

    #[must_use]
    pub fn with_faults(mut self, faults: Vec<Fault>) -> Self {
        self.0.faults = faults;
        self
    }

    /// Names the policy and the rule that refuse.
    #[must_use]
    pub fn with_owner(mut self, owner: Owner) -> Self {
        self.0.owner = Some(owner);
        self
    }

    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers.push((name, value));
        self
    }

    #[must_use]
    pub fn with_upstream(mut self, answer: UpstreamAnswer) -> Self {
        self.0.upstream = Some(answer);
        self
    }

    /// Keeps the cause for the operator. It never reaches a caller.
    #[must_use]
    pub fn because(mut self, cause: impl Into<Cause>) -> Self {
        self.0.cause = Some(cause.into());
        self
    }

    /// Says that the upstream may have taken the request all the same: its fate is unknown.
    #[must_use]
    pub fn of_unknown_fate(mut self) -> Self {
        self.0.may_have_arrived = true;
        self
    }

    /// Whether the upstream may have taken the request all the same.
    pub fn may_have_arrived(&self) -> bool {
        self.0.may_have_arrived
    }

    pub fn code(&self) -> Code {
        self.0.code
    }

    /// The status it is answered with: the upstream's where the upstream answered.
    pub fn status(&self) -> StatusCode {
        self.0
            .upstream
            .as_ref()
            .map_or(self.0.code.status(), |answer| answer.status)
    }

    pub fn description(&self) -> &str {
        &self.0.description
    }

    pub fn faults(&self) -> &[Fault] {
        &self.0.faults
    }

    pub fn owner(&self) -> Option<&Owner> {
        self.0.owner.as_ref()
    }

    pub fn headers(&self) -> &[(HeaderName, HeaderValue)] {
        &self.0.headers
    }

    pub fn upstream(&self) -> Option<&UpstreamAnswer> {
        self.0.upstream.as_ref()
    }

    pub fn cause(&self) -> Option<&Cause> {
        self.0.cause.as_ref()
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.code.name())
    }
}

impl std::error::Error for Refusal {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.cause.as_deref().map(|cause| cause as _)
    }
}
