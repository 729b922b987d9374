//! A command that ran to its end.

use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::Value;

pub struct Ran {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Ran {
    /// `scoregate` with these arguments.
    pub fn of(arguments: &[&str]) -> Self {
        Self::with(arguments, "")
    }

    pub fn with(arguments: &[&str], stdin: &str) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_scoregate"))
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A command that ends without reading closes its end; what it then says is what counts.
        let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
        let output = child.wait_with_output().unwrap();
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// The JSON that a good run wrote.
    pub fn good_json(&self) -> Value {
        assert_eq!(self.code, Some(0), "{}{}", self.stdout, self.stderr);
        serde_json::from_str(&self.stdout).unwrap()
    }
}
