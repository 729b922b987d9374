//! What new connections are met with. A reload puts another in its place; connections that are
//! open keep the one they came under.

use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use tokio_rustls::TlsAcceptor;

use super::watch::Limits;
use crate::config::Server;
use crate::tls::{TlsUnusable, server_config};

pub struct Front {
    pub(super) tls: Option<TlsAcceptor>,
    pub(super) limits: Limits,
    /// The longest a TLS handshake may take.
    pub(super) handshake: Duration,
}

impl Front {
    /// Reads the certificate anew.
    pub fn new(server: &Server) -> Result<Self, TlsUnusable> {
        let tls: Option<Arc<ServerConfig>> = server
            .tls
            .as_ref()
            .map(|tls| {
                let clients = tls.client_ca_file.as_deref();
                server_config(&tls.cert_file, &tls.key_file, clients)
            })
            .transpose()?;
        let limits = Limits {
            head: server.head_timeout,
            idle: server.idle_timeout,
            served: server.serving_limit(),
        };
        Ok(Self {
            tls: tls.map(TlsAcceptor::from),
            limits,
            handshake: server.head_timeout,
        })
    }
}
