//! Environment variables: where secrets and overrides may come from.

use std::collections::BTreeMap;

/// A set of environment variables.
pub trait Environment {
    fn get(&self, name: &str) -> Option<String>;

    /// All variables whose name starts with `prefix`, by name.
    fn starting_with(&self, prefix: &str) -> BTreeMap<String, String>;
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
