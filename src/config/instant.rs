//! Instants of the configuration that can't be read.

use super::findings::At;
use crate::score::Timestamp;

/// Nobody guesses an offset: it decides who is late.
pub(super) fn unreadable<T>(text: &str, at: &At<'_>, example: &str) -> Option<T> {
    match Timestamp::parse(&format!("{text}Z")) {
        Some(_) => at.problem("lacks its offset: end it with `Z` (UTC) or one such as `+01:00`"),
        None => at.problem(format_args!("must be an instant such as \"{example}\"")),
    }
}
