//! Names of files, relative to the configuration's folder.

use std::error::Error;
use std::io;
use std::path::PathBuf;

use rustix::io::Errno;

use super::findings::At;
use super::mask;
use crate::bounded::open;
use crate::error::chain;

/// The path of a regular file that can be read.
pub(super) fn readable(at: &At<'_>, name: &str) -> Option<PathBuf> {
    let path = at.file(name);
    match open(&path) {
        Ok(_) => Some(path),
        Err(cause) => at.problem(unreadable(&cause)),
    }
}

/// Whether the process, or the system, has too many files open to open one more.
pub(super) fn is_for_want_of_descriptors(cause: &io::Error) -> bool {
    let codes = [Errno::MFILE, Errno::NFILE].map(Errno::raw_os_error);
    cause
        .raw_os_error()
        .is_some_and(|code| codes.contains(&code))
}

/// Why a file can't be read, for people.
pub(super) fn unreadable(cause: &io::Error) -> String {
    match cause.kind() {
        _ if is_for_want_of_descriptors(cause) => "too many files are open".to_owned(),
        io::ErrorKind::NotFound => "there is no such file".to_owned(),
        io::ErrorKind::PermissionDenied => "this user may not read it".to_owned(),
        // Of our own making, with words of its own.
        io::ErrorKind::Other => cause.to_string(),
        other => other.to_string(),
    }
}

/// Why a file can't be used, with its causes.
pub(super) fn reason(error: &(dyn Error + 'static)) -> String {
    let reason = chain(error);
    // A name is quoted in here, and where a secret was pasted in its place it must not be.
    match mask::is_surely_a_secret(&reason) {
        true => "the file named here can't be used".to_owned(),
        false => reason,
    }
}
