//! Every request that reached the sandbox, as tests want to look at it: the newest 10,000, and no
//! more than 64 MiB of bodies. This is the one place that keeps credentials and bodies, on
//! purpose: the sandbox is a stand-in, and only ever knows sample secrets.

use std::collections::VecDeque;

use http::request::Parts;
use serde::{Deserialize, Serialize};

use super::body::{End, Received};

const MOST_REQUESTS: usize = 10_000;
const MOST_BYTES: usize = 64 * 1024 * 1024;

/// One request and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recorded {
    pub method: String,
    /// The request target as it came, save a fragment.
    pub target: String,
    /// Name (lower case) and value, in the order they came; one name's values stand together.
    pub headers: Vec<(String, String)>,
    /// The bytes of the body as text: numbers are exactly as they were sent.
    pub body: String,
    /// Whether all of the body came, within its limit.
    pub complete: bool,
    /// The status of the answer; absent while there is none, and where a fault gave none.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub status: Option<u16>,
    /// Whether it reached an operation with credentials that LTIAAS takes.
    pub authorized: bool,
}

#[derive(Debug, Default)]
pub struct Recorder {
    entries: VecDeque<(u64, Recorded)>,
    next: u64,
    bytes: usize,
}

impl Recorder {
    /// Keeps a request and gives the number under which its status is set later.
    pub fn record(&mut self, parts: &Parts, received: &Received, authorized: bool) -> u64 {
        let entry = recorded(parts, received, authorized);
        self.bytes += entry.body.len();
        self.entries.push_back((self.next, entry));
        self.shrink();
        self.next += 1;
        self.next - 1
    }

    /// Sets the status of a request that is still kept.
    pub fn settle(&mut self, number: u64, status: u16) {
        let found = self.entries.iter_mut().rev().find(|(id, _)| *id == number);
        if let Some((_, entry)) = found {
            entry.status = Some(status);
        }
    }

    pub fn requests(&self) -> Vec<Recorded> {
        self.entries
            .iter()
            .map(|(_, entry)| entry.clone())
            .collect()
    }

    pub fn clear(&mut self) {
        self.entries.clear();
        self.bytes = 0;
    }

    fn shrink(&mut self) {
        while self.entries.len() > MOST_REQUESTS || self.bytes > MOST_BYTES {
            let Some((_, oldest)) = self.entries.pop_front() else {
                return;
            };
            self.bytes -= oldest.body.len();
        }
    }
}

fn recorded(parts: &Parts, received: &Received, authorized: bool) -> Recorded {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let headers = parts.headers.iter();
    Recorded {
        method: parts.method.to_string(),
        target: parts.uri.to_string(),
        headers: headers
            .map(|(name, value)| (name.to_string(), text(value.as_bytes())))
            .collect(),
        body: text(&received.bytes),
        complete: received.end == End::Whole,
        status: None,
        authorized,
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::Request;

    use super::*;

    fn record(recorder: &mut Recorder, body: &[u8]) -> u64 {
        let (parts, ()) = Request::post("/x").body(()).unwrap().into_parts();
        let bytes = Bytes::copy_from_slice(body);
        recorder.record(
            &parts,
            &Received {
                bytes,
                end: End::Whole,
            },
            true,
        )
    }

    #[test]
    fn keeps_the_newest_ten_thousand() {
        let mut recorder = Recorder::default();
        for count in 0..=MOST_REQUESTS {
            record(&mut recorder, count.to_string().as_bytes());
        }
        let kept = recorder.requests();
        assert_eq!(kept.len(), MOST_REQUESTS);
        assert_eq!(kept[0].body, "1");
        assert_eq!(kept.last().unwrap().body, MOST_REQUESTS.to_string());
    }

    #[test]
    fn settles_what_it_still_has() {
        let mut recorder = Recorder::default();
        let gone = record(&mut recorder, b"");
        recorder.clear();
        let kept = record(&mut recorder, b"\xff83.0");
        recorder.settle(gone, 500);
        recorder.settle(kept, 204);
        let requests = recorder.requests();
        assert_eq!(requests.len(), 1);
        assert_eq!(
            (requests[0].status, requests[0].body.as_str()),
            (Some(204), "\u{fffd}83.0")
        );
    }
}
