//! Where a secret comes from. The configuration names the place; the secret itself never stands
//! in it, and no message repeats it.

use schemars::JsonSchema;
use secrecy::{ExposeSecret, SecretBox, SecretString};
use serde::Deserialize;
use serde::ser::{Serialize, Serializer};

use super::files;
use super::findings::At;
use super::mask::could_be_a_secret;
use crate::bounded::read_file;

/// No secret is longer, so a wrong file name can't fill the memory.
const LONGEST: usize = 64 * 1024;

/// A secret, by the place it is read from: `{ env = "NAME" }` or `{ file = "PATH" }`. Newlines at
/// its end don't count; an empty one is refused.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(
    default,
    expecting = "the secret's place, `{ env = \"NAME\" }` or `{ file = \"PATH\" }`"
)]
#[schemars(deny_unknown_fields)]
pub struct SecretPlace {
    /// The environment variable that holds it.
    pub env: Option<String>,
    /// The file that holds it; a relative name starts at the configuration's folder.
    pub file: Option<String>,
}

impl SecretPlace {
    /// The secret as text that a header can carry.
    pub(super) fn text(&self, at: &At<'_>) -> Option<SecretString> {
        let bytes = self.bytes(at)?;
        let text = std::str::from_utf8(bytes.expose_secret()).ok();
        match text.filter(|text| text.bytes().all(|byte| byte.is_ascii_graphic())) {
            Some(text) => Some(text.to_owned().into()),
            None => at.problem("holds spaces, line breaks or characters that no header can carry"),
        }
    }

    /// The secret's bytes.
    pub(super) fn bytes(&self, at: &At<'_>) -> Option<SecretBox<[u8]>> {
        let (at, bytes) = match (&self.env, &self.file) {
            (Some(name), None) => (at.key("env"), variable(&at.key("env"), name)?),
            (None, Some(name)) => (at.key("file"), file(&at.key("file"), name)?),
            (None, None) => return at.missing(PLACES),
            (Some(_), Some(_)) => return at.problem("takes `env` or `file`, not both"),
        };
        let bytes = SecretBox::new(bytes.into_boxed_slice());
        match without_newline(bytes.expose_secret()) {
            [] => at.problem("the secret is empty"),
            trimmed => Some(SecretBox::new(trimmed.into())),
        }
    }
}

const PLACES: &str = "needs `env` or `file`, the place the secret is read from";

fn variable(at: &At<'_>, name: &str) -> Option<Vec<u8>> {
    match at.environment().get(name) {
        Some(value) => Some(value.into_bytes()),
        None if !is_variable(name) => at.problem("is no name of an environment variable"),
        None => at.problem(format_args!(
            "the environment variable {} is not set",
            named(name, "named here")
        )),
    }
}

/// A name that shells can set. Anything else may be the secret itself, put in the wrong place.
fn is_variable(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    !name.starts_with(|first: char| first.is_ascii_digit()) && name.bytes().all(is_plain)
}

fn file(at: &At<'_>, name: &str) -> Option<Vec<u8>> {
    match read_file(&at.file(name), LONGEST) {
        Ok(bytes) => Some(bytes),
        Err(cause) => at.problem(format_args!(
            "the file {} can't be read: {}",
            named(name, "named here"),
            files::unreadable(&cause)
        )),
    }
}

/// The name in backticks, unless it reads like a secret that someone put in its place.
fn named(name: &str, otherwise: &str) -> String {
    match could_be_a_secret(name) {
        true => otherwise.to_owned(),
        false => format!("`{}`", name.escape_debug()),
    }
}

fn without_newline(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().rposition(|byte| !b"\r\n".contains(byte));
    end.and_then(|end| bytes.get(..=end)).unwrap_or_default()
}

/// `"***"`, so that the effective configuration can be shown to anyone.
impl Serialize for SecretPlace {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("***")
    }
}
