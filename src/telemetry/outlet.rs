//! The way of every log line to standard error: whole lines, through a buffer of bounded size, by
//! one thread that alone waits for whoever reads them. Where the reader stalls, lines are dropped
//! and counted, because a log must hold up neither grades nor signals.
//!
//! Not the `tracing-appender` crate: docs/decisions/0002.

use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// The most bytes that may wait. As many again may be on their way out.
const MOST_WAITING: usize = 4 * 1024 * 1024;

/// A buffer that has grown beyond this is given back.
const KEPT: usize = 64 * 1024;

/// How long a stream that does not block is left alone while it is full.
const REST: Duration = Duration::from_millis(10);

/// The longest that what waits may hold up the end of the process.
const LAST_LINES: Duration = Duration::from_secs(1);

/// Of the process, as standard error is.
static OUTLET: Outlet = Outlet::new();

struct Outlet {
    waiting: Mutex<Waiting>,
    /// There is something to write.
    more: Condvar,
    /// All that waited is written.
    written: Condvar,
    /// Lines that never came out.
    dropped: AtomicU64,
}

struct Waiting {
    lines: Vec<u8>,
    /// Whether the thread runs.
    is_open: bool,
    is_writing: bool,
}

/// Starts the thread that writes. Once in a process.
pub(super) fn open() -> io::Result<()> {
    // A handle of its own: the one of the standard library is locked while it waits.
    let mut stream = File::from(io::stderr().as_fd().try_clone_to_owned()?);
    thread::Builder::new()
        .name("log".into())
        .spawn(move || OUTLET.write_on(&mut stream))?;
    OUTLET.lock().is_open = true;
    Ok(())
}

/// Hands over whole lines, and waits for nobody. Where no log was started they are written here.
pub(super) fn hand_over(lines: &[u8]) {
    OUTLET.hand_over(lines);
}

/// Lines that were dropped since the start: there was no room for them, or they could not be
/// written.
pub fn log_lines_dropped() -> u64 {
    OUTLET.dropped.load(Ordering::Relaxed)
}

/// Says why the process ends, behind what waits.
pub fn say_last(text: &str) {
    hand_over(format!("{text}\n").as_bytes());
}

/// Held until the process ends, also by a panic: what waits is then written, for a second at most.
pub struct LastLines;

impl Drop for LastLines {
    fn drop(&mut self) {
        OUTLET.finish(LAST_LINES);
    }
}

/// The log's events go this way, each in one piece.
pub(super) struct Events;

impl Write for Events {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        hand_over(event);
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Outlet {
    const fn new() -> Self {
        Self {
            waiting: Mutex::new(Waiting {
                lines: Vec::new(),
                is_open: false,
                is_writing: false,
            }),
            more: Condvar::new(),
            written: Condvar::new(),
            dropped: AtomicU64::new(0),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hand_over(&self, lines: &[u8]) {
        let mut waiting = self.lock();
        if !waiting.is_open {
            self.drop_lines(write_out(lines, &mut io::stderr()));
        } else if waiting.lines.len() + lines.len() > MOST_WAITING {
            self.drop_lines(lines);
        } else {
            waiting.lines.extend_from_slice(lines);
            // It looks again by itself before it rests.
            if !waiting.is_writing {
                self.more.notify_one();
            }
        }
    }

    fn drop_lines(&self, lines: &[u8]) {
        let count = lines.iter().filter(|byte| **byte == b'\n').count();
        self.dropped.fetch_add(count as u64, Ordering::Relaxed);
    }

    /// Writes whatever comes, as long as the process lives.
    fn write_on(&self, stream: &mut impl Write) {
        let mut lines = Vec::new();
        loop {
            self.take(&mut lines);
            self.drop_lines(write_out(&lines, stream));
            lines.clear();
            lines.shrink_to(KEPT);
        }
    }

    /// Waits until there are lines, and swaps them for the empty buffer.
    fn take(&self, empty: &mut Vec<u8>) {
        let mut waiting = self.lock();
        waiting.is_writing = false;
        while waiting.lines.is_empty() {
            self.written.notify_all();
            waiting = self
                .more
                .wait(waiting)
                .unwrap_or_else(PoisonError::into_inner);
        }
        waiting.is_writing = true;
        std::mem::swap(&mut waiting.lines, empty);
    }

    /// Waits until all is written, for `limit` at most.
    fn finish(&self, limit: Duration) {
        let is_busy = |waiting: &mut Waiting| {
            waiting.is_open && (waiting.is_writing || !waiting.lines.is_empty())
        };
        // What has not come out by then is lost.
        drop(self.written.wait_timeout_while(self.lock(), limit, is_busy));
    }
}

/// What could not be written.
fn write_out<'a>(mut lines: &'a [u8], stream: &mut impl Write) -> &'a [u8] {
    while !lines.is_empty() {
        match stream.write(lines) {
            Ok(0) => break,
            Ok(count) => lines = lines.get(count..).unwrap_or_default(),
            Err(cause) if cause.kind() == ErrorKind::Interrupted => {}
            // Another process may have made it so: they share the stream.
            Err(cause) if cause.kind() == ErrorKind::WouldBlock => thread::sleep(REST),
            Err(_) => break,
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outlet() -> Outlet {
        let outlet = Outlet::new();
        outlet.lock().is_open = true;
        outlet
    }

    fn dropped(outlet: &Outlet) -> u64 {
        outlet.dropped.load(Ordering::Relaxed)
    }

    #[test]
    fn what_has_no_room_is_dropped_whole_and_counted_by_lines() {
        let outlet = outlet();
        let page = "a line\n".repeat(MOST_WAITING / 7);
        outlet.hand_over(page.as_bytes());
        outlet.hand_over(b"one\ntwo\n");
        assert_eq!(dropped(&outlet), 2);
        let mut lines = Vec::new();
        outlet.take(&mut lines);
        assert_eq!(lines, page.as_bytes());
        outlet.hand_over(b"three\n");
        assert_eq!(dropped(&outlet), 2);
    }

    #[test]
    fn what_can_not_be_written_is_counted() {
        /// Takes a few bytes at a time, and then no more.
        struct Full(usize);
        impl Write for Full {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                let count = bytes.len().min(3).min(self.0);
                self.0 -= count;
                match count {
                    0 => Err(ErrorKind::StorageFull.into()),
                    _ => Ok(count),
                }
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        assert_eq!(write_out(b"one\ntwo\n", &mut Full(100)), b"");
        assert_eq!(
            write_out(b"one\ntwo\nthree\n", &mut Full(5)),
            b"wo\nthree\n"
        );
    }

    #[test]
    fn the_end_waits_for_what_waits_but_not_for_ever() {
        let outlet = outlet();
        outlet.hand_over(b"a line\n");
        outlet.finish(Duration::from_millis(1));
        thread::scope(|scope| {
            scope.spawn(|| outlet.finish(Duration::from_secs(60)));
            let mut lines = Vec::new();
            outlet.take(&mut lines);
            // As the thread does that writes, once it has.
            let mut waiting = outlet.lock();
            waiting.is_writing = false;
            outlet.written.notify_all();
        });
    }
}
