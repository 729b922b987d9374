//! Names of accounts, callers, issuers and policies: unique in their kind, and safe in a log line,
//! a metric and a header.

use std::collections::HashSet;

use super::findings::At;

const LONGEST: usize = 64;

/// Checks one name. A `/` would read like the caller of an issuer (`ISSUER/CLAIM`), and `,` and
/// `;` part the names in `scoregate-rules` and `scoregate-report`.
pub(super) fn check(at: &At<'_>, name: &Option<String>) -> Option<String> {
    let at = at.key("name");
    let name = at.required(name)?;
    let is_allowed = |byte: u8| (b' '..=b'~').contains(&byte) && !b"/,;\"\\".contains(&byte);
    let is_good = !name.is_empty()
        && name.len() <= LONGEST
        && name.trim() == name
        && name.bytes().all(is_allowed);
    match is_good {
        true => Some(name.clone()),
        false => at.problem(format_args!(
            "must be 1 to {LONGEST} letters, digits or plain signs (not `/`, `,`, `;`, quotes or backslashes)"
        )),
    }
}

/// Reports every name that an entry before it has already.
pub(super) fn check_unique<'a>(at: &At<'_>, names: impl Iterator<Item = Option<&'a str>>) {
    let mut seen = HashSet::new();
    for (index, name) in names.enumerate() {
        if name.is_some_and(|name| !seen.insert(name)) {
            at.index(index)
                .key("name")
                .problem::<()>("is the name of an entry above already");
        }
    }
}
