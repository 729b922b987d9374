//! A disk that keeps what was synced when the power goes, and of the rest whatever it likes. Built anew from
//! a process's calls, for a database's file and those beside it that have its name with an ending.
//!
//! What it takes for granted: once a sync has returned, all is safe that was written to the file before it was
//! asked for. A name that was made or taken away is safe once its folder was synced, no sooner. Of what is not
//! safe, whatever may be there, in any order: but a sector of 512 bytes holds what it held or what was written to
//! it, and nobody else's writes harm it.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::path::Path;

pub use super::sectors::Unsynced;
use super::sectors::{Chance, Change, File};
use super::strace::Call;

/// Files by name.
pub type Files = BTreeMap<String, Vec<u8>>;

pub struct Disk<'a> {
    folder: String,
    /// The database's name.
    database: String,
    calls: &'a [Call],
    /// When calls begin and end, those that are still to come last.
    events: Vec<(usize, &'a Call, Event)>,
    files: Vec<File>,
    names: BTreeMap<String, usize>,
    safe_names: BTreeMap<String, usize>,
    /// When each was done, and to what file it leads.
    loose_names: Vec<(usize, String, Option<usize>)>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Begins,
    Ends,
}

impl<'a> Disk<'a> {
    /// Before the first of the calls.
    pub fn new(database: &Path, before: &Files, calls: &'a [Call]) -> Self {
        let folder = database.parent().unwrap().canonicalize().unwrap();
        let text = |path: &Path| path.to_str().unwrap().to_owned();
        let begins = calls.iter().map(|call| (call.began, call, Event::Begins));
        let ends = calls.iter().map(|call| (call.ended, call, Event::Ends));
        let mut events: Vec<_> = begins.chain(ends).collect();
        events.sort_by_key(|(line, _, event)| Reverse((*line, *event)));
        let names: BTreeMap<_, _> = before.keys().cloned().zip(0..).collect();
        Self {
            folder: text(&folder),
            database: text(Path::new(database.file_name().unwrap())),
            calls,
            events,
            files: before.values().cloned().map(File::safe).collect(),
            safe_names: names.clone(),
            names,
            loose_names: Vec::new(),
        }
    }

    /// When a file is changed or synced, and which; of the folder without a name.
    pub fn moments(&self) -> Vec<(usize, String)> {
        let done = self.calls.iter().filter(|call| !call.has_failed());
        let named = |call: &Call| match self.is_folder(call) {
            true => Some((call.began, String::new())),
            false => self.name_of(call).map(|name| (call.began, name)),
        };
        done.filter_map(named).collect()
    }

    /// Lets all happen up to this line of the trace.
    pub fn go_to(&mut self, line: usize) {
        while let Some((_, call, event)) = self.events.pop_if(|(at, _, _)| *at <= line) {
            match (call.has_failed(), event) {
                (true, _) => {}
                (false, Event::Begins) => self.begin(call),
                (false, Event::Ends) => self.end(call),
            }
        }
    }

    fn is_folder(&self, call: &Call) -> bool {
        call.file().as_ref() == Some(&self.folder)
    }

    /// Which of the files a call is about. The index that SQLite makes anew is none, nor is the lock.
    fn name_of(&self, call: &Call) -> Option<String> {
        let named = || String::from_utf8_lossy(&call.bytes()).into_owned();
        let path = call.file().unwrap_or_else(named);
        let name = path.rsplit('/').next()?;
        let ending = name.strip_prefix(&self.database)?;
        (!matches!(ending, "-shm" | ".lock")).then(|| name.to_owned())
    }

    fn begin(&mut self, call: &Call) {
        let Some(name) = self.name_of(call) else {
            return;
        };
        match call.name.as_str() {
            "openat" => self.open(call, name),
            "unlink" | "unlinkat" => self.lead(call, name, None),
            "pwrite64" => self.change(call, &name, Change::Write(call.place(3), call.bytes())),
            "ftruncate" => self.change(call, &name, Change::Size(call.place(1))),
            "fsync" | "fdatasync" => {}
            other => panic!("nobody knows what `{other}` does to {name} when the power goes"),
        }
    }

    fn open(&mut self, call: &Call, name: String) {
        assert!(!call.has_flag("O_TRUNC"), "{name} is emptied");
        if call.has_flag("O_CREAT") && !self.names.contains_key(&name) {
            self.files.push(File::default());
            let made = self.files.len() - 1;
            self.lead(call, name, Some(made));
        }
    }

    fn lead(&mut self, call: &Call, name: String, file: Option<usize>) {
        lead(&mut self.names, name.clone(), file);
        self.loose_names.push((call.ended, name, file));
    }

    fn change(&mut self, call: &Call, name: &str, change: Change) {
        assert!(
            change.is_whole(call.result()),
            "a part was written of {name}"
        );
        let file = self.names.get(name);
        let file = file.unwrap_or_else(|| panic!("{name} was never made"));
        self.files[*file].change(call.ended, change);
    }

    fn end(&mut self, call: &Call) {
        if !matches!(call.name.as_str(), "fsync" | "fdatasync") {
            return;
        }
        if self.is_folder(call) {
            let is_done = |(since, _, _): &mut (usize, _, _)| *since < call.began;
            for (_, name, file) in self.loose_names.extract_if(.., is_done) {
                lead(&mut self.safe_names, name, file);
            }
        } else if let Some(name) = self.name_of(call) {
            self.files[self.names[&name]].sync(call.began);
        }
    }

    /// What may be found if the power goes now.
    pub fn files(&self, unsynced: Unsynced) -> Files {
        let mut chance = Chance::of(unsynced);
        let mut names = self.safe_names.clone();
        for (_, name, file) in &self.loose_names {
            if chance.keeps() {
                lead(&mut names, name.clone(), *file);
            }
        }
        let content = |(name, file): (String, usize)| (name, self.files[file].content(&mut chance));
        names.into_iter().map(content).collect()
    }
}

fn lead(names: &mut BTreeMap<String, usize>, name: String, file: Option<usize>) {
    match file {
        Some(file) => _ = names.insert(name, file),
        None => _ = names.remove(&name),
    }
}
