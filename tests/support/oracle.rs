//! Six Express servers in one Node.js process: versions 4 and 5, each with the route on the app,
//! under a router at `/api`, and under one at `/api/lineitems`. They tell what reached the handler.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use serde::Deserialize;
use serde_json::Value;

use super::support::{Client, Request};
use super::tools;

pub struct Oracle {
    pub servers: Vec<SocketAddr>,
    control: SocketAddr,
    child: Child,
}

/// One request that reached the handler.
#[derive(Debug, Deserialize)]
pub struct Hit {
    /// Which of the six, from 0.
    pub server: usize,
    /// The line item id as the handler reads it.
    pub id: String,
    pub authorization: Option<String>,
    pub body: Value,
}

#[derive(Deserialize)]
struct Ports {
    servers: Vec<u16>,
    control: u16,
}

impl Oracle {
    pub fn start() -> Self {
        let mut child = Command::new("node")
            .arg("oracle.mjs")
            .current_dir(tools::express())
            .env("NODE_ENV", "production")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("node can be run");
        let mut line = String::new();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        output.read_line(&mut line).unwrap();
        let ports: Ports = serde_json::from_str(&line).expect("the ports of the oracle");
        let address = |port| SocketAddr::from(([127, 0, 0, 1], port));
        Self {
            servers: ports.servers.into_iter().map(address).collect(),
            control: address(ports.control),
            child,
        }
    }

    /// What has reached the handlers since this was last asked.
    pub fn take(&self) -> Vec<Hit> {
        let request = Request::new("GET", "/");
        let mut client = Client::connect(self.control);
        let answer = client.send(request.bytes()).response();
        serde_json::from_slice(&answer.message.body).expect("the hits")
    }
}

impl Drop for Oracle {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
