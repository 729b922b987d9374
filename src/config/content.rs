//! What a file holds, to tell whether it has changed.

use std::io::{self, Read};
use std::path::Path;

use aws_lc_rs::digest::{SHA256, digest};

use super::files;
use crate::bounded::open;

/// No file that is read for a configuration is longer.
const LONGEST: u64 = 4 * 1024 * 1024;

/// A digest of a file's content; `None` of one that can't be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Content(Option<[u8; 32]>);

impl Content {
    /// What the file holds, or `before` where that can't be told.
    pub fn of(path: &Path, before: Self) -> Self {
        match read(path) {
            Ok(bytes) => Self(digest(&SHA256, &bytes).as_ref().try_into().ok()),
            // Says nothing of the file: there are too many others.
            Err(cause) if files::is_for_want_of_descriptors(&cause) => before,
            Err(_) => Self(None),
        }
    }
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open(path)?.take(LONGEST).read_to_end(&mut bytes)?;
    Ok(bytes)
}
