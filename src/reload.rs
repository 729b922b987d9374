//! Loads the configuration anew on SIGHUP, and when a file of it has changed: the configuration
//! itself, or a certificate, secret or key set that it names.
//!
//! Files are read and compared by content once a second, which sees every way to change one (in
//! place, by rename, by a symlink swap far up the path) and needs nothing of the file system.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::Signal;
use tokio::time::{Interval, MissedTickBehavior, interval};

use crate::auth::Readers;
use crate::config::{Content, Loaded, load};
use crate::generation::{CannotApply, Generations};

/// How often files are looked at.
const LOOK: Duration = Duration::from_secs(1);

/// Where configurations come from.
pub struct Source {
    path: PathBuf,
    hangups: Signal,
    files: Vec<Watched>,
}

/// A file, and what it held.
struct Watched {
    path: PathBuf,
    /// When it was last loaded.
    loaded: Content,
    /// At the last look.
    seen: Content,
}

impl Watched {
    fn new(path: &Path) -> Self {
        let content = Content::of(path, Content::default());
        Self {
            path: path.to_owned(),
            loaded: content,
            seen: content,
        }
    }

    /// Looks, and says whether it has changed, and whether it holds still: half a file must not
    /// be loaded.
    fn look(&mut self) -> (bool, bool) {
        let now = Content::of(&self.path, self.seen);
        let before = std::mem::replace(&mut self.seen, now);
        (now != self.loaded, now == before)
    }
}

impl Source {
    /// Remembers what the file holds, so call it before the first load.
    pub fn new(path: &Path, hangups: Signal) -> Self {
        Self {
            path: path.to_owned(),
            hangups,
            files: vec![Watched::new(path)],
        }
    }

    /// Watches these files too.
    pub fn watch(&mut self, files: &[PathBuf]) {
        for path in files {
            if self.files.iter().all(|watched| watched.path != *path) {
                self.files.push(Watched::new(path));
            }
        }
    }

    /// Watches the configuration and these files alone.
    fn forget_all_but(&mut self, files: &[PathBuf]) {
        let path = &self.path;
        self.files
            .retain(|watched| watched.path == *path || files.contains(&watched.path));
    }

    /// Resolves when it is time to load again.
    async fn changed(&mut self, looks: &mut Interval) {
        loop {
            tokio::select! {
                Some(()) = self.hangups.recv() => return,
                _ = looks.tick() => if self.has_changed() { return },
            }
        }
    }

    fn has_changed(&mut self) -> bool {
        let looks: Vec<_> = self.files.iter_mut().map(Watched::look).collect();
        let any_changed = looks.iter().any(|(changed, _)| *changed);
        any_changed && looks.iter().all(|(_, still)| *still)
    }

    /// Loads the configuration, and watches what it names, also where it can't be used: what is wrong
    /// may be mended there. What the files hold is remembered first: what changes during the load is
    /// then seen as a change.
    fn load(&mut self) -> Result<Loaded, CannotApply> {
        for watched in &mut self.files {
            watched.loaded = Content::of(&watched.path, watched.seen);
            watched.seen = watched.loaded;
        }
        let loaded = load(&self.path);
        self.watch(match &loaded {
            Ok(loaded) => &loaded.files,
            Err(problems) => &problems.files.0,
        });
        Ok(loaded?)
    }
}

/// Reloads whenever it is time. Ends when it is dropped.
pub async fn follow(mut source: Source, generations: Arc<Generations>, mut readers: Readers) {
    let mut looks = interval(LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        source.changed(&mut looks).await;
        if let Err(cause) = reload(&mut source, &generations).await {
            generations.refuse(&cause);
        }
        readers.follow(&generations.current().shared.verifier);
    }
}

async fn reload(source: &mut Source, generations: &Generations) -> Result<(), CannotApply> {
    let loaded = source.load()?;
    loaded.log_warnings();
    let files = loaded.files.clone();
    generations.apply(loaded).await?;
    // Only now: what a refused configuration does not name may still be in force.
    source.forget_all_but(&files);
    Ok(())
}
