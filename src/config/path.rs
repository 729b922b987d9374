//! The path to a key, as people write it: `account[0].api_keys[1].env`.

use std::fmt;

/// The way from the top of the document to a key. Empty: the document itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct KeyPath(Vec<Step>);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Key(String),
    Index(usize),
}

/// Keys at or beneath which a secret, a digest or a learner's id stands, so that no value there is ever
/// repeated. A condition may name a learner.
const SECRET_KEYS: &[&str] = &[
    "api_keys",
    "keys",
    "key",
    "token",
    "secret",
    "digest",
    "password",
    "id_key",
    "extensions",
    "when",
];

/// Keys beneath those that hold an instant and nothing else.
const INSTANTS: &[&str] = &["not_after", "due"];

/// Tables that hold a condition, so that a text in their place may be one.
const AROUND_CONDITIONS: &[&str] = &["match", "require"];

impl KeyPath {
    pub fn key(&self, name: &str) -> Self {
        self.with(Step::Key(name.to_owned()))
    }

    pub fn index(&self, index: usize) -> Self {
        self.with(Step::Index(index))
    }

    pub fn with(&self, step: Step) -> Self {
        Self(self.0.iter().cloned().chain([step]).collect())
    }

    pub fn steps(&self) -> &[Step] {
        &self.0
    }

    pub fn parent(&self) -> Option<Self> {
        let (_, parent) = self.0.split_last()?;
        Some(Self(parent.to_vec()))
    }

    /// The key at the end, past any index.
    pub fn last_key(&self) -> Option<&str> {
        self.0.iter().rev().find_map(|step| match step {
            Step::Key(name) => Some(name.as_str()),
            Step::Index(_) => None,
        })
    }

    pub fn starts_with(&self, beginning: &Self) -> bool {
        self.0.starts_with(&beginning.0)
    }

    /// A database's URL may hold its password.
    fn is_ledger_url(&self) -> bool {
        let url = [Step::Key("ledger".into()), Step::Key("url".into())];
        self.0 == url
    }

    /// Whether a secret, a digest or a learner's id belongs here. A text in the place of a whole
    /// `service_keys` entry is one too; its line item patterns are not.
    pub fn is_secret(&self) -> bool {
        let named =
            |step: &Step| matches!(step, Step::Key(name) if SECRET_KEYS.contains(&name.as_str()));
        let is_instant = self.ends_in(INSTANTS);
        self.is_ledger_url()
            || !is_instant && self.0.iter().any(named)
            || self.last_key() == Some("service_keys")
    }

    /// Whether a value that stands here may be repeated.
    pub fn may_be_shown(&self) -> bool {
        !self.is_secret() && !self.ends_in(AROUND_CONDITIONS)
    }

    fn ends_in(&self, keys: &[&str]) -> bool {
        self.last_key().is_some_and(|last| keys.contains(&last))
    }
}

impl FromIterator<Step> for KeyPath {
    fn from_iter<I: IntoIterator<Item = Step>>(steps: I) -> Self {
        Self(steps.into_iter().collect())
    }
}

impl fmt::Display for KeyPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, step) in self.0.iter().enumerate() {
            match step {
                Step::Key(name) => {
                    f.write_str(if position == 0 { "" } else { "." })?;
                    write_key(name, f)?;
                }
                Step::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

/// As TOML has it: in quotes where it is not plain, so that it can forge no line of a report.
fn write_key(name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_*".contains(&byte);
    match !name.is_empty() && name.bytes().all(is_plain) {
        true => f.write_str(name),
        false => write!(f, "{name:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_is_not_plain_stands_in_quotes() {
        let path = KeyPath::default().key("account").index(0);
        assert_eq!(path.key("api_keys").to_string(), "account[0].api_keys");
        for (key, shown) in [
            ("", r#"account[0]."""#),
            ("a.b", r#"account[0]."a.b""#),
            (
                "x\nproblem: y\u{1b}[31m",
                r#"account[0]."x\nproblem: y\u{1b}[31m""#,
            ),
        ] {
            assert_eq!(path.key(key).to_string(), shown);
        }
    }
}
