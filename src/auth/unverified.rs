//! Why a credential is not accepted. For the log alone: all of these are one 401 to the caller, but for
//! `TooManyWait`, after which nothing is known of the credential.

use thiserror::Error;

use crate::key_set::NotFound;

/// Why a credential stands for nobody. Never holds any of it.
#[derive(Debug, Error)]
pub enum Unverified {
    #[error("the credential is neither a gateway key nor a token")]
    Form,
    #[error("the gateway key is unknown")]
    UnknownKey,
    #[error("the gateway key has expired")]
    KeyExpired,
    #[error("the token is longer than 8 KiB")]
    TokenTooLong,
    #[error("the token is malformed")]
    TokenMalformed,
    #[error("the token's header has `crit`, of which nothing is understood here")]
    Critical,
    #[error("the token's issuer is unknown")]
    UnknownIssuer,
    #[error("the token's algorithm is not among its issuer's")]
    Algorithm,
    #[error(transparent)]
    NoKey(#[from] NotFound),
    #[error("the issuer's keys have not been loaded yet")]
    NoKeySet,
    #[error("too many requests wait for the issuer's keys already")]
    TooManyWait,
    #[error("the token's signature is not its issuer's")]
    Signature,
    #[error("the key that the token names can't be used")]
    Key(#[source] jsonwebtoken::errors::Error),
    #[error("the token is for another audience")]
    Audience,
    #[error("the token has expired")]
    Expired,
    #[error("the token is not valid yet")]
    NotYetValid,
    #[error("the claim that names the caller is missing or is not a plain text")]
    CallerClaim,
    #[error("the scope claim is neither a text nor a list of texts")]
    Scope,
}

impl From<jsonwebtoken::errors::Error> for Unverified {
    /// Without the cause of what can't be parsed: it repeats the text.
    fn from(error: jsonwebtoken::errors::Error) -> Self {
        use jsonwebtoken::errors::ErrorKind::{Base64, Json, Utf8};
        match error.kind() {
            Base64(_) | Json(_) | Utf8(_) => Self::TokenMalformed,
            _ => Self::Key(error),
        }
    }
}

/// Why nobody can be verified at all: the gateway doesn't start.
#[derive(Debug, Error)]
pub enum CannotVerify {
    #[error("the key set's URL can't be used")]
    Url(#[from] crate::origin::BadOrigin),
    #[error("the cryptography that verifies tokens does not work")]
    SelfTest(#[source] Unverified),
}
