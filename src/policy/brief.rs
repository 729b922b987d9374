//! Reasons for a comment, which is a small box in a grade book: each in short.

use super::Act;

impl Act {
    /// The reason for a comment: without its second half, and without endless fractions.
    pub fn in_short(&self) -> String {
        let first = self.reason.split_once(", which ");
        let text = first.map_or(self.reason.clone(), |(first, _)| format!("{first}."));
        without_long_fractions(&text)
    }
}

/// `33.3333333333 of 100` as `33.33… of 100`.
fn without_long_fractions(text: &str) -> String {
    const MOST: usize = 4;
    let mut parts = text.split('.');
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let is_digit = |letter: char| letter.is_ascii_digit();
        let rest = part.trim_start_matches(is_digit);
        let digits = part.strip_suffix(rest).unwrap_or_default();
        out.push('.');
        match digits.get(..2).filter(|_| digits.len() > MOST) {
            Some(shown) => out.extend([shown, "…", rest]),
            None => out.push_str(part),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_long_fraction_is_cut() {
        for (text, short) in [
            ("33.3333333333 of 100.", "33.33… of 100."),
            ("0.00001 points off.", "0.00… points off."),
            ("27.1428 of 30.", "27.1428 of 30."),
            (
                "Rounded to 2 decimals: 8.25.",
                "Rounded to 2 decimals: 8.25.",
            ),
            ("No number.", "No number."),
            ("", ""),
        ] {
            assert_eq!(without_long_fractions(text), short);
        }
    }
}
