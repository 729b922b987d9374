//! TLS on both sides: one cryptography provider, the server's certificate from a PEM pair, and
//! the platform's roots, with an extra CA file, for everything we connect to.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{VerifierBuilderError, WebPkiClientVerifier};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use rustls_platform_verifier::Verifier;
use thiserror::Error;
use x509_cert::der::Decode;

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
    let key = PrivateKeyDer::from_pem_file(key_file)
        .map_err(|cause| TlsUnusable::PrivateKey(key_file.to_owned(), cause))?;
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(TlsUnusable::Pair)?
        .with_client_cert_verifier(client_verifier(client_ca_file)?)
        .with_single_cert(certificates(cert_file)?, key)
        .map_err(TlsUnusable::Pair)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

fn client_verifier(ca_file: Option<&Path>) -> Result<Arc<dyn ClientCertVerifier>, TlsUnusable> {
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
    /// Towards LTIAAS.
    pub upstream: Arc<ClientConfig>,
    /// Towards issuers, which are asked too rarely for HTTP/2 to matter.
    pub key_sets: Arc<ClientConfig>,
}

impl Trust {
    /// Trusts the platform's roots and those of `ca_file`. Where the file says what it said
    /// `before`, that is kept, so that connections and key sets can be kept too.
    pub fn new(ca_file: Option<&Path>, before: Option<&Self>) -> Result<Self, TlsUnusable> {
        let read =
            |path: &Path| fs::read(path).map_err(|cause| TlsUnusable::File(path.into(), cause));
        let extra = ca_file.map(read).transpose()?;
        match before.filter(|before| before.extra == extra) {
            Some(before) => Ok(before.clone()),
            None => Ok(Self {
                extra,
                upstream: client_config(ca_file, &["h2", "http/1.1"])?,
                key_sets: client_config(ca_file, &["http/1.1"])?,
            }),
        }
    }
}

/// When the first of a file's certificates expires, in seconds since 1970. `None` where that can't be
/// read: what is wrong with the file is for others to say.
pub fn first_expiry(file: &Path) -> Option<u64> {
    let found = certificates(file).ok()?;
    found.iter().filter_map(expiry).min()
}

fn expiry(certificate: &CertificateDer<'_>) -> Option<u64> {
    let read = x509_cert::Certificate::from_der(certificate).ok()?;
    let end = read.tbs_certificate.validity.not_after;
    Some(end.to_unix_duration().as_secs())
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, TlsUnusable> {
    let unreadable = |cause| TlsUnusable::Certificate(file.to_owned(), cause);
    let found: Vec<_> = CertificateDer::pem_file_iter(file)
        .map_err(unreadable)?
        .collect::<Result<_, _>>()
        .map_err(unreadable)?;
    match found.is_empty() {
        true => Err(TlsUnusable::NoCertificate(file.to_owned())),
        false => Ok(found),
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair, date_time_ymd};

    use super::*;

    fn certificate(year: i32) -> String {
        let mut certificate = CertificateParams::new(Vec::new()).unwrap();
        certificate.not_after = date_time_ymd(year, 1, 31);
        let key = KeyPair::generate().unwrap();
        certificate.self_signed(&key).unwrap().pem()
    }

    #[test]
    fn the_first_of_a_files_certificates_to_expire_counts() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("chain.pem");
        // Beyond 2049 the time is written in another form.
        fs::write(&file, certificate(2051) + &certificate(2027)).unwrap();
        assert_eq!(first_expiry(&file), Some(1_801_353_600));
        fs::write(&file, certificate(2051)).unwrap();
        assert_eq!(first_expiry(&file), Some(2_558_736_000));
        fs::write(&file, "no certificate").unwrap();
        assert_eq!(first_expiry(&file), None);
        assert_eq!(first_expiry(&folder.path().join("none.pem")), None);
    }
}
