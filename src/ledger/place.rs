//! Where a ledger is kept, and how carefully.

use std::path::PathBuf;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};

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
    /// Whether another URL leads there, in what a masked one doesn't show too.
    pub fn has_url_of(&self, other: &Self) -> bool {
        self.url.expose_secret() == other.url.expose_secret()
    }

    pub fn has_password_of(&self, other: &Self) -> bool {
        let one = self.password.as_ref().map(ExposeSecret::expose_secret);
        one == other.password.as_ref().map(ExposeSecret::expose_secret)
    }
}

/// When an entry is safe.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// With the operating system before its answer: a kill loses nothing.
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
