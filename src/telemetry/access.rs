//! The access log: one line a request, text or JSON, through a buffer of each worker's own to the
//! one way out.
//!
//! Not a `tracing` event: one takes 20,600 instructions, this 4,000 (docs/decisions/0002).

use std::cell::RefCell;
use std::io::Write;
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use serde::Serialize;

use super::outlet::hand_over;
use super::{IdHash, Trail};
use crate::config::LogFormat;

/// Lines are handed over when this many bytes wait, and every tenth of a second.
const FULL: usize = 16 * 1024;

thread_local! {
    static WAITING: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// How access lines are written.
#[derive(Clone, Copy, Debug)]
pub enum AccessLog {
    Off,
    On(LogFormat),
}

/// One line. Every value is a name of ours, a number, a hash, or a text checked when it was read.
#[derive(Serialize)]
struct Line<'a> {
    time: Timestamp,
    level: &'static str,
    message: &'static str,
    request_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace_id: Option<&'a str>,
    method: &'a str,
    http: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    operation: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    caller: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line_item: Option<IdHash>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<IdHash>,
    /// Absent when the caller left before an answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    decision: Option<&'static str>,
    bytes: u64,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    cut_short: bool,
    duration_us: u128,
    #[serde(skip_serializing_if = "Option::is_none")]
    upstream_us: Option<u128>,
}

impl AccessLog {
    /// Writes the line of a request that is over.
    pub fn write(self, trail: &Trail, whole: Duration) {
        let Self::On(format) = self else { return };
        let line = line(trail, whole);
        WAITING.with_borrow_mut(|waiting| {
            match format {
                LogFormat::Json => push_json(&line, waiting),
                LogFormat::Text => push_text(&line, waiting),
            }
            if waiting.len() >= FULL {
                hand_all_over(waiting);
            }
        });
    }
}

/// Hands over what waits on this thread.
pub fn flush_access_lines() {
    WAITING.with_borrow_mut(hand_all_over);
}

fn hand_all_over(waiting: &mut Vec<u8>) {
    if !waiting.is_empty() {
        hand_over(waiting);
        waiting.clear();
    }
}

fn line(trail: &Trail, whole: Duration) -> Line<'_> {
    let caller = trail.caller.get();
    let answer = trail.given();
    Line {
        time: Timestamp::try_from(SystemTime::now()).unwrap_or_default(),
        level: "INFO",
        message: "request",
        request_id: trail.id.as_str(),
        trace_id: trail.trace.as_ref().map(|trace| trace.trace_id()),
        method: trail.method.as_str(),
        http: version(trail.version),
        operation: trail.operation.get().map(|operation| operation.name()),
        account: caller.map(|caller| caller.account.name.as_str()),
        caller: caller.map(|caller| &*caller.name),
        line_item: trail.line_item.get().copied(),
        user: trail.user.get().copied(),
        status: answer.map(|(status, _)| status.as_u16()),
        code: answer.and_then(|(_, code)| code.map(|code| code.name())),
        reason: trail.reason.get().map(String::as_str),
        decision: trail.decision.get().map(|decision| decision.as_str()),
        bytes: trail.bytes(),
        cut_short: trail.was_cut_short(),
        duration_us: whole.as_micros(),
        upstream_us: trail.upstream.total().map(|wait| wait.as_micros()),
    }
}

fn version(version: http::Version) -> &'static str {
    match version {
        http::Version::HTTP_10 => "1.0",
        http::Version::HTTP_2 => "2",
        _ => "1.1",
    }
}

fn push_json(line: &Line<'_>, out: &mut Vec<u8>) {
    // A Vec takes every write and the line is plain data: this can't fail.
    let _ = serde_json::to_writer(&mut *out, line);
    out.push(b'\n');
}

/// `name=value` pairs in the order of the JSON members.
fn push_text(line: &Line<'_>, out: &mut Vec<u8>) {
    let _ = write!(out, "{:.6}  {} {}", line.time, line.level, line.message);
    let mut pair = |name: &str, value: &dyn std::fmt::Display| {
        let _ = write!(out, " {name}={value}");
    };
    pair("request_id", &line.request_id);
    line.trace_id.inspect(|trace| pair("trace_id", trace));
    pair("method", &Plain(line.method));
    pair("http", &line.http);
    let texts = [
        ("operation", line.operation),
        ("account", line.account),
        ("caller", line.caller),
    ];
    for (name, value) in texts {
        value.inspect(|value| pair(name, &Plain(value)));
    }
    for (name, hash) in [("line_item", line.line_item), ("user", line.user)] {
        hash.inspect(|hash| pair(name, hash));
    }
    line.status.inspect(|status| pair("status", status));
    line.code.inspect(|code| pair("code", code));
    line.reason.inspect(|reason| pair("reason", &Plain(reason)));
    line.decision.inspect(|decision| pair("decision", decision));
    pair("bytes", &line.bytes);
    if line.cut_short {
        pair("cut_short", &true);
    }
    pair("duration_us", &line.duration_us);
    line.upstream_us.inspect(|time| pair("upstream_us", time));
    out.push(b'\n');
}

/// A name as one word: in quotes, with everything odd escaped, where it could read like more than
/// one member.
struct Plain<'a>(&'a str);

impl std::fmt::Display for Plain<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:/@+".contains(&byte);
        match self.0.bytes().all(is_plain) {
            true => f.write_str(self.0),
            false => write!(f, "{:?}", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_can_forge_no_member_of_a_line() {
        assert_eq!(Plain("idp/quiz-app_1.x").to_string(), "idp/quiz-app_1.x");
        for (name, shown) in [
            ("idp/x status=204", r#""idp/x status=204""#),
            ("idp/\"", r#""idp/\"""#),
            ("idp/\u{202e}x", r#""idp/\u{202e}x""#),
        ] {
            assert_eq!(Plain(name).to_string(), shown);
        }
    }
}
