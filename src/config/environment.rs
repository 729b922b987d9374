//! Environment variables: where secrets and overrides may come from.

use std::collections::BTreeMap;

/// A set of environment variables.
pub trait Environment {
    fn get(&self, name: &str) -> Option<String>;

    /// All variables whose name starts with `prefix`, by name.
    fn starting_with(&self, prefix: &str) -> BTreeMap<String, String>;

    /// Whether requests will be sent with accounts' keys. Else those are not read: they need not be
    /// there.
    fn has_account_keys(&self) -> bool {
        true
    }
}

/// The variables of this process. Text that is not Unicode comes with replacement characters,
/// which every check of a value refuses.
#[derive(Clone, Copy, Debug)]
pub struct Process;

impl Environment for Process {
    fn get(&self, name: &str) -> Option<String> {
        std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
    }

    fn starting_with(&self, prefix: &str) -> BTreeMap<String, String> {
        std::env::vars_os()
            .map(|(name, value)| (name.to_string_lossy().into_owned(), value))
            .filter(|(name, _)| name.starts_with(prefix))
            .map(|(name, value)| (name, value.to_string_lossy().into_owned()))
            .collect()
    }
}

/// The variables of this process, for a command that sends nothing.
#[derive(Clone, Copy, Debug)]
pub struct WithoutAccountKeys;

impl Environment for WithoutAccountKeys {
    fn get(&self, name: &str) -> Option<String> {
        Process.get(name)
    }

    fn starting_with(&self, prefix: &str) -> BTreeMap<String, String> {
        Process.starting_with(prefix)
    }

    fn has_account_keys(&self) -> bool {
        false
    }
}

impl Environment for BTreeMap<String, String> {
    fn get(&self, name: &str) -> Option<String> {
        BTreeMap::get(self, name).cloned()
    }

    fn starting_with(&self, prefix: &str) -> Self {
        self.iter()
            .filter(|(name, _)| name.starts_with(prefix))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect()
    }
}
