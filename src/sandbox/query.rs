//! A query string as Express reads it: decoded once, `+` is a space, the first of several counts.

use std::borrow::Cow;

use crate::line_item::{decode_form, encode_component};

#[derive(Debug, Default)]
pub struct Query(Vec<(String, String)>);

impl Query {
    pub fn read(text: &str) -> Self {
        let pairs = text.split('&').filter(|pair| !pair.is_empty());
        Self(pairs.map(pair).collect())
    }

    /// The query of a URL.
    pub fn of_url(url: &str) -> Self {
        Self::read(url.split_once('?').map_or("", |(_, query)| query))
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }
}

fn pair(text: &str) -> (String, String) {
    let (name, value) = text.split_once('=').unwrap_or((text, ""));
    (decoded(name), decoded(value))
}

/// What can't be decoded stays as it is, as in Express.
fn decoded(text: &str) -> String {
    let decoded = decode_form(text).map(Cow::into_owned);
    decoded.unwrap_or_else(|| text.replace('+', " "))
}

/// Adds parameters to a URL, which may have some already.
pub fn extended(url: &str, parameters: &[(&str, &str)]) -> String {
    let mut url = url.to_owned();
    for (name, value) in parameters {
        url.push(if url.contains('?') { '&' } else { '?' });
        url.push_str(name);
        url.push('=');
        encode_component(value, &mut url);
    }
    url
}
