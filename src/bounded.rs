//! Reads in bounded memory what somebody else has made, such as a file that may be the wrong one.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// What a file holds, which must be no more than `most` bytes.
pub fn read_file(path: &Path, most: usize) -> io::Result<Vec<u8>> {
    let bytes = read(File::open(path)?, most)?;
    match bytes.len() > most {
        true => Err(io::ErrorKind::FileTooLarge.into()),
        false => Ok(bytes),
    }
}

/// All of a source; where there are more than `most` bytes, one more than that shows it.
pub fn read(source: impl Read, most: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    source.take(most as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}
