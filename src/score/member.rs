//! The members that a score may have, and which one an unknown name probably means.

use http::uri::Authority;

/// Tokens that reused launch code leaves in a body. They never pass.
pub const TOKENS: [&str; 2] = ["ltik", "id_token"];

/// The members of a score.
pub const SCORE: [&str; 9] = [
    "userId",
    "activityProgress",
    "gradingProgress",
    "scoreGiven",
    "scoreMaximum",
    "comment",
    "timestamp",
    "submission",
    "scoringUserId",
];

/// The members of `submission`.
pub const SUBMISSION: [&str; 2] = ["startedAt", "submittedAt"];

/// Names further from every known one than this are nobody's misspelling.
const LEAST_LIKENESS: f64 = 0.8;

/// Longer names are no misspelling of ours, and comparing them would take time.
const LONGEST: usize = 64;

/// The known member that `name` probably means.
pub fn meant<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    if name.len() > LONGEST {
        return None;
    }
    let letters = |text: &str| -> String {
        let letters = text.chars().filter(|letter| letter.is_alphanumeric());
        letters.flat_map(char::to_lowercase).collect()
    };
    let given = letters(name);
    let likeness = |known: &&str| strsim::jaro_winkler(&given, &letters(known));
    let best = known
        .iter()
        .copied()
        .max_by(|one, other| likeness(one).total_cmp(&likeness(other)))?;
    (likeness(&best) >= LEAST_LIKENESS).then_some(best)
}

/// Whether a name is a fully-qualified URL, as AGS asks of an extension's.
pub fn is_extension(name: &str) -> bool {
    let rest = ["https://", "http://"].iter().find_map(|scheme| {
        let head = name.get(..scheme.len())?;
        head.eq_ignore_ascii_case(scheme)
            .then(|| name.get(scheme.len()..))?
    });
    let authority = rest.and_then(|rest| rest.split(['/', '?', '#']).next());
    let is_plain = |letter: char| !letter.is_whitespace() && !letter.is_control();
    authority.is_some_and(has_host) && name.chars().all(is_plain)
}

fn has_host(authority: &str) -> bool {
    authority.parse::<Authority>().is_ok_and(|authority| {
        let host = authority.host();
        let has_name = host.bytes().any(|byte| byte.is_ascii_alphanumeric());
        let names_port = authority
            .as_str()
            .ends_with(|last: char| last.is_ascii_digit())
            && authority.as_str().len() > host.len();
        has_name && (!names_port || authority.port_u16().is_some())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_extension_is_named_by_a_whole_url() {
        for name in [
            "https://canvas.instructure.com/lti/submission",
            "HTTP://example.com",
            "https://[::1]:8443/x?y#z",
        ] {
            assert!(is_extension(name), "{name}");
        }
        for name in [
            "canvas",
            "https://",
            "https:///x",
            "http://[::1/x",
            "https://:80/",
            "https://.",
            "https://x:99999/",
            "https://a b/",
            "urn:x",
        ] {
            assert!(!is_extension(name), "{name}");
        }
    }
}
