//! What a server or an LMS changes in a text that it repeats: case, accents' form, line breaks.
//! Folds all of that away, and remembers which bytes of the original each folded byte stands for.

use std::ops::Range;

use unicode_normalization::char::{decompose_canonical, is_combining_mark};

use super::spelling::{Glyph, read};

/// A text as it is compared.
#[derive(Default)]
pub struct Folded {
    pub text: String,
    /// One for each byte of the text.
    places: Vec<Range<usize>>,
}

impl Folded {
    pub fn of(original: &str) -> Self {
        let glyphs = read(original);
        let mut folded = Self::default();
        let mut rest = glyphs.as_slice();
        while let Some((first, after)) = rest.split_first() {
            let length = gap(rest);
            let place = first.place.start..last_end(rest.get(..length), first);
            match length {
                0 => folded.push_letter(first),
                _ => folded.push_gap(place),
            }
            rest = rest.get(length.max(1)..).unwrap_or(after);
        }
        folded
    }

    /// The text as it is written, its marks and its gaps kept: case and accents' form alone are folded.
    pub fn lightly(original: &str) -> Self {
        let mut folded = Self::default();
        for glyph in read(original) {
            folded.push_parts(&glyph, |_| true);
        }
        folded
    }

    /// Where a part of the folded text stands in the original.
    pub fn place(&self, part: Range<usize>) -> Range<usize> {
        let places = self.places.get(part).unwrap_or_default();
        match (places.first(), places.last()) {
            (Some(first), Some(last)) => first.start..last.end,
            _ => 0..0,
        }
    }

    fn push_letter(&mut self, glyph: &Glyph) {
        self.push_parts(glyph, |part| !is_combining_mark(part));
    }

    /// A letter and its marks, of which some are compared.
    fn push_parts(&mut self, glyph: &Glyph, is_compared: impl Fn(char) -> bool) {
        decompose_canonical(glyph.character, |part| {
            if is_compared(part) {
                self.text.extend(part.to_lowercase().map(one_sigma));
            }
        });
        self.places.resize(self.text.len(), glyph.place.clone());
    }

    /// However long a gap is, it is one space.
    fn push_gap(&mut self, place: Range<usize>) {
        match self.places.last_mut() {
            Some(last) if self.text.ends_with(' ') => last.end = place.end,
            _ => {
                self.text.push(' ');
                self.places.push(place);
            }
        }
    }
}

/// In lower case there is one more, for the end of a word, which a change of case makes or loses.
fn one_sigma(letter: char) -> char {
    match letter {
        'ς' => 'σ',
        other => other,
    }
}

fn last_end(glyphs: Option<&[Glyph]>, first: &Glyph) -> usize {
    let last = glyphs.and_then(<[Glyph]>::last).unwrap_or(first);
    last.place.end
}

/// How many characters of white space, or of one line break in HTML, a text begins with.
fn gap(glyphs: &[Glyph]) -> usize {
    match glyphs.first().map(|glyph| glyph.character) {
        Some('<') => line_break(glyphs),
        Some(character) => usize::from(character.is_whitespace()),
        None => 0,
    }
}

fn line_break(glyphs: &[Glyph]) -> usize {
    let start = glyphs.iter().take(6).map(|glyph| glyph.character);
    let start: String = start.map(|letter| letter.to_ascii_lowercase()).collect();
    let forms = ["<br>", "<br/>", "<br />"];
    let form = forms.iter().find(|form| start.starts_with(**form));
    form.map_or(0, |form| form.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_changed_on_the_way_reads_alike() {
        for (one, other) in [
            ("Äpfel", "a\u{308}PFEL"),
            ("a\nb", "a\r\n\r\n b"),
            ("a\nb", "a<br />\nb"),
            ("a b", "a&nbsp;%0D%0A<BR>b"),
            ("a b", "a+b"),
            (
                "\u{39f}\u{394}\u{39f}\u{3a3}",
                "\u{3bf}\u{3b4}\u{3bf}\u{3c2}",
            ),
        ] {
            assert_eq!(Folded::of(one).text, Folded::of(other).text, "{other:?}");
        }
        assert_eq!(Folded::of("<b>İ</b>").text, "<b>i</b>");
    }

    #[test]
    fn places_are_those_of_the_original() {
        let original = "x&auml;%20 <br/>y";
        let folded = Folded::of(original);
        assert_eq!(folded.text, "xa y");
        let pieces: Vec<_> = (0..4)
            .map(|byte| &original[folded.place(byte..byte + 1)])
            .collect();
        assert_eq!(pieces, ["x", "&auml;", "%20 <br/>", "y"]);
        assert_eq!(folded.place(1..4), 1..original.len());
    }
}
