//! A certificate for this machine, from an authority made for one test.

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose,
};

/// All in PEM.
pub struct Certificate {
    /// What a client must trust.
    pub authority: String,
    pub certificate: String,
    pub key: String,
}

/// What this machine is called.
const OURS: [&str; 2] = ["127.0.0.1", "localhost"];

#[allow(
    dead_code,
    reason = "each test file has its own copy, and needs one of them"
)]
impl Certificate {
    pub fn for_this_machine() -> Self {
        Self::of(OURS.map(str::to_owned), 4096)
    }

    pub fn naming(names: impl Into<Vec<String>>) -> Self {
        Self::of(names, 4096)
    }

    /// Good until that year begins.
    pub fn until(year: i32) -> Self {
        Self::of(OURS.map(str::to_owned), year)
    }

    fn of(names: impl Into<Vec<String>>, year: i32) -> Self {
        let mut authority = CertificateParams::new(Vec::new()).unwrap();
        // A certificate whose issuer has its own name passes for self-signed.
        let name = (DnType::CommonName, "an authority for tests");
        authority.distinguished_name.push(name.0, name.1);
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        authority.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap());
        let authority = authority.unwrap();

        let mut leaf = CertificateParams::new(names).unwrap();
        leaf.not_after = rcgen::date_time_ymd(year, 1, 1);
        // Newer Pythons insist on it.
        leaf.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate().unwrap();
        let certificate = leaf.signed_by(&key, &authority).unwrap();
        Self {
            authority: authority.as_ref().pem(),
            certificate: certificate.pem(),
            key: key.serialize_pem(),
        }
    }
}
