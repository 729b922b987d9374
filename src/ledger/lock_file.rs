//! The locks by which one gateway alone writes a SQLite file. They are the system's own, so they end
//! with the process, however that ends. Commands that read take none.
//!
//! One is on a file beside the database, by its name: it stays where another file takes that name. The
//! other is on the database itself: no other link to it leads past it, and nobody can delete it.

use std::fs::{File, Metadata, OpenOptions, TryLockError, canonicalize, metadata};
use std::io;
use std::mem::ManuallyDrop;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::fault::{CannotOpen, Fault};

/// Where it can be told from SQLite's own locks on the file; elsewhere it would shut SQLite out.
const LOCKS_ITSELF: bool = cfg!(target_os = "linux");

/// Held as long as this lives.
pub struct LockFile {
    path: PathBuf,
    /// SQLite's write-ahead log, links followed as it does.
    log: PathBuf,
    /// Never closed: that would end the locks that SQLite has on the file in this process.
    database: ManuallyDrop<File>,
    identity: Identity,
    #[expect(dead_code, reason = "the lock is the open file")]
    beside: File,
}

/// Which file it is, whatever it is called: device and inode.
pub type Identity = (u64, u64);

impl LockFile {
    /// Makes the database's file where there is none.
    pub fn take(path: &Path) -> Result<Self, CannotOpen> {
        // Before SQLite opens it.
        require_folder(path)?;
        let named = |cause| CannotOpen::Lock(path.to_owned(), cause);
        let database = ManuallyDrop::new(open(path).map_err(named)?);
        let whole = canonicalize(path).map_err(named)?;
        let name = with(&whole, ".lock");
        let beside = open(&name).map_err(|cause| CannotOpen::Lock(name.clone(), cause))?;
        lock(&beside, &name, path)?;
        if LOCKS_ITSELF {
            lock(&database, path, path)?;
        }
        Ok(Self {
            path: path.to_owned(),
            log: with(&whole, "-wal"),
            identity: identity(&database.metadata().map_err(named)?),
            database,
            beside,
        })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether its name still leads to the file: what is written to another, or to none, is lost.
    pub fn is_in_place(&self) -> Result<(), Fault> {
        let path = self.path.display();
        let why = match metadata(&self.path) {
            Ok(found) if identity(&found) == self.identity => return Ok(()),
            Ok(_) => "another file has the name of the ledger's file".to_owned(),
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => {
                "the ledger's file is gone from its place".to_owned()
            }
            Err(cause) => format!("the ledger's file can't be looked at ({cause})"),
        };
        let help = "put it back, or restart to begin with what is there";
        Err(Fault::lost(format!("{why}, `{path}`: {help}")))
    }

    /// Where the log is.
    pub fn log_path(&self) -> &Path {
        &self.log
    }

    /// The log that the database has now.
    pub fn log(&self) -> Result<Identity, Fault> {
        let found = metadata(&self.log);
        found.map(|log| identity(&log)).map_err(Fault::lost)
    }

    /// Whether the log is still the one that a connection opened: nobody else would find what is written to
    /// another.
    pub fn has_log(&self, opened: Identity) -> Result<(), Fault> {
        let path = self.log.display();
        match metadata(&self.log) {
            Ok(found) if identity(&found) == opened => Ok(()),
            Err(cause) if cause.kind() != io::ErrorKind::NotFound => Err(Fault::lost(format!(
                "the ledger's write-ahead log can't be looked at ({cause}), `{path}`"
            ))),
            Ok(_) | Err(_) => Err(Fault::lost(format!(
                "somebody has taken the ledger's write-ahead log away, `{path}`: stop the gateway before you \
                 move its files"
            ))),
        }
    }
}

/// Where SQLite has the write-ahead log of a database.
pub fn log_of(path: &Path) -> io::Result<PathBuf> {
    Ok(with(&canonicalize(path)?, "-wal"))
}

/// A file beside a database's.
fn with(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

impl Drop for LockFile {
    fn drop(&mut self) {
        let _ = self.database.unlock();
    }
}

/// Says what is missing where not even the file's folder is there.
pub fn require_folder(path: &Path) -> Result<(), CannotOpen> {
    let folder = path.parent().filter(|folder| *folder != Path::new(""));
    match folder {
        Some(folder) if !folder.exists() => Err(CannotOpen::NoFolder(folder.to_owned())),
        Some(_) | None => Ok(()),
    }
}

/// For its owner alone where it is made, which SQLite would not do; its log gets the same rights.
fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(path)
}

fn lock(file: &File, name: &Path, database: &Path) -> Result<(), CannotOpen> {
    match file.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => Err(CannotOpen::InUse(database.to_owned())),
        Err(TryLockError::Error(cause)) => Err(CannotOpen::Lock(name.to_owned(), cause)),
    }
}

fn identity(metadata: &Metadata) -> Identity {
    (metadata.dev(), metadata.ino())
}
