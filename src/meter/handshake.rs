//! TLS handshakes with callers that failed, by what went wrong.

use std::array;
use std::sync::atomic::{AtomicU64, Ordering};

use super::{Page, list};

/// Why a handshake failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HandshakeFailure {
    /// It took too long.
    Timeout,
    /// The caller left.
    Closed,
    /// What came was no TLS, such as plain HTTP.
    NotTls,
    /// No version or cipher in common.
    Incompatible,
    /// The caller showed no certificate, where one is asked for.
    NoCertificate,
    /// The caller's certificate isn't good.
    BadCertificate,
    /// The caller refused us, such as for our certificate.
    Refused,
    Other,
}

impl HandshakeFailure {
    pub const ALL: [Self; 8] = [
        Self::Timeout,
        Self::Closed,
        Self::NotTls,
        Self::Incompatible,
        Self::NoCertificate,
        Self::BadCertificate,
        Self::Refused,
        Self::Other,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::Closed => "closed",
            Self::NotTls => "not_tls",
            Self::Incompatible => "incompatible",
            Self::NoCertificate => "no_certificate",
            Self::BadCertificate => "bad_certificate",
            Self::Refused => "refused",
            Self::Other => "other",
        }
    }
}

/// One for all workers: a handshake costs far more than a shared counter.
#[derive(Debug)]
pub struct HandshakeMeter([AtomicU64; HandshakeFailure::ALL.len()]);

impl Default for HandshakeMeter {
    fn default() -> Self {
        Self(array::from_fn(|_| AtomicU64::default()))
    }
}

impl HandshakeMeter {
    pub fn failed(&self, failure: HandshakeFailure) {
        if let Some(count) = self.0.get(failure as usize) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn write(&self, page: &mut Page) {
        let mut family = page.family(&list::HANDSHAKE_FAILURES);
        for (failure, count) in HandshakeFailure::ALL.iter().zip(&self.0) {
            family.sample(&[failure.name()], count.load(Ordering::Relaxed));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_failure_has_the_place_it_is_listed_at() {
        for (place, failure) in HandshakeFailure::ALL.into_iter().enumerate() {
            assert_eq!(failure as usize, place, "{}", failure.name());
        }
    }
}
