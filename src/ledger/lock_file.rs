//! A lock beside a SQLite file, so that one gateway alone writes it. It is the system's own, so
//! it ends with the process, however that ends. Commands that read take none.

use std::fs::{File, OpenOptions, TryLockError, canonicalize};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::fault::CannotOpen;

/// Held as long as this lives.
pub struct LockFile(#[expect(dead_code, reason = "the lock is the open file")] File);

impl LockFile {
    pub fn take(database: &Path) -> Result<Self, CannotOpen> {
        let named = |cause| CannotOpen::Lock(database.to_owned(), cause);
        let mut name = itself(database).map_err(named)?.into_os_string();
        name.push(".lock");
        let path = Path::new(&name);
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path);
        let file = file.map_err(|cause| CannotOpen::Lock(path.to_owned(), cause))?;
        match file.try_lock() {
            Ok(()) => Ok(Self(file)),
            Err(TryLockError::WouldBlock) => Err(CannotOpen::InUse(database.to_owned())),
            Err(TryLockError::Error(cause)) => Err(CannotOpen::Lock(path.to_owned(), cause)),
        }
    }
}

/// Where the file is, whatever links lead to it: all who name it must meet at one lock.
fn itself(database: &Path) -> io::Result<PathBuf> {
    if !database.exists() {
        // For its owner alone, which SQLite would not do; its log gets the same rights. Only now: to
        // close a file that SQLite has open in this process would end its locks.
        OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(database)?;
    }
    canonicalize(database)
}
