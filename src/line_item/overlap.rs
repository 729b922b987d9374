//! How the line items of one pattern lie to those of another: whether they share any, and whether
//! one has all of the other's.

use std::collections::HashSet;

use super::Pattern;
use super::pattern::Piece;

enum Token {
    Letter(char),
    /// Any letters but these.
    Wild(&'static [char]),
}

impl Pattern {
    /// Whether some id matches both.
    pub fn may_meet(&self, other: &Self) -> bool {
        let (one, two) = (self.literal_beginning(), other.literal_beginning());
        let begin_alike = one.starts_with(two) || two.starts_with(one);
        begin_alike && meet(&tokens(self), &tokens(other))
    }

    /// Whether all ids that match the other match this. Never wrongly true.
    pub fn includes(&self, other: &Self) -> bool {
        if self.pieces == other.pieces {
            return true;
        }
        match (self.pieces.as_slice(), other.pieces.as_slice()) {
            ([Piece::Rest], _) => true,
            (_, [Piece::Text(id)]) => self.matches(id),
            ([Piece::Text(beginning), Piece::Rest], _) => {
                other.literal_beginning().starts_with(beginning.as_str())
            }
            _ => false,
        }
    }
}

fn tokens(pattern: &Pattern) -> Vec<Token> {
    let mut tokens = Vec::new();
    for piece in &pattern.pieces {
        match piece {
            Piece::Text(text) => tokens.extend(text.chars().map(Token::Letter)),
            Piece::Segment => tokens.push(Token::Wild(&['/', '?'])),
            Piece::Path => tokens.push(Token::Wild(&['?'])),
            Piece::Rest => tokens.push(Token::Wild(&[])),
        }
    }
    tokens
}

/// Walks both at once, along every way that some text could lead. A wildcard ends, or takes a letter
/// of the other; that two take the same letters leads nowhere else.
fn meet(one: &[Token], two: &[Token]) -> bool {
    let mut open = vec![(0, 0)];
    let mut seen = HashSet::new();
    while let Some((at, other)) = open.pop() {
        if !seen.insert((at, other)) {
            continue;
        }
        let (ended, other_ended) = ((at + 1, other), (at, other + 1));
        match (one.get(at), two.get(other)) {
            (None, None) => return true,
            (Some(Token::Letter(one)), Some(Token::Letter(two))) => {
                open.extend((one == two).then_some((at + 1, other + 1)));
            }
            (Some(Token::Wild(stops)), Some(Token::Letter(letter))) => {
                open.push(ended);
                open.extend((!stops.contains(letter)).then_some(other_ended));
            }
            (Some(Token::Letter(letter)), Some(Token::Wild(stops))) => {
                open.push(other_ended);
                open.extend((!stops.contains(letter)).then_some(ended));
            }
            (Some(Token::Wild(_)), Some(Token::Wild(_))) => open.extend([ended, other_ended]),
            (Some(Token::Wild(_)), None) => open.push(ended),
            (None, Some(Token::Wild(_))) => open.push(other_ended),
            (Some(Token::Letter(_)), None) | (None, Some(Token::Letter(_))) => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pattern(text: &str) -> Pattern {
        Pattern::parse(text).unwrap()
    }

    #[test]
    fn patterns_meet_where_one_id_matches_both() {
        for (one, other, meet) in [
            ("**", "https://x.edu/1", true),
            ("https://x.edu/**", "https://x.edu/*/li", true),
            ("https://x.edu/*", "https://x.edu/1/li", false),
            ("https://x.edu/*/li", "https://x.edu/1/*", true),
            ("https://x.edu/*/a", "https://x.edu/*/b", false),
            ("https://x.edu/**/a", "https://x.edu/b/**", true),
            ("https://x.edu/**?a=*", "https://x.edu/1", false),
            ("https://*.x.edu/**", "https://y.edu/**", false),
            ("https://x.edu/101/**", "https://x.edu/102/**", false),
        ] {
            assert_eq!(
                pattern(one).may_meet(&pattern(other)),
                meet,
                "{one} {other}"
            );
            assert_eq!(
                pattern(other).may_meet(&pattern(one)),
                meet,
                "{other} {one}"
            );
        }
    }

    #[test]
    fn a_pattern_includes_what_lies_beneath_it() {
        for (wide, narrow, includes) in [
            ("**", "https://x.edu/*/li", true),
            ("https://x.edu/**", "https://x.edu/1/**", true),
            ("https://x.edu/**", "https://x.edu/1?a=b", true),
            ("https://x.edu/*", "https://x.edu/1", true),
            ("https://x.edu/*", "https://x.edu/*", true),
            ("https://x.edu/1/**", "https://x.edu/**", false),
            ("https://x.edu/*", "https://x.edu/1/2", false),
            ("https://x.edu/1", "https://x.edu/*", false),
        ] {
            assert_eq!(
                pattern(wide).includes(&pattern(narrow)),
                includes,
                "{wide} {narrow}"
            );
        }
    }

    proptest! {
        /// Whatever matches both shows that they meet, and what includes another has all of it.
        #[test]
        fn no_id_says_otherwise(
            one in "https://x/[ab*/]{0,5}", other in "https://x/[ab*/]{0,5}", id in "https://x/[ab/?]{0,5}",
        ) {
            let (one, other) = (pattern(&one), pattern(&other));
            let (is_one, is_other) = (one.matches(&id), other.matches(&id));
            prop_assert!(!(is_one && is_other) || one.may_meet(&other));
            prop_assert!(!(one.includes(&other) && is_other) || is_one);
        }
    }
}
