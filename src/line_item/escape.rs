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

pub(super) fn escaped_byte(high: Option<u8>, low: Option<u8>) -> Option<u8> {
    let digit = |byte: u8| {
        char::from(byte)
            .to_digit(16)
            .and_then(|digit| u8::try_from(digit).ok())
    };
    Some(digit(high?)? << 4 | digit(low?)?)
}
