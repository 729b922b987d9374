//! Where a ledger is kept, and how carefully.

use std::path::PathBuf;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};

use super::postgres_url::config;

/// Which database.
#[derive(Clone, Debug)]
pub enum Place {
    Sqlite(PathBuf),
    Postgres(PostgresPlace),
}

/// A PostgreSQL database. The URL may hold a password, so nothing shows it.
#[derive(Clone, Debug)]
pub struct PostgresPlace {
    pub url: SecretString,
    /// In place of one in the URL.
    pub password: Option<SecretString>,
    /// PEM file of certificate authorities trusted beside the platform's.
    pub ca_file: Option<PathBuf>,
}

impl PostgresPlace {
    /// Whether both URLs lead to one database, by the same way and as the same role. Only what
    /// opens it may differ.
    pub fn leads_where(&self, other: &Self) -> bool {
        let [one, other] = [self, other].map(|place| config(place.url.expose_secret()));
        let (Ok(mut one), Ok(mut other)) = (one, other) else {
            return false;
        };
        one.password("");
        other.password("");
        one == other
    }
}

/// When an entry is safe.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// With the operating system before its answer, and on disk soon after: a kill loses nothing.
    #[default]
    Batched,
    /// On disk before anything is forwarded: a power loss loses nothing.
    Always,
}

/// What happens to submissions that can't be recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnFailure {
    /// LEDGER_UNAVAILABLE.
    #[default]
    Refuse,
    /// Forwarded, with an ERROR event.
    Forward,
}

/// `[ledger]`.
#[derive(Clone, Debug)]
pub struct Settings {
    pub place: Place,
    pub durability: Durability,
    pub on_failure: OnFailure,
    /// How long entries are kept; `None`: for ever.
    pub retention: Option<Duration>,
}
