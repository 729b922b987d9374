//! `scoregate sandbox`: the stand-in LTIAAS alone, until it is interrupted.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::process::ExitCode;

use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use http::Uri;
use tokio::runtime::Builder;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::origin::{BadOrigin, Origin};
use crate::sandbox::{DEFAULT_API_KEY, Lms, Options, Sandbox};

#[derive(Debug, Args)]
pub struct Arguments {
    /// Where to listen; port 0 takes a free one.
    #[arg(long, value_name = "IP:PORT", default_value = "127.0.0.1:9090")]
    listen: SocketAddr,
    /// An API key that is taken; may be repeated.
    #[arg(long = "api-key", value_name = "KEY", default_value = DEFAULT_API_KEY, value_parser = NonEmptyStringValueParser::new())]
    api_keys: Vec<String>,
    /// Whose habits the grade book has.
    #[arg(long, value_enum, default_value_t)]
    lms: Lms,
    /// Origin of the platform behind it, where new line items live.
    #[arg(long, value_name = "URL", default_value = "https://lms.example.com", value_parser = read_platform)]
    platform: String,
}

impl Arguments {
    fn options(&self) -> Options {
        Options {
            listen: self.listen,
            api_keys: self.api_keys.clone(),
            lms: self.lms,
            platform: self.platform.clone(),
        }
    }
}

/// Line items' ids begin with it.
fn read_platform(text: &str) -> Result<String, String> {
    let url: Uri = text.parse().map_err(|_| BadOrigin.to_string())?;
    Origin::of(&url).map_err(|cause| cause.to_string())?;
    match url.query() {
        Some(_) => Err("it must have no query".to_owned()),
        None => Ok(text.trim_end_matches('/').to_owned()),
    }
}

/// Serves until SIGINT or SIGTERM.
pub fn run(arguments: &Arguments) -> io::Result<ExitCode> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(serve(arguments.options()))?;
    Ok(ExitCode::SUCCESS)
}

async fn serve(options: Options) -> io::Result<()> {
    // Signals are listened for before anyone can learn that the sandbox is up.
    let stop = stopped(
        signal(SignalKind::interrupt())?,
        signal(SignalKind::terminate())?,
    );
    warn(options.listen)?;
    let listen = options.listen;
    let sandbox = Sandbox::bind(options)
        .await
        .map_err(|cause| cannot_listen(listen, &cause))?;
    announce(&mut io::stdout().lock(), sandbox.address())?;
    sandbox.serve(stop).await;
    Ok(())
}

async fn stopped(mut interrupt: Signal, mut terminate: Signal) {
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}

fn cannot_listen(listen: SocketAddr, cause: &io::Error) -> io::Error {
    let why = match cause.kind() {
        io::ErrorKind::AddrInUse => "something listens there".to_owned(),
        _ => cause.to_string(),
    };
    io::Error::other(format!(
        "can't listen on `{listen}`: {why}; choose another address with `--listen IP:PORT`"
    ))
}

/// Anyone who reaches it can read what was sent to it.
fn warn(listen: SocketAddr) -> io::Result<()> {
    if listen.ip().is_loopback() {
        return Ok(());
    }
    writeln!(
        io::stderr(),
        "warning: {listen} is not loopback: whoever reaches the sandbox can read every request, keys included"
    )
}

fn announce(out: &mut dyn Write, address: SocketAddr) -> io::Result<()> {
    writeln!(out, "sandbox listens on http://{address}")?;
    writeln!(out, "what came: http://{address}/_sandbox/requests")?;
    out.flush()
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        arguments: Arguments,
    }

    fn options(arguments: &[&str]) -> Options {
        let line = ["sandbox"].iter().chain(arguments);
        Cli::try_parse_from(line).unwrap().arguments.options()
    }

    #[test]
    fn takes_the_default_key_until_one_is_named() {
        assert_eq!(options(&[]).api_keys, [DEFAULT_API_KEY]);
        assert_eq!(
            options(&["--api-key", "a", "--api-key", "b"]).api_keys,
            ["a", "b"]
        );
    }

    #[test]
    fn reads_the_lms_and_the_platform() {
        let options = options(&[
            "--lms",
            "moodle",
            "--platform",
            "https://moodle.example.edu/",
        ]);
        assert_eq!(options.lms, Lms::Moodle);
        assert_eq!(options.platform, "https://moodle.example.edu");
    }

    /// It would write line items that no gateway takes, or take a key that none has.
    #[test]
    fn refuses_a_platform_that_is_no_url_and_an_empty_key() {
        for (option, value, told) in [
            (
                "--platform",
                "foo",
                "must be an `https://` or `http://` URL",
            ),
            ("--platform", "", "must be an `https://` or `http://` URL"),
            (
                "--platform",
                "ftp://lms.example.com",
                "must be an `https://` or `http://` URL",
            ),
            (
                "--platform",
                "https://lms.example.com?a",
                "must have no query",
            ),
            ("--api-key", "", "a value is required for '--api-key <KEY>'"),
        ] {
            let refused = Cli::try_parse_from(["sandbox", option, value]).err();
            let shown = refused.map(|cause| cause.to_string()).unwrap_or_default();
            assert!(shown.contains(told), "{option} {value}: {shown}");
        }
    }

    #[test]
    fn announces_the_address_first() {
        let mut out = Vec::new();
        announce(&mut out, SocketAddr::from(([127, 0, 0, 1], 9090))).unwrap();
        let out = String::from_utf8(out).unwrap();
        assert!(out.starts_with("sandbox listens on http://127.0.0.1:9090\n"));
    }
}
