//! One session of the official Python SDK, in a process of its own.

use std::cell::RefCell;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

use super::tools;

pub struct Sdk {
    child: Child,
    pipes: RefCell<(ChildStdin, BufReader<ChildStdout>)>,
}

impl Sdk {
    /// `launch`: the arguments of `LTIAASLaunch`. `authority`: the one certificate to trust.
    pub fn start(launch: &Value, authority: &Path) -> Self {
        let mut child = Command::new(tools::python())
            .arg(tools::source("python", "drive.py"))
            // A proxy that is named in the environment isn't meant for this.
            .env_clear()
            .env("PYTHONUTF8", "1")
            .env("REQUESTS_CA_BUNDLE", authority)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // What the SDK prints, of which there is much.
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut input = child.stdin.take().unwrap();
        writeln!(input, "{launch}").unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        Self {
            child,
            pipes: RefCell::new((input, output)),
        }
    }

    /// What an operation returns or raises.
    pub fn take(&self, operation: &str, arguments: &Value) -> Value {
        let (input, output) = &mut *self.pipes.borrow_mut();
        writeln!(input, "{}", json!([operation, arguments])).unwrap();
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|cause| panic!("{operation}: {cause}: {line}"))
    }
}

impl Drop for Sdk {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
