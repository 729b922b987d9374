//! Where a configuration's admin listener is, whatever else is wrong with the file: a probe can't
//! read the gateway's secrets, and must not need to.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use super::environment::Environment;
use super::findings::Findings;
use super::listen;
use super::load::{apply_overrides, text_by};
use super::path::KeyPath;
use super::problem::Problems;
use super::read::{Read, read};
use super::tree;
use crate::bounded::read_file;

/// The address that `[admin] listen` gives, the overrides of `environment` included.
pub fn admin_address(path: &Path, environment: &dyn Environment) -> Result<SocketAddr, Problems> {
    let name: Arc<str> = path.display().to_string().into();
    // A probe has little time, and none for whoever may write into a pipe.
    let text = text_by(read_file, &name, path)?;
    let mut tree = tree::parse(&name, &text)?;
    let mut problems = apply_overrides(&mut tree, environment);
    let Read {
        document,
        problems: of_reading,
        unread,
    } = read(&mut tree);
    problems.extend(of_reading);

    let findings = Findings::new(&tree, &unread, environment, Path::new(""));
    let at = findings.top().key("admin").key("listen");
    let key = KeyPath::default().key("admin").key("listen");
    // Where the key or its table could not be read, the document holds a default that nobody wrote.
    let is_unread = unread.iter().any(|path| key.starts_with(path));
    let document = document.filter(|_| !is_unread);
    let address = document.and_then(|document| listen::check(&at, &document.admin.listen));
    problems.extend(findings.into_lists().0);
    address.ok_or(Problems::only(problems))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn read(text: &str, variables: &[(&str, &str)]) -> Result<SocketAddr, String> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("scoregate.toml");
        std::fs::write(&file, text).unwrap();
        let pairs = variables.iter();
        let environment: BTreeMap<String, String> = pairs
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        admin_address(&file, &environment).map_err(|problems| problems.to_string())
    }

    #[test]
    fn is_read_beside_secrets_that_are_not_there() {
        let text = "[admin]\nlisten = '0.0.0.0:99'\ntoken = { file = 'missing' }\n\
            [[account]]\napi_keys = [{ env = 'NOT_SET' }]\nurl = 7\n";
        assert_eq!(read(text, &[]), Ok("0.0.0.0:99".parse().unwrap()));
    }

    #[test]
    fn has_the_gateways_default_and_its_overrides() {
        assert_eq!(read("", &[]), Ok("127.0.0.1:9901".parse().unwrap()));
        let variable = ("SCOREGATE__ADMIN__LISTEN", "[::1]:7");
        assert_eq!(read("", &[variable]), Ok("[::1]:7".parse().unwrap()));
    }

    #[test]
    fn is_never_the_default_in_place_of_what_can_not_be_read() {
        for text in [
            "[admin]\nlisten = 9901\n",
            "admin = 9901\n",
            "[admin]\nlisten = 'localhost'\n",
            "[admin\n",
        ] {
            assert!(read(text, &[]).is_err(), "{text}");
        }
    }
}
