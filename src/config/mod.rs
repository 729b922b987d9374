//! The configuration as the gateway uses it: every value parsed, every name resolved, every
//! secret read. What can't be wrong here is not checked again anywhere.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jsonwebtoken::Algorithm;
use secrecy::{SecretBox, SecretString};

use crate::line_item::{Pattern, Platform};
use crate::origin::Origin;
use crate::permission::Permissions;

/// A whole configuration.
#[derive(Debug)]
pub struct Config {
    pub server: Server,
    pub admin: Admin,
    pub log: Log,
    pub scores: Scores,
    pub upstream: Upstream,
    pub accounts: Vec<Arc<Account>>,
    pub callers: Vec<Caller>,
    pub issuers: Vec<Issuer>,
    pub policies: Vec<crate::policy::Policy>,
}

#[derive(Clone, Debug)]
pub struct Server {
    pub listen: SocketAddr,
    pub tls: Option<ServerTls>,
    /// Threads that serve requests; 0 is one per core.
    pub workers: usize,
    /// The longest a request's head may take once its first byte is here.
    pub head_timeout: Duration,
    /// The longest a request's body may take.
    pub body_timeout: Duration,
    /// How long a kept connection may be silent.
    pub idle_timeout: Duration,
    /// The longest a request may take in total.
    pub request_deadline: Duration,
    /// Requests that may be in flight at once.
    pub max_in_flight: usize,
    /// Connections that may be open at once.
    pub max_connections: usize,
}

#[derive(Clone, Debug)]
pub struct ServerTls {
    pub cert_file: PathBuf,
    pub key_file: PathBuf,
}

#[derive(Debug)]
pub struct Admin {
    pub listen: SocketAddr,
    pub token: Option<SecretString>,
}

#[derive(Clone, Debug)]
pub struct Log {
    pub format: LogFormat,
    pub level: LogLevel,
    /// One line a request.
    pub access: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    Text,
    Json,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogLevel {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

#[derive(Clone, Copy, Debug)]
pub struct Scores {
    pub unknown_members: crate::score::UnknownMembers,
}

#[derive(Clone, Debug)]
pub struct Upstream {
    /// PEM file of certificate authorities trusted beside the platform's.
    pub ca_file: Option<PathBuf>,
    /// The longest that connecting may take, TLS included.
    pub connect_timeout: Duration,
    /// The longest wait for the head of an answer.
    pub answer_timeout: Duration,
    /// How long an unused connection is kept.
    pub idle_timeout: Duration,
    /// The longest that reading an issuer's key set may take.
    pub key_set_timeout: Duration,
}

/// One LTIAAS subdomain.
#[derive(Debug)]
pub struct Account {
    pub name: String,
    pub origin: Origin,
    /// At least one; the second is tried when the first is rejected.
    pub api_keys: Vec<SecretString>,
    pub platforms: Vec<Platform>,
    pub service_keys: Vec<ServiceKey>,
}

#[derive(Debug)]
pub struct ServiceKey {
    pub line_items: Vec<Pattern>,
    pub key: SecretString,
}

/// A tool that authenticates with gateway keys.
#[derive(Debug)]
pub struct Caller {
    pub name: String,
    pub account: Arc<Account>,
    pub keys: Vec<KeyDigest>,
    pub allow: Permissions,
    /// Empty: every line item on the account's platforms.
    pub line_items: Vec<Pattern>,
}

/// The SHA-256 digest of a gateway key.
#[derive(Clone, Debug)]
pub struct KeyDigest {
    pub digest: [u8; 32],
    pub not_after: Option<Timestamp>,
}

/// An issuer of JWTs.
#[derive(Debug)]
pub struct Issuer {
    pub name: String,
    pub account: Arc<Account>,
    /// The `iss` claim.
    pub issuer: String,
    /// One of them must be in `aud`.
    pub audiences: Vec<String>,
    pub algorithms: Vec<Algorithm>,
    pub keys: IssuerKeys,
    pub caller_claim: String,
    pub scope_claim: String,
    pub allow: Permissions,
    /// Empty: every line item on the account's platforms.
    pub line_items: Vec<Pattern>,
    /// Whether the gateway is not ready before the keys are here.
    pub required: bool,
    /// How often a key set is read again.
    pub refresh: Duration,
}

#[derive(Debug)]
pub enum IssuerKeys {
    /// A key set that is fetched.
    Url(http::Uri),
    /// A key set in a file.
    File(PathBuf),
    /// A shared secret, for HS256, HS384 and HS512 alone.
    Secret(SecretBox<[u8]>),
}
