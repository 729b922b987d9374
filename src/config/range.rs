//! Whole numbers within bounds.

use std::ops::RangeInclusive;

use super::findings::At;

pub(super) fn check(at: &At<'_>, number: u64, allowed: RangeInclusive<u64>) -> Option<usize> {
    match usize::try_from(number) {
        Ok(size) if allowed.contains(&number) => Some(size),
        _ => at.problem(format_args!(
            "must be from {} to {}",
            allowed.start(),
            allowed.end()
        )),
    }
}
