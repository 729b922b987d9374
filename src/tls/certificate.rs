//! What certificates say of themselves: until when they are good, and whether they are an
//! authority's. What can't be read says nothing here: what is wrong with a file is for others to say.

use std::path::Path;

use rustls_pki_types::CertificateDer;
use x509_cert::Certificate;
use x509_cert::der::Decode;
use x509_cert::ext::pkix::BasicConstraints;
use x509_cert::time::Time;

use super::pem::certificates;

/// How a certificate stands in time, in seconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutOfTime {
    Expired(u64),
    /// It is good from then on.
    NotYet(u64),
}

/// When the first of a file's certificates expires, in seconds since 1970.
pub fn first_expiry(file: &Path) -> Option<u64> {
    let expiry =
        |certificate: &Certificate| seconds(certificate.tbs_certificate.validity.not_after);
    read(file).iter().map(expiry).min()
}

/// The first of a file's certificates that is not good now, in seconds since 1970.
pub fn out_of_time(file: &Path, now: u64) -> Option<OutOfTime> {
    let judge = |certificate: &Certificate| {
        let validity = certificate.tbs_certificate.validity;
        match (seconds(validity.not_before), seconds(validity.not_after)) {
            (_, end) if end < now => Some(OutOfTime::Expired(end)),
            (begin, _) if begin > now => Some(OutOfTime::NotYet(begin)),
            _ => None,
        }
    };
    read(file).iter().find_map(judge)
}

/// Whether a file holds a certificate that vouches for none, as a server's does. One that is signed
/// by itself vouches for itself.
pub fn holds_no_authority(file: &Path) -> bool {
    let is_authority = |certificate: &Certificate| {
        let body = &certificate.tbs_certificate;
        let constraints = body.get::<BasicConstraints>();
        let is_one = matches!(
            constraints,
            Ok(Some((_, BasicConstraints { ca: true, .. })))
        );
        is_one || body.issuer == body.subject
    };
    !read(file).iter().all(is_authority)
}

fn seconds(time: Time) -> u64 {
    time.to_unix_duration().as_secs()
}

fn read(file: &Path) -> Vec<Certificate> {
    let found = certificates(file).unwrap_or_default();
    let read = |der: &CertificateDer<'_>| Certificate::from_der(der).ok();
    found.iter().filter_map(read).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use rcgen::{
        BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd,
    };

    use super::*;

    fn certificate(years: (i32, i32)) -> String {
        let mut certificate = CertificateParams::new(Vec::new()).unwrap();
        certificate.not_before = date_time_ymd(years.0, 1, 31);
        certificate.not_after = date_time_ymd(years.1, 1, 31);
        let key = KeyPair::generate().unwrap();
        certificate.self_signed(&key).unwrap().pem()
    }

    #[test]
    fn the_first_of_a_files_certificates_to_expire_counts() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("chain.pem");
        // Beyond 2049 the time is written in another form.
        fs::write(
            &file,
            certificate((2020, 2051)) + &certificate((2020, 2027)),
        )
        .unwrap();
        assert_eq!(first_expiry(&file), Some(1_801_353_600));
        fs::write(&file, certificate((2020, 2051))).unwrap();
        assert_eq!(first_expiry(&file), Some(2_558_736_000));
        fs::write(&file, "no certificate").unwrap();
        assert_eq!(first_expiry(&file), None);
        assert_eq!(first_expiry(&folder.path().join("none.pem")), None);
    }

    #[test]
    fn a_certificate_is_good_from_its_beginning_to_its_end() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("chain.pem");
        let (begin, end) = (1_580_428_800, 1_801_353_600);
        fs::write(
            &file,
            certificate((2020, 2051)) + &certificate((2020, 2027)),
        )
        .unwrap();
        assert_eq!(
            out_of_time(&file, begin - 1),
            Some(OutOfTime::NotYet(begin))
        );
        assert_eq!(out_of_time(&file, begin), None);
        assert_eq!(out_of_time(&file, end), None);
        assert_eq!(out_of_time(&file, end + 1), Some(OutOfTime::Expired(end)));
    }

    #[test]
    fn an_authority_vouches_for_others_or_for_itself() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("authorities.pem");
        let mut authority = CertificateParams::new(Vec::new()).unwrap();
        authority
            .distinguished_name
            .push(DnType::CommonName, "an authority");
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority =
            CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
        let leaf = CertificateParams::new(vec!["here".to_owned()]).unwrap();
        let leaf = leaf
            .signed_by(&KeyPair::generate().unwrap(), &authority)
            .unwrap();
        let authority = authority.as_ref().pem();
        for (text, holds_none) in [
            (authority.clone(), false),
            (certificate((2020, 2051)), false),
            (leaf.pem(), true),
            (authority + &leaf.pem(), true),
        ] {
            fs::write(&file, text).unwrap();
            assert_eq!(holds_no_authority(&file), holds_none);
        }
    }
}
