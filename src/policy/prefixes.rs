//! Numbers under texts, found by what a longer text starts with. Sorted, each text knowing the
//! longest other one that it starts with: whatever a text starts with starts the last entry at or
//! before it too, so one binary search and a walk along those links find all.

/// Texts with numbers.
#[derive(Clone, Debug, Default)]
pub struct Prefixes(Vec<Entry>);

#[derive(Clone, Debug)]
struct Entry {
    text: String,
    numbers: Vec<usize>,
    /// The longest entry that this one starts with.
    within: Option<usize>,
}

impl Prefixes {
    pub fn new(mut list: Vec<(String, usize)>) -> Self {
        list.sort_unstable();
        let mut entries: Vec<Entry> = Vec::new();
        for (text, number) in list {
            match entries.last_mut() {
                Some(last) if last.text == text => last.numbers.push(number),
                _ => {
                    let within = around(&entries, entries.len().checked_sub(1), &text);
                    entries.push(Entry {
                        text,
                        numbers: vec![number],
                        within,
                    });
                }
            }
        }
        Self(entries)
    }

    /// The numbers of all entries that a text starts with.
    pub fn of(&self, text: &str) -> Vec<usize> {
        let last = self.0.partition_point(|entry| entry.text.as_str() <= text);
        let mut at = around(&self.0, last.checked_sub(1), text);
        let mut numbers = Vec::new();
        while let Some(entry) = at.and_then(|at| self.0.get(at)) {
            numbers.extend(&entry.numbers);
            at = entry.within;
        }
        numbers
    }
}

/// From `at` outwards, the first entry that a text starts with.
fn around(entries: &[Entry], mut at: Option<usize>, text: &str) -> Option<usize> {
    while let Some(entry) = at.and_then(|at| entries.get(at)) {
        if text.starts_with(&entry.text) {
            return at;
        }
        at = entry.within;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn finds_what_looking_at_each_would_find(texts in prop::collection::vec("[ab]{1,5}", 0..12), text in "[ab]{0,7}") {
            let list: Vec<_> = texts.iter().cloned().zip(0..).collect();
            let mut found = Prefixes::new(list.clone()).of(&text);
            found.sort_unstable();
            let expected: Vec<usize> = list.into_iter().filter(|(known, _)| text.starts_with(known.as_str())).map(|(_, number)| number).collect();
            prop_assert_eq!(found, expected);
        }
    }
}
