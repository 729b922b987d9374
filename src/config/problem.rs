//! What is wrong with a configuration, said so that a tired person can mend it: where, which key,
//! what was given, what is allowed. Never the value of a secret.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use crate::count::Count;

/// One thing that is wrong, or risky.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub place: Place,
    /// The path of the key, such as `caller[1].keys[0]`; empty for the document as a whole.
    pub key: String,
    /// What stands there; nothing where a secret belongs.
    pub given: Option<String>,
    pub message: String,
}

/// Where a value was written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    File(Arc<str>),
    Line(Arc<str>, usize),
    /// An environment variable that overrides the file.
    Variable(String),
}

/// Everything that was found in a configuration that can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Problems {
    pub problems: Vec<Problem>,
    pub warnings: Vec<Problem>,
    /// Every file that the configuration names, as far as that could be read: what is wrong may be
    /// mended there.
    pub files: Named,
}

/// Files by their names. One may be a secret that was pasted in a name's place: none is shown.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Named(pub Vec<PathBuf>);

impl Problems {
    pub(super) fn one(place: Place, message: impl Into<String>) -> Self {
        Self::only(vec![Problem {
            place,
            key: String::new(),
            given: None,
            message: message.into(),
        }])
    }

    /// Where nothing else is known.
    pub(super) fn only(problems: Vec<Problem>) -> Self {
        Self {
            problems,
            warnings: Vec::new(),
            files: Named::default(),
        }
    }
}

impl fmt::Debug for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", Count(self.0.len(), "file"))
    }
}

impl Place {
    /// Whether it is the file of this name, or a line of it.
    pub(super) fn is_in(&self, name: &str) -> bool {
        match self {
            Self::File(file) | Self::Line(file, _) => &**file == name,
            Self::Variable(_) => false,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(file) => write!(f, "{file}"),
            Self::Line(file, line) => write!(f, "{file}:{line}"),
            Self::Variable(name) => write!(f, "{}", name.escape_debug()),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.place)?;
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        write!(f, "{}", self.message)?;
        match &self.given {
            Some(given) => write!(f, " (given: `{given}`)"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for problem in &self.problems {
            writeln!(f, "{problem}")?;
        }
        write!(f, "{}", Count(self.problems.len(), "problem"))
    }
}
