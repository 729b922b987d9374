//! Certificates and private keys from PEM files. Says which file is faulty, never what it holds.

use std::path::Path;

use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use super::TlsUnusable;
use crate::bounded::read_file;

/// No file of certificates is longer, so that a wrong name can't fill the memory.
const LONGEST: usize = 4 * 1024 * 1024;

/// What an encrypted key says of itself, as PKCS #8 or the way OpenSSL had before.
const ENCRYPTED: [&[u8]; 2] = [b"BEGIN ENCRYPTED PRIVATE KEY", b"Proc-Type: 4,ENCRYPTED"];

/// What a file holds, within bounds.
pub(super) fn bytes(file: &Path) -> Result<Vec<u8>, TlsUnusable> {
    read_file(file, LONGEST).map_err(|cause| TlsUnusable::File(file.to_owned(), cause))
}

/// The certificates of a file, one at least.
pub fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, TlsUnusable> {
    let found: Vec<_> = CertificateDer::pem_slice_iter(&bytes(file)?)
        .collect::<Result<_, _>>()
        .map_err(|cause| TlsUnusable::Certificate(file.to_owned(), cause))?;
    match found.is_empty() {
        true => Err(TlsUnusable::NoCertificate(file.to_owned())),
        false => Ok(found),
    }
}

/// The first private key of a file.
pub fn private_key(file: &Path) -> Result<PrivateKeyDer<'static>, TlsUnusable> {
    let bytes = bytes(file)?;
    PrivateKeyDer::from_pem_slice(&bytes).map_err(|cause| match is_encrypted(&bytes) {
        true => TlsUnusable::Encrypted(file.to_owned()),
        false => TlsUnusable::PrivateKey(file.to_owned(), cause),
    })
}

fn is_encrypted(bytes: &[u8]) -> bool {
    let has = |mark: &&[u8]| bytes.windows(mark.len()).any(|part| part == *mark);
    ENCRYPTED.iter().any(has)
}
