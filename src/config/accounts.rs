//! All accounts, by name: what callers, issuers and policies refer to.

use std::sync::Arc;

use super::account::{Account, AccountSection};
use super::findings::At;
use super::name;

pub(super) struct Accounts<'a> {
    sections: &'a [AccountSection],
    /// `None` where an account has a fault, which is reported with it.
    checked: Vec<Option<Arc<Account>>>,
    /// Whether some could not be read, so that a name that is not found may be one of theirs.
    has_unread: bool,
}

impl<'a> Accounts<'a> {
    pub fn check(at: &At<'_>, sections: &'a [AccountSection]) -> Self {
        if sections.is_empty() {
            at.missing::<()>(
                "needs at least one `[[account]]`; a file without any may have been cut short",
            );
        }
        name::check_unique(at, sections.iter().map(|section| section.name.as_deref()));
        let checked = sections
            .iter()
            .enumerate()
            .map(|(index, section)| section.check(&at.index(index)).map(Arc::new))
            .collect();
        Self {
            sections,
            checked,
            has_unread: at.has_unread_name(),
        }
    }

    /// The account that `at` refers to.
    pub fn find(&self, at: &At<'_>, name: &str) -> Option<Arc<Account>> {
        match self.position(name) {
            Some(position) => self.checked.get(position).cloned().flatten(),
            None if self.has_unread => None,
            None => at.problem(format_args!("is no account{}", self.known())),
        }
    }

    pub fn exists(&self, name: &str) -> bool {
        self.has_unread || self.position(name).is_some()
    }

    /// The platforms of an account, as written.
    pub fn platforms(&self, name: &str) -> &[String] {
        let section = self.position(name).and_then(|at| self.sections.get(at));
        section.map_or(&[], |section| &section.platforms)
    }

    /// All of them, unless one has a fault.
    pub fn all(&self) -> Option<Vec<Arc<Account>>> {
        self.checked.iter().cloned().collect()
    }

    /// `; there are …`, for messages.
    pub fn known(&self) -> String {
        let names = self
            .sections
            .iter()
            .filter_map(|section| section.name.as_deref());
        let mut names: Vec<_> = names
            .map(|name| format!("`{}`", name.escape_debug()))
            .collect();
        names.dedup();
        match names.is_empty() {
            true => String::new(),
            false => format!("; there is {}", names.join(", ")),
        }
    }

    fn position(&self, name: &str) -> Option<usize> {
        let names = |section: &AccountSection| section.name.as_deref() == Some(name);
        self.sections.iter().position(names)
    }
}
