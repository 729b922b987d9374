//! Reads in bounded memory what somebody else has made, such as a file that may be the wrong one.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::OFlags;
use rustix::io::Errno;
use thiserror::Error;

/// A pipe, a device, a socket or a folder stands where a file belongs.
#[derive(Clone, Copy, Debug, Error)]
#[error("it is no regular file")]
pub struct NotRegular;

/// Opens a regular file, or what a link leads to, where that is one. Anything else may have no end, or
/// have whoever opens it wait for whoever writes: it is refused without a wait.
pub fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    // Else a pipe would be waited for in here, before anyone can tell that it is one.
    let flags = OFlags::NONBLOCK.bits().cast_signed();
    let file = options.read(true).custom_flags(flags).open(path);
    let file = file.map_err(|cause| match cause.raw_os_error() {
        // A socket.
        Some(code) if code == Errno::NXIO.raw_os_error() => io::Error::other(NotRegular),
        _ => cause,
    })?;
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(io::Error::other(NotRegular)),
    }
}

/// What a regular file holds, which must be no more than `most` bytes.
pub fn read_file(path: &Path, most: usize) -> io::Result<Vec<u8>> {
    within(open(path)?, most)
}

/// The same of a pipe too, as `/dev/stdin` may be one. It is waited for, and what it holds is gone
/// afterwards: for commands that read once, never for what serves.
pub fn read_file_or_pipe(path: &Path, most: usize) -> io::Result<Vec<u8>> {
    within(File::open(path)?, most)
}

fn within(file: File, most: usize) -> io::Result<Vec<u8>> {
    let bytes = read(file, most)?;
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
