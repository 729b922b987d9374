//! A lock beside a SQLite file, so that one gateway alone writes it. It is the system's own, so
//! it ends with the process, however that ends. Commands that read take none.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;

use super::fault::CannotOpen;

/// Held as long as this lives.
pub struct LockFile(#[expect(dead_code, reason = "the lock is the open file")] File);

impl LockFile {
    pub fn take(database: &Path) -> Result<Self, CannotOpen> {
        let mut name = database.as_os_str().to_owned();
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
