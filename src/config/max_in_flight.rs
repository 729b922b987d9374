//! `max_in_flight` of a caller: how many of its requests may be in flight.

use super::findings::At;
use super::range;

/// The bound, if there is one; `None` where it is wrong.
pub(super) fn check(at: &At<'_>, most: Option<u64>) -> Option<Option<usize>> {
    match most {
        None => Some(None),
        Some(most) => range::check(at, most, 1..=1_000_000).map(Some),
    }
}

/// One that leaves nothing to the others looks as if it did.
pub(super) fn warn(at: &At<'_>, bounds: impl Iterator<Item = Option<u64>>, of_server: u64) {
    for (index, bound) in bounds.enumerate() {
        if bound.is_some_and(|bound| bound >= of_server) {
            at.index(index).key("max_in_flight").warn(format_args!(
                "lets one caller take every place there is (`server.max_in_flight`, {of_server})"
            ));
        }
    }
}
