//! `[upstream]`: how LTIAAS and the issuers' key sets are reached.

use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::duration::{DurationText, LIMIT};
use super::files;
use super::findings::At;
use super::server::warn_of_no_authority;
use crate::tls;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upstream {
    /// PEM file of certificate authorities trusted beside the platform's.
    pub ca_file: Option<PathBuf>,
    /// Whether LTIAAS may choose HTTP/2.
    pub http2: bool,
    /// The longest that connecting may take, TLS included.
    pub connect_timeout: Duration,
    /// The longest wait for the head of an answer.
    pub answer_timeout: Duration,
    /// How long an unused connection is kept.
    pub idle_timeout: Duration,
    /// The longest that reading an issuer's key set may take.
    pub key_set_timeout: Duration,
}

/// How LTIAAS, and the issuers' key sets, are reached.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, expecting = "a table, `[upstream]`")]
#[schemars(deny_unknown_fields)]
pub struct UpstreamSection {
    /// PEM file of certificate authorities that are trusted beside the platform's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<String>,
    /// Whether HTTP/2 is offered to LTIAAS. Many servers end such a connection after some hundred
    /// requests and drop those that cross their word: they are answered UPSTREAM_UNREACHABLE, since
    /// a score is never sent twice. Over HTTP/1.1 none is lost so.
    pub http2: bool,
    /// The longest that connecting may take, TLS included.
    pub connect_timeout: DurationText,
    /// The longest wait for the head of an answer.
    pub answer_timeout: DurationText,
    /// How long an unused connection is kept. Shorter than LTIAAS's own 5 s, so that a score is
    /// not sent on a connection that is just being closed.
    pub idle_timeout: DurationText,
    /// The longest that reading an issuer's key set may take; 10 s at most until one has loaded, because it
    /// is tried again at least as often.
    pub key_set_timeout: DurationText,
}

/// The longest that a key set may take to be read as long as none has loaded.
pub const LONGEST_FIRST_READ: Duration = Duration::from_secs(10);

/// When the Node server of LTIAAS closes a silent connection.
const CLOSED_BY_LTIAAS: Duration = Duration::from_secs(5);

impl Default for UpstreamSection {
    fn default() -> Self {
        Self {
            ca_file: None,
            http2: false,
            connect_timeout: DurationText::new("5s"),
            answer_timeout: DurationText::new("20s"),
            idle_timeout: DurationText::new("4s"),
            key_set_timeout: DurationText::new("5s"),
        }
    }
}

impl UpstreamSection {
    pub(super) fn check(&self, at: &At<'_>) -> Option<Upstream> {
        let ca_file = at.optional("ca_file", &self.ca_file, |name, at| check_ca_file(at, name));
        let connect_timeout = self
            .connect_timeout
            .check(&at.key("connect_timeout"), LIMIT);
        let answer_timeout = self.answer_timeout.check(&at.key("answer_timeout"), LIMIT);
        let idle_timeout = self.idle_timeout.check(&at.key("idle_timeout"), LIMIT);
        if idle_timeout.is_some_and(|idle| idle >= CLOSED_BY_LTIAAS) {
            at.key("idle_timeout").warn(
                "LTIAAS closes a silent connection after 5 s; a score sent just then is lost",
            );
        }
        let key_set_timeout = self
            .key_set_timeout
            .check(&at.key("key_set_timeout"), LIMIT);
        if key_set_timeout.is_some_and(|timeout| timeout > LONGEST_FIRST_READ) {
            at.key("key_set_timeout").warn(
                "until an issuer's key set has loaded, a read of it is given up after 10 s all the same",
            );
        }
        Some(Upstream {
            ca_file: ca_file?,
            http2: self.http2,
            connect_timeout: connect_timeout?,
            answer_timeout: answer_timeout?,
            idle_timeout: idle_timeout?,
            key_set_timeout: key_set_timeout?,
        })
    }
}

/// A file of certificate authorities that can be trusted.
pub(super) fn check_ca_file(at: &At<'_>, name: &str) -> Option<PathBuf> {
    let path = files::readable(at, name)?;
    match tls::client_config(Some(&path), &[]) {
        Ok(_) => {
            warn_of_no_authority(at, &path);
            Some(path)
        }
        Err(cause) => at.problem(files::reason(&cause)),
    }
}
