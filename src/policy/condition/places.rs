//! At how many places of a pattern a match may be at once. Where a text lets no better way work, each of
//! its letters costs as much as there are such places; a comment of 64 KiB then takes about a millisecond
//! for each.
//!
//! A match that can begin and go on in one way alone is at one place, however long the pattern is:
//! `^[a-z]{1,255}$`. Without `^`, or behind `.*`, one may have begun at any letter.

use regex_syntax::hir::{Class, Hir, HirKind, Look};

/// The most that all patterns of a condition may have.
pub(super) const MOST: usize = 64;

/// How many letters of a fixed text count as one place: it goes on in one way alone, save where it
/// repeats itself.
const LETTERS: usize = 8;

/// How many other forms of one letter there are at most: `k` has `K` and the sign for kelvin.
const MOST_CASES: usize = 3;

/// Where a match is once it gets to a part of the pattern.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Start {
    /// So many letters into the text, and no others.
    Fixed,
    Anywhere,
}

pub(super) fn of(pattern: &Hir) -> usize {
    let is_anchored = pattern.properties().look_set_prefix().contains(Look::Start);
    let start = match is_anchored {
        true => Start::Fixed,
        false => Start::Anywhere,
    };
    weight(start, pattern).div_ceil(LETTERS)
}

/// The places of a part, in letters.
fn weight(start: Start, part: &Hir) -> usize {
    match part.kind() {
        HirKind::Empty => 0,
        HirKind::Literal(text) => match start {
            Start::Fixed => text.0.len().min(LETTERS),
            Start::Anywhere => text.0.len(),
        },
        HirKind::Class(class) if is_letter(class) => 1,
        HirKind::Class(_) | HirKind::Look(_) => LETTERS,
        HirKind::Capture(group) => weight(start, &group.sub),
        HirKind::Concat(parts) => in_a_row(start, parts),
        HirKind::Alternation(parts) => either(start, parts),
        HirKind::Repetition(repeated) => {
            let is_even = letters(&repeated.sub).is_some_and(|letters| letters > 0);
            if start == Start::Fixed && is_even {
                return weight(Start::Fixed, &repeated.sub);
            }
            let times = repeated.max.unwrap_or(repeated.min).max(1);
            let times = usize::try_from(times).unwrap_or(usize::MAX);
            let whole = weight(Start::Anywhere, &repeated.sub).next_multiple_of(LETTERS);
            whole.saturating_mul(times)
        }
    }
}

/// Whether it is one letter, large or small.
fn is_letter(class: &Class) -> bool {
    let Class::Unicode(class) = class else {
        return false;
    };
    let mut letters = class.iter().flat_map(|range| range.start()..=range.end());
    let Some(first) = letters.next() else {
        return false;
    };
    let mut others = letters.map(|letter| letter.to_uppercase().eq(first.to_uppercase()));
    others.by_ref().take(MOST_CASES).all(|is_same| is_same) && others.next().is_none()
}

fn in_a_row(mut start: Start, parts: &[Hir]) -> usize {
    let mut all = 0_usize;
    for part in parts {
        all = all.saturating_add(weight(start, part));
        if letters(part).is_none() {
            start = Start::Anywhere;
        }
    }
    all
}

/// Texts that begin alike are gone through together.
fn either(start: Start, parts: &[Hir]) -> usize {
    let all = parts.iter().map(|part| weight(start, part));
    let are_texts = parts
        .iter()
        .all(|part| matches!(part.kind(), HirKind::Literal(_)));
    match are_texts {
        true => all.max().unwrap_or(0),
        // An empty one is a way through, too.
        false => all.fold(0, |sum, way| sum.saturating_add(way.max(1))),
    }
}

/// How many letters a part takes, if always as many.
fn letters(part: &Hir) -> Option<usize> {
    match part.kind() {
        HirKind::Empty | HirKind::Look(_) => Some(0),
        HirKind::Literal(text) => Some(String::from_utf8_lossy(&text.0).chars().count()),
        HirKind::Class(_) => Some(1),
        HirKind::Capture(group) => letters(&group.sub),
        HirKind::Concat(parts) => {
            let mut all = parts.iter().map(letters);
            all.try_fold(0_usize, |sum, part| sum.checked_add(part?))
        }
        HirKind::Alternation(parts) => {
            let mut all = parts.iter().map(letters);
            let first = all.next()??;
            all.all(|other| other == Some(first)).then_some(first)
        }
        HirKind::Repetition(repeated) => {
            let times = (repeated.max == Some(repeated.min)).then_some(repeated.min)?;
            letters(&repeated.sub)?.checked_mul(usize::try_from(times).ok()?)
        }
    }
}
