//! How a request ended, as `scoregate_requests_total` tells it apart.

use crate::error::Code;

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Success,
    /// The answer's body broke off.
    CutShort,
    /// The caller left before there was an answer.
    Aborted,
    Refused(Code),
}

impl Outcome {
    /// How many there are.
    pub const COUNT: usize = 3 + Code::ALL.len();

    pub fn all() -> impl Iterator<Item = Self> {
        let codes = Code::ALL.iter().copied().map(Self::Refused);
        [Self::Success, Self::CutShort, Self::Aborted]
            .into_iter()
            .chain(codes)
    }

    /// Its place in `all`.
    pub const fn place(self) -> usize {
        match self {
            Self::Success => 0,
            Self::CutShort => 1,
            Self::Aborted => 2,
            Self::Refused(code) => 3 + code as usize,
        }
    }

    pub const fn name(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::CutShort => "cut_short",
            Self::Aborted => "aborted",
            Self::Refused(code) => code.name(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_outcome_has_the_place_it_is_listed_at() {
        for (place, outcome) in Outcome::all().enumerate() {
            assert_eq!(outcome.place(), place, "{}", outcome.name());
        }
        assert_eq!(Outcome::all().count(), Outcome::COUNT);
    }
}
