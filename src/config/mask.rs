//! Keeps secrets out of messages, also those that someone wrote where no secret belongs, and learners
//! out of what operators are shown.

use serde_json::Value;

use crate::gateway_key::PREFIX;

/// The most characters of a given value that a message repeats.
const SHOWN: usize = 80;

/// A value as a message may repeat it: on one line, not too long, without anything that is
/// surely a secret.
pub(crate) fn shown(text: &str) -> String {
    if is_surely_a_secret(text) {
        return "***".to_owned();
    }
    let text = without_user(text);
    let mut shown: String = text
        .chars()
        .take(SHOWN)
        .flat_map(char::escape_debug)
        .collect();
    if text.chars().nth(SHOWN).is_some() {
        shown.push('…');
    }
    shown
}

/// Whether a name (of a key, variable or file) reads more like a secret that was pasted there:
/// twenty characters of one word with both digits and small letters.
pub(crate) fn could_be_a_secret(text: &str) -> bool {
    let in_word = |letter: char| letter.is_ascii_alphanumeric() || "+=_-".contains(letter);
    let is_random = |word: &str| {
        word.len() >= 20
            && word.contains(|letter: char| letter.is_ascii_digit())
            && word.contains(|letter: char| letter.is_ascii_lowercase())
    };
    is_surely_a_secret(text) || text.split(|letter| !in_word(letter)).any(is_random)
}

/// Whether a text holds what only secrets and digests hold.
pub(crate) fn is_surely_a_secret(text: &str) -> bool {
    [PREFIX, "sha256:", "-----BEGIN", "eyJ"]
        .iter()
        .any(|mark| text.contains(mark))
}

/// `https://user:password@host` without what stands before the `@`.
fn without_user(text: &str) -> String {
    match (text.split_once("://"), text.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, host))) => format!("{scheme}://***@{host}"),
        _ => text.to_owned(),
    }
}

/// Puts `***` in the place of each learner in a whole configuration, and of each condition, which may name one.
pub(crate) fn mask_learners(configuration: &mut Value) {
    for policy in entries(configuration, "policy") {
        let extensions = entries(policy, "extensions");
        for user in extensions.flat_map(|extension| entries(extension, "users")) {
            *user = "***".into();
        }
        let conditions = entries(policy, "require").filter_map(|required| required.get_mut("when"));
        conditions.for_each(|when| *when = "***".into());
        if let Some(when) = policy.pointer_mut("/match/when") {
            *when = "***".into();
        }
    }
}

fn entries<'a>(table: &'a mut Value, key: &'static str) -> impl Iterator<Item = &'a mut Value> {
    let list = table.get_mut(key).and_then(Value::as_array_mut);
    list.into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeats_plain_values_and_masks_the_rest() {
        assert_eq!(shown("ftp://x"), "ftp://x");
        assert_eq!(shown("a\nb"), "a\\nb");
        assert_eq!(shown("https://me:pass@host/x"), "https://***@host/x");
        assert_eq!(shown("my key is sgk_abc"), "***");
        assert_eq!(shown(&"x".repeat(200)).chars().count(), 81);
    }

    #[test]
    fn tells_a_name_from_a_pasted_secret() {
        for name in [
            "LTIAAS_API_KEY_OF_ACCOUNT_2",
            "/run/secrets/api.key",
            "url",
            "idle_timeout",
        ] {
            assert!(!could_be_a_secret(name), "{name}");
        }
        for secret in ["4f0c9a6be1d34d7fa1b2c3d4", "sgk_x", "eyJhbGciOiJ9.e30.x"] {
            assert!(could_be_a_secret(secret), "{secret}");
        }
    }
}
