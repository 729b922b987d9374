//! The official Python SDK in a process of its own, and a gateway over TLS before it.

use std::cell::RefCell;
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

use super::certificate::Certificate;
use super::support::{Gateway, LTIK, Settings};
use super::tools;

pub const SERVICE_KEY: &str = "svc-0123456789";

/// What the SDK's user has of a launch.
#[derive(Clone, Copy, Debug)]
pub enum Launch {
    Ltik,
    ServiceKey,
}

impl Launch {
    /// The name of the SDK's argument, and its value.
    fn argument(self) -> (&'static str, &'static str) {
        match self {
            Self::Ltik => ("ltik", LTIK),
            Self::ServiceKey => ("service_key", SERVICE_KEY),
        }
    }
}

/// A user of the SDK, who has changed the host and the key.
pub struct Session {
    sdk: Sdk,
    _gateway: Gateway,
}

impl Session {
    /// `key` stands in for the caller's own.
    pub fn before(upstream: SocketAddr, launch: Launch, key: Option<&str>) -> Self {
        let gateway = Gateway::start(&secured(upstream));
        let (name, credential) = launch.argument();
        let arguments = json!({
            "domain": format!("127.0.0.1:{}", gateway.address.port()),
            "api_key": key.unwrap_or(&gateway.key),
            name: credential,
        });
        let authority = gateway.directory.path().join("authority.pem");
        Self {
            sdk: Sdk::start(&arguments, &authority),
            _gateway: gateway,
        }
    }

    /// What an operation returns.
    pub fn succeed(&self, operation: &str, arguments: Value) -> Value {
        let answer = self.sdk.take(operation, &arguments);
        let returned = answer.get("returned").cloned();
        returned.unwrap_or_else(|| panic!("{operation}: {answer}"))
    }

    /// What the `APIError` carries that an operation raises.
    pub fn fail(&self, operation: &str, arguments: Value) -> Value {
        let answer = self.sdk.take(operation, &arguments);
        assert_eq!(answer["raised"], "APIError", "{operation}: {answer}");
        let response = &answer["response"];
        assert!(response["status"].is_i64(), "{operation}: {answer}");
        assert!(response["error"].is_string(), "{operation}: {answer}");
        response.clone()
    }
}

/// A gateway with a certificate, which caps what is over the maximum.
fn secured(upstream: SocketAddr) -> Settings {
    let Certificate {
        authority,
        certificate,
        key,
    } = Certificate::for_this_machine();
    let mut settings = Settings::new(upstream);
    settings.server =
        r#"tls = { cert_file = "$DIR/certificate.pem", key_file = "$DIR/key.pem" }"#.to_owned();
    settings.tables =
        "[[policy]]\nname = \"institution\"\nmaximum = { percent = 100, over = \"cap\" }"
            .to_owned();
    let files = [
        ("authority.pem", authority),
        ("certificate.pem", certificate),
        ("key.pem", key),
    ];
    settings.files = files.map(|(name, text)| (name.to_owned(), text)).to_vec();
    settings
}

struct Sdk {
    child: Child,
    pipes: RefCell<(ChildStdin, BufReader<ChildStdout>)>,
}

impl Sdk {
    /// `launch`: the arguments of `LTIAASLaunch`. `authority`: the one certificate to trust.
    fn start(launch: &Value, authority: &Path) -> Self {
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
    fn take(&self, operation: &str, arguments: &Value) -> Value {
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
