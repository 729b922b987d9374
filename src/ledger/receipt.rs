//! Receipts: the ids of entries. Sortable, since the time comes first; unguessable, since eighty
//! random bits follow; minted without the database, so that an answer never waits for its name.

use std::cell::RefCell;
use std::fmt;

use jiff::Timestamp;
use thiserror::Error;

use super::random::Random;

/// Crockford's base 32: no letter that reads like a digit.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

const LENGTH: usize = 26;

thread_local! {
    /// One for each worker.
    static RANDOM: RefCell<Random> = RefCell::default();
}

/// The id of an entry: 48 bits of milliseconds since 1970 and 80 random bits, in the form of a ULID.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Receipt(String);

/// Why a text is no receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a receipt has {LENGTH} digits and capital letters")]
pub struct NotAReceipt;

impl Receipt {
    /// Mints a receipt for what arrived at `time`.
    pub fn mint(time: Timestamp) -> Result<Self, getrandom::Error> {
        let random = RANDOM.with_borrow_mut(Random::take::<10>)?;
        let mut bytes = [0; 16];
        let (_, end) = bytes.split_at_mut(6);
        end.copy_from_slice(&random);
        Ok(Self::of(time, u128::from_be_bytes(bytes)))
    }

    /// The first receipt that can have been minted at `time`.
    pub fn first_at(time: Timestamp) -> Self {
        Self::of(time, 0)
    }

    pub fn parse(text: &str) -> Result<Self, NotAReceipt> {
        let is_good = text.len() == LENGTH && text.bytes().all(|byte| ALPHABET.contains(&byte));
        is_good.then(|| Self(text.to_owned())).ok_or(NotAReceipt)
    }

    pub fn text(&self) -> &str {
        &self.0
    }

    fn of(time: Timestamp, random: u128) -> Self {
        let millis = u128::try_from(time.as_millisecond()).unwrap_or(0) & ((1 << 48) - 1);
        let bits = millis << 80 | random & ((1 << 80) - 1);
        let (mut text, mut left) = ([b'0'; LENGTH], bits);
        for digit in text.iter_mut().rev() {
            let last = usize::try_from(left & 31).ok();
            *digit = last
                .and_then(|last| ALPHABET.get(last))
                .copied()
                .unwrap_or(b'0');
            left >>= 5;
        }
        // Digits and letters, which are always text.
        Self(str::from_utf8(&text).unwrap_or_default().to_owned())
    }
}

impl fmt::Display for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millisecond(millis).unwrap()
    }

    #[test]
    fn sorts_by_time_and_is_never_the_same() {
        let (one, other) = (
            Receipt::mint(at(1_700_000_000_000)).unwrap(),
            Receipt::mint(at(1_700_000_000_000)).unwrap(),
        );
        let later = Receipt::mint(at(1_700_000_000_001)).unwrap();
        assert_ne!(one, other);
        assert!(one < later && other < later);
        assert!(Receipt::first_at(at(1_700_000_000_000)) <= one);
        assert!(one < Receipt::first_at(at(1_700_000_000_001)));
    }

    #[test]
    fn has_the_form_of_a_ulid() {
        assert_eq!(
            Receipt::first_at(at(1_469_918_176_385)).text(),
            "01ARYZ6S410000000000000000"
        );
        let receipt = Receipt::mint(at(1)).unwrap();
        assert_eq!(Receipt::parse(receipt.text()), Ok(receipt));
        for text in [
            "",
            "01ARYZ6S41",
            "01aryz6s410000000000000000",
            "01ARYZ6S41000000000000000U",
        ] {
            assert_eq!(Receipt::parse(text), Err(NotAReceipt), "{text}");
        }
    }
}
