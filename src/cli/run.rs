//! `scoregate run`: serves until it is told to stop.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::thread;

use clap::Args;
use serde_json::json;
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;

use crate::app::Gateway;
use crate::config::{Loaded, load};
use crate::error::chain;
use crate::reload::Source;
use crate::telemetry::{LastLines, say_last, start_log, watch_panics};

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
    let _last_lines = LastLines;
    match prepare(arguments) {
        Err(cause) => {
            // There is no log yet, nor a format for it.
            say_last(&chain(cause.as_ref()));
            Ok(ExitCode::FAILURE)
        }
        Ok(prepared) => match serve(prepared, arguments.ready_file.as_deref()) {
            Ok(()) => Ok(ExitCode::SUCCESS),
            Err(cause) => {
                let cause = chain(cause.as_ref());
                tracing::error!(target: "scoregate::server", cause, "the gateway can't serve");
                Ok(ExitCode::FAILURE)
            }
        },
    }
}

type Cause = Box<dyn std::error::Error>;

/// What there is before anything is opened.
struct Prepared {
    runtime: Runtime,
    signals: Signals,
    source: Source,
    loaded: Loaded,
}

fn prepare(arguments: &Arguments) -> Result<Prepared, Cause> {
    if let Some(file) = &arguments.ready_file {
        forget(file)?;
    }
    // Signals are listened for before anyone can learn that the gateway is up.
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let (signals, hangups) = runtime.block_on(async { Signals::listen() })?;
    let mut source = Source::new(&arguments.config, hangups);
    let loaded = load(&arguments.config)?;
    source.watch(&loaded.files);
    start_log(&loaded.config.log)?;
    watch_panics();
    loaded.log_warnings();
    Ok(Prepared {
        runtime,
        signals,
        source,
        loaded,
    })
}

fn serve(prepared: Prepared, ready_file: Option<&Path>) -> Result<(), Cause> {
    let Prepared {
        runtime,
        mut signals,
        source,
        loaded,
    } = prepared;
    let Some(gateway) = runtime.block_on(start(loaded, source, &mut signals))? else {
        tracing::info!(target: "scoregate::server", "stopped before it served");
        return Ok(());
    };
    let (listen, admin) = (gateway.listen, gateway.admin);
    tracing::info!(target: "scoregate::server", %listen, %admin, "serving");
    if let Some(file) = ready_file {
        write_whole(
            file,
            &json!({"listen": listen.to_string(), "admin": admin.to_string()}).to_string(),
        )?;
    }
    runtime.block_on(until_told(gateway, signals))
}

/// `None` where it is told to stop meanwhile. That may take long, where the ledger is migrated; but
/// nothing has been acknowledged yet, and what was begun ends with the process, as by a kill.
async fn start(
    loaded: Loaded,
    source: Source,
    signals: &mut Signals,
) -> Result<Option<Gateway>, Cause> {
    let (done, started) = oneshot::channel();
    let start = move || {
        // Nobody waits any more where it was told to stop.
        let _ = done.send(Gateway::start(loaded, Some(source)));
    };
    thread::Builder::new().name("start".into()).spawn(start)?;
    tokio::select! {
        // Once it serves, it drains.
        biased;
        started = started => Ok(Some(started??)),
        () = signals.next() => Ok(None),
    }
}

/// What tells the gateway to stop.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// Beside them SIGHUP, which tells it to reload.
    fn listen() -> io::Result<(Self, Signal)> {
        let signals = Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        };
        Ok((signals, signal(SignalKind::hangup())?))
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// SIGTERM or SIGINT drains; a second one ends at once.
async fn until_told(mut gateway: Gateway, mut signals: Signals) -> Result<(), Cause> {
    tokio::select! {
        () = signals.next() => {}
        () = gateway.ended() => return Err("every worker has ended".into()),
    }
    tracing::info!(target: "scoregate::server", "draining");
    let finished = tokio::select! {
        finished = gateway.shut_down() => finished,
        () = signals.next() => false,
    };
    gateway.cut_off().await;
    match finished {
        true => tracing::info!(target: "scoregate::server", "stopped"),
        false => tracing::warn!(target: "scoregate::server", "stopped with requests in flight"),
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
