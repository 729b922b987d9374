//! One text has many spellings: escaped in JSON (once or twice), in a URL, in HTML. This reads a
//! text as the characters that it spells, each with the bytes that it stands in.

use std::ops::Range;

use unicode_normalization::UnicodeNormalization;

/// Layers of escapes that are read: JSON within JSON within a URL is three.
const LAYERS: usize = 4;

/// As the names of entities end.
const ACCENTS: [&str; 8] = [
    "acute", "caron", "cedil", "circ", "grave", "ring", "tilde", "uml",
];

/// A character, and where its spelling stands in the original.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glyph {
    pub character: char,
    pub place: Range<usize>,
}

/// The characters that a text spells.
pub fn read(text: &str) -> Vec<Glyph> {
    let mut glyphs: Vec<Glyph> = text
        .char_indices()
        .map(|(start, character)| Glyph {
            character,
            place: start..start + character.len_utf8(),
        })
        .collect();
    for _ in 0..LAYERS {
        let read = unescape(&glyphs);
        if read.len() == glyphs.len() {
            break;
        }
        glyphs = read;
    }
    for glyph in &mut glyphs {
        // A form's space.
        if glyph.character == '+' {
            glyph.character = ' ';
        }
    }
    glyphs
}

/// The same as a text.
pub fn spelled(text: &str) -> String {
    let glyphs = read(text).into_iter();
    glyphs.map(|glyph| glyph.character).collect()
}

/// How many characters it spells, a letter with its accent being one.
pub fn length(text: &str) -> usize {
    spelled(text).trim().nfc().count()
}

/// Takes one layer of escapes off.
fn unescape(glyphs: &[Glyph]) -> Vec<Glyph> {
    let mut read = Vec::with_capacity(glyphs.len());
    let mut rest = glyphs;
    while let Some((first, after)) = rest.split_first() {
        let escape = match first.character {
            '%' => percent(rest),
            '\\' => backslash(rest),
            '&' => entity(rest),
            _ => None,
        };
        let (character, length) = escape.unwrap_or((first.character, 1));
        let end = rest
            .get(length - 1)
            .map_or(first.place.end, |last| last.place.end);
        read.push(Glyph {
            character,
            place: first.place.start..end,
        });
        rest = rest.get(length..).unwrap_or(after);
    }
    read
}

fn character(glyphs: &[Glyph], index: usize) -> Option<char> {
    glyphs.get(index).map(|glyph| glyph.character)
}

fn hex(glyphs: &[Glyph], places: Range<usize>) -> Option<u32> {
    places
        .map(|place| character(glyphs, place)?.to_digit(16))
        .try_fold(0, |value, digit| Some(value * 16 + digit?))
}

/// `%C3%A9`: as many escapes as the UTF-8 sequence is long.
fn percent(glyphs: &[Glyph]) -> Option<(char, usize)> {
    let byte = |index: usize| match character(glyphs, index * 3)? {
        '%' => u8::try_from(hex(glyphs, index * 3 + 1..index * 3 + 3)?).ok(),
        _ => None,
    };
    let mut bytes = Vec::with_capacity(4);
    for index in 0..4 {
        bytes.push(byte(index)?);
        if let Ok(text) = std::str::from_utf8(&bytes) {
            return text
                .chars()
                .next()
                .map(|character| (character, (index + 1) * 3));
        }
    }
    None
}

/// JSON's escapes, surrogate pairs among them.
fn backslash(glyphs: &[Glyph]) -> Option<(char, usize)> {
    let simple = |character| Some((character, 2));
    match character(glyphs, 1)? {
        'n' => simple('\n'),
        't' => simple('\t'),
        'r' => simple('\r'),
        'b' => simple('\u{8}'),
        'f' => simple('\u{c}'),
        'u' => {
            let first = hex(glyphs, 2..6)?;
            match char::from_u32(first) {
                Some(character) => Some((character, 6)),
                None => surrogates(glyphs, first),
            }
        }
        other @ ('"' | '\\' | '/' | '\'') => simple(other),
        _ => None,
    }
}

fn surrogates(glyphs: &[Glyph], high: u32) -> Option<(char, usize)> {
    (character(glyphs, 6)? == '\\' && character(glyphs, 7)? == 'u').then_some(())?;
    let low = hex(glyphs, 8..12)?;
    let pair = char::decode_utf16([u16::try_from(high).ok()?, u16::try_from(low).ok()?]);
    pair.into_iter()
        .next()?
        .ok()
        .map(|character| (character, 12))
}

/// `&quot;`, `&#39;`, `&#x27;` and their like.
fn entity(glyphs: &[Glyph]) -> Option<(char, usize)> {
    let name: String = glyphs
        .iter()
        .skip(1)
        .take(10)
        .map(|glyph| glyph.character)
        .collect();
    let (name, _) = name.split_once(';')?;
    let character = match name {
        "quot" => '"',
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "apos" => '\'',
        "nbsp" => ' ',
        other => numbered(other).or_else(|| accented(other))?,
    };
    Some((character, name.chars().count() + 2))
}

/// `#39`, `#x27`.
fn numbered(name: &str) -> Option<char> {
    let number = name.strip_prefix('#')?;
    let code = match number.strip_prefix(['x', 'X']) {
        Some(digits) => u32::from_str_radix(digits, 16),
        None => number.parse(),
    };
    char::from_u32(code.ok()?)
}

/// `eacute` and its like are read as the letter alone: accents are not compared.
fn accented(name: &str) -> Option<char> {
    let mut letters = name.chars();
    let letter = letters.next().filter(char::is_ascii_alphabetic)?;
    ACCENTS.contains(&letters.as_str()).then_some(letter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_reads_as_the_same_text() {
        for spelling in [
            "a \"é\" <b>",
            r#"a \"\u00e9\" <b>"#,
            r#"a \\\"\\u00E9\\\" <b>"#,
            "a%20%22%c3%A9%22%20%3Cb%3e",
            "a+%22%C3%A9%22+%3Cb%3E",
            "a &quot;&#233;&quot; &lt;b&gt;",
            "a%20%5C%22%5Cu00e9%5C%22%20%26lt;b%26gt;",
        ] {
            assert_eq!(spelled(spelling), "a \"é\" <b>", "{spelling}");
        }
        assert_eq!(spelled(r"\ud83d\ude00 %F0%9F%98%80"), "😀 😀");
    }

    #[test]
    fn what_is_no_escape_stays() {
        for text in [
            "100% of",
            "%zz %c3",
            "\\",
            "\\x",
            "\\u12",
            "\\ud800",
            "& &; &#; &bogus;",
            "é%",
        ] {
            assert_eq!(spelled(text), text);
        }
    }

    #[test]
    fn places_are_those_of_the_original() {
        let text = "x%C3%A9y";
        let places: Vec<_> = read(text).into_iter().map(|glyph| glyph.place).collect();
        assert_eq!(places, [0..1, 1..7, 7..8]);
    }
}
