//! Random bytes of the operating system, fetched for many uses at once: asking it costs as much as
//! sealing an entry.

use getrandom::Error;

/// Bytes that are fetched at once.
const ROOM: usize = 512;

pub struct Random {
    bytes: Box<[u8; ROOM]>,
    used: usize,
}

impl Default for Random {
    fn default() -> Self {
        Self {
            bytes: Box::new([0; ROOM]),
            used: ROOM,
        }
    }
}

impl Random {
    /// Bytes that nobody has had. At most `ROOM` of them.
    pub fn take<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        const { assert!(N <= ROOM) };
        if ROOM - self.used < N {
            getrandom::fill(self.bytes.as_mut_slice())?;
            self.used = 0;
        }
        let rest = self.bytes.get_mut(self.used..).unwrap_or_default();
        let Some(next) = rest.first_chunk_mut::<N>() else {
            return Err(Error::UNEXPECTED);
        };
        self.used += N;
        // A key must not stay here.
        Ok(std::mem::replace(next, [0; N]))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn gives_nothing_twice_and_keeps_nothing() {
        let mut random = Random::default();
        let mut seen = HashSet::new();
        for _ in 0..1_000 {
            let (short, long) = (random.take::<12>().unwrap(), random.take::<32>().unwrap());
            assert!(seen.insert(short.to_vec()) && seen.insert(long.to_vec()));
            assert!(random.bytes[..random.used].iter().all(|byte| *byte == 0));
        }
    }
}
