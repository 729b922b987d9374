//! `[ledger]`: where submissions are recorded, and how carefully.

use std::time::Duration;

use schemars::JsonSchema;
use secrecy::SecretString;
use serde::{Deserialize, Serialize, Serializer};

use super::duration::DurationText;
use super::findings::At;
use super::secret::SecretPlace;
use super::upstream::check_ca_file;
use super::words::words;
use crate::ledger::{Durability, OnFailure, Place, PostgresPlace, Settings, is_postgres_url};

/// Where submissions are recorded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, expecting = "a table, `[ledger]`")]
#[schemars(deny_unknown_fields)]
pub struct LedgerSection {
    /// `"sqlite:PATH"`, a file, relative to the configuration's folder;
    /// `"postgres://USER[:PASSWORD]@HOST:PORT/DATABASE[?sslmode=…]"`, for several gateways; or
    /// `"none"`: nothing is recorded.
    #[serde(serialize_with = "masked")]
    pub url: String,
    /// PostgreSQL's password, so that it need not stand in `url`. A new one needs no restart.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password: Option<SecretPlace>,
    /// PEM file of certificate authorities that are trusted beside the platform's, for PostgreSQL
    /// over TLS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<String>,
    /// When an entry is safe. `batched`: with the operating system before its answer, so a kill
    /// loses nothing and a power loss the last milliseconds; `always`: on disk before anything is
    /// forwarded.
    pub durability: DurabilityText,
    /// What happens to submissions that can't be recorded: `refuse` answers LEDGER_UNAVAILABLE,
    /// `forward` forwards them unrecorded; rules that look back then judge as if nothing had come
    /// before. With `refuse` the gateway is not ready as long as the ledger can't be used.
    pub on_failure: OnFailureText,
    /// How long entries are kept, 1d to 36500d; for ever without it. Attempts and grades of longer
    /// ago are forgotten by policy, too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retention: Option<DurationText>,
}

words! {
    DurabilityText is Durability { Batched, Always }
    OnFailureText is OnFailure { Refuse, Forward }
}

const DAY: Duration = Duration::from_secs(86_400);

impl Default for LedgerSection {
    fn default() -> Self {
        Self {
            url: "sqlite:scoregate.db".to_owned(),
            password: None,
            ca_file: None,
            durability: DurabilityText::Batched,
            on_failure: OnFailureText::Refuse,
            retention: None,
        }
    }
}

impl LedgerSection {
    /// Whether submissions are recorded, which some policies need.
    pub(super) fn records(&self) -> bool {
        self.url != "none"
    }

    /// The inner `None`: nothing is recorded.
    pub(super) fn check(&self, at: &At<'_>) -> Option<Option<Settings>> {
        let place = self.place(at);
        let retention = at.optional("retention", &self.retention, |text, at| {
            text.check(at, DAY..=DAY * 36_500)
        });
        let (place, retention) = (place?, retention?);
        let Some(place) = place else {
            return Some(None);
        };
        Some(Some(Settings {
            place,
            durability: self.durability.into(),
            on_failure: self.on_failure.into(),
            retention,
        }))
    }

    /// The inner `None`: nowhere.
    fn place(&self, at: &At<'_>) -> Option<Option<Place>> {
        // All are checked before any fault ends it.
        let password = at.optional("password", &self.password, SecretPlace::text);
        let ca_file = at.optional("ca_file", &self.ca_file, |name, at| check_ca_file(at, name));
        let place = self.place_of_url(&at.key("url"))?;
        let (password, ca_file) = (password?, ca_file?);
        Some(place.map(|place| match place {
            Place::Sqlite(_) => place,
            Place::Postgres(place) => Place::Postgres(PostgresPlace {
                password,
                ca_file,
                ..place
            }),
        }))
    }

    fn place_of_url(&self, at: &At<'_>) -> Option<Option<Place>> {
        match self.url.split_once(':') {
            None if self.url == "none" => Some(None),
            Some(("sqlite", "")) => at.problem("must name a file, such as \"sqlite:scoregate.db\""),
            Some(("sqlite", path)) => Some(Some(Place::Sqlite(at.place(path)))),
            Some(("postgres" | "postgresql", _)) if is_postgres_url(&self.url) => {
                Some(Some(Place::Postgres(PostgresPlace {
                    url: SecretString::from(self.url.clone()),
                    password: None,
                    ca_file: None,
                })))
            }
            Some(("postgres" | "postgresql", _)) => at.problem(
                "can't be read as postgres://USER[:PASSWORD]@HOST:PORT/DATABASE[?sslmode=…]",
            ),
            Some(_) | None => at.problem(
                "must be \"sqlite:PATH\", \"postgres://USER@HOST:PORT/DATABASE\" or \"none\"",
            ),
        }
    }
}

/// A URL of PostgreSQL may hold a password, in more than one place.
fn masked<S: Serializer>(url: &str, serializer: S) -> Result<S::Ok, S::Error> {
    match url.split_once(':') {
        Some(("sqlite", _)) => serializer.serialize_str(url),
        Some((scheme, _)) => {
            let rest = url.rsplit_once('@').map_or("", |(_, rest)| rest);
            let place = rest.split_once('?').map_or(rest, |(place, _)| place);
            serializer.collect_str(&format_args!("{scheme}://***@{place}"))
        }
        None => serializer.serialize_str(if url == "none" { url } else { "***" }),
    }
}
