//! Why a command ends early, and with which exit code.

use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;

use super::output::end_with;
use crate::error::chain;

/// Exit code 2.
const WRONG_USAGE: u8 = 2;

#[derive(Debug)]
pub enum Stop {
    /// What was asked for makes no sense.
    Usage(String),
    /// What was found does not permit it.
    Finding(String),
    /// The result can't be written.
    Output(io::Error),
}

impl Stop {
    pub fn usage(message: impl Into<String>) -> Self {
        Self::Usage(message.into())
    }

    pub fn finding(cause: &(dyn Error + 'static)) -> Self {
        Self::Finding(chain(cause))
    }

    /// Says why, and answers with the exit code.
    pub fn end(self) -> io::Result<ExitCode> {
        let (message, code) = match self {
            Self::Usage(message) => (message, ExitCode::from(WRONG_USAGE)),
            Self::Finding(message) => (message, ExitCode::FAILURE),
            Self::Output(cause) => return Err(cause),
        };
        end_with(code, writeln!(io::stderr(), "scoregate: {message}"))
    }
}

impl From<io::Error> for Stop {
    fn from(cause: io::Error) -> Self {
        Self::Output(cause)
    }
}
