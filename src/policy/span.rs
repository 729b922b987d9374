//! Lengths of time in policies: whole seconds, as they were written and in words.

use std::sync::Arc;

use serde::{Serialize, Serializer};

use crate::count::Count;

/// A length of time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    pub seconds: u64,
    text: Arc<str>,
}

impl Span {
    pub fn new(seconds: u64, text: &str) -> Self {
        Self {
            seconds,
            text: text.into(),
        }
    }
}

/// As it was written.
impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

/// `1 day and 1 second`.
pub fn in_words(seconds: u64) -> String {
    let parts = [
        (seconds / 86_400, "day"),
        (seconds / 3_600 % 24, "hour"),
        (seconds / 60 % 60, "minute"),
        (seconds % 60, "second"),
    ];
    let words = parts.into_iter().filter(|(count, _)| *count > 0);
    let mut words: Vec<_> = words
        .map(|(count, unit)| Count(count, unit).to_string())
        .collect();
    match (words.pop(), words.is_empty()) {
        (None, _) => "0 seconds".to_owned(),
        (Some(last), true) => last,
        (Some(last), false) => format!("{} and {last}", words.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_name_what_is_not_zero() {
        for (seconds, words) in [
            (0, "0 seconds"),
            (1, "1 second"),
            (60, "1 minute"),
            (86_401, "1 day and 1 second"),
            (180_061, "2 days, 2 hours, 1 minute and 1 second"),
        ] {
            assert_eq!(in_words(seconds), words);
        }
    }
}
