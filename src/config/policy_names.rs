//! The names that a policy's `match` may refer to.

use super::accounts::Accounts;
use super::caller::CallerSection;
use super::findings::At;
use super::issuer::IssuerSection;

const NO_PATTERN: &str = "`*` stands for itself here: write each name out, or match by `accounts`, or leave `callers` away for all";

/// A claim may hold any character.
fn warn_of_pattern(at: &At<'_>, name: &str) {
    if name.contains('*') {
        at.warn(NO_PATTERN);
    }
}

pub(super) struct Names<'a> {
    pub accounts: &'a Accounts<'a>,
    pub callers: &'a [CallerSection],
    pub issuers: &'a [IssuerSection],
    /// Whether some callers or issuers could not be read, so that a name may be theirs.
    pub has_unread: bool,
}

impl Names<'_> {
    pub fn check_caller(&self, at: &At<'_>, name: &str) -> Option<String> {
        if self.has_unread || self.is_caller(name) {
            warn_of_pattern(at, name);
            return Some(name.to_owned());
        }
        match self.issuers.iter().any(|issuer| issuer.name.as_deref() == Some(name)) {
            true => at.problem(format_args!(
                "is an issuer: its callers are named `{name}/` and the claim, such as `{name}/quiz-app`"
            )),
            false if name.contains('*') => at.problem(format_args!("is no caller; {NO_PATTERN}")),
            false => at.problem("is no caller; those of an issuer are named `ISSUER/CLAIM`"),
        }
    }

    pub fn check_account(&self, at: &At<'_>, name: &str) -> Option<String> {
        match self.accounts.exists(name) {
            true => Some(name.to_owned()),
            false => at.problem(format_args!("is no account{}", self.accounts.known())),
        }
    }

    /// Whether it is a caller's, also as `ISSUER/CLAIM`.
    fn is_caller(&self, name: &str) -> bool {
        let mut callers = self.callers.iter();
        let mut issuers = self.issuers.iter();
        let issuer = name.split_once('/').filter(|(_, claim)| !claim.is_empty());
        callers.any(|caller| caller.name.as_deref() == Some(name))
            || issuer
                .is_some_and(|(name, _)| issuers.any(|issuer| issuer.name.as_deref() == Some(name)))
    }
}
