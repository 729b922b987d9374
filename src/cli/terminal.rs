//! Texts that a caller chose, on a terminal.

use std::borrow::Cow;
use std::fmt::Write;

/// A learner chooses their id: it can't move the cursor of whoever reads it, nor turn the line around.
/// All else stands as it came, so that it can be copied back. What is escaped, is as in JSON, which thus
/// stays what it was.
pub fn harmless(text: &str) -> Cow<'_, str> {
    match text.contains(is_harmful) {
        true => escaped(text).into(),
        false => text.into(),
    }
}

fn escaped(text: &str) -> String {
    let mut shown = String::with_capacity(2 * text.len());
    for letter in text.chars() {
        let done = match is_harmful(letter) {
            true => write!(shown, "\\u{:04x}", u32::from(letter)),
            false => shown.write_char(letter),
        };
        // A growing text takes all.
        debug_assert!(done.is_ok());
    }
    shown
}

/// Controls, and what sets the direction of letters; not what joins them.
fn is_harmful(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_moves_or_turns_a_line_is_escaped() {
        for (text, shown) in [
            ("a\u{1b}[2Jb", "a\\u001b[2Jb"),
            ("a\r\n\tb", "a\\u000d\\u000a\\u0009b"),
            ("\0\u{7f}\u{9b}", "\\u0000\\u007f\\u009b"),
            ("\u{202a}\u{202e}", "\\u202a\\u202e"),
            ("\u{2066}\u{2069}", "\\u2066\\u2069"),
            ("\u{200e}\u{200f}\u{61c}", "\\u200e\\u200f\\u061c"),
        ] {
            assert_eq!(harmless(text), shown);
        }
        for plain in [
            "",
            "o'brien",
            "a\\b \"c\"",
            "e\u{301}",
            "👩\u{200d}🏫",
            "می\u{200c}خواهم",
            "\u{2029}\u{202f}\u{2065}\u{206a}",
        ] {
            assert_eq!(harmless(plain), plain);
        }
    }

    #[test]
    fn json_stays_the_same_value() {
        let json = "{\"a\u{202e}\":\"b\u{7f}c\"}";
        let read = |json: &str| serde_json::from_str::<serde_json::Value>(json).unwrap();
        assert_eq!(read(&harmless(json)), read(json));
        assert!(!harmless(json).contains('\u{202e}'));
    }
}
