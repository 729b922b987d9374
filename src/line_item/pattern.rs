//! Globs over normalized line item ids: `*` stops at `/`, `**` does not, and neither crosses the
//! `?` of a query but a `**` at the very end.

use thiserror::Error;

use super::id::{LineItem, NotALineItem, Part, push_authority, push_normalized, strip_scheme};

/// A pattern for line items. Anchored at both ends; its fixed text is normalized like an id, so
/// `https://LMS.example.edu:443/**` means what its author thinks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    text: String,
    pub(super) pieces: Vec<Piece>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    Text(String),
    /// `*`: anything within a path segment.
    Segment,
    /// `**` before the end: anything within the path.
    Path,
    /// `**` at the end: anything at all.
    Rest,
}

/// Why a text can't be a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum BadPattern {
    #[error("it must start with `https://`, or be `**`")]
    NotHttps,
    #[error("its host or port is not a plain one")]
    Authority,
    #[error("`**` would cross from the host into the path")]
    WildHost,
    #[error("it holds a malformed percent escape")]
    Escape,
}

impl Pattern {
    pub fn parse(text: &str) -> Result<Self, BadPattern> {
        let whole = || Self {
            text: text.to_owned(),
            pieces: vec![Piece::Rest],
        };
        if text == "**" {
            return Ok(whole());
        }
        let rest = strip_scheme(text).ok_or(BadPattern::NotHttps)?;
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, rest) = rest.split_at(end);
        if authority.contains("**") {
            return Err(BadPattern::WildHost);
        }
        let mut normalized = String::from("https://");
        push_wild_authority(authority, &mut normalized)?;
        let (path, query) = match rest.split_once('?') {
            Some((path, query)) => (path, Some(query).filter(|query| !query.is_empty())),
            None => (rest, None),
        };
        let path = if path.is_empty() { "/" } else { path };
        push_normalized(path, Part::Path, &mut normalized).map_err(|_| BadPattern::Escape)?;
        if let Some(query) = query {
            normalized.push('?');
            push_normalized(query, Part::Query, &mut normalized).map_err(|_| BadPattern::Escape)?;
        }
        Ok(Self {
            text: text.to_owned(),
            pieces: pieces(&normalized),
        })
    }

    /// An id that it matches, with a letter in each star's place; or why there is none.
    pub fn example(&self) -> Result<LineItem, NotALineItem> {
        match self.text.as_str() {
            "**" => LineItem::parse("https://x/x"),
            text => LineItem::parse(&text.replace("**", "*").replace('*', "x")),
        }
    }

    /// The fixed beginning that every match shares.
    pub fn literal_beginning(&self) -> &str {
        match self.pieces.first() {
            Some(Piece::Text(text)) => text,
            _ => "",
        }
    }

    /// Whether the whole of a normalized id matches.
    pub fn matches(&self, normalized: &str) -> bool {
        matches_from(&self.pieces, normalized)
    }
}

/// A host with `*` in it is checked and normalized with a letter in the star's place.
fn push_wild_authority(authority: &str, out: &mut String) -> Result<(), BadPattern> {
    for (index, part) in authority.split('*').enumerate() {
        if index > 0 {
            out.push('*');
        }
        out.extend(part.chars().map(|letter| letter.to_ascii_lowercase()));
    }
    let mut checked = String::new();
    push_authority(&authority.replace('*', "x"), &mut checked)
        .map_err(|_| BadPattern::Authority)?;
    // The default port and a trailing dot are dropped from ids, so from patterns too.
    for ending in [":443", ":", "."] {
        if out.ends_with(ending) && !checked.ends_with(ending) {
            out.truncate(out.len() - ending.len());
        }
    }
    Ok(())
}

fn pieces(normalized: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut rest = normalized;
    while let Some(at) = rest.find('*') {
        let (text, wild) = rest.split_at(at);
        if !text.is_empty() {
            pieces.push(Piece::Text(text.to_owned()));
        }
        let after = wild.trim_start_matches('*');
        pieces.push(match (wild.len() - after.len(), after) {
            (1, _) => Piece::Segment,
            (_, "") => Piece::Rest,
            _ => Piece::Path,
        });
        rest = after;
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest.to_owned()));
    }
    pieces
}

/// Walks both at once; on a mismatch the last `*` takes one more character and, when it can't,
/// the last `**` does. Never worse than pattern times text.
fn matches_from(pieces: &[Piece], text: &str) -> bool {
    let (mut at, mut rest) = (pieces, text);
    let mut segment: Option<(&[Piece], &str)> = None;
    let mut path: Option<(&[Piece], &str)> = None;
    loop {
        match at.split_first() {
            None if rest.is_empty() => return true,
            Some((Piece::Rest, _)) => return true,
            Some((Piece::Text(fixed), after)) if rest.starts_with(fixed.as_str()) => {
                rest = rest.get(fixed.len()..).unwrap_or_default();
                at = after;
                continue;
            }
            Some((Piece::Segment, after)) => {
                at = after;
                segment = Some((after, rest));
                continue;
            }
            Some((Piece::Path, after)) => {
                at = after;
                path = Some((after, rest));
                segment = None;
                continue;
            }
            None | Some((Piece::Text(_), _)) => {}
        }
        if let Some((after, from)) = take_one(segment, &['/', '?']) {
            segment = Some((after, from));
            (at, rest) = (after, from);
        } else if let Some((after, from)) = take_one(path, &['?']) {
            path = Some((after, from));
            segment = None;
            (at, rest) = (after, from);
        } else {
            return false;
        }
    }
}

/// Lets a wildcard take one more character, unless that is one it stops at.
fn take_one<'a>(
    wildcard: Option<(&'a [Piece], &'a str)>,
    stops: &[char],
) -> Option<(&'a [Piece], &'a str)> {
    let (after, from) = wildcard?;
    let mut letters = from.chars();
    letters.next().filter(|letter| !stops.contains(letter))?;
    Some((after, letters.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, id: &str) -> bool {
        Pattern::parse(pattern).unwrap().matches(id)
    }

    #[test]
    fn a_star_stops_at_a_slash_and_two_do_not() {
        assert!(matches("https://x.edu/*/li", "https://x.edu/1/li"));
        assert!(!matches("https://x.edu/*/li", "https://x.edu/1/2/li"));
        assert!(matches("https://x.edu/**/li", "https://x.edu/1/2/li"));
        assert!(matches("https://*.x.edu/**", "https://a.x.edu/1"));
        assert!(!matches(
            "https://*.x.edu/**",
            "https://evil.example/a.x.edu/1"
        ));
    }

    #[test]
    fn only_a_closing_double_star_crosses_into_the_query() {
        assert!(matches("https://x.edu/**", "https://x.edu/1?a=b"));
        assert!(!matches("https://x.edu/*", "https://x.edu/1?a=b"));
        assert!(!matches("https://x.edu/**/li", "https://x.edu/1?a=b/li"));
        assert!(matches("https://x.edu/**?a=*", "https://x.edu/1/2?a=b"));
    }

    #[test]
    fn is_anchored_at_both_ends() {
        assert!(matches("https://x.edu/1", "https://x.edu/1"));
        assert!(!matches("https://x.edu/1", "https://x.edu/12"));
        assert!(!matches("https://x.edu/1", "https://x.edu/"));
    }

    #[test]
    fn fixed_text_is_normalized_like_an_id() {
        assert!(matches("HTTPS://X.edu:443/%28*", "https://x.edu/(1)"));
        assert!(matches("https://x.edu", "https://x.edu/"));
        assert!(matches("**", "https://anything/at?all"));
    }

    #[test]
    fn refuses_what_its_author_cannot_mean() {
        for (text, why) in [
            ("", BadPattern::NotHttps),
            ("http://x.edu/**", BadPattern::NotHttps),
            ("*", BadPattern::NotHttps),
            ("https:///**", BadPattern::Authority),
            ("https://a@x.edu/**", BadPattern::Authority),
            ("https://**.x.edu/", BadPattern::WildHost),
            ("https://x.edu/%zz", BadPattern::Escape),
        ] {
            assert_eq!(Pattern::parse(text), Err(why), "{text}");
        }
    }

    #[test]
    fn many_stars_do_not_explode() {
        let pattern = format!("https://x.edu/{}b", "*a**a".repeat(30));
        let id = format!("https://x.edu/{}", "a/".repeat(2_000));
        assert!(!matches(&pattern, &id));
    }
}
