//! Finds private texts in time proportional to what is searched: short ones whole, and of long
//! ones any piece, since what repeats a long text often shortens it.

use std::collections::HashSet;
use std::ops::Range;

use aho_corasick::AhoCorasick;

/// So many bytes in a row of a private text are no accident.
const PIECE: usize = 20;

/// What is searched for.
pub struct Searcher {
    /// None where it couldn't be built; then nothing is safe to show.
    whole: Option<AhoCorasick>,
    pieces: HashSet<[u8; PIECE]>,
}

impl Searcher {
    pub fn new(needles: &[String]) -> Self {
        let (long, short): (Vec<_>, Vec<_>) =
            needles.iter().partition(|needle| needle.len() >= PIECE);
        let pieces = long
            .iter()
            .flat_map(|needle| needle.as_bytes().windows(PIECE));
        Self {
            whole: AhoCorasick::new(short).ok(),
            pieces: pieces.filter_map(|piece| piece.try_into().ok()).collect(),
        }
    }

    /// Where anything private stands. The ranges may overlap.
    pub fn find(&self, text: &str) -> impl Iterator<Item = Range<usize>> {
        let everything = self.whole.is_none().then_some(0..text.len());
        let whole = self.whole.iter();
        let whole = whole.flat_map(move |whole| whole.find_overlapping_iter(text));
        let pieces = text.as_bytes().windows(PIECE).enumerate();
        let pieces = pieces.filter(|(_, piece)| self.pieces.contains(*piece));
        everything
            .into_iter()
            .chain(whole.map(|found| found.range()))
            .chain(pieces.map(|(start, _)| start..start + PIECE))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(needles: &[&str], text: &str) -> Vec<Range<usize>> {
        let needles: Vec<_> = needles.iter().map(|needle| (*needle).to_owned()).collect();
        Searcher::new(&needles).find(text).collect()
    }

    #[test]
    fn short_texts_are_found_whole_and_overlapping() {
        assert_eq!(found(&["abcd", "cdef"], "xabcdefx"), [1..5, 3..7]);
        assert!(found(&["abcd"], "abc bcd").is_empty());
        assert!(found(&[], "abc").is_empty());
    }

    #[test]
    fn any_piece_of_a_long_text_is_found() {
        let long = "the quick brown fox jumps over it";
        assert_eq!(
            found(&[long], &format!("…{}", &long[3..24])),
            [3..23, 4..24]
        );
        assert!(found(&[long], &long[..19]).is_empty());
    }
}
