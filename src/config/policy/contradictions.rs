//! Keys of one policy that can't both be meant, and keys that need what is not there.

use crate::config::findings::At;
use crate::policy::{Keys, Late, Over};

pub(super) fn check(at: &At<'_>, keys: &Keys, records: bool) -> Option<()> {
    warn(at, keys);
    let window = check_window(at, keys);
    let history = check_history(at, keys, records);
    window.and(history)
}

fn check_window(at: &At<'_>, keys: &Keys) -> Option<()> {
    let (Some(opens), Some(closes)) = (&keys.opens, &keys.closes) else {
        return Some(());
    };
    match opens.instant() > closes.instant() {
        true => at
            .key("opens")
            .problem("is after `closes`, so that every submission is refused"),
        false => Some(()),
    }
}

fn check_history(at: &At<'_>, keys: &Keys, records: bool) -> Option<()> {
    let needing = keys.that_need_history();
    if records || needing.is_empty() {
        return Some(());
    }
    for key in needing {
        at.key(key)
            .problem::<()>("needs a record of earlier submissions, but `ledger.url` is \"none\"");
    }
    None
}

fn warn(at: &At<'_>, keys: &Keys) {
    if keys.names().is_empty() && !at.is_unread() {
        at.warn("this policy sets no rule, so it does nothing");
    }
    if let (Some(due), Some(closes)) = (&keys.due, &keys.closes)
        && due.instant() > closes.instant()
    {
        at.key("due")
            .warn("is after `closes`, so that nothing is ever late");
    }
    if let (Some(minimum), Some(maximum)) = (&keys.minimum, &keys.maximum)
        && maximum.over != Over::Allow
        && maximum.percent < minimum.percent
    {
        at.key("maximum")
            .key("percent")
            .warn("is below `minimum`, which no score can satisfy");
    }
    if let (Some(grace), Some(Late::PerInterval { interval, .. })) = (&keys.grace, &keys.late)
        && grace.seconds > interval.seconds
    {
        at.key("grace").warn("is longer than the interval of `late`: the first second beyond it costs more than one interval");
    }
}
