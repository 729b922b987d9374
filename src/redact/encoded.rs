//! Private texts can be echoed in base64 or hexadecimal digits, alone or within something larger.
//! Finds the runs of a text that may be such, and what they would say.

use std::ops::Range;

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// Four bytes in the shorter of the two encodings.
const SHORTEST: usize = 6;

/// Takes what was cut off anywhere.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The runs of letters of either encoding.
pub fn runs(text: &str) -> impl Iterator<Item = Range<usize>> {
    let mut place = 0;
    text.split(|letter| !is_letter(letter))
        .map(move |run| {
            let start = text.len().min(place);
            let end = start + run.len();
            // Behind the letter that ended it.
            let after = text.get(end..).and_then(|rest| rest.chars().next());
            place = end + after.map_or(0, char::len_utf8);
            start..end
        })
        .filter(|run| run.len() >= SHORTEST)
}

fn is_letter(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || matches!(letter, '+' | '/' | '-' | '_')
}

/// What a run may say: from each of its first letters on, since nobody knows where the encoding
/// began.
pub fn readings(run: &str) -> impl Iterator<Item = String> {
    let base64 = run.replace('-', "+").replace('_', "/");
    let base64: Vec<_> = (0..4)
        .filter_map(|start| from_base64(base64.get(start..)?))
        .collect();
    let digits = run.split(|letter: char| !letter.is_ascii_hexdigit());
    let hex = digits.flat_map(|digits| [from_hex(digits), from_hex(digits.get(1..).unwrap_or(""))]);
    let bytes = base64.into_iter().chain(hex);
    bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

fn from_base64(text: &str) -> Option<Vec<u8>> {
    // A single letter over says nothing.
    let whole = text.len() - usize::from(text.len() % 4 == 1);
    BASE64.decode(text.get(..whole)?).ok()
}

/// Hexadecimal digits, two by two.
fn from_hex(digits: &str) -> Vec<u8> {
    let pairs = digits.as_bytes().chunks_exact(2);
    let bytes = pairs.filter_map(|pair| {
        let pair = std::str::from_utf8(pair).ok()?;
        u8::from_str_radix(pair, 16).ok()
    });
    bytes.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_where_they_stand() {
        let text = "é: abcdef+/, \"0123456789\" x\u{fe0f}ABCDEF";
        let runs: Vec<_> = runs(text).map(|run| &text[run]).collect();
        assert_eq!(runs, ["abcdef+/", "0123456789", "ABCDEF"]);
        assert_eq!(super::runs("").count(), 0);
    }

    #[test]
    fn reads_both_encodings_wherever_they_begin() {
        for (run, said) in [
            ("bGVhcm5lcg", "learner"),
            ("xbGVhcm5lcg", "learner"),
            ("bGVhcm5lcj_-", "learner"),
            ("6c6561726e6572", "learner"),
            ("0x6C6561726E6572", "learner"),
            ("f6C6561726E6572", "learner"),
        ] {
            assert!(readings(run).any(|reading| reading.contains(said)), "{run}");
        }
    }
}
