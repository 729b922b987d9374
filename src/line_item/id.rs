//! The id of a line item: an https URL, kept as the caller meant it and compared in one
//! normalized form, so that no alias of it escapes a match.

use std::ops::Range;

use thiserror::Error;

use super::escape::{DotSegments, escaped_byte, is_unreserved, push_escape};

const SCHEME: &str = "https://";

/// A line item's URL.
///
/// LTIAAS sends the LMS's bearer token to whatever host the id names, and ltijs puts `/scores`
/// before the first `?` and loses text behind a `#` or a second `?`; whoever parses a URL drops spaces
/// at its ends, and tabs and line breaks anywhere (WHATWG URL, section 4.4). So an id that two readers
/// could take differently is no id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineItem {
    text: String,
    normalized: String,
    path: Range<usize>,
}

/// Why a text can't be the id of a line item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum NotALineItem {
    #[error("it is not an https URL")]
    NotHttps,
    #[error("its host or port is not a plain one")]
    Authority,
    #[error("it holds a user name or password")]
    UserInfo,
    #[error("it holds a fragment")]
    Fragment,
    #[error("it holds a second `?`")]
    SecondQuery,
    #[error("it holds a backslash or a control character")]
    Character,
    #[error("it begins or ends with a space")]
    Space,
    #[error("it holds a malformed percent escape")]
    Escape,
    #[error("it holds a dot segment")]
    DotSegment,
}

impl LineItem {
    /// Reads an id that has already been decoded once.
    pub fn parse(text: &str) -> Result<Self, NotALineItem> {
        refuse_characters(text)?;
        let rest = strip_scheme(text).ok_or(NotALineItem::NotHttps)?;
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, rest) = rest.split_at(end);
        let (path, query) = match rest.split_once('?') {
            Some((_, query)) if query.contains('?') => return Err(NotALineItem::SecondQuery),
            // LTIAAS posts to the same place with an empty query and without one.
            Some((path, query)) => (path, Some(query).filter(|query| !query.is_empty())),
            None => (rest, None),
        };
        refuse_dot_segments(path)?;

        let mut normalized = String::with_capacity(text.len() + 8);
        normalized.push_str(SCHEME);
        push_authority(authority, &mut normalized)?;
        let start = normalized.len();
        push_normalized(
            if path.is_empty() { "/" } else { path },
            Part::Path,
            &mut normalized,
        )?;
        let path = start..normalized.len();
        if let Some(query) = query {
            normalized.push('?');
            push_normalized(query, Part::Query, &mut normalized)?;
        }
        Ok(Self {
            text: text.to_owned(),
            normalized,
            path,
        })
    }

    /// The id as the caller meant it: what is sent upstream.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The form that is compared: host in lower case, no default port, one spelling of each escape.
    pub fn normalized(&self) -> &str {
        &self.normalized
    }

    /// Whether `other` lies beneath this one: the same origin, this path, then `/`.
    pub fn contains(&self, other: &Self) -> bool {
        let whole = self.normalized.get(..self.path.end).unwrap_or_default();
        other
            .normalized
            .get(..other.path.end)
            .and_then(|path| path.strip_prefix(whole))
            .is_some_and(|below| below.starts_with('/'))
    }
}

fn refuse_characters(text: &str) -> Result<(), NotALineItem> {
    if text.starts_with(' ') || text.ends_with(' ') {
        return Err(NotALineItem::Space);
    }
    for byte in text.bytes() {
        match byte {
            b'#' => return Err(NotALineItem::Fragment),
            b'\\' | 0..=0x1F | 0x7F => return Err(NotALineItem::Character),
            _ => {}
        }
    }
    Ok(())
}

pub(super) fn strip_scheme(text: &str) -> Option<&str> {
    let scheme = text.get(..SCHEME.len())?;
    scheme
        .eq_ignore_ascii_case(SCHEME)
        .then(|| text.get(SCHEME.len()..))?
}

/// A dot segment also hides behind an escaped slash or before a `;` (some servers drop the
/// parameter first), so the path is decoded for this look.
fn refuse_dot_segments(path: &str) -> Result<(), NotALineItem> {
    let mut bytes = path.bytes();
    let (mut segments, mut found) = (DotSegments::start(), false);
    while let Some(byte) = bytes.next() {
        let byte = match byte {
            b'%' => escaped_byte(bytes.next(), bytes.next()).ok_or(NotALineItem::Escape)?,
            other => other,
        };
        if matches!(byte, b'\\' | 0) {
            return Err(NotALineItem::Character);
        }
        found |= segments.end_at(byte);
    }
    match found || segments.end_at(b'/') {
        true => Err(NotALineItem::DotSegment),
        false => Ok(()),
    }
}

pub(super) fn push_authority(authority: &str, out: &mut String) -> Result<(), NotALineItem> {
    if authority.contains('@') {
        return Err(NotALineItem::UserInfo);
    }
    let (host, port) = split_port(authority);
    let host = host.strip_suffix('.').unwrap_or(host);
    if !is_host(host) {
        return Err(NotALineItem::Authority);
    }
    out.extend(host.chars().map(|letter| letter.to_ascii_lowercase()));
    match port {
        None | Some("") => Ok(()),
        Some(port) => push_port(port, out),
    }
}

/// The colon before a port is the last one, unless it stands inside an IPv6 address.
fn split_port(authority: &str) -> (&str, Option<&str>) {
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (authority, None),
    }
}

fn is_host(host: &str) -> bool {
    let address = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    match address {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => {
            !host.is_empty()
                && host
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_'))
        }
    }
}

fn push_port(port: &str, out: &mut String) -> Result<(), NotALineItem> {
    if !port.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(NotALineItem::Authority);
    }
    match port.parse::<u16>() {
        Ok(443) => Ok(()),
        Ok(port) => {
            out.push(':');
            out.push_str(&port.to_string());
            Ok(())
        }
        Err(_) => Err(NotALineItem::Authority),
    }
}

/// Where a character stands: which of them may stand bare, and which escapes say no more than
/// the bare character would.
#[derive(Clone, Copy)]
pub(super) enum Part {
    Path,
    Query,
}

impl Part {
    fn keeps_bare(self, byte: u8) -> bool {
        is_unreserved(byte) || b"!$&'()*+,;=:@/".contains(&byte)
    }

    /// A `/` in a path and the separators of a query mean something else when they are escaped.
    fn unescapes(self, byte: u8) -> bool {
        let separators: &[u8] = match self {
            Self::Path => b"/",
            Self::Query => b"&=+;",
        };
        self.keeps_bare(byte) && !separators.contains(&byte)
    }
}

/// Writes each character in its one spelling; escapes that remain are in upper case.
pub(super) fn push_normalized(
    text: &str,
    part: Part,
    out: &mut String,
) -> Result<(), NotALineItem> {
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let (byte, bare) = match byte {
            b'%' => {
                let byte = escaped_byte(bytes.next(), bytes.next()).ok_or(NotALineItem::Escape)?;
                (byte, part.unescapes(byte))
            }
            byte => (byte, part.keeps_bare(byte)),
        };
        match bare {
            true => out.push(char::from(byte)),
            false => push_escape(byte, out),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn normalized(text: &str) -> String {
        LineItem::parse(text).unwrap().normalized().to_owned()
    }

    #[test]
    fn every_alias_has_one_normalized_form() {
        for alias in [
            "https://lms.example.edu/li/(1)?a=%7e",
            "HTTPS://LMS.example.EDU/li/(1)?a=~",
            "https://lms.example.edu:443/li/%281%29?a=~",
            "https://lms.example.edu.:/l%69/(1)?a=~",
        ] {
            assert_eq!(
                normalized(alias),
                "https://lms.example.edu/li/(1)?a=~",
                "{alias}"
            );
        }
        assert_eq!(normalized("https://x.edu"), "https://x.edu/");
        assert_eq!(normalized("https://x.edu/1?"), "https://x.edu/1");
        assert_eq!(
            normalized("https://x.edu/\u{e9} %c3%a9"),
            "https://x.edu/%C3%A9%20%C3%A9"
        );
    }

    #[test]
    fn what_could_mean_something_else_stays_apart() {
        assert_ne!(
            normalized("https://x.edu/a%2Fb"),
            normalized("https://x.edu/a/b")
        );
        assert_ne!(
            normalized("https://x.edu/a?b=%26c"),
            normalized("https://x.edu/a?b=&c")
        );
        assert_ne!(
            normalized("https://x.edu/a//b"),
            normalized("https://x.edu/a/b")
        );
        assert_ne!(
            normalized("https://x.edu:8443/a"),
            normalized("https://x.edu/a")
        );
    }

    #[test]
    fn the_text_is_kept_as_it_came() {
        let text = "https://LMS.example.edu:443/a%2Fb+c//d?e=f";
        assert_eq!(LineItem::parse(text).unwrap().text(), text);
    }

    #[test]
    fn refuses_what_two_readers_could_take_differently() {
        use NotALineItem::*;
        for (text, why) in [
            ("", NotHttps),
            ("lms.example.edu/1", NotHttps),
            ("http://lms.example.edu/1", NotHttps),
            ("//lms.example.edu/1", NotHttps),
            ("https:lms.example.edu", NotHttps),
            ("https:///1", Authority),
            ("https://?x", Authority),
            ("https://lms.example.edu:http/1", Authority),
            ("https://lms.example.edu:99999/1", Authority),
            ("https://lms%2eexample.edu/1", Authority),
            ("https://b\u{fc}cher.example/1", Authority),
            ("https://[::1/1", Authority),
            ("https://lms.example.edu@evil.example/1", UserInfo),
            ("https://a:b@lms.example.edu/1", UserInfo),
            ("https://lms.example.edu/1#x", Fragment),
            ("https://lms.example.edu/1?a?b", SecondQuery),
            ("https://lms.example.edu/1\\2", Character),
            ("https://lms.example.edu/1%5c2", Character),
            ("https://lms.example.edu/1%00", Character),
            ("https://lms.example.edu/1 ", Space),
            ("https://lms.example.edu ", Space),
            ("https://lms.example.edu/1?a=b ", Space),
            (" https://lms.example.edu/1", Space),
            ("https://lms.example.edu/\t1", Character),
            ("https://lms.example.edu/1\n", Character),
            ("https://lms.example.edu/1%2", Escape),
            ("https://lms.example.edu/1?a=%zz", Escape),
            ("https://lms.example.edu/../1", DotSegment),
            ("https://lms.example.edu/.", DotSegment),
            ("https://lms.example.edu/a/%2E%2e/1", DotSegment),
            ("https://lms.example.edu/a%2f..%2f1", DotSegment),
            ("https://lms.example.edu/a/..;x/1", DotSegment),
        ] {
            assert_eq!(LineItem::parse(text), Err(why), "{text}");
        }
    }

    #[test]
    fn contains_only_what_lies_beneath_its_path() {
        let item = LineItem::parse("https://m.example/26/lineitem?type_id=1").unwrap();
        let below = |text| item.contains(&LineItem::parse(text).unwrap());
        assert!(below(
            "https://M.example:443/26/lineitem/results?type_id=1&page=2"
        ));
        assert!(!below("https://m.example/26/lineitem?type_id=1"));
        assert!(!below("https://m.example/26/lineitems/results"));
        assert!(!below("https://other.example/26/lineitem/results"));
    }
}
