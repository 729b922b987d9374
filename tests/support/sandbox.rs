//! The stand-in LTIAAS of the binary itself, ended with the test.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::Value;

use super::support::{API_KEY, Client, Request};

pub struct Sandbox {
    pub address: SocketAddr,
    child: Child,
    /// Held open: the sandbox may write to it at any time.
    _output: BufReader<ChildStdout>,
}

impl Sandbox {
    /// Behind it is a platform on which the tests' account may write.
    pub fn start() -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_scoregate"))
            .args(["sandbox", "--listen", "127.0.0.1:0", "--api-key", API_KEY])
            .args(["--platform", "https://lms.example.com"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        let address = line.trim().rsplit('/').next().unwrap_or_default();
        Self {
            address: address.parse().expect("the sandbox says where it listens"),
            child,
            _output: output,
        }
    }

    /// Every request that came.
    pub fn requests(&self) -> Vec<Value> {
        let request = Request::new("GET", "/_sandbox/requests");
        let answer = Client::connect(self.address)
            .send(request.bytes())
            .response();
        answer.json().as_array().expect("a list").clone()
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
