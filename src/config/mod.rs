//! The configuration. What the gateway uses, `Config`, has every value parsed, every name
//! resolved and every secret read: what can't be wrong there is not checked again anywhere.
//!
//! A section is one file: what may be written (its doc comments are the manual, its `Default` the
//! defaults), what the gateway gets, and the check that leads from the one to the other. `load`
//! goes the whole way: text → `tree` (values and places) → `document` (sections) → `Config`.
//! Every step records what it finds in `findings`, so that all problems are reported at once.

mod access;
mod account;
mod accounts;
mod admin;
mod admin_address;
mod caller;
mod content;
mod delivery;
mod document;
mod duration;
mod environment;
mod files;
mod findings;
mod instant;
mod issuer;
mod issuer_keys;
mod key_digest;
mod ledger;
mod line_items;
mod listen;
mod load;
mod log;
mod mask;
mod max_in_flight;
mod misspelt;
mod name;
mod number;
mod path;
mod policy;
mod policy_names;
mod policy_reach;
mod problem;
mod range;
mod rate_limit;
mod read;
mod restart;
mod schema;
mod scores;
mod secret;
mod server;
mod shared_hosts;
#[cfg(test)]
mod tests;
mod traces;
mod tree;
mod unknown;
mod upstream;
mod words;

use std::sync::Arc;

pub use account::{Account, ServiceKey};
pub use admin::Admin;
pub use admin_address::admin_address;
pub use caller::Caller;
pub use content::Content;
pub use duration::read_limit;
pub use environment::{Environment, Process, WithoutAccountKeys};
pub use issuer::{Issuer, IssuerKeys};
pub use key_digest::KeyDigest;
pub use load::{Loaded, load, load_candidate, load_text, load_to_read, load_with};
pub use log::{Log, LogFormat, LogLevel};
pub use problem::{Place, Problem, Problems};
pub use rate_limit::RateLimit;
pub use restart::{Compared, needs_restart};
pub use schema::json_schema;
pub use scores::Scores;
pub use server::{Server, ServerTls};
#[cfg(test)]
pub(crate) use tests::policies_of;
pub use traces::Traces;
pub use upstream::{LONGEST_FIRST_READ, Upstream};

/// A whole configuration.
#[derive(Debug)]
pub struct Config {
    pub server: Server,
    pub admin: Admin,
    pub log: Log,
    pub scores: Scores,
    /// `None`: nothing is recorded.
    pub ledger: Option<crate::ledger::Settings>,
    pub upstream: Upstream,
    pub traces: Traces,
    pub accounts: Vec<Arc<Account>>,
    pub callers: Vec<Caller>,
    pub issuers: Vec<Arc<Issuer>>,
    pub policies: Vec<crate::policy::Policy>,
}
