//! Configurations, faulty and good, through the whole of `load_with`.

mod any_text;
mod examples;
mod faults;
mod key_set_files;
mod learners;
mod overrides;
mod secrets;
mod traces;
mod warnings;

use std::collections::BTreeMap;
use std::path::PathBuf;

use tempfile::TempDir;

use super::{Loaded, Problem, Problems, load_with};

/// The digest of no key.
const DIGEST: &str = "sha256:1111111111111111111111111111111111111111111111111111111111111111";

/// An account that has no fault, in five lines.
const ACCOUNT: &str = "[[account]]
name = 'main'
url = 'https://your.ltiaas.com'
api_keys = [{ env = 'API_KEY' }]
platforms = ['https://canvas.example.edu']
";

/// The policies of a configuration with a ledger.
pub(crate) fn policies_of(text: &str) -> Vec<crate::policy::Policy> {
    let text = format!("[ledger]\nurl = 'sqlite:scoregate.db'\n{ACCOUNT}{text}");
    let mut tree = super::tree::parse(&std::sync::Arc::from("policies"), &text).unwrap();
    let read = super::read::read(&mut tree);
    assert_eq!(read.problems, []);
    let document = read.document.unwrap();
    let environment = BTreeMap::from([("API_KEY".to_owned(), "the-api-key".to_owned())]);
    let folder = PathBuf::new();
    let findings = super::findings::Findings::new(&tree, &[], &environment, &folder);
    let accounts =
        super::accounts::Accounts::check(&findings.top().key("account"), &document.account);
    let policies = document.check_policies(&findings.top(), &accounts);
    let (problems, ..) = findings.into_lists();
    assert_eq!(problems, []);
    policies.unwrap()
}

/// A folder with a configuration, and the variables it is read with.
struct Setting {
    folder: TempDir,
    variables: BTreeMap<String, String>,
}

impl Setting {
    fn new(text: &str) -> Self {
        let setting = Self {
            folder: tempfile::tempdir().unwrap(),
            variables: BTreeMap::new(),
        };
        let digest = DIGEST.trim_start_matches("sha256:");
        setting
            .with_file("scoregate.toml", text.replace("DIGEST", digest).as_bytes())
            .with_variable("API_KEY", "the-api-key")
            .with_variable("LONG", "a-secret-of-more-than-thirty-two-bytes")
    }

    fn with_variable(mut self, name: &str, value: &str) -> Self {
        self.variables.insert(name.to_owned(), value.to_owned());
        self
    }

    fn with_file(self, name: &str, bytes: &[u8]) -> Self {
        std::fs::write(self.folder.path().join(name), bytes).unwrap();
        self
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("scoregate.toml")
    }

    fn load(&self) -> Result<Loaded, Problems> {
        load_with(&self.file(), &self.variables)
    }

    fn loaded(&self) -> Loaded {
        self.load().unwrap_or_else(|problems| panic!("{problems}"))
    }

    fn problems(&self) -> Vec<String> {
        self.lines(&self.load().unwrap_err().problems)
    }

    fn warnings(&self) -> Vec<String> {
        self.lines(&self.loaded().warnings)
    }

    /// Each as it is shown, without the folder: `3: server.listen: …`.
    fn lines(&self, problems: &[Problem]) -> Vec<String> {
        let file = self.file().display().to_string();
        problems
            .iter()
            .map(|problem| problem.to_string().replace(&format!("{file}:"), ""))
            .collect()
    }
}
