//! `line_items`: patterns of line item ids, in accounts, callers, issuers and policies.

use super::findings::At;
use crate::line_item::{LineItem, Pattern};

pub(super) fn check(at: &At<'_>, patterns: &[String]) -> Option<Vec<Pattern>> {
    at.each(patterns, |at, text| match Pattern::parse(text) {
        Ok(pattern) => {
            if let Err(cause) = pattern.example() {
                at.warn(format_args!(
                    "can match no line item's id, since every such id is refused: {cause}"
                ));
            }
            Some(pattern)
        }
        Err(cause) => at.problem(format_args!("is no pattern of line items: {cause}")),
    })
}

/// Warns of patterns that can't match anything on the account's platforms.
pub(super) fn warn_of_unreachable(at: &At<'_>, patterns: &[Pattern], platforms: &[String]) {
    for (index, pattern) in patterns.iter().enumerate() {
        if !platforms.iter().any(|platform| may_meet(pattern, platform)) {
            at.index(index)
                .warn("matches no line item on the account's `platforms`");
        }
    }
}

fn may_meet(pattern: &Pattern, platform: &str) -> bool {
    let Ok(platform) = LineItem::parse(platform) else {
        return true; // `*`, or a fault that is reported where it stands
    };
    let platform = platform.normalized().trim_end_matches('/');
    let beginning = pattern.literal_beginning();
    beginning.starts_with(platform) || platform.starts_with(beginning)
}
