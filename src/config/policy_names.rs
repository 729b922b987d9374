//! The names that a policy's `match` may refer to.

use super::accounts::Accounts;
use super::caller::CallerSection;
use super::findings::At;
use super::issuer::IssuerSection;
use super::policy::MatchSection;

pub(super) struct Names<'a> {
    pub accounts: &'a Accounts<'a>,
    pub callers: &'a [CallerSection],
    pub issuers: &'a [IssuerSection],
    /// Whether some callers or issuers could not be read, so that a name may be theirs.
    pub has_unread: bool,
}

impl Names<'_> {
    pub fn check_caller(&self, at: &At<'_>, name: &str) -> Option<String> {
        if self.has_unread || self.account_of(name).is_some() {
            return Some(name.to_owned());
        }
        match self.issuers.iter().any(|issuer| issuer.name.as_deref() == Some(name)) {
            true => at.problem(format_args!(
                "is an issuer: its callers are named `{name}/` and the claim, such as `{name}/quiz-app`"
            )),
            false => at.problem("is no caller; those of an issuer are named `ISSUER/CLAIM`"),
        }
    }

    pub fn check_account(&self, at: &At<'_>, name: &str) -> Option<String> {
        match self.accounts.exists(name) {
            true => Some(name.to_owned()),
            false => at.problem(format_args!("is no account{}", self.accounts.known())),
        }
    }

    /// Warns where none of the callers works with any of the accounts.
    pub fn warn_of_no_caller(&self, at: &At<'_>, matching: &MatchSection) {
        let (Some(callers), Some(accounts)) = (&matching.callers, &matching.accounts) else {
            return;
        };
        let meets = |name: &String| {
            self.account_of(name)
                .is_none_or(|account| accounts.iter().any(|name| name == account))
        };
        if !callers.is_empty() && !callers.iter().any(meets) {
            at.warn("none of these callers works with any of these accounts, so the policy matches nothing");
        }
    }

    /// The account of a caller that is known, also as `ISSUER/CLAIM`.
    fn account_of(&self, name: &str) -> Option<&str> {
        let of_caller = self
            .callers
            .iter()
            .find(|caller| caller.name.as_deref() == Some(name));
        let issuer_name = name.split_once('/').filter(|(_, claim)| !claim.is_empty());
        let of_issuer = || {
            let (name, _) = issuer_name?;
            self.issuers
                .iter()
                .find(|issuer| issuer.name.as_deref() == Some(name))
        };
        match of_caller {
            Some(caller) => Some(caller.account.as_deref().unwrap_or_default()),
            None => of_issuer().map(|issuer| issuer.account.as_deref().unwrap_or_default()),
        }
    }
}
