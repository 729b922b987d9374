//! Takes what must not show out of an upstream's error: account key, caller's credential, ltik or
//! service key, learner id, comment and the upstream's address, in each spelling in which an
//! upstream is likely to echo them, and within base64 or hexadecimal digits.

mod encoded;
mod spelling;

use std::ops::Range;

use http::header::AUTHORIZATION;
use secrecy::ExposeSecret;
use serde_json::{Map, Value};

use crate::handoff::{Exchange, UpstreamLaunch};
use crate::origin::Origin;

use spelling::Glyph;

const REDACTED: &str = "[redacted]";

/// Shorter values can't be told from ordinary text.
const SHORTEST: usize = 4;

/// Knows the private texts of one request.
pub struct Redactor {
    needles: Vec<Vec<char>>,
}

impl Redactor {
    pub fn for_exchange(exchange: &Exchange<'_>, origin: &Origin) -> Self {
        let credentialed = exchange.credentialed;
        let mut texts: Vec<String> = Vec::new();
        let headers = &credentialed.routed.traced.head.headers;
        let authorization = headers
            .get(AUTHORIZATION)
            .and_then(|value| value.to_str().ok());
        texts.extend(
            authorization
                .into_iter()
                .flat_map(credential_parts)
                .map(str::to_owned),
        );
        let keys = &credentialed.caller.account.api_keys;
        texts.extend(keys.iter().map(|key| key.expose_secret().to_owned()));
        if let UpstreamLaunch::With(launch) = &credentialed.launch {
            texts.push(launch.expose().to_owned());
        }
        texts.extend([origin.authority().to_string(), origin.host().to_owned()]);
        if let Some(score) = exchange.score {
            texts.push(score.user.clone());
            texts.extend(
                [score.comment.clone(), score.scoring_user.clone()]
                    .into_iter()
                    .flatten(),
            );
        }
        texts.extend(learners_in(exchange.target.query()));
        Self::new(&texts)
    }

    pub fn new(texts: &[String]) -> Self {
        let read = |text: &String| -> Vec<char> {
            spelling::read(text)
                .into_iter()
                .map(|glyph| glyph.character)
                .collect()
        };
        let mut needles: Vec<_> = texts
            .iter()
            .map(read)
            .filter(|needle| needle.len() >= SHORTEST)
            .collect();
        needles.sort_unstable();
        needles.dedup();
        Self { needles }
    }

    /// The text with every needle, however it is spelled, taken out.
    pub fn text(&self, text: &str) -> String {
        let glyphs = spelling::read(text);
        let mut private = self.private(&glyphs);
        for run in self.encoded(text) {
            let within = |(glyph, _): &(&Glyph, &mut bool)| run.contains(&glyph.place.start);
            let marks = glyphs.iter().zip(&mut private).filter(within);
            marks.for_each(|(_, mark)| *mark = true);
        }
        let mut clean = String::with_capacity(text.len());
        let mut within = false;
        for (glyph, private) in glyphs.iter().zip(private) {
            match (private, within) {
                (false, _) => clean.push_str(text.get(glyph.place.clone()).unwrap_or_default()),
                (true, false) => clean.push_str(REDACTED),
                (true, true) => {}
            }
            within = private;
        }
        clean
    }

    /// The runs in which a needle is encoded.
    fn encoded(&self, text: &str) -> Vec<Range<usize>> {
        let is_private = |reading: String| {
            let private = self.private(&spelling::read(&reading));
            private.contains(&true)
        };
        let runs = encoded::runs(text);
        runs.filter(|run| {
            let run = text.get(run.clone()).unwrap_or_default();
            encoded::readings(run).any(is_private)
        })
        .collect()
    }

    /// Which characters belong to a needle.
    fn private(&self, glyphs: &[Glyph]) -> Vec<bool> {
        let mut private = vec![false; glyphs.len()];
        for needle in &self.needles {
            let windows = glyphs.windows(needle.len()).enumerate();
            let found = windows.filter(|(_, window)| {
                window
                    .iter()
                    .map(|glyph| glyph.character)
                    .eq(needle.iter().copied())
            });
            for (start, _) in found {
                private
                    .iter_mut()
                    .skip(start)
                    .take(needle.len())
                    .for_each(|mark| *mark = true);
            }
        }
        private
    }

    /// An envelope: its own names stay, and so do those of `details`; a learner may be called
    /// `details`.
    pub fn values(&self, envelope: &Map<String, Value>) -> Map<String, Value> {
        let clean = |(name, value): (&String, &Value)| match value {
            Value::Object(details) if name == "details" => {
                let clean = details
                    .iter()
                    .map(|(name, value)| (name.clone(), self.value(value)));
                (name.clone(), Value::Object(clean.collect()))
            }
            value => (name.clone(), self.value(value)),
        };
        envelope.iter().map(clean).collect()
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
            Value::Object(members) => Value::Object(self.members(members)),
            Value::Null | Value::Bool(_) => value.clone(),
        }
    }

    fn members(&self, members: &Map<String, Value>) -> Map<String, Value> {
        let clean = members
            .iter()
            .map(|(name, value)| (self.text(name), self.value(value)));
        clean.collect()
    }
}

/// The learner whose results are asked for; escaped, which makes no difference here.
fn learners_in(query: Option<&str>) -> impl Iterator<Item = String> {
    let pairs = query.unwrap_or_default().split('&');
    pairs.filter_map(|pair| Some(pair.strip_prefix("userId=")?.to_owned()))
}

/// The words of an `Authorization` value, apart from the names of schemes.
fn credential_parts(value: &str) -> impl Iterator<Item = &str> {
    let parts = value.split([' ', ':', ',', '=']);
    parts.filter(|part| {
        part.len() >= 8 && !part.to_ascii_uppercase().contains("-AUTH-") && *part != "Additional"
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_envelope_keeps_its_form_whatever_a_learner_is_called() {
        let redactor = Redactor::new(&["details".into(), "message".into()]);
        let envelope = json!({"details": {"message": "no message for details"}});
        let clean = redactor.values(envelope.as_object().unwrap());
        assert_eq!(
            Value::Object(clean),
            json!({"details": {"message": "no [redacted] for [redacted]"}})
        );
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
