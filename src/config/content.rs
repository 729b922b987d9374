//! What a file holds, to tell whether it has changed.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use aws_lc_rs::digest::{SHA256, digest};

/// No file that is read for a configuration is longer.
const LONGEST: u64 = 4 * 1024 * 1024;

/// A digest of a file's content; `None` of one that can't be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Content(Option<[u8; 32]>);

impl Content {
    pub fn of(path: &Path) -> Self {
        let digest = read(path).map(|bytes| digest(&SHA256, &bytes));
        Self(
            digest
                .ok()
                .and_then(|digest| digest.as_ref().try_into().ok()),
        )
    }
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(LONGEST).read_to_end(&mut bytes)?;
    Ok(bytes)
}
