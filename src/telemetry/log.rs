//! The log for everything rarer than a request, through `tracing`, to standard error.

use std::sync::OnceLock;

use thiserror::Error;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};
use tracing_subscriber::{Layer, Registry, reload};

use super::outlet::{self, Events};
use crate::config::{Log, LogFormat, LogLevel};

/// What is logged, for a reload to change. Of the process, as the log itself is.
static FILTER: OnceLock<reload::Handle<Targets, Registry>> = OnceLock::new();

/// The log can't be started.
#[derive(Debug, Error)]
#[error("the log can't be started")]
pub enum LogUnusable {
    Subscriber(#[from] TryInitError),
    Thread(#[from] std::io::Error),
}

/// Starts the log. Once in a process.
pub fn start_log(config: &Log) -> Result<(), LogUnusable> {
    outlet::open()?;
    let format = tracing_subscriber::fmt::layer().with_writer(|| Events);
    let layer = match config.format {
        LogFormat::Json => format
            .json()
            .flatten_event(true)
            .with_current_span(false)
            .boxed(),
        LogFormat::Text => format.with_ansi(false).boxed(),
    };
    let (filter, handle) = reload::Layer::new(ours(config.level));
    tracing_subscriber::registry()
        .with(layer.with_filter(filter))
        .try_init()?;
    let _ = FILTER.set(handle);
    Ok(())
}

/// Logs from this level on, if the log has been started.
pub fn set_log_level(level: LogLevel) {
    if let Some(filter) = FILTER.get() {
        // Fails only without a subscriber, and ours lasts as long as the process.
        let _ = filter.reload(ours(level));
    }
}

/// Our own events alone: at their lowest levels HTTP libraries print header values, and TLS ones
/// print records.
fn ours(least: LogLevel) -> Targets {
    Targets::new().with_target("scoregate", level(least))
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

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::{Path, PathBuf};

    const OPERATIONS: &str = include_str!("../../docs/operations.md");

    fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => sources(&path, found),
                false => found.push(path),
            }
        }
    }

    /// The level and the last text of each event in the source.
    fn events() -> Vec<(&'static str, String)> {
        let mut files = Vec::new();
        sources(
            &Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
            &mut files,
        );
        let mut events = Vec::new();
        for file in files {
            let text = fs::read_to_string(file).unwrap();
            for level in ["error", "warn", "info", "debug", "trace"] {
                // Put together here, so that this line is no event.
                let beginning = format!("tracing::{level}{}", "!(target:");
                let text = text.replace("!(\n", "!(").replace("!(            ", "!(");
                let squeezed = text.split_whitespace().collect::<Vec<_>>().join(" ");
                let squeezed = squeezed.replace("!( target:", "!(target:");
                for event in squeezed.split(&beginning).skip(1) {
                    events.push((level, message(event)));
                }
            }
        }
        events
    }

    /// The last text before the macro's end.
    fn message(event: &str) -> String {
        let end = event.find("\")").or_else(|| event.find("\", )"));
        let event = &event[..end.unwrap_or_else(|| panic!("no constant message: {event:.80}"))];
        event[event.rfind('"').unwrap() + 1..].to_owned()
    }

    #[test]
    fn each_error_says_what_to_do_and_nothing_else_is_listed() {
        let events = events();
        let errors = events.iter().filter(|(level, _)| *level == "error");
        let mut errors: Vec<_> = errors
            .map(|(_, message)| format!("### `{message}`"))
            .collect();
        errors.sort();
        errors.dedup();
        assert!(errors.len() >= 5, "{errors:?}");
        let (_, entries) = OPERATIONS.split_once("## Errors and what to do").unwrap();
        let mut listed: Vec<_> = entries
            .lines()
            .filter(|line| line.starts_with("###"))
            .collect();
        listed.sort_unstable();
        assert_eq!(listed, errors, "docs/operations.md");
    }

    #[test]
    fn messages_are_constant() {
        for (level, message) in events() {
            assert!(
                !message.is_empty() && !message.contains('{'),
                "{level}: {message}"
            );
        }
    }
}
