//! The origin of something we connect to: scheme, host and port, nothing else.

use std::fmt;

use http::Uri;
use http::uri::{Authority, Scheme};
use thiserror::Error;

/// Where a connection goes. A credential is bound to exactly one of these.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Origin {
    secure: bool,
    authority: Authority,
}

/// Why a text can't be an origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("it must be an `https://` or `http://` URL with a host, without a user name")]
pub struct BadOrigin;

impl Origin {
    /// The origin of a URL; its path and query are left aside.
    pub fn of(url: &Uri) -> Result<Self, BadOrigin> {
        let authority = url.authority().ok_or(BadOrigin)?.clone();
        let secure = match url.scheme() {
            Some(scheme) if *scheme == Scheme::HTTPS => true,
            Some(scheme) if *scheme == Scheme::HTTP => false,
            _ => return Err(BadOrigin),
        };
        match authority.as_str().contains('@') || authority.host().is_empty() {
            true => Err(BadOrigin),
            false => Ok(Self { secure, authority }),
        }
    }

    pub fn is_secure(&self) -> bool {
        self.secure
    }

    /// Host and port as they stand in the URL: the value of a `host` header.
    pub fn authority(&self) -> &Authority {
        &self.authority
    }

    /// The host alone, an IPv6 address without its brackets.
    pub fn host(&self) -> &str {
        self.authority
            .host()
            .trim_start_matches('[')
            .trim_end_matches(']')
    }

    pub fn port(&self) -> u16 {
        self.authority
            .port_u16()
            .unwrap_or(if self.secure { 443 } else { 80 })
    }

    /// Whether it can only be this machine.
    pub fn is_loopback(&self) -> bool {
        let address = self.host().parse::<std::net::IpAddr>();
        address.map_or(self.host().eq_ignore_ascii_case("localhost"), |address| {
            address.is_loopback()
        })
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.secure { "https" } else { "http" };
        write!(f, "{scheme}://{}", self.authority)
    }
}
