//! What became of a submission, in one word.

use serde::{Serialize, Serializer};

/// What became of a submission: the value of `scoregate-decision`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// What leaves equals what came, as numbers.
    Forwarded,
    /// The value that leaves differs.
    Adjusted,
    /// Recorded; nothing had to be, or may be, sent.
    Kept,
    /// Comes with delivery, as does the next.
    Held,
    Queued,
    /// Nothing is sent.
    Refused,
}

impl Decision {
    pub const ALL: [Self; 6] = [
        Self::Forwarded,
        Self::Adjusted,
        Self::Kept,
        Self::Held,
        Self::Queued,
        Self::Refused,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Forwarded => "forwarded",
            Self::Adjusted => "adjusted",
            Self::Kept => "kept",
            Self::Held => "held",
            Self::Queued => "queued",
            Self::Refused => "refused",
        }
    }

    /// Those that this version gives, for people.
    pub fn words() -> String {
        let given = Self::ALL.into_iter().filter(|one| match one {
            Self::Held | Self::Queued => false,
            Self::Forwarded | Self::Adjusted | Self::Kept | Self::Refused => true,
        });
        given.map(Self::as_str).collect::<Vec<_>>().join(", ")
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == text)
    }
}

impl Serialize for Decision {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}
