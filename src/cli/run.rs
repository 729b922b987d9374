//! `scoregate run`: serves until it is told to stop.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use jiff::Timestamp;
use serde_json::json;
use tokio::runtime::Builder;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::app::Gateway;
use crate::config::{Loaded, Server, load};
use crate::error::chain;
use crate::telemetry::{start_log, watch_panics};

#[derive(Debug, Args)]
pub struct Arguments {
    /// The configuration file.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Write {"listen":"ip:port","admin":"ip:port"} here once both listen.
    #[arg(long, value_name = "FILE")]
    ready_file: Option<PathBuf>,
}

pub fn run(arguments: &Arguments) -> io::Result<ExitCode> {
    match serve(arguments) {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(cause) => {
            writeln!(io::stderr(), "{}", chain(cause.as_ref()))?;
            Ok(ExitCode::FAILURE)
        }
    }
}

type Cause = Box<dyn std::error::Error>;

fn serve(arguments: &Arguments) -> Result<(), Cause> {
    if let Some(file) = &arguments.ready_file {
        forget(file)?;
    }
    let Loaded {
        config,
        warnings,
        view,
        hash,
    } = load(&arguments.config)?;
    start_log(&config.log)?;
    watch_panics();
    for warning in &warnings {
        tracing::warn!(target: "scoregate::config", %warning, "a risky setting");
    }
    let applied = json!({
        "generation": 1,
        "hash": hash,
        "applied_at": Timestamp::now().to_string(),
        "last_error": null,
        "config": view,
    });
    // Signals are listened for before anyone can learn that the gateway is up.
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let (terminate, interrupt) = runtime.block_on(async {
        io::Result::Ok((
            signal(SignalKind::terminate())?,
            signal(SignalKind::interrupt())?,
        ))
    })?;
    let gateway = Gateway::start(&config, applied)?;
    let (listen, admin) = (gateway.listen, gateway.admin);
    tracing::info!(target: "scoregate::server", %listen, %admin, "serving");
    if let Some(file) = &arguments.ready_file {
        write_whole(
            file,
            &json!({"listen": listen.to_string(), "admin": admin.to_string()}).to_string(),
        )?;
    }
    runtime.block_on(until_told(gateway, &config.server, terminate, interrupt))
}

/// SIGTERM or SIGINT drains; a second one ends at once.
async fn until_told(
    mut gateway: Gateway,
    server: &Server,
    mut terminate: Signal,
    mut interrupt: Signal,
) -> Result<(), Cause> {
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        () = gateway.ended() => return Err("every worker has ended".into()),
    }
    tracing::info!(target: "scoregate::server", "draining");
    let draining = gateway.shut_down(server.drain_delay, server.drain_deadline);
    tokio::select! {
        finished = draining => match finished {
            true => tracing::info!(target: "scoregate::server", "stopped"),
            false => tracing::warn!(target: "scoregate::server", "stopped with requests in flight"),
        },
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}

/// A file that an earlier run left would tell old addresses.
fn forget(file: &Path) -> Result<(), Cause> {
    match fs::remove_file(file) {
        Err(cause) if cause.kind() != io::ErrorKind::NotFound => Err(unusable(file, &cause)),
        _ => Ok(()),
    }
}

/// Whoever waits for the file never sees half of it.
fn write_whole(file: &Path, text: &str) -> Result<(), Cause> {
    let mut partial = file.as_os_str().to_owned();
    partial.push(".partial");
    let written = fs::write(&partial, text).and_then(|()| fs::rename(&partial, file));
    written.map_err(|cause| unusable(file, &cause))
}

fn unusable(file: &Path, cause: &io::Error) -> Cause {
    format!(
        "the ready file `{}` can't be written: {cause}",
        file.display()
    )
    .into()
}
