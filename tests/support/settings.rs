//! A configuration that serves, and what a test changes of it.

use std::net::SocketAddr;
use std::path::Path;

use scoregate::gateway_key::{generate, written};
use secrecy::ExposeSecret;

use super::API_KEY;

/// Every permission there is.
pub const EVERYTHING: &str = r#"["scores:write", "scores:read", "lineitems:read", "lineitems:write", "memberships:read", "idtoken:read", "deeplinking:write", "registrations", "platforms"]"#;

pub struct Settings {
    /// The caller's key.
    pub key: String,
    pub digest: String,
    /// `http` or `https` towards the upstream.
    pub scheme: &'static str,
    pub upstream: SocketAddr,
    /// What the configuration calls the upstream's host where not by its address.
    pub host: Option<&'static str>,
    pub api_keys: Vec<String>,
    pub platforms: String,
    pub allow: String,
    /// The entries of the caller's `keys`.
    pub keys: String,
    /// Lines of `[server]`, of `[upstream]`, of `[log]`, of the account and of the caller.
    pub server: String,
    pub upstream_lines: String,
    pub log: String,
    /// Lines of `[admin]`.
    pub admin: String,
    pub account: String,
    pub caller: String,
    /// Tables behind all others.
    pub tables: String,
    /// Files beside the configuration: name, content.
    pub files: Vec<(String, String)>,
}

impl Settings {
    pub fn new(upstream: SocketAddr) -> Self {
        let (key, digest) = generate().unwrap();
        let digest = written(&digest);
        Self {
            key: key.expose_secret().to_owned(),
            keys: format!("\"{digest}\""),
            digest,
            scheme: "http",
            upstream,
            host: None,
            api_keys: vec![API_KEY.to_owned()],
            platforms: r#"["https://lms.example.com", "https://moodle.example"]"#.to_owned(),
            allow: EVERYTHING.to_owned(),
            server: String::new(),
            upstream_lines: String::new(),
            log: String::new(),
            admin: String::new(),
            account: String::new(),
            caller: String::new(),
            tables: String::new(),
            files: Vec::new(),
        }
    }

    /// Writes the files, and answers with the configuration's text.
    pub fn write(&self, directory: &Path) -> String {
        let mut api_keys = Vec::new();
        for (index, key) in self.api_keys.iter().enumerate() {
            std::fs::write(directory.join(format!("api-key-{index}")), key).unwrap();
            let file = directory.join(format!("api-key-{index}"));
            api_keys.push(format!("{{ file = {file:?} }}"));
        }
        for (name, content) in &self.files {
            std::fs::write(directory.join(name), content).unwrap();
        }
        let Self {
            scheme,
            upstream,
            host,
            platforms,
            allow,
            keys,
            server,
            upstream_lines,
            log,
            admin,
            account,
            caller,
            tables,
            ..
        } = self;
        let (listen, workers) = match server.contains("listen =") {
            true => ("", ""),
            false => ("listen = \"127.0.0.1:0\"", "workers = 1"),
        };
        let host = host.map_or_else(|| upstream.ip().to_string(), str::to_owned);
        let port = upstream.port();
        let text = format!(
            r#"
[server]
{listen}
{workers}
{server}
[admin]
listen = "127.0.0.1:0"
{admin}
[log]
{log}
[upstream]
{upstream_lines}
[[account]]
name = "main"
url = "{scheme}://{host}:{port}"
api_keys = [{api_keys}]
platforms = {platforms}
{account}
[[caller]]
name = "quiz-app"
account = "main"
keys = [{keys}]
allow = {allow}
{caller}
{tables}
"#,
            api_keys = api_keys.join(", ")
        );
        text.replace("$DIR", &directory.display().to_string())
    }
}
