//! The configuration as it is written. What each key means stands with its section; the defaults
//! stand in their `Default`. Keys without a default are optional here, so that the check reports
//! all that are missing at once.

use jiff::Timestamp;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::account::AccountSection;
use super::accounts::Accounts;
use super::admin::AdminSection;
use super::caller::{self, Caller, CallerSection};
use super::delivery::DeliverySection;
use super::findings::At;
use super::issuer::{self, Issuer, IssuerSection};
use super::ledger::LedgerSection;
use super::log::LogSection;
use super::policy::{PolicySection, warn_of_looking_back, warn_of_merged};
use super::policy_names::Names;
use super::scores::ScoresSection;
use super::server::{Server, ServerSection};
use super::traces::TracesSection;
use super::upstream::UpstreamSection;
use super::{Config, max_in_flight, name, policy_reach};
use crate::policy::Policy;

/// The configuration of scoregate.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, expecting = "a TOML document")]
#[schemars(deny_unknown_fields)]
pub struct Document {
    pub server: ServerSection,
    pub admin: AdminSection,
    pub log: LogSection,
    pub scores: ScoresSection,
    pub upstream: UpstreamSection,
    pub traces: TracesSection,
    pub ledger: LedgerSection,
    pub delivery: DeliverySection,
    #[schemars(required, length(min = 1))]
    pub account: Vec<AccountSection>,
    pub caller: Vec<CallerSection>,
    pub issuer: Vec<IssuerSection>,
    pub policy: Vec<PolicySection>,
}

impl Document {
    /// The configuration this describes; `None` where `at` recorded a problem.
    pub(super) fn check(&self, at: &At<'_>, now: Timestamp) -> Option<Config> {
        let server = self.server.check(&at.key("server"), now);
        let admin = self.admin.check(&at.key("admin"));
        self.check_listeners_apart(at, server.as_ref());
        let log = self.log.check(&at.key("log"));
        let upstream = self.upstream.check(&at.key("upstream"));
        let traces = self.traces.check(&at.key("traces"));
        let ledger = self.ledger.check(&at.key("ledger"));
        let delivery = self.delivery.check(&at.key("delivery"));
        let accounts = Accounts::check(&at.key("account"), &self.account);
        let callers = self.check_callers(&at.key("caller"), &accounts, now);
        let issuers = self.check_issuers(&at.key("issuer"), &accounts);
        let policies = self.check_policies(at, &accounts);
        if let (Some(policies), Some(ledger)) = (&policies, &ledger) {
            warn_of_looking_back(&at.key("ledger"), policies, ledger.as_ref());
        }
        self.warn_of_nobody(at);
        self.warn_of_wide_bounds(at);
        if let (Some(callers), Some(issuers), Some(policies)) = (&callers, &issuers, &policies) {
            policy_reach::warn(&at.key("policy"), policies, callers, issuers);
            warn_of_merged(&at.key("policy"), policies);
        }
        delivery?;
        Some(Config {
            server: server?,
            admin: admin?,
            log: log?,
            scores: self.scores.check(),
            ledger: ledger?,
            upstream: upstream?,
            traces: traces?,
            accounts: accounts.all()?,
            callers: callers?,
            issuers: issuers?.into_iter().map(Arc::new).collect(),
            policies: policies?,
        })
    }

    fn check_listeners_apart(&self, at: &At<'_>, server: Option<&Server>) {
        let is_fixed = server.is_some_and(|server| server.listen.port() != 0);
        if !is_fixed || self.server.listen != self.admin.listen {
            return;
        }
        let admin = at.key("admin").key("listen");
        let server = at.key("server").key("listen");
        let at = if admin.is_written() { admin } else { server };
        at.problem::<()>(
            "`server.listen` and `admin.listen` are one address, but operators' pages never share the public port",
        );
    }

    fn check_callers(
        &self,
        at: &At<'_>,
        accounts: &Accounts<'_>,
        now: Timestamp,
    ) -> Option<Vec<Caller>> {
        name::check_unique(at, self.caller.iter().map(|caller| caller.name.as_deref()));
        caller::check_keys_apart(at, &self.caller);
        at.each(&self.caller, |at, caller| caller.check(at, accounts, now))
    }

    fn check_issuers(&self, at: &At<'_>, accounts: &Accounts<'_>) -> Option<Vec<Issuer>> {
        name::check_unique(at, self.issuer.iter().map(|issuer| issuer.name.as_deref()));
        issuer::check_apart(at, &self.issuer);
        at.each(&self.issuer, |at, issuer| issuer.check(at, accounts))
    }

    pub(super) fn check_policies(
        &self,
        at: &At<'_>,
        accounts: &Accounts<'_>,
    ) -> Option<Vec<Policy>> {
        let names = Names {
            accounts,
            callers: &self.caller,
            issuers: &self.issuer,
            has_unread: at.key("caller").has_unread_name() || at.key("issuer").has_unread_name(),
        };
        let at = at.key("policy");
        name::check_unique(&at, self.policy.iter().map(|policy| policy.name.as_deref()));
        at.each(&self.policy, |at, policy| {
            policy.check(at, &names, self.ledger.records())
        })
    }

    fn warn_of_wide_bounds(&self, at: &At<'_>) {
        let most = self.server.max_in_flight;
        let callers = self.caller.iter().map(|caller| caller.max_in_flight);
        max_in_flight::warn(&at.key("caller"), callers, most);
        let issuers = self.issuer.iter().map(|issuer| issuer.max_in_flight);
        max_in_flight::warn(&at.key("issuer"), issuers, most);
    }

    fn warn_of_nobody(&self, at: &At<'_>) {
        let is_unread = at.key("caller").is_unread() || at.key("issuer").is_unread();
        if self.caller.is_empty() && self.issuer.is_empty() && !is_unread {
            at.warn("there is no `[[caller]]` and no `[[issuer]]`, so every request is refused");
        }
    }
}
