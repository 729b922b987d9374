//! The patterns of `matches`. The evaluator's own function reads one anew for each text it is matched
//! with, which takes as long as all else that is done with a score, so this one takes its place: a pattern
//! stands in the condition and is read with it.
//!
//! How long a text is looked at has no budget either, so it is bounded here: by the size of what is read,
//! and by `places`.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError, Weak};

use cel::common::ast::{CallExpr, Expr, LiteralValue};
use cel::extractors::This;
use cel::{Context, ExecutionError, IdedExpr};
use regex::{Regex, RegexBuilder, RegexSetBuilder};

use super::{BadCondition, places};

/// The function that takes one.
pub(super) const MATCHES: &str = "matches";

/// The most memory that the patterns of a condition may take, in MiB.
pub(super) const MOST_MEMORY: usize = 4;

const MOST_BYTES: usize = MOST_MEMORY << 20;

/// What the matching itself may remember of a text, for each thread and pattern.
const MOST_REMEMBERED: usize = 512 << 10;

/// Those that conditions have, by their texts: each is kept once, however many policies have it, and over a reload.
static KNOWN: LazyLock<Mutex<HashMap<String, Weak<Regex>>>> = LazyLock::new(Mutex::default);

/// All patterns of a condition.
#[derive(Clone, Default)]
pub(super) struct Patterns(Arc<[Arc<Regex>]>);

impl Patterns {
    pub fn read(mut texts: Vec<&str>) -> Result<Self, BadCondition> {
        texts.sort_unstable();
        texts.dedup();
        check_places(&texts)?;
        let read: Result<_, _> = texts.iter().map(|text| known(text)).collect();
        let read = read.map_err(bad)?;
        if texts.len() > 1 {
            let together = RegexSetBuilder::new(texts).size_limit(MOST_BYTES).build();
            together.map_err(bad)?;
        }
        Ok(Self(read))
    }

    /// Lets a condition call the function.
    pub fn add_to(&self, context: &mut Context<'_, '_>) {
        let Self(patterns) = self;
        if patterns.is_empty() {
            return;
        }
        let patterns = patterns.clone();
        let matches = move |This(text): This<Arc<String>>, pattern: Arc<String>| {
            let mut patterns = patterns.iter();
            let known = patterns.find(|known| known.as_str() == *pattern);
            let known = known.ok_or_else(|| ExecutionError::function_error(MATCHES, "unknown"));
            known.map(|known| known.is_match(&text))
        };
        // Without it each call of it fails, which the samples show.
        let _ = context.add_function(MATCHES, matches);
    }
}

/// The pattern that a call is given, if it takes one.
pub(super) fn pattern_of(call: &CallExpr, is_in_loop: bool) -> Result<Option<&str>, BadCondition> {
    let pattern = call.args.last();
    let Some(pattern) = pattern.filter(|_| call.func_name == MATCHES) else {
        return Ok(None);
    };
    match (is_in_loop, written(pattern)) {
        (true, _) => Err(BadCondition::MatchesInLoop),
        (false, None) => Err(BadCondition::PatternNotWritten),
        (false, written) => Ok(written),
    }
}

fn written(pattern: &IdedExpr) -> Option<&str> {
    match &pattern.expr {
        Expr::Literal(LiteralValue::String(text)) => Some(text.inner()),
        _ => None,
    }
}

/// Of all patterns together.
fn check_places(texts: &[&str]) -> Result<(), BadCondition> {
    let mut places = 0_usize;
    for text in texts {
        let read = regex_syntax::parse(text).map_err(|_| BadCondition::NoPattern)?;
        places = places.saturating_add(places::of(&read));
    }
    match places > places::MOST {
        true => Err(BadCondition::SlowPatterns { places }),
        false => Ok(()),
    }
}

fn known(text: &str) -> Result<Arc<Regex>, regex::Error> {
    let mut all = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = all.get(text).and_then(Weak::upgrade) {
        return Ok(known);
    }
    let read = Arc::new(read(text)?);
    all.retain(|_, known| known.strong_count() > 0);
    all.insert(text.to_owned(), Arc::downgrade(&read));
    Ok(read)
}

fn read(text: &str) -> Result<Regex, regex::Error> {
    RegexBuilder::new(text)
        .size_limit(MOST_BYTES)
        .dfa_size_limit(MOST_REMEMBERED)
        .build()
}

/// The reader's own words quote the pattern.
fn bad(error: regex::Error) -> BadCondition {
    match error {
        regex::Error::CompiledTooBig(_) => BadCondition::LargePatterns,
        _ => BadCondition::NoPattern,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_kept_once_and_no_longer_than_somebody_has_it() {
        let text = r"^only in this test \w$";
        let one = Patterns::read(vec![text]).unwrap();
        let other = Patterns::read(vec![text, "^x"]).unwrap();
        let of = |Patterns(all): &Patterns| {
            let found = all.iter().find(|pattern| pattern.as_str() == text);
            found.unwrap().clone()
        };
        assert!(Arc::ptr_eq(&of(&one), &of(&other)));
        drop((one, other));
        let is_known = || {
            let all = KNOWN.lock().unwrap();
            all.get(text).is_some_and(|known| known.strong_count() > 0)
        };
        assert!(!is_known());
    }
}
