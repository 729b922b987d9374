//! `[server]`: the listener that callers reach.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::duration::{DELAY, DurationText, LIMIT};
use super::findings::At;
use super::{files, listen, range};
use crate::tls::{self, OutOfTime, TlsUnusable};

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
    /// How long new work is still served once readiness is down.
    pub drain_delay: Duration,
    /// The longest that requests in flight may hold up the end.
    pub drain_deadline: Duration,
}

impl Server {
    /// From a request's head until its caller has to have taken the answer. Serving ends by itself at
    /// the request's deadline; what lasts longer is an answer that nobody reads.
    pub fn serving_limit(&self) -> Duration {
        self.request_deadline + self.body_timeout
    }
}

#[derive(Clone, Debug)]
pub struct ServerTls {
    pub cert_file: PathBuf,
    pub key_file: PathBuf,
    /// Authorities that vouch for callers; without it callers need no certificate.
    pub client_ca_file: Option<PathBuf>,
}

/// The listener that callers reach.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, expecting = "a table, `[server]`")]
#[schemars(deny_unknown_fields)]
pub struct ServerSection {
    /// The IP address and port to listen on. Port 0 takes any free one.
    pub listen: String,
    /// The certificate shown to callers. Without it callers speak plain HTTP.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<TlsSection>,
    /// Threads that serve requests, 1,024 at most; 0 is one per core.
    pub workers: u64,
    /// The longest a request's head may take once its first byte is here.
    pub head_timeout: DurationText,
    /// The longest a request's body may take.
    pub body_timeout: DurationText,
    /// How long a kept connection may be silent before it is closed.
    pub idle_timeout: DurationText,
    /// The longest a request may take in total, LTIAAS's answer included. What is written of it in the
    /// ledger may add nine seconds (docs/ledger.md). A caller that does not take its answer is let go
    /// after this and `body_timeout`: on HTTP/2 its stream, on HTTP/1.1 its connection.
    pub request_deadline: DurationText,
    /// Requests that may be in flight at once; those beyond are answered OVERLOADED.
    pub max_in_flight: u64,
    /// Connections that may be open at once; those beyond wait to be served. Fewer where the limit on
    /// file descriptors leaves none for LTIAAS (docs/operations.md).
    pub max_connections: u64,
    /// How long new work is still served after SIGTERM, once readiness is down. A few seconds
    /// behind a load balancer. Meanwhile each answer asks its caller to connect anew.
    pub drain_delay: DurationText,
    /// The longest that requests in flight may hold up the end after that; connections without one
    /// may for a second.
    pub drain_deadline: DurationText,
}

/// A certificate and its private key.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(
    default,
    expecting = "a table, `{ cert_file = \"…\", key_file = \"…\" }`"
)]
#[schemars(deny_unknown_fields)]
pub struct TlsSection {
    /// PEM file of the certificate, followed by those that lead to the root.
    #[schemars(required)]
    pub cert_file: Option<String>,
    /// PEM file of the certificate's private key.
    #[schemars(required)]
    pub key_file: Option<String>,
    /// PEM file of the authorities that callers' own certificates must come from. Without it
    /// callers need none. With it every connection shows its certificate anew: no session is resumed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_ca_file: Option<String>,
}

impl Default for ServerSection {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:8080".to_owned(),
            tls: None,
            workers: 0,
            head_timeout: DurationText::new("10s"),
            body_timeout: DurationText::new("10s"),
            idle_timeout: DurationText::new("75s"),
            request_deadline: DurationText::new("30s"),
            max_in_flight: 4_096,
            max_connections: 16_384,
            drain_delay: DurationText::new("0s"),
            drain_deadline: DurationText::new("30s"),
        }
    }
}

impl ServerSection {
    pub(super) fn check(&self, at: &At<'_>, now: Timestamp) -> Option<Server> {
        let listen = listen::check(&at.key("listen"), &self.listen);
        let tls = at.optional("tls", &self.tls, |tls, at| tls.check(at, now));
        self.warn_of_plain_http(at, listen);
        let workers = range::check(&at.key("workers"), self.workers, 0..=1_024);
        let head_timeout = self.head_timeout.check(&at.key("head_timeout"), LIMIT);
        let body_timeout = self.body_timeout.check(&at.key("body_timeout"), LIMIT);
        let idle_timeout = self.idle_timeout.check(&at.key("idle_timeout"), LIMIT);
        let request_deadline = self
            .request_deadline
            .check(&at.key("request_deadline"), LIMIT);
        let in_flight = range::check(&at.key("max_in_flight"), self.max_in_flight, 1..=1_000_000);
        let connections = at.key("max_connections");
        let connections = range::check(&connections, self.max_connections, 1..=1_000_000);
        let drain_delay = self.drain_delay.check(&at.key("drain_delay"), DELAY);
        let drain_deadline = self.drain_deadline.check(&at.key("drain_deadline"), LIMIT);
        Some(Server {
            listen: listen?,
            tls: tls?,
            workers: workers?,
            head_timeout: head_timeout?,
            body_timeout: body_timeout?,
            idle_timeout: idle_timeout?,
            request_deadline: request_deadline?,
            max_in_flight: in_flight?,
            max_connections: connections?,
            drain_delay: drain_delay?,
            drain_deadline: drain_deadline?,
        })
    }

    fn warn_of_plain_http(&self, at: &At<'_>, listen: Option<SocketAddr>) {
        if self.tls.is_none() && listen.is_some_and(|listen| !listen.ip().is_loopback()) {
            at.key("listen").warn(
                "callers can reach this address over plain HTTP, where anyone on the way reads \
                 their keys: set `tls`, or put a proxy that speaks TLS in front",
            );
        }
    }
}

impl TlsSection {
    /// Each file by itself first, so that all that is wrong is said at once.
    fn check(&self, at: &At<'_>, now: Timestamp) -> Option<ServerTls> {
        let cert_file = check_file(&at.key("cert_file"), &self.cert_file, tls::certificates);
        let key_file = check_file(&at.key("key_file"), &self.key_file, tls::private_key);
        let client_ca_file = match &self.client_ca_file {
            None => Some(None),
            name => check_file(&at.key("client_ca_file"), name, |file| {
                tls::client_verifier(Some(file))
            })
            .map(Some),
        };
        if let Some(file) = &cert_file {
            warn_of_time(&at.key("cert_file"), file, now);
        }
        if let Some(Some(file)) = &client_ca_file {
            warn_of_no_authority(&at.key("client_ca_file"), file);
        }
        let (cert_file, key_file, client_ca_file) = (cert_file?, key_file?, client_ca_file?);
        match tls::server_config(&cert_file, &key_file, client_ca_file.as_deref()) {
            Ok(_) => Some(ServerTls {
                cert_file,
                key_file,
                client_ca_file,
            }),
            Err(cause) => at.problem(files::reason(&cause)),
        }
    }
}

/// A file that `read` finds nothing wrong with.
fn check_file<T>(
    at: &At<'_>,
    name: &Option<String>,
    read: impl Fn(&Path) -> Result<T, TlsUnusable>,
) -> Option<PathBuf> {
    let file = files::readable(at, at.required(name)?)?;
    match read(&file) {
        Ok(_) => Some(file),
        Err(cause) => at.problem(files::reason(&cause)),
    }
}

fn warn_of_time(at: &At<'_>, file: &Path, now: Timestamp) {
    let now = u64::try_from(now.as_second()).unwrap_or_default();
    let shown = |seconds: u64| {
        let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
        Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX)
    };
    match tls::out_of_time(file, now) {
        Some(OutOfTime::Expired(end)) => at.warn(format_args!(
            "holds a certificate that has expired ({}): callers will refuse it",
            shown(end)
        )),
        Some(OutOfTime::NotYet(begin)) => at.warn(format_args!(
            "holds a certificate that is not good before {}: callers will refuse it until then",
            shown(begin)
        )),
        None => {}
    }
}

/// A server's certificate was probably put in its authority's place.
pub(super) fn warn_of_no_authority(at: &At<'_>, file: &Path) {
    if tls::holds_no_authority(file) {
        at.warn("holds a certificate that is no authority's, and so vouches for nobody");
    }
}
