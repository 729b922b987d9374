//! `[log]`: what is written about each request, and how.

use std::sync::Arc;

use schemars::JsonSchema;
use secrecy::{ExposeSecret, SecretBox};
use serde::{Deserialize, Serialize};

use super::findings::At;
use super::secret::SecretPlace;

#[derive(Clone, Debug)]
pub struct Log {
    pub format: LogFormat,
    pub level: LogLevel,
    /// One line a request.
    pub access: bool,
    /// Keys the hashes of ids; a random key where there is none.
    pub id_key: Option<Arc<SecretBox<[u8]>>>,
}

/// How a line is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum LogFormat {
    Text,
    Json,
}

/// The least important lines that are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum LogLevel {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

/// What is logged, and how. No level shows a key, a token or a learner's id.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, expecting = "a table, `[log]`")]
#[schemars(deny_unknown_fields)]
pub struct LogSection {
    /// `text` for people, `json` for machines: one object a line.
    pub format: LogFormat,
    /// The least important lines that are written.
    pub level: LogLevel,
    /// Whether each request has a line.
    pub access: bool,
    /// Keys the hashes that stand for ids of learners and line items. Without it they are keyed at
    /// random at each start, and lines from before and after a start can't be matched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_key: Option<SecretPlace>,
}

/// Whoever has a shorter key's hashes can find the key by trying.
const SHORT: usize = 16;

impl Default for LogSection {
    fn default() -> Self {
        Self {
            format: LogFormat::Text,
            level: LogLevel::Info,
            access: true,
            id_key: None,
        }
    }
}

impl LogSection {
    pub(super) fn check(&self, at: &At<'_>) -> Option<Log> {
        let id_key = at.optional("id_key", &self.id_key, check_key);
        Some(Log {
            format: self.format,
            level: self.level,
            access: self.access,
            id_key: id_key?,
        })
    }
}

fn check_key(key: &SecretPlace, at: &At<'_>) -> Option<Arc<SecretBox<[u8]>>> {
    let key = key.bytes(at)?;
    if key.expose_secret().len() < SHORT {
        at.warn(format_args!(
            "the key has fewer than {SHORT} bytes and may be found by trying"
        ));
    }
    Some(Arc::new(key))
}
