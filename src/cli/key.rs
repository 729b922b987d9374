//! `scoregate key new`: makes a gateway key. The key is printed this once and kept nowhere.

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use secrecy::ExposeSecret;

use crate::gateway_key;

/// Prints a new key and its digest.
pub fn run() -> io::Result<ExitCode> {
    let (key, digest) = gateway_key::generate().map_err(io::Error::other)?;
    let mut out = io::stdout().lock();
    writeln!(out, "key:    {}", key.expose_secret())?;
    writeln!(out, "digest: {}", gateway_key::written(&digest))?;
    out.flush()?;
    if io::stdout().is_terminal() {
        explain(&mut io::stderr().lock())?;
    }
    Ok(ExitCode::SUCCESS)
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
