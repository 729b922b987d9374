//! TLS on both sides: one cryptography provider, the server's certificate from a PEM pair, and
//! the platform's roots, with an extra CA file, for everything we connect to.

mod certificate;
mod pem;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoServerSessionStorage, VerifierBuilderError, WebPkiClientVerifier};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use rustls_platform_verifier::Verifier;
use thiserror::Error;

pub use certificate::{OutOfTime, first_expiry, holds_no_authority, out_of_time};
pub use pem::{certificates, private_key};

/// Why a TLS side can't be set up. Names files, never their content.
#[derive(Debug, Error)]
pub enum TlsUnusable {
    #[error("`{0}` can't be read")]
    File(PathBuf, #[source] io::Error),
    #[error("`{0}` holds no readable PEM certificate")]
    Certificate(PathBuf, #[source] rustls_pki_types::pem::Error),
    #[error("`{0}` holds no certificate")]
    NoCertificate(PathBuf),
    #[error("`{0}` holds no readable PEM private key")]
    PrivateKey(PathBuf, #[source] rustls_pki_types::pem::Error),
    #[error(
        "`{0}` holds a private key that is encrypted: store it decrypted, as `openssl pkey -in FILE -out FILE` writes it, readable by scoregate's user alone"
    )]
    Encrypted(PathBuf),
    #[error("the certificate and the private key can't be used together")]
    Pair(#[source] rustls::Error),
    #[error("`{0}` holds a certificate that is no authority")]
    Authority(PathBuf, #[source] rustls::Error),
    #[error("callers' certificates can't be checked")]
    Clients(#[source] VerifierBuilderError),
    #[error("the platform's certificate roots can't be used")]
    Roots(#[source] rustls::Error),
}

/// Makes aws-lc the provider of the process. Call it first in `main`: with none installed, or two
/// compiled in, rustls panics at its first use instead.
pub fn install_provider() {
    // An error only says that one is installed already.
    let _ = aws_lc_rs::default_provider().install_default();
}

/// What we present to callers, with HTTP/2 and HTTP/1.1 offered by ALPN. With a `client_ca_file`
/// callers must present a certificate of one of its authorities.
pub fn server_config(
    cert_file: &Path,
    key_file: &Path,
    client_ca_file: Option<&Path>,
) -> Result<Arc<ServerConfig>, TlsUnusable> {
    let key = private_key(key_file)?;
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(TlsUnusable::Pair)?
        .with_client_cert_verifier(client_verifier(client_ca_file)?)
        .with_single_cert(certificates(cert_file)?, key)
        .map_err(TlsUnusable::Pair)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    if client_ca_file.is_some() {
        forget_sessions(&mut config);
    }
    Ok(Arc::new(config))
}

/// Whoever resumes a session shows no certificate: one that has expired since would go on being good.
fn forget_sessions(config: &mut ServerConfig) {
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
}

/// What checks callers' certificates, where they need one.
pub fn client_verifier(ca_file: Option<&Path>) -> Result<Arc<dyn ClientCertVerifier>, TlsUnusable> {
    let Some(file) = ca_file else {
        return Ok(WebPkiClientVerifier::no_client_auth());
    };
    let mut roots = RootCertStore::empty();
    for certificate in certificates(file)? {
        roots
            .add(certificate)
            .map_err(|cause| TlsUnusable::Authority(file.to_owned(), cause))?;
    }
    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider())
        .build()
        .map_err(TlsUnusable::Clients)
}

/// What we trust when we connect: the platform's roots and those of `extra_ca`.
/// `alpn` lists what we offer, most wanted first.
pub fn client_config(
    extra_ca: Option<&Path>,
    alpn: &[&str],
) -> Result<Arc<ClientConfig>, TlsUnusable> {
    let extra = extra_ca.map(certificates).transpose()?.unwrap_or_default();
    let verifier = Verifier::new_with_extra_roots(extra, provider()).map_err(TlsUnusable::Roots)?;
    let mut config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(TlsUnusable::Roots)?
        .dangerous() // rustls's word for any verifier that is not its own; this one is the platform's
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    Ok(Arc::new(config))
}

/// What we trust when we connect, for each use of it.
#[derive(Clone, Debug)]
pub struct Trust {
    /// What the extra CA file holds.
    extra: Option<Vec<u8>>,
    /// Whether LTIAAS may choose HTTP/2.
    http2: bool,
    /// Towards LTIAAS.
    pub upstream: Arc<ClientConfig>,
    /// Towards issuers, which are asked too rarely for HTTP/2 to matter.
    pub key_sets: Arc<ClientConfig>,
}

impl Trust {
    /// Trusts the platform's roots and those of `ca_file`. Where the file says what it said
    /// `before`, that is kept, so that connections and key sets can be kept too.
    pub fn new(
        ca_file: Option<&Path>,
        http2: bool,
        before: Option<&Self>,
    ) -> Result<Self, TlsUnusable> {
        let extra = ca_file.map(pem::bytes).transpose()?;
        let before = before.filter(|before| before.extra == extra);
        if let Some(before) = before.filter(|before| before.http2 == http2) {
            return Ok(before.clone());
        }
        let key_sets = match before {
            Some(before) => before.key_sets.clone(),
            None => client_config(ca_file, &["http/1.1"])?,
        };
        let upstream = match http2 {
            true => client_config(ca_file, &["h2", "http/1.1"])?,
            false => key_sets.clone(),
        };
        Ok(Self {
            extra,
            http2,
            upstream,
            key_sets,
        })
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}
