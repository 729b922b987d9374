//! Loads the configuration anew on SIGHUP, and when a file of it has changed: the configuration
//! itself, or a certificate, secret or key set that it names.
//!
//! Files are read and compared by content once a second, which sees every way to change one (in
//! place, by rename, by a symlink swap far up the path) and needs nothing of the file system.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::Signal;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval};

use crate::auth::Readers;
use crate::config::{Content, Loaded, load};
use crate::generation::{CannotApply, Generations};

/// How often files are looked at.
const LOOK: Duration = Duration::from_secs(1);

/// The longest that a change waits for what has changed to hold still: one file that never does must not
/// keep the others from being loaded.
const PATIENCE: Duration = Duration::from_secs(5);

/// Between two loads for what only a refused configuration names, which may be any file, such as a log that
/// grows with each refusal; and between two for a ledger that can be used again.
const PAUSE: Duration = Duration::from_secs(8);

/// Where configurations come from.
pub struct Source {
    path: PathBuf,
    hangups: Signal,
    files: Vec<Watched>,
    /// Since when there has been a change to load.
    changed_since: Option<Instant>,
    /// When it may be loaded again for what only a refused configuration names.
    again_at: Instant,
    /// Whether the last was refused only because the ledger could not be used.
    is_for_the_ledger: bool,
}

/// A file, and what it held.
struct Watched {
    path: PathBuf,
    /// Whether no configuration names it but the last one, which was refused.
    is_of_refused: bool,
    /// When it was last loaded.
    loaded: Content,
    /// At the last look.
    seen: Content,
}

impl Watched {
    fn new(path: &Path, is_of_refused: bool) -> Self {
        let content = Content::of(path, Content::default());
        Self {
            path: path.to_owned(),
            is_of_refused,
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
            files: vec![Watched::new(path, false)],
            changed_since: None,
            again_at: Instant::now(),
            is_for_the_ledger: false,
        }
    }

    /// Watches these files too.
    pub fn watch(&mut self, files: &[PathBuf]) {
        for path in files {
            match self.files.iter_mut().find(|watched| watched.path == *path) {
                Some(watched) => watched.is_of_refused = false,
                None => self.files.push(Watched::new(path, false)),
            }
        }
    }

    /// Watches these files too, which a refused configuration names, in place of those of the one before.
    fn watch_refused(&mut self, files: &[PathBuf]) {
        self.files
            .retain(|watched| !watched.is_of_refused || files.contains(&watched.path));
        for path in files {
            if self.files.iter().all(|watched| watched.path != *path) {
                self.files.push(Watched::new(path, true));
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
    async fn changed(&mut self, looks: &mut Interval, generations: &Generations) {
        loop {
            tokio::select! {
                Some(()) = self.hangups.recv() => return,
                _ = looks.tick() => {
                    let can_record = || generations.current().shared.lasting.can_record();
                    if self.has_changed() || self.waits_for_ledger() && can_record() {
                        return;
                    }
                }
            }
        }
    }

    /// Whether it may be loaded again once the ledger can be used, as far as files are concerned.
    fn waits_for_ledger(&self) -> bool {
        let is_still = self.changed_since.is_none();
        self.is_for_the_ledger && is_still && Instant::now() >= self.again_at
    }

    /// What a refused configuration names must not keep the next one from being loaded.
    fn has_changed(&mut self) -> bool {
        let (mut changed, mut still, mut changed_of_refused) = (false, true, false);
        // Half a configuration may be one, with callers missing.
        let mut is_whole = true;
        for watched in &mut self.files {
            let (has_changed, is_still) = watched.look();
            is_whole &= is_still || watched.path != self.path;
            match watched.is_of_refused {
                true => changed_of_refused |= has_changed && is_still,
                false => {
                    changed |= has_changed;
                    still &= is_still || !has_changed;
                }
            }
        }
        let now = Instant::now();
        if changed {
            let since = *self.changed_since.get_or_insert(now);
            return still || is_whole && now - since >= PATIENCE;
        }
        self.changed_since = None;
        let is_due = changed_of_refused && now >= self.again_at;
        if is_due {
            self.again_at = now + PAUSE;
        }
        is_due
    }

    /// Loads the configuration, and watches what it names, also where it can't be used: what is wrong
    /// may be mended there. What the files hold is remembered first: what changes during the load is
    /// then seen as a change.
    fn load(&mut self) -> Result<Loaded, CannotApply> {
        self.changed_since = None;
        for watched in &mut self.files {
            watched.loaded = Content::of(&watched.path, watched.seen);
            watched.seen = watched.loaded;
        }
        let loaded = load(&self.path);
        match &loaded {
            Ok(loaded) => {
                self.again_at = Instant::now();
                self.watch(&loaded.files);
            }
            Err(problems) => self.watch_refused(&problems.files.0),
        }
        Ok(loaded?)
    }
}

/// Reloads whenever it is time. Ends when it is dropped.
pub async fn follow(mut source: Source, generations: Arc<Generations>, mut readers: Readers) {
    let mut looks = interval(LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        source.changed(&mut looks, &generations).await;
        let done = reload(&mut source, &generations).await;
        source.is_for_the_ledger = done.as_ref().is_err_and(CannotApply::is_for_the_ledger);
        if let Err(cause) = done {
            generations.refuse(&cause);
            if source.is_for_the_ledger {
                source.again_at = Instant::now() + PAUSE;
            }
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
