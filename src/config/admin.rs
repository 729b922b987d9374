//! `[admin]`: the listener for operators, never the public port.

use std::net::SocketAddr;

use schemars::JsonSchema;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use super::findings::At;
use super::listen;
use super::secret::SecretPlace;

#[derive(Debug)]
pub struct Admin {
    pub listen: SocketAddr,
    pub token: Option<SecretString>,
}

/// The listener for operators: health, readiness, metrics, the applied configuration and the ledger.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, expecting = "a table, `[admin]`")]
#[schemars(deny_unknown_fields)]
pub struct AdminSection {
    /// The IP address and port to listen on. Port 0 takes any free one.
    pub listen: String,
    /// What `Authorization: Bearer …` must carry on all pages but `/healthz` and `/readyz`.
    /// Required where `listen` is not a loopback address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<SecretPlace>,
}

impl Default for AdminSection {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:9901".to_owned(),
            token: None,
        }
    }
}

/// A shorter token can be guessed.
const SHORT: usize = 16;

impl AdminSection {
    pub(super) fn check(&self, at: &At<'_>) -> Option<Admin> {
        let listen = listen::check(&at.key("listen"), &self.listen);
        let token = match (&self.token, listen) {
            (Some(token), _) => check_token(&at.key("token"), token).map(Some),
            (None, Some(listen)) if !listen.ip().is_loopback() => at
                .key("token")
                .missing("is required, because `listen` is an address that others can reach"),
            (None, _) => Some(None),
        };
        Some(Admin {
            listen: listen?,
            token: token?,
        })
    }
}

fn check_token(at: &At<'_>, token: &SecretPlace) -> Option<SecretString> {
    let token = token.text(at)?;
    if token.expose_secret().len() < SHORT {
        at.warn(format_args!(
            "the token has fewer than {SHORT} characters and may be guessed"
        ));
    }
    Some(token)
}
