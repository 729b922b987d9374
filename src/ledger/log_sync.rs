//! Keeps what a power loss takes small where nobody waits for the disk. SQLite syncs its log when it copies it back,
//! after a thousand pages, and the operating system writes by itself after half a minute; so a thread syncs
//! it soon after each transaction, and many at once where many come.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;

use super::fault::Fault;

/// Between the end of one sync and the next: what is lost is what came meanwhile.
const PAUSE: Duration = Duration::from_millis(10);

/// Ends with this.
pub struct LogSync {
    written: SyncSender<()>,
    failure: Arc<OnceLock<io::Error>>,
}

impl LogSync {
    /// Of the log at this path, whose name is made safe too.
    pub fn start(path: &Path) -> io::Result<Self> {
        let log = File::open(path)?;
        let folder = path.parent().map(File::open).transpose()?;
        let (written, asked) = sync_channel(1);
        let failure = Arc::<OnceLock<io::Error>>::default();
        let failed = failure.clone();
        let work = move || {
            // As SQLite does it: there are file systems that can't.
            let _ = folder.map(|folder| folder.sync_all());
            if let Err(cause) = run(&log, &asked) {
                let _ = failed.set(cause);
            }
        };
        thread::Builder::new()
            .name("ledger-sync".to_owned())
            .spawn(work)?;
        Ok(Self { written, failure })
    }

    /// Something was written. Waits for nothing.
    pub fn note(&self) {
        // Where one is asked for already, it will do.
        let _ = self.written.try_send(());
    }

    /// Fails once a sync has, and nobody knows what of the log is on the disk.
    pub fn is_good(&self) -> Result<(), Fault> {
        match self.failure.get() {
            Some(cause) => Err(Fault::lost(format!(
                "the ledger's write-ahead log can't be brought to the disk ({cause})"
            ))),
            None => Ok(()),
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
    fn a_failure_is_told() {
        // Nothing that can be synced.
        let (_, pipe) = io::pipe().unwrap();
        let (written, asked) = sync_channel(1);
        written.send(()).unwrap();
        let pipe = File::from(std::os::fd::OwnedFd::from(pipe));
        let failure = OnceLock::new();
        failure.set(run(&pipe, &asked).unwrap_err()).unwrap();
        let sync = LogSync {
            written,
            failure: Arc::new(failure),
        };
        sync.note();
        assert!(sync.is_good().is_err());
    }

    #[test]
    fn what_is_written_is_synced_until_nobody_writes_any_more() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        std::fs::write(&path, "text").unwrap();
        let sync = LogSync::start(&path).unwrap();
        for _ in 0..3 {
            sync.note();
        }
        sync.is_good().unwrap();
        drop(sync);
        let (written, asked) = sync_channel(1);
        written.send(()).unwrap();
        drop(written);
        run(&File::open(&path).unwrap(), &asked).unwrap();
        assert!(LogSync::start(&folder.path().join("none")).is_err());
    }
}
