//! Addresses to listen on.

use std::net::SocketAddr;

use super::findings::At;

pub(super) fn check(at: &At<'_>, text: &str) -> Option<SocketAddr> {
    match text.parse() {
        Ok(address) => Some(address),
        Err(_) => at.problem(
            "must be an IP address and a port, such as \"127.0.0.1:8080\" or \"[::1]:8080\"",
        ),
    }
}
