//! `scoregate check`: everything that is wrong or risky in a configuration, at once.

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use super::output::end_with;
use crate::config::{self, Environment, Problem, Problems, Process};
use crate::count::Count;

/// Checks the file as `run` would read it. Exit code 0: good, warnings or not; 1: it has problems.
pub fn run(file: &Path) -> io::Result<ExitCode> {
    check(file, &Process, &mut io::stdout().lock())
}

fn check(file: &Path, environment: &dyn Environment, out: &mut dyn Write) -> io::Result<ExitCode> {
    match config::load_with(file, environment) {
        Ok(loaded) => end_with(ExitCode::SUCCESS, write_good(file, &loaded.warnings, out)),
        Err(problems) => end_with(ExitCode::FAILURE, write_bad(file, &problems, out)),
    }
}

fn write_good(file: &Path, warnings: &[Problem], out: &mut dyn Write) -> io::Result<()> {
    write_findings(out, &[], warnings)?;
    let warned = Count(warnings.len(), "warning");
    writeln!(out, "{}: good, {warned}", file.display())
}

fn write_bad(file: &Path, found: &Problems, out: &mut dyn Write) -> io::Result<()> {
    let Problems {
        problems, warnings, ..
    } = found;
    write_findings(out, problems, warnings)?;
    let count = Count(problems.len(), "problem");
    let warned = Count(warnings.len(), "warning");
    writeln!(out, "{}: {count}, {warned}", file.display())
}

/// The problems first: they are what has to be mended.
pub(super) fn write_findings(
    out: &mut dyn Write,
    problems: &[Problem],
    warnings: &[Problem],
) -> io::Result<()> {
    for problem in problems {
        writeln!(out, "problem: {problem}")?;
    }
    for warning in warnings {
        writeln!(out, "warning: {warning}")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn checked(text: &str) -> (ExitCode, String) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("scoregate.toml");
        std::fs::write(&file, text).unwrap();
        let environment = BTreeMap::from([("KEY".to_owned(), "api-key".to_owned())]);
        let mut out = Vec::new();
        let code = check(&file, &environment, &mut out).unwrap();
        let out = String::from_utf8(out).unwrap();
        (
            code,
            out.replace(&format!("{}/", folder.path().display()), ""),
        )
    }

    /// A pipe that nobody reads.
    struct Broken;

    impl Write for Broken {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_problem_is_a_finding_whoever_reads_on() {
        let code = check(Path::new("/does/not/exist"), &Process, &mut Broken);
        assert_eq!(code.unwrap(), ExitCode::FAILURE);
    }

    const ACCOUNT: &str = "[[account]]\nname = 'main'\nurl = 'https://your.ltiaas.com'\n\
        api_keys = [{ env = 'KEY' }]\nplatforms = ['https://canvas.example.edu']\n";

    #[test]
    fn warnings_alone_are_good() {
        let (code, out) = checked(ACCOUNT);
        assert_eq!(code, ExitCode::SUCCESS);
        assert_eq!(
            out,
            "warning: scoregate.toml: there is no `[[caller]]` and no `[[issuer]]`, so every request is refused\n\
             scoregate.toml: good, 1 warning\n"
        );
    }

    #[test]
    fn a_problem_is_a_finding() {
        let (code, out) = checked(&format!("{ACCOUNT}[server]\nlisten = 'here'\n"));
        assert_eq!(code, ExitCode::FAILURE);
        // Before the warning that there is, too.
        assert!(out.starts_with("problem: scoregate.toml:7: server.listen: must be an IP address"));
        assert!(out.ends_with("scoregate.toml: 1 problem, 1 warning\n"));
    }
}
