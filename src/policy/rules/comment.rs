//! `comment = { html = "strip", max_chars = 500, explain = true }`: the comment as it leaves.
//!
//! Formula: `html` = `strip` (unless set) takes tags out and leaves their text, `keep` leaves both,
//! `refuse` answers POLICY_REFUSED; then `explain` appends one short sentence for each rule that acted
//! (the first half of the one that `scoregate explain` shows); then the first `max_chars` characters
//! stay.
//! Boundaries: acts only where the key is set; without a comment and without anything to explain there
//! is none. Markup begins where a browser takes it to begin: at a `<` with a letter, `/`, `!` or `?` next
//! to it. So `a < b`, `1<2` and `<3` hold none, but `a<b` does: `refuse` refuses it, and `strip`, which
//! finds no end of it, takes the `<` alone.
//! Example:
//!
//! ```text
//! due = "2026-03-01T12:00:00Z"
//! late = { kind = "flat", points = 10 }
//! comment = { explain = true }
//!
//! 90 of 100, submitted 18:00:00, comment <b>Well done</b> → adjusted by late, comment: 80 of 100, comment Well done 6 hours late: 10 points off.
//! ```

use serde::Serialize;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Comment {
    pub html: Html,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_chars: Option<usize>,
    pub explain: bool,
}

/// What becomes of markup.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Html {
    #[default]
    Strip,
    Keep,
    Refuse,
}

impl Comment {
    /// Whether the comment may not pass.
    pub fn refuses(&self, comment: Option<&str>) -> bool {
        self.html == Html::Refuse && comment.is_some_and(|text| without_tags(text) != text)
    }

    /// The comment as it leaves.
    pub fn apply(&self, comment: Option<&str>, reasons: &[String]) -> Applied {
        let mut did = Vec::new();
        let mut text = comment.map(str::to_owned);
        if let (Html::Strip, Some(text)) = (self.html, &mut text) {
            let plain = without_tags(text);
            if plain != *text {
                did.push("lost its tags".to_owned());
                *text = plain;
            }
        }
        if self.explain && !reasons.is_empty() {
            did.push("gained what policy did".to_owned());
            let text = text.get_or_insert_default();
            if !text.is_empty() {
                text.push(' ');
            }
            text.push_str(&reasons.join(" "));
        }
        let beyond = |most| Some((most, text.as_ref()?.char_indices().nth(most)?.0));
        if let Some((most, end)) = self.max_chars.and_then(beyond) {
            did.push(format!("was cut to {most} characters"));
            text = text.map(|text| text.get(..end).unwrap_or_default().to_owned());
        }
        Applied {
            reason: sentence(&did),
            comment: text,
        }
    }
}

/// What became of a comment.
pub struct Applied {
    pub comment: Option<String>,
    /// What was done to it; `None` where it leaves as it came.
    pub reason: Option<String>,
}

fn sentence(did: &[String]) -> Option<String> {
    let (last, others) = did.split_last()?;
    Some(match others {
        [] => format!("The comment {last}."),
        others => format!("The comment {} and {last}.", others.join(", ")),
    })
}

/// Takes tags out from the inside, so that what is left holds none, however they were nested.
fn without_tags(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut opened = Vec::new();
    for letter in text.chars() {
        match (letter, opened.last().copied()) {
            ('>', Some(at)) => {
                out.truncate(at);
                opened.pop();
                continue;
            }
            // Only now it shows whether the sign before it opened a tag.
            _ if out.ends_with('<') && starts_a_tag(letter) => opened.push(out.len() - 1),
            _ => {}
        }
        out.push(letter);
    }
    without_openings(&out)
}

/// What is opened and not closed is no tag yet; without its sign it never becomes one.
fn without_openings(text: &str) -> String {
    let mut kept = Vec::with_capacity(text.len());
    for letter in text.chars().rev() {
        let opens = letter == '<' && kept.last().copied().is_some_and(starts_a_tag);
        if !opens {
            kept.push(letter);
        }
    }
    kept.into_iter().rev().collect()
}

fn starts_a_tag(letter: char) -> bool {
    letter.is_ascii_alphabetic() || matches!(letter, '/' | '!' | '?')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn tags_go_and_their_text_stays() {
        for (text, left) in [
            ("plain", "plain"),
            ("<b>Well</b> done", "Well done"),
            ("a < b > c", "a < b > c"),
            ("1<2", "1<2"),
            ("<3", "<3"),
            ("a<b", "ab"),
            ("<<b>script>x", "x"),
            ("<img src=x onerror=alert(1)", "img src=x onerror=alert(1)"),
            ("<!-- no -->yes", "yes"),
            ("5 > 3", "5 > 3"),
            ("<p>naïve — ✓</p>", "naïve — ✓"),
        ] {
            assert_eq!(without_tags(text), left, "{text}");
        }
    }

    #[test]
    fn the_length_counts_characters_after_the_explanation() {
        let comment = Comment {
            max_chars: Some(6),
            explain: true,
            ..Comment::default()
        };
        let late = ["Late.".to_owned()];
        for (text, reasons, left, reason) in [
            (
                Some("<b>né</b>"),
                &late[..],
                Some("né Lat"),
                Some(
                    "The comment lost its tags, gained what policy did and was cut to 6 characters.",
                ),
            ),
            (Some("né"), &[], Some("né"), None),
            (None, &[], None, None),
            (
                None,
                &late,
                Some("Late."),
                Some("The comment gained what policy did."),
            ),
            (
                Some(""),
                &late,
                Some("Late."),
                Some("The comment gained what policy did."),
            ),
        ] {
            let applied = comment.apply(text, reasons);
            assert_eq!(applied.comment.as_deref(), left);
            assert_eq!(applied.reason.as_deref(), reason);
        }
    }

    proptest! {
        #[test]
        fn what_is_left_holds_no_tag(text in "[<>a/! ]{0,40}") {
            let left = without_tags(&text);
            prop_assert_eq!(without_tags(&left), left);
        }
    }
}
