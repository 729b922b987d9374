//! Percent-encoding as `encodeURIComponent` and `decodeURIComponent` do it.

use std::borrow::Cow;

const HEX: &[u8; 16] = b"0123456789ABCDEF";

/// Decodes every escape exactly once. `None` where an escape is malformed or the result is not UTF-8.
pub fn decode_once(text: &str) -> Option<Cow<'_, str>> {
    if !text.contains('%') {
        return Some(Cow::Borrowed(text));
    }
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => escaped_byte(bytes.next(), bytes.next())?,
            other => other,
        });
    }
    String::from_utf8(decoded).ok().map(Cow::Owned)
}

/// Decodes as forms do: `+` is a space.
pub fn decode_form(text: &str) -> Option<Cow<'_, str>> {
    if !text.contains('+') {
        return decode_once(text);
    }
    let decoded = decode_once(&text.replace('+', " "))?.into_owned();
    Some(Cow::Owned(decoded))
}

/// Writes `text` as one path segment or query value: all but the unreserved characters of
/// RFC 3986 section 2.3 is escaped, `!'()*` too, so that one text has one spelling.
pub fn encode_component(text: &str, out: &mut String) {
    for byte in text.bytes() {
        if is_unreserved(byte) {
            out.push(char::from(byte));
        } else {
            push_escape(byte, out);
        }
    }
}

pub(super) fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

pub(super) fn push_escape(byte: u8, out: &mut String) {
    out.push('%');
    for nibble in [byte >> 4, byte & 0x0F] {
        if let Some(&digit) = HEX.get(usize::from(nibble)) {
            out.push(char::from(digit));
        }
    }
}

/// The byte that two hex digits stand for.
pub fn escaped_byte(high: Option<u8>, low: Option<u8>) -> Option<u8> {
    let digit = |byte: u8| {
        char::from(byte)
            .to_digit(16)
            .and_then(|digit| u8::try_from(digit).ok())
    };
    Some(digit(high?)? << 4 | digit(low?)?)
}

/// Finds the segments `.` and `..` among a path's decoded bytes, one at a time. A `;` ends a segment's
/// name, as some servers drop what follows.
#[derive(Clone, Copy)]
pub struct DotSegments {
    /// How many dots are the whole segment so far; `None` once it holds anything else.
    dots: Option<usize>,
}

impl DotSegments {
    pub const fn start() -> Self {
        Self { dots: Some(0) }
    }

    /// Whether this byte ends a dot segment. The end of a path is to be told as `/`.
    pub fn end_at(&mut self, byte: u8) -> bool {
        let are_over = matches!((self.dots, byte), (Some(1 | 2), b'/' | b';'));
        self.dots = match (self.dots, byte) {
            (_, b'/') => Some(0),
            (Some(dots), b'.') => Some(dots + 1),
            _ => None,
        };
        are_over
    }
}
