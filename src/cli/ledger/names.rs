//! The names of the configuration, for whoever asks for one that it has not. An entry may well be of one that it
//! no longer has.

use crate::config::Config;
use crate::ledger::Filter;

pub struct Names {
    accounts: Vec<String>,
    callers: Vec<String>,
    issuers: Vec<String>,
}

impl Names {
    pub fn of(config: &Config) -> Self {
        let callers = config.callers.iter().map(|caller| caller.name.clone());
        let issuers = config.issuers.iter().map(|issuer| issuer.name.clone());
        let accounts = config.accounts.iter();
        Self {
            accounts: accounts.map(|account| account.name.clone()).collect(),
            callers: callers.collect(),
            issuers: issuers.collect(),
        }
    }

    pub fn knows_account(&self, name: &str) -> bool {
        self.accounts.iter().any(|known| known == name)
    }

    /// `ISSUER/CLAIM` is whoever that issuer's tokens name.
    fn knows_caller(&self, name: &str) -> bool {
        let issuer = name.split_once('/').map(|(issuer, _)| issuer);
        self.callers.iter().any(|known| known == name)
            || issuer.is_some_and(|issuer| self.issuers.iter().any(|known| known == issuer))
    }

    /// What of the filter the configuration does not know, each as a sentence's beginning.
    pub fn unknown(&self, filter: &Filter) -> Vec<String> {
        let account = filter.account.iter();
        let account = account.filter(|name| !self.knows_account(name));
        let caller = filter.caller.iter();
        let caller = caller.filter(|name| !self.knows_caller(name));
        let told = |kind, name: &String| format!("the configuration has no {kind} `{name}`");
        account
            .map(|name| told("account", name))
            .chain(caller.map(|name| told("caller", name)))
            .collect()
    }
}
