//! `scoregate key new`: makes a gateway key. The key is printed this once and kept nowhere.

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use secrecy::ExposeSecret;

use crate::gateway_key;

/// Prints a new key and its digest.
pub fn run() -> io::Result<ExitCode> {
    write_new(&mut io::stdout().lock())?;
    if io::stdout().is_terminal() {
        explain(&mut io::stderr().lock())?;
    }
    Ok(ExitCode::SUCCESS)
}

fn write_new(out: &mut dyn Write) -> io::Result<()> {
    let (key, digest) = gateway_key::generate().map_err(io::Error::other)?;
    writeln!(out, "key:    {}", key.expose_secret())?;
    writeln!(out, "digest: {}", gateway_key::written(&digest))?;
    out.flush()
}

/// For people only, and beside the output: scripts read the two lines above.
fn explain(out: &mut dyn Write) -> io::Result<()> {
    writeln!(
        out,
        "\nThe key goes to the tool, in place of its LTIAAS API key; it is not shown again."
    )?;
    writeln!(
        out,
        "The digest goes into `keys` of a `[[caller]]` in the configuration."
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_a_key_and_the_digest_of_that_key() {
        let mut out = Vec::new();
        write_new(&mut out).unwrap();
        let out = String::from_utf8(out).unwrap();
        let mut lines = out.lines();
        let key = lines.next().unwrap().strip_prefix("key:    ").unwrap();
        let digest = lines.next().unwrap().strip_prefix("digest: ").unwrap();
        assert!(gateway_key::is_well_formed(key));
        assert_eq!(digest, gateway_key::written(&gateway_key::digest(key)));
        assert_eq!(lines.next(), None);
    }
}
