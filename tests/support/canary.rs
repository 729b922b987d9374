//! Texts that must turn up nowhere, and every form in which they could.

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// One text to search for.
pub struct Canary {
    pub what: &'static str,
    /// Forms that are searched for as they are, and in any case.
    exact: Vec<String>,
    any_case: Vec<String>,
}

/// A shorter form would be found in innocent text.
const SHORTEST: usize = 8;

impl Canary {
    pub fn new(what: &'static str, text: &str) -> Self {
        let bytes = text.as_bytes();
        let stretch = stretch(text);
        assert!(
            stretch.len() >= SHORTEST,
            "{what} is too short to be told from other text"
        );
        let mut exact = vec![text.to_owned(), stretch.to_owned()];
        let mut any_case = vec![hex(bytes, ""), hex(bytes, "%"), hex(bytes, "\\x")];
        let units = text.encode_utf16();
        any_case.push(units.map(|unit| format!("\\u{unit:04x}")).collect());
        for part in [bytes, stretch.as_bytes()] {
            for shift in 0..3 {
                exact.push(inner_base64(&STANDARD_NO_PAD, part, shift));
                exact.push(inner_base64(&URL_SAFE_NO_PAD, part, shift));
            }
        }
        // A hash without a key is as good as the text: whoever guesses at it is told.
        for algorithm in [&SHA256, &SHA1_FOR_LEGACY_USE_ONLY] {
            let hash = digest(algorithm, bytes);
            any_case.push(hex(&hash.as_ref()[..8], ""));
            exact.push(STANDARD.encode(hash.as_ref())[..16].to_owned());
            exact.push(URL_SAFE_NO_PAD.encode(hash.as_ref())[..16].to_owned());
        }
        exact.retain(|form| form.len() >= SHORTEST);
        Self {
            what,
            exact,
            any_case,
        }
    }

    /// The first form of it that stands in some output.
    pub fn found_in(&self, output: &str) -> Option<&str> {
        let small = output.to_lowercase();
        let exact = self.exact.iter().find(|form| output.contains(*form));
        let any_case = self.any_case.iter().find(|form| small.contains(*form));
        exact.or(any_case).map(String::as_str)
    }
}

/// The longest part that no encoding for text changes.
fn stretch(text: &str) -> &str {
    let parts = text.split(|letter: char| !letter.is_ascii_alphanumeric());
    parts.max_by_key(|part| part.len()).unwrap_or_default()
}

pub fn hex(bytes: &[u8], before: &str) -> String {
    bytes
        .iter()
        .map(|byte| format!("{before}{byte:02x}"))
        .collect()
}

/// What of the text's base64 is the same whatever stands around it, behind `shift` other bytes.
fn inner_base64(engine: &impl Engine, bytes: &[u8], shift: usize) -> String {
    let whole = engine.encode([&vec![0; shift], bytes].concat());
    let first = [0, 2, 3][shift];
    let last = whole.len() - usize::from(!(shift + bytes.len()).is_multiple_of(3));
    whole[first..last].to_owned()
}
