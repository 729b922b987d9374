//! `[traces]`: where spans of requests go.

use std::time::Duration;

use http::Uri;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::duration::{DurationText, LIMIT};
use super::findings::At;
use super::range;
use crate::origin::Origin;

#[derive(Clone, Debug)]
pub struct Traces {
    /// The collector; without one nothing is exported.
    pub url: Option<Uri>,
    /// Of the requests that come without a trace.
    pub sample_percent: u8,
    pub export_timeout: Duration,
}

/// Where spans of requests go. Needs a build with the feature `otlp`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, expecting = "a table, `[traces]`")]
#[schemars(deny_unknown_fields)]
pub struct TracesSection {
    /// The collector's URL for OTLP over HTTP, path included. Without it nothing is exported.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// How many of a hundred requests that come without a trace have one begun. A request with a
    /// trace is exported if its caller's is sampled.
    pub sample_percent: u64,
    /// The longest that an export may take.
    pub export_timeout: DurationText,
}

impl Default for TracesSection {
    fn default() -> Self {
        Self {
            url: None,
            sample_percent: 100,
            export_timeout: DurationText::new("5s"),
        }
    }
}

impl TracesSection {
    pub(super) fn check(&self, at: &At<'_>) -> Option<Traces> {
        let url = at.optional("url", &self.url, |url, at| check_url(at, url));
        let percent = at.key("sample_percent");
        let percent = range::check(&percent, self.sample_percent, 0..=100);
        let export_timeout = self.export_timeout.check(&at.key("export_timeout"), LIMIT);
        Some(Traces {
            url: url?,
            sample_percent: u8::try_from(percent?).ok()?,
            export_timeout: export_timeout?,
        })
    }
}

fn check_url(at: &At<'_>, text: &str) -> Option<Uri> {
    if !cfg!(feature = "otlp") {
        return at
            .problem("can't be used: this build exports no traces (it lacks the feature `otlp`)");
    }
    let url: Option<Uri> = text.parse().ok();
    let Some((url, origin)) = url.and_then(|url| Some((url.clone(), Origin::of(&url).ok()?)))
    else {
        return at.problem(
            "must be an `https://` or `http://` URL, such as \"http://127.0.0.1:4318/v1/traces\"",
        );
    };
    if !origin.is_secure() && !origin.is_loopback() {
        at.warn(
            "is plain HTTP to another machine: names of callers cross the network in the clear",
        );
    }
    Some(url)
}
