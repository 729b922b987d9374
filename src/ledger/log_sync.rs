//! Keeps what a power loss takes small where nobody waits for the disk. SQLite syncs its log when it copies it back,
//! after a thousand pages, and the operating system writes by itself after half a minute; so a thread syncs
//! it soon after each transaction, and many at once where many come.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use super::fault::Fault;

/// Between the end of one sync and the next: what is lost is what came meanwhile.
const PAUSE: Duration = Duration::from_millis(10);

/// Ends with this.
pub struct LogSync {
    written: SyncSender<()>,
    has_failed: Arc<AtomicBool>,
}

impl LogSync {
    /// Of the log at this path, whose name is made safe too.
    pub fn start(path: &Path) -> io::Result<Self> {
        let log = File::open(path)?;
        let folder = path.parent().map(File::open).transpose()?;
        let (written, asked) = sync_channel(1);
        let has_failed = Arc::<AtomicBool>::default();
        let failed = has_failed.clone();
        let work = move || {
            // As SQLite does it: there are file systems that can't.
            let _ = folder.map(|folder| folder.sync_all());
            if run(&log, &asked).is_err() {
                failed.store(true, Ordering::Release);
            }
        };
        thread::Builder::new()
            .name("ledger-sync".to_owned())
            .spawn(work)?;
        Ok(Self {
            written,
            has_failed,
        })
    }

    /// Something was written. Waits for nothing; fails where an earlier sync did, and nobody knows what of the log is
    /// on the disk.
    pub fn note(&self) -> Result<(), Fault> {
        // Where one is asked for already, it will do.
        let _ = self.written.try_send(());
        match self.has_failed.load(Ordering::Acquire) {
            true => Err(Fault::lost("the disk can't keep the write-ahead log")),
            false => Ok(()),
        }
    }
}

fn run(log: &File, written: &Receiver<()>) -> io::Result<()> {
    while written.recv().is_ok() {
        log.sync_data()?;
        thread::sleep(PAUSE);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_told_with_what_is_written_next() {
        // Nothing that can be synced.
        let (_, pipe) = io::pipe().unwrap();
        let (written, asked) = sync_channel(1);
        written.send(()).unwrap();
        let pipe = File::from(std::os::fd::OwnedFd::from(pipe));
        assert!(run(&pipe, &asked).is_err());
        let sync = LogSync {
            written,
            has_failed: Arc::new(true.into()),
        };
        assert!(sync.note().is_err());
    }

    #[test]
    fn what_is_written_is_synced_until_nobody_writes_any_more() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        std::fs::write(&path, "text").unwrap();
        let sync = LogSync::start(&path).unwrap();
        for _ in 0..3 {
            sync.note().unwrap();
        }
        drop(sync);
        let (written, asked) = sync_channel(1);
        written.send(()).unwrap();
        drop(written);
        run(&File::open(&path).unwrap(), &asked).unwrap();
        assert!(LogSync::start(&folder.path().join("none")).is_err());
    }
}
