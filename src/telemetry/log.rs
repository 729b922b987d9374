//! The log for everything rarer than a request, through `tracing`, to standard error.

use thiserror::Error;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};

use crate::config::{Log, LogFormat, LogLevel};

/// The log can't be started.
#[derive(Debug, Error)]
#[error("the log can't be started")]
pub struct LogUnusable(#[from] TryInitError);

/// Starts the log. Once in a process.
pub fn start_log(config: &Log) -> Result<(), LogUnusable> {
    let format = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let layer = match config.format {
        LogFormat::Json => format
            .json()
            .flatten_event(true)
            .with_current_span(false)
            .boxed(),
        LogFormat::Text => format.with_ansi(false).boxed(),
    };
    // Our own events alone: at their lowest levels HTTP libraries print header values, and TLS
    // ones print records.
    let ours = Targets::new().with_target("scoregate", level(config.level));
    tracing_subscriber::registry()
        .with(layer.with_filter(ours))
        .try_init()?;
    Ok(())
}

/// A panic's message may hold what a caller sent, so only its place is logged.
pub fn watch_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic
            .location()
            .map(ToString::to_string)
            .unwrap_or_default();
        tracing::error!(target: "scoregate::panic", place, "a defect stopped one task");
    }));
}

fn level(level: LogLevel) -> LevelFilter {
    match level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    }
}
