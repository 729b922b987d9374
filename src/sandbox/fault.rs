//! Faults on demand: what is to go wrong, with which requests and how often. The first fault in
//! the list that fits a request and has times left is used up once.

use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, LOCATION};
use http::request::Parts;
use http::{HeaderName, HeaderValue, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::answer::{Answer, envelope_with, json, no_content};
use super::script::{Script, Step, head, written};

/// One fault and when it strikes.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// How many requests it strikes.
    #[serde(default = "once")]
    pub times: u32,
    #[serde(default, rename = "match")]
    pub matching: Match,
    /// Milliseconds before the answer.
    #[serde(default)]
    pub delay_ms: u64,
    /// Whether the request does its work all the same: a score is stored, and only the answer is
    /// at fault. Kinds that need the usual answer always do.
    #[serde(default)]
    pub apply: bool,
    pub fault: Kind,
}

/// Which requests a fault strikes: all, or those that fit every member that is there.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Match {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// Text anywhere in the raw target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path_contains: Option<String>,
}

/// What goes wrong.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Kind {
    /// Nothing: for `delay_ms` alone.
    Pass {},
    /// This status, body and headers.
    Status {
        status: u16,
        #[serde(default)]
        body: String,
        #[serde(default)]
        content_type: Option<String>,
        #[serde(default)]
        headers: Vec<(String, String)>,
    },
    /// LTIAAS's error envelope; `body_sent` echoes the request's body in it.
    Envelope {
        status: u16,
        message: String,
        #[serde(default)]
        description: String,
        #[serde(default)]
        body_sent: bool,
    },
    Redirect {
        #[serde(default = "found")]
        status: u16,
        location: String,
    },
    /// Closes before a byte of the answer.
    Close {},
    /// Resets before a byte of the answer.
    Reset {},
    /// Never answers.
    Hang {},
    /// Bytes that are no HTTP.
    Garbage {},
    /// Declares more than it sends, then closes.
    CloseMidBody {
        #[serde(default = "ok")]
        status: u16,
        #[serde(default = "cut_body")]
        body: String,
    },
    /// Both `content-length` and `transfer-encoding: chunked`.
    BothFramings {},
    /// A 103 before the usual answer.
    Informational {},
    /// Bytes after a 204, which has no body.
    StrayBytes {},
    /// The usual answer, byte by byte.
    Slow {
        #[serde(default = "ten")]
        interval_ms: u64,
    },
    /// A 200 whose body doesn't end.
    Endless {},
    /// This text on the wire, then a close.
    Raw { text: String },
}

fn once() -> u32 {
    1
}
fn ok() -> u16 {
    200
}
fn found() -> u16 {
    302
}
fn ten() -> u64 {
    10
}
fn cut_body() -> String {
    r#"{"scores":[{"id":"#.into()
}

/// How a request is answered.
pub enum Reply {
    Answer(Answer),
    /// Played on the bare socket. No status is recorded.
    Script(Script),
}

impl Fault {
    fn fits(&self, parts: &Parts) -> bool {
        let Match {
            method,
            path_contains,
        } = &self.matching;
        let target = parts.uri.to_string();
        method
            .as_ref()
            .is_none_or(|method| parts.method.as_str() == method)
            && path_contains
                .as_ref()
                .is_none_or(|part| target.contains(part))
    }

    pub fn delay(&self) -> Duration {
        Duration::from_millis(self.delay_ms)
    }

    /// What is answered in place of `usual`, which does the request's work when it is called.
    pub fn reply(self, body: &[u8], usual: impl FnOnce() -> Answer) -> Reply {
        let usual = match self.apply || self.fault.needs_usual() {
            true => usual(),
            false => no_content(),
        };
        self.fault.reply(body, usual)
    }
}

impl Kind {
    fn needs_usual(&self) -> bool {
        matches!(
            self,
            Self::Pass {} | Self::Informational {} | Self::StrayBytes {} | Self::Slow { .. }
        )
    }

    fn reply(self, sent: &[u8], usual: Answer) -> Reply {
        match self {
            Self::Pass {} => Reply::Answer(usual),
            Self::Status {
                status,
                body,
                content_type,
                headers,
            } => Reply::Answer(made(status, body, content_type, headers)),
            Self::Envelope {
                status,
                message,
                description,
                body_sent,
            } => Reply::Answer(enveloped(
                status,
                &message,
                &description,
                body_sent.then_some(sent),
            )),
            Self::Redirect { status, location } => {
                let location = vec![(LOCATION.to_string(), location)];
                Reply::Answer(made(status, String::new(), None, location))
            }
            Self::Close {} => script([]),
            Self::Reset {} => script([Step::Reset]),
            Self::Hang {} => script([Step::Linger]),
            Self::Garbage {} => sent_raw(&b"\x16\x03\x01\0this is no HTTP\r\n\r\n"[..]),
            Self::CloseMidBody { status, body } => sent_raw(cut(status, &body)),
            Self::BothFramings {} => sent_raw(both_framings()),
            Self::Informational {} => {
                let early =
                    &b"HTTP/1.1 103 Early Hints\r\nlink: </style.css>; rel=preload\r\n\r\n"[..];
                script([
                    Step::Send(early.into()),
                    Step::Send(written(&usual)),
                    Step::Linger,
                ])
            }
            Self::StrayBytes {} => {
                let stray = &b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nstray"[..];
                let both = [&written(&no_content()), stray].concat();
                script([Step::Send(both.into()), Step::Linger])
            }
            Self::Slow { interval_ms } => {
                let pause = Duration::from_millis(interval_ms);
                script([Step::Drip(written(&usual), pause), Step::Linger])
            }
            Self::Endless {} => {
                let chunked = head(
                    &json(StatusCode::OK, &json!({})),
                    "transfer-encoding: chunked\r\n",
                );
                script([Step::Send(chunked.into()), Step::Flood])
            }
            Self::Raw { text } => sent_raw(text),
        }
    }
}

fn script(steps: impl Into<Vec<Step>>) -> Reply {
    Reply::Script(Script(steps.into()))
}

fn sent_raw(bytes: impl Into<Bytes>) -> Reply {
    script([Step::Send(bytes.into())])
}

fn cut(status: u16, body: &str) -> Vec<u8> {
    let answer = made(
        status,
        String::new(),
        Some("application/json".into()),
        Vec::new(),
    );
    let declared = format!("content-length: {}\r\n", body.len() + 64);
    [head(&answer, &declared), body.as_bytes().to_vec()].concat()
}

fn both_framings() -> Vec<u8> {
    let answer = json(StatusCode::OK, &json!({}));
    let framing = "content-length: 2\r\ntransfer-encoding: chunked\r\n";
    [head(&answer, framing), b"2\r\n{}\r\n0\r\n\r\n".to_vec()].concat()
}

fn enveloped(status: u16, message: &str, description: &str, sent: Option<&[u8]>) -> Answer {
    let echoed = sent.map(|sent| {
        let text = String::from_utf8_lossy(sent);
        serde_json::from_str(&text).unwrap_or_else(|_| json!(text))
    });
    let details = match echoed {
        Some(echoed) => json!({ "bodySent": echoed }),
        None => json!({}),
    };
    envelope_with(status_of(status), message, description, details)
}

fn made(
    status: u16,
    body: String,
    content_type: Option<String>,
    headers: Vec<(String, String)>,
) -> Answer {
    let mut answer = Answer::new(body.into());
    *answer.status_mut() = status_of(status);
    let kind = content_type.map(|kind| (CONTENT_TYPE.to_string(), kind));
    for (name, value) in kind.into_iter().chain(headers) {
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), value.parse::<HeaderValue>()) {
            answer.headers_mut().append(name, value);
        }
    }
    answer
}

/// Statuses that can't end an exchange become 500; such an answer is what `raw` is for.
fn status_of(status: u16) -> StatusCode {
    let status = StatusCode::from_u16(status).ok();
    let last = status.filter(|status| !status.is_informational());
    last.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// The faults that are still to come.
#[derive(Debug, Default)]
pub struct Faults(Vec<Fault>);

impl Faults {
    /// Most faults that are kept; what is added beyond is dropped.
    const MOST: usize = 10_000;

    pub fn add(&mut self, faults: Vec<Fault>) {
        let room = Self::MOST.saturating_sub(self.0.len());
        let faults = faults.into_iter().filter(|fault| fault.times > 0);
        self.0.extend(faults.take(room));
    }

    pub fn clear(&mut self) {
        self.0.clear();
    }

    pub fn pending(&self) -> Vec<Fault> {
        self.0.clone()
    }

    /// The fault that strikes this request, used up once.
    pub fn strike(&mut self, parts: &Parts) -> Option<Fault> {
        let at = self.0.iter().position(|fault| fault.fits(parts))?;
        let fault = self.0.get_mut(at)?;
        fault.times -= 1;
        match fault.times {
            0 => Some(self.0.remove(at)),
            _ => Some(fault.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    #[test]
    fn strikes_the_requests_that_fit_as_often_as_asked() {
        let mut faults = Faults::default();
        faults.add(
            serde_json::from_value(json!([
                { "times": 2, "match": { "method": "POST", "path_contains": "/scores" },
                  "fault": { "kind": "close" } },
            ]))
            .unwrap(),
        );
        let mut strikes = |method: &str, target: &str| {
            let request = Request::builder()
                .method(method)
                .uri(target)
                .body(())
                .unwrap();
            faults.strike(&request.into_parts().0).is_some()
        };
        assert!(!strikes("GET", "/a/scores"));
        assert!(!strikes("POST", "/a"));
        assert!(strikes("POST", "/a/scores"));
        assert!(strikes("POST", "/b/scores"));
        assert!(!strikes("POST", "/a/scores"));
    }

    #[test]
    fn a_misspelt_fault_is_refused() {
        for bad in [
            json!({ "fault": { "kind": "clos" } }),
            json!({ "fault": { "kind": "close", "body": "" } }),
            json!({ "fault": { "kind": "close" }, "time": 2 }),
            json!({ "times": 2 }),
        ] {
            assert!(
                serde_json::from_value::<Fault>(bad.clone()).is_err(),
                "{bad}"
            );
        }
    }
}
