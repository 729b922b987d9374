//! JSON objects as nearly all tools write scores: in one line, names and texts without escapes, numbers,
//! words, and nothing nested. Such a one needs no parser that can do more, which would take four times
//! as long (docs/performance.md). Whatever is written otherwise, or is no JSON, is the parser's.

use std::borrow::Cow;

use memchr::memchr;

/// A member: its name, and its value as it stands there.
pub type Member<'a> = (Cow<'a, str>, &'a str);

/// The members of an object, in order, or nothing.
pub fn members(text: &str) -> Option<Vec<Member<'_>>> {
    // Then a text ends at the next quote, and the only space is a blank. Each byte is looked at, many at
    // once: to stop at the first would take longer.
    let is_odd = |byte: u8| byte < b' ' || byte == b'\\';
    if text.bytes().fold(false, |any, byte| any | is_odd(byte)) {
        return None;
    }
    let mut left = Left { text, at: 0 };
    let mut members = Vec::with_capacity(8);
    left.take(b'{')?;
    loop {
        let name = left.text()?;
        left.take(b':')?;
        let value = left.value()?;
        let name = name.get(1..name.len() - 1)?;
        members.push((Cow::Borrowed(name), value));
        match left.next()? {
            b',' => {}
            b'}' => return (left.at == text.len()).then_some(members),
            _ => return None,
        }
    }
}

/// What is left to be read.
struct Left<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Left<'a> {
    fn bytes(&self) -> &'a [u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }

    fn skip_blanks(&mut self) {
        while self.bytes().first() == Some(&b' ') {
            self.at += 1;
        }
    }

    /// The next byte that is no blank.
    fn next(&mut self) -> Option<u8> {
        self.skip_blanks();
        let byte = *self.bytes().first()?;
        self.at += 1;
        Some(byte)
    }

    fn take(&mut self, wanted: u8) -> Option<()> {
        (self.next()? == wanted).then_some(())
    }

    /// With its quotes.
    fn text(&mut self) -> Option<&'a str> {
        self.skip_blanks();
        let (b'"', within) = self.bytes().split_first()? else {
            return None;
        };
        self.cut(memchr(b'"', within)? + 2)
    }

    fn value(&mut self) -> Option<&'a str> {
        self.skip_blanks();
        let bytes = self.bytes();
        match bytes.first()? {
            b'"' => self.text(),
            b'-' | b'0'..=b'9' => self.cut(number(bytes)?),
            _ => {
                let words = ["null", "true", "false"];
                let word = words
                    .iter()
                    .find(|word| bytes.starts_with(word.as_bytes()))?;
                self.cut(word.len())
            }
        }
    }

    fn cut(&mut self, length: usize) -> Option<&'a str> {
        let start = self.at;
        self.at += length;
        self.text.get(start..self.at)
    }
}

/// The length of the number that the bytes begin with.
fn number(bytes: &[u8]) -> Option<usize> {
    let digits = |from: usize| {
        let rest = bytes.get(from..).unwrap_or_default();
        let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        (count > 0).then_some(from + count)
    };
    let start = usize::from(bytes.first() == Some(&b'-'));
    let mut end = digits(start)?;
    if end > start + 1 && bytes.get(start) == Some(&b'0') {
        return None;
    }
    if bytes.get(end) == Some(&b'.') {
        end = digits(end + 1)?;
    }
    if let Some(b'e' | b'E') = bytes.get(end) {
        let has_sign = matches!(bytes.get(end + 1), Some(b'+' | b'-'));
        end = digits(end + 1 + usize::from(has_sign))?;
    }
    Some(end)
}

/// Whether a text is flat. The parser's word is law, so it must read the same.
#[cfg(any(test, feature = "fuzzing"))]
pub fn is_flat_and_read_alike(text: &str) -> bool {
    let flat = members(text);
    let is_flat = flat.is_some();
    let parsed = super::json::parsed(text).map(|parsed| parsed.0);
    assert!(!is_flat || flat == parsed.ok(), "{text}");
    is_flat
}

#[cfg(test)]
mod tests {
    use std::fs;

    use proptest::prelude::*;
    use serde_json::value::RawValue;

    use super::*;

    #[test]
    fn reads_what_tools_write() {
        for text in [
            r#"{"userId":"5","scoreGiven":83,"scoreMaximum":1e2,"comment":"Gut, 100 % 🎓","x":null}"#,
            "{ \"a\" : -0.5E-10 , \"\" : true , \"b\":false  }",
            r#"{"a":"\u007f"}"#.replace("\\u007f", "\u{7f}").as_str(),
        ] {
            assert!(is_flat_and_read_alike(text), "{text}");
        }
    }

    #[test]
    fn leaves_the_rest_to_the_parser() {
        for text in [
            "",
            "{",
            "{}",
            "[]",
            "{\"a\":{}}",
            "{\"a\":[1]}",
            "{\"a\":\"\\n\"}",
            "{\"a\\u0041\":1}",
            "{\"a\":\"\n\"}",
            "{\"a\":01}",
            "{\"a\":-}",
            "{\"a\":1.}",
            "{\"a\":.5}",
            "{\"a\":1e}",
            "{\"a\":+1}",
            "{\"a\":NaN}",
            "{\"a\":nulls}",
            "{\"a\":1 2}",
            "{\"a\":1,}",
            "{\"a\":1}}",
            "{\"a\" 1}",
            "{a:1}",
            "{\"a\":1} x",
            "{\"a\":\"b}",
            "{\"a\":1é}",
            "{\"a\":0x1}",
            "{\"a\":--1}",
        ] {
            assert!(!is_flat_and_read_alike(text), "{text}");
        }
    }

    #[test]
    fn agrees_with_the_parser_on_all_that_fuzzing_found() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/corpus/body");
        let texts = fs::read_dir(folder)
            .unwrap()
            .map(|input| fs::read(input.unwrap().path()).unwrap());
        let flat = texts.filter(|text| str::from_utf8(text).is_ok_and(is_flat_and_read_alike));
        assert!(flat.count() > 20);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2_000) })]

        #[test]
        fn agrees_with_the_parser(
            parts in proptest::collection::vec(proptest::sample::select(vec![
                "{", "}", "[", "]", ":", ",", "\"", "\\", " ", "\n", "a", "é", "0", "1", "-", "+", ".", "e",
                "E", "null", "true", "false", "\"a\"", "\"a\":1", "{\"a\":", "\"b\":\"c\"", "\u{1}", "12.50",
            ]), 0..12),
            is_wrapped in any::<bool>(),
        ) {
            let text = parts.concat();
            is_flat_and_read_alike(&match is_wrapped { true => format!("{{\"x\":{text}}}"), false => text });
        }

        #[test]
        fn reads_whatever_is_flat(
            members in proptest::collection::vec(("[a-zé ]{0,6}", "-?(0|[1-9][0-9]{0,4})(\\.[0-9]{1,3})?([eE][+-]?[0-9]{1,2})?|null|true|false|\"[ -!#-\\[\\]-~é🎓]{0,9}\""), 1..9),
            space in " {0,2}",
        ) {
            let members: Vec<_> = members.iter().map(|(name, value)| {
                prop_assert!(serde_json::from_str::<&RawValue>(value).is_ok());
                Ok(format!("{space}\"{name}\"{space}:{space}{value}{space}"))
            }).collect::<Result<_, _>>()?;
            let text = format!("{{{}}}", members.join(","));
            prop_assert!(is_flat_and_read_alike(&text), "{text}");
        }
    }
}
