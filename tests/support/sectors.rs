//! A file of a disk that forgets: what is safe, and what is written and may be torn.

use std::fmt::{self, Display, Formatter};

/// What is written whole, or not at all.
const SECTOR: usize = 512;

/// What becomes of what was not synced.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Unsynced {
    Lost,
    /// As after a kill, where the system lives on.
    Written,
    /// Each sector, name and size for itself, by chance.
    Torn(u64),
}

#[derive(Default)]
pub struct File {
    safe: Vec<u8>,
    /// With the moment at which each was done.
    loose: Vec<(usize, Change)>,
}

pub enum Change {
    /// From this place on.
    Write(usize, Vec<u8>),
    Size(usize),
}

impl File {
    pub fn safe(content: Vec<u8>) -> Self {
        Self {
            safe: content,
            loose: Vec::new(),
        }
    }

    pub fn change(&mut self, done: usize, change: Change) {
        self.loose.push((done, change));
    }

    /// Takes along what was done before.
    pub fn sync(&mut self, began: usize) {
        for (_, change) in self.loose.extract_if(.., |(since, _)| *since < began) {
            change.apply(&mut self.safe, &mut Chance::Always);
        }
    }

    pub fn content(&self, chance: &mut Chance) -> Vec<u8> {
        let mut content = self.safe.clone();
        for (_, change) in &self.loose {
            change.apply(&mut content, chance);
        }
        content
    }
}

impl Change {
    /// Whether a call that answered so has done all of it.
    pub fn is_whole(&self, result: Option<u64>) -> bool {
        match self {
            Self::Write(_, bytes) => result.is_none_or(|count| count == bytes.len() as u64),
            Self::Size(_) => true,
        }
    }

    fn apply(&self, content: &mut Vec<u8>, chance: &mut Chance) {
        match self {
            Self::Size(size) if chance.keeps() => content.resize(*size, 0),
            Self::Size(_) => {}
            Self::Write(at, bytes) => write(content, *at, bytes, chance),
        }
    }
}

fn write(content: &mut Vec<u8>, at: usize, bytes: &[u8], chance: &mut Chance) {
    // The size alone may be there, and zeros.
    if chance.keeps() {
        content.resize(content.len().max(at + bytes.len()), 0);
    }
    let (mut at, mut rest) = (at, bytes);
    while !rest.is_empty() {
        let (sector, others) = rest.split_at(rest.len().min(SECTOR - at % SECTOR));
        if chance.keeps() {
            content.resize(content.len().max(at + sector.len()), 0);
            content[at..at + sector.len()].copy_from_slice(sector);
        }
        (at, rest) = (at + sector.len(), others);
    }
}

pub enum Chance {
    Never,
    Always,
    /// Where it is, and of how many in eight.
    Sometimes(u64, u64),
}

impl Chance {
    pub fn of(unsynced: Unsynced) -> Self {
        match unsynced {
            Unsynced::Lost => Self::Never,
            Unsynced::Written => Self::Always,
            Unsynced::Torn(seed) => Self::Sometimes(seed, [1, 4, 7][seed as usize % 3]),
        }
    }

    pub fn keeps(&mut self) -> bool {
        match self {
            Self::Never => false,
            Self::Always => true,
            Self::Sometimes(state, of_eight) => next(state) % 8 < *of_eight,
        }
    }
}

/// SplitMix64.
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

impl Display for Unsynced {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lost => write!(out, "what was not synced is lost"),
            Self::Written => write!(out, "all that was written is there"),
            Self::Torn(seed) => write!(out, "what was not synced is torn, by seed {seed}"),
        }
    }
}
