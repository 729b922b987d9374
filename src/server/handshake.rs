//! The TLS handshake with a caller, in bounded time. Why one failed is counted, and told at `debug`:
//! it is the caller's affair, or a stranger's.

use std::io;
use std::time::Duration;

use rustls::Error;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::meter::{HandshakeFailure, HandshakeMeter};

/// The stream, if there is to be one.
pub async fn shake(
    stream: TcpStream,
    tls: &TlsAcceptor,
    limit: Duration,
    meter: &HandshakeMeter,
) -> Option<TlsStream<TcpStream>> {
    match timeout(limit, tls.accept(stream)).await {
        Ok(Ok(stream)) => Some(stream),
        Ok(Err(cause)) => {
            meter.failed(failure(&cause));
            tracing::debug!(target: "scoregate::server", %cause, "a TLS handshake failed");
            None
        }
        Err(_) => {
            meter.failed(HandshakeFailure::Timeout);
            tracing::debug!(target: "scoregate::server", "a TLS handshake took too long");
            None
        }
    }
}

fn failure(cause: &io::Error) -> HandshakeFailure {
    let tls = cause.get_ref().and_then(|cause| cause.downcast_ref());
    match tls {
        Some(Error::InvalidMessage(_)) => HandshakeFailure::NotTls,
        Some(Error::PeerIncompatible(_)) => HandshakeFailure::Incompatible,
        Some(Error::NoCertificatesPresented) => HandshakeFailure::NoCertificate,
        Some(Error::InvalidCertificate(_)) => HandshakeFailure::BadCertificate,
        Some(Error::AlertReceived(_)) => HandshakeFailure::Refused,
        Some(_) => HandshakeFailure::Other,
        // The system's own: the socket is of no use any more.
        None => HandshakeFailure::Closed,
    }
}
