//! Takes what must not show out of an upstream's error: account key, caller's credential, ltik or
//! service key, learner id, comment and the upstream's address, in each spelling in which an
//! upstream is likely to echo them, and within base64 or hexadecimal digits.

mod encoded;
mod fold;
mod search;
mod spelling;

use std::ops::Range;

use http::header::AUTHORIZATION;
use secrecy::ExposeSecret;
use serde_json::{Map, Value};

use crate::handoff::{Credentialed, Exchange, UpstreamLaunch};
use crate::origin::Origin;
use crate::score::Score;

use fold::Folded;
use search::Searcher;

const REDACTED: &str = "[redacted]";

/// Shorter values, in characters, can't be told from ordinary text.
const SHORTEST: usize = 4;

/// What an envelope's own members are called, whatever a learner is called.
const ENVELOPE: [&str; 6] = [
    "status",
    "error",
    "details",
    "externalError",
    "externalUrl",
    "bodyReceived",
];

/// And those of its `details`.
const DETAILS: [&str; 7] = [
    "message",
    "description",
    "code",
    "errors",
    "externalError",
    "externalUrl",
    "bodyReceived",
];

/// Knows the private texts of one request.
pub struct Redactor {
    /// For texts that are long enough once they are folded.
    folded: Searcher,
    /// For those that folding leaves too little of: many scripts write vowels as marks.
    lightly: Option<Searcher>,
}

impl Redactor {
    /// For what LTIAAS answers to a request of ours.
    pub fn for_exchange(exchange: &Exchange<'_>, origin: &Origin) -> Self {
        let mut texts = credentials(exchange.credentialed);
        texts.extend(addresses(origin));
        texts.extend(exchange.score.into_iter().flat_map(texts_of));
        texts.extend(learners_in(exchange.target.query()));
        Self::new(&texts)
    }

    /// For what we answer to a submission with these private texts.
    pub fn for_submission(credentialed: &Credentialed, mut texts: Vec<String>) -> Self {
        texts.extend(credentials(credentialed));
        Self::new(&texts)
    }

    pub fn new(texts: &[String]) -> Self {
        let (mut folded, mut lightly) = (Vec::new(), Vec::new());
        for text in texts {
            let needle = Folded::of(text).text.trim().to_owned();
            if needle.chars().count() >= SHORTEST {
                folded.push(needle);
            } else if spelling::length(text) >= SHORTEST {
                lightly.push(Folded::lightly(text).text.trim().to_owned());
            }
        }
        Self {
            folded: Searcher::new(&folded),
            lightly: (!lightly.is_empty()).then(|| Searcher::new(&lightly)),
        }
    }

    /// The text with everything private, however it is spelled, taken out.
    pub fn text(&self, text: &str) -> String {
        let mut clean = String::with_capacity(text.len());
        let mut shown = 0;
        for private in self.private(text) {
            clean.push_str(text.get(shown..private.start).unwrap_or_default());
            clean.push_str(REDACTED);
            shown = private.end;
        }
        clean.push_str(text.get(shown..).unwrap_or_default());
        clean
    }

    /// The places of what is private, in order and apart.
    fn private(&self, text: &str) -> Vec<Range<usize>> {
        let mut places = self.found(text);
        places.extend(self.encoded(text));
        places.sort_by_key(|place| place.start);
        join(places)
    }

    /// Where a private text stands, as such.
    fn found(&self, text: &str) -> Vec<Range<usize>> {
        let mut places = places(&self.folded, &Folded::of(text));
        if let Some(searcher) = &self.lightly {
            places.extend(self::places(searcher, &Folded::lightly(text)));
        }
        places
    }

    /// The runs in which something private is encoded.
    fn encoded(&self, text: &str) -> impl Iterator<Item = Range<usize>> {
        let is_private = |reading: String| !self.found(&reading).is_empty();
        encoded::runs(text).filter(move |run| {
            let run = text.get(run.clone()).unwrap_or_default();
            encoded::readings(run).any(is_private)
        })
    }

    /// An envelope: what its own members and those of `details` are called stays.
    pub fn envelope(&self, mut envelope: Map<String, Value>) -> Map<String, Value> {
        let details = envelope.remove("details");
        let mut clean = self.members(&envelope, &ENVELOPE);
        match details {
            Some(Value::Object(details)) => {
                clean.insert("details".into(), self.members(&details, &DETAILS).into());
            }
            Some(other) => {
                clean.insert("details".into(), self.value(&other));
            }
            None => {}
        }
        clean
    }

    pub fn value(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.text(text)),
            Value::Number(number) => {
                let text = number.to_string();
                match self.text(&text) == text {
                    true => value.clone(),
                    false => REDACTED.into(),
                }
            }
            Value::Array(items) => items.iter().map(|item| self.value(item)).collect(),
            Value::Object(members) => Value::Object(self.members(members, &[])),
            Value::Null | Value::Bool(_) => value.clone(),
        }
    }

    fn members(&self, members: &Map<String, Value>, kept: &[&str]) -> Map<String, Value> {
        let clean_name = |name: &String| match kept.contains(&name.as_str()) {
            true => name.clone(),
            false => self.text(name),
        };
        let clean = members
            .iter()
            .map(|(name, value)| (clean_name(name), self.value(value)));
        clean.collect()
    }
}

fn places(searcher: &Searcher, folded: &Folded) -> Vec<Range<usize>> {
    let found = searcher.find(&folded.text);
    found.map(|part| folded.place(part)).collect()
}

/// Sorted places, those that touch made one.
fn join(places: Vec<Range<usize>>) -> Vec<Range<usize>> {
    let mut joined: Vec<Range<usize>> = Vec::new();
    for place in places {
        match joined.last_mut() {
            Some(last) if place.start <= last.end => last.end = last.end.max(place.end),
            _ => joined.push(place),
        }
    }
    joined
}

/// Ours and the caller's.
fn credentials(credentialed: &Credentialed) -> Vec<String> {
    let headers = &credentialed.routed.traced.head.headers;
    let authorization = headers
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    let presented = authorization.into_iter().flat_map(credential_parts);
    let mut texts: Vec<String> = presented.map(str::to_owned).collect();
    let keys = &credentialed.caller.account.api_keys;
    texts.extend(keys.iter().map(|key| key.expose_secret().to_owned()));
    if let UpstreamLaunch::With(launch) = &credentialed.launch {
        texts.push(launch.expose().to_owned());
    }
    texts
}

/// The words of an `Authorization` value, apart from the names of schemes.
fn credential_parts(value: &str) -> impl Iterator<Item = &str> {
    let parts = value.split([' ', ':', ',', '=']);
    parts.filter(|part| {
        part.len() >= 8 && !part.to_ascii_uppercase().contains("-AUTH-") && *part != "Additional"
    })
}

/// The upstream's, as it is configured and, on this machine, as it is reached.
fn addresses(origin: &Origin) -> Vec<String> {
    let mut texts = vec![origin.authority().to_string(), origin.host().to_owned()];
    if origin.is_loopback() {
        let port = origin.port();
        texts.extend(["127.0.0.1", "[::1]", "::1"].map(|host| format!("{host}:{port}")));
    }
    texts
}

fn texts_of(score: &Score) -> impl Iterator<Item = String> {
    let learners = [Some(score.user.clone()), score.scoring_user.clone()];
    learners
        .into_iter()
        .chain([score.comment.clone()])
        .flatten()
}

/// The learner whose results are asked for, also within a `url` that the LMS gave.
fn learners_in(query: Option<&str>) -> Vec<String> {
    let mut learners = Vec::new();
    for (name, value) in pairs(query.unwrap_or_default()) {
        match name {
            "userId" => learners.push(value.to_owned()),
            "url" => {
                let url = spelling::spelled(value);
                let inner = url.split_once('?').map_or("", |(_, query)| query);
                let is_learner = |name: &str| matches!(name, "user_id" | "userId");
                let inner = pairs(inner).filter(|(name, _)| is_learner(name));
                learners.extend(inner.map(|(_, value)| value.to_owned()));
            }
            _ => {}
        }
    }
    learners
}

fn pairs(query: &str) -> impl Iterator<Item = (&str, &str)> {
    query.split('&').filter_map(|pair| pair.split_once('='))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_envelope_keeps_its_form_whatever_a_learner_is_called() {
        let redactor = Redactor::new(&["details".into(), "message".into()]);
        let envelope = json!({
            "details": {"message": "no message for details", "details": 1},
            "message": 2,
        });
        let clean = redactor.envelope(envelope.as_object().unwrap().clone());
        assert_eq!(
            Value::Object(clean),
            json!({
                "details": {"message": "no [redacted] for [redacted]", "[redacted]": 1},
                "[redacted]": 2,
            })
        );
    }

    #[test]
    fn learners_are_found_in_a_query() {
        for (query, learners) in [
            ("userId=a%2Fb&raw=true", &["a%2Fb"][..]),
            (
                "url=https%3A%2F%2Fx%2Fy%3Fa%3D1%26user_id%3Dz%2520z%26b%3D2",
                &["z z"],
            ),
            ("limit=1", &[]),
        ] {
            assert_eq!(learners_in(Some(query)), learners, "{query}");
        }
        assert!(learners_in(None).is_empty());
    }

    /// Marks are half of what is written in many scripts.
    #[test]
    fn a_text_is_as_long_as_it_is_written() {
        let comment = "\u{905}\u{91a}\u{94d}\u{91b}\u{93e}";
        let id = "\u{92e}\u{940}\u{928}\u{940}";
        let redactor = Redactor::new(&[
            comment.into(),
            id.into(),
            "a b".into(),
            "e\u{301}te\u{301}".into(),
        ]);
        let json = r"\u0905\u091a\u094d\u091b\u093e";
        let url = "%E0%A4%AE%E0%A5%80%E0%A4%A8%E0%A5%80";
        let base64 = "4KSu4KWA4KSo4KWA";
        for private in [comment, id, json, url, base64] {
            assert_eq!(redactor.text(&format!("x: {private}.")), "x: [redacted].");
        }
        // The same letters with other marks, and too few of them.
        for shown in [
            "\u{92e}\u{928}",
            "\u{905}\u{91a}\u{91b}",
            "a b",
            "\u{e9}t\u{e9}",
        ] {
            assert_eq!(redactor.text(shown), shown);
        }
    }

    #[test]
    fn takes_out_every_spelling_at_every_depth() {
        let redactor = Redactor::new(&["a \"b\" <c>".into(), "424242".into(), "abc".into()]);
        let echoed = json!({
            "raw": "said: a \"b\" <c>",
            "json": "{\"comment\":\"a \\\"b\\\" <c>\"}",
            "html": "a &quot;b&quot; &lt;c&gt;",
            "url": ["x?c=a%20%22b%22%20%3Cc%3E"],
            "user-424242": {"id": 424242, "short": "abc"},
            "base64": "sent: eyJpZCI6NDI0MjQyfQ==.",
            "hex": "0x343234323432!",
        });
        let clean = redactor.value(&echoed);
        assert_eq!(
            clean,
            json!({
                "raw": "said: [redacted]",
                "json": "{\"comment\":\"[redacted]\"}",
                "html": "[redacted]",
                "url": ["x?c=[redacted]"],
                "user-[redacted]": {"id": "[redacted]", "short": "abc"},
                "base64": "sent: [redacted]==.",
                "hex": "[redacted]!",
            })
        );
    }
}
