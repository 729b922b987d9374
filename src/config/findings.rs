//! Collects everything that is wrong or risky while the document is checked, so that all of it is
//! reported at once.

use std::cell::RefCell;
use std::fmt::Display;
use std::path::{Path, PathBuf};

use super::environment::Environment;
use super::mask;
use super::path::KeyPath;
use super::problem::Problem;
use super::tree::Node;

pub(super) struct Findings<'a> {
    /// The document as written, for the places of its keys.
    tree: &'a Node,
    /// What could not be read at all, by path as written; reported already.
    unread: &'a [KeyPath],
    environment: &'a dyn Environment,
    /// Where relative file names start.
    folder: &'a Path,
    problems: RefCell<Vec<Problem>>,
    warnings: RefCell<Vec<Problem>>,
    files: RefCell<Vec<PathBuf>>,
}

impl<'a> Findings<'a> {
    pub fn new(
        tree: &'a Node,
        unread: &'a [KeyPath],
        environment: &'a dyn Environment,
        folder: &'a Path,
    ) -> Self {
        Self {
            tree,
            unread,
            environment,
            folder,
            problems: RefCell::default(),
            warnings: RefCell::default(),
            files: RefCell::default(),
        }
    }

    /// The document itself.
    pub fn top(&self) -> At<'_> {
        At {
            findings: self,
            path: KeyPath::default(),
        }
    }

    /// The problems, the warnings, and the files that were looked at.
    pub fn into_lists(self) -> (Vec<Problem>, Vec<Problem>, Vec<PathBuf>) {
        (
            self.problems.into_inner(),
            self.warnings.into_inner(),
            self.files.into_inner(),
        )
    }
}

/// A key that is being checked.
#[derive(Clone)]
pub(super) struct At<'a> {
    findings: &'a Findings<'a>,
    path: KeyPath,
}

impl At<'_> {
    pub fn key(&self, name: &str) -> Self {
        self.moved(self.path.key(name))
    }

    pub fn index(&self, index: usize) -> Self {
        self.moved(self.path.index(index))
    }

    fn moved(&self, path: KeyPath) -> Self {
        Self {
            findings: self.findings,
            path,
        }
    }

    /// Records that the value can't be used. Always `None`, the value that there is not.
    pub fn problem<T>(&self, message: impl Display) -> Option<T> {
        self.record(&self.findings.problems, message);
        None
    }

    /// Records that the value is risky.
    pub fn warn(&self, message: impl Display) {
        self.record(&self.findings.warnings, message);
    }

    /// Records that the key has no value, unless one that could not be read is why.
    pub fn missing<T>(&self, message: impl Display) -> Option<T> {
        match self.is_unread() {
            true => None,
            false => self.problem(message),
        }
    }

    /// The value of a key that must be there.
    pub fn required<'v, T>(&self, value: &'v Option<T>) -> Option<&'v T> {
        value.as_ref().or_else(|| self.missing("is required"))
    }

    /// The value of a key that need not be there, as `check` makes it; `None` where it has a fault.
    pub fn optional<T, U>(
        &self,
        key: &str,
        value: &Option<T>,
        check: impl FnOnce(&T, &At<'_>) -> Option<U>,
    ) -> Option<Option<U>> {
        match value {
            None => Some(None),
            Some(value) => check(value, &self.key(key)).map(Some),
        }
    }

    /// Each entry of a list as `check` makes it; nothing where one of them has a fault.
    pub fn each<T, U>(
        &self,
        list: &[T],
        check: impl Fn(&At<'_>, &T) -> Option<U>,
    ) -> Option<Vec<U>> {
        let checked: Vec<_> = list
            .iter()
            .enumerate()
            .map(|(index, value)| check(&self.index(index), value))
            .collect();
        // Only now: stopping at the first fault would leave the others unsaid.
        checked.into_iter().collect()
    }

    /// Whether the file or a variable sets this key.
    pub fn is_written(&self) -> bool {
        self.findings.tree.locate(&self.path).exists
    }

    /// Whether something at or beneath this key could not be read.
    pub fn is_unread(&self) -> bool {
        let written = self.findings.tree.locate(&self.path).written;
        let unread = &self.findings.unread;
        unread.iter().any(|path| path.starts_with(&written))
    }

    /// Whether an entry of this list, or the name of one, could not be read: a reference that
    /// leads nowhere may be to that one.
    pub fn has_unread_name(&self) -> bool {
        let written = self.findings.tree.locate(&self.path).written;
        let depth = written.steps().len();
        let is_name =
            |path: &&KeyPath| path.steps().len() <= depth + 1 || path.last_key() == Some("name");
        let beneath = |path: &&KeyPath| path.starts_with(&written);
        self.findings
            .unread
            .iter()
            .filter(beneath)
            .any(|path| is_name(&path))
    }

    pub fn environment(&self) -> &dyn Environment {
        self.findings.environment
    }

    /// A file's path, relative to the configuration's folder.
    pub fn file(&self, name: &str) -> PathBuf {
        let path = self.place(name);
        self.findings.files.borrow_mut().push(path.clone());
        path
    }

    /// The same for a file that we write: its changes are no news.
    pub fn place(&self, name: &str) -> PathBuf {
        self.findings.folder.join(name)
    }

    fn record(&self, list: &RefCell<Vec<Problem>>, message: impl Display) {
        let located = self.findings.tree.locate(&self.path);
        let given = located
            .exists
            .then(|| located.node.value.scalar())
            .flatten();
        list.borrow_mut().push(Problem {
            place: located.node.place.clone(),
            key: located.written.to_string(),
            given: given
                .filter(|_| self.path.may_be_shown())
                .map(|text| mask::shown(&text)),
            message: message.to_string(),
        });
    }
}
