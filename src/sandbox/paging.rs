//! Lists in pages: `limit` cuts, `next` is a URL on the platform, and `url` asks for such a page.
//! Refuses a bad limit, and a `url` that the platform would not answer.

use http::StatusCode;
use serde_json::json;

use super::answer::{Answer, envelope, envelope_with};
use super::query::{Query, extended};

/// Which part of a list is asked for, and with which filters.
pub struct Page {
    /// Where the list lives on the platform.
    base: String,
    query: Query,
    limit: Option<usize>,
    from: usize,
}

impl Page {
    /// Reads the page that a request wants of the list at `base`. With `url` every other
    /// parameter is ignored.
    pub fn wanted(base: String, query: Query) -> Result<Self, Answer> {
        let query = match query.get("url") {
            Some(url) if !lies_at(&base, url) => return Err(not_there(url)),
            Some(url) => Query::of_url(url),
            None => query,
        };
        let limit = match query.get("limit") {
            Some(text) => Some(limit(text)?),
            None => None,
        };
        let from = query.get("from").and_then(|text| text.parse().ok());
        Ok(Self {
            base,
            query,
            limit,
            from: from.unwrap_or(0),
        })
    }

    pub fn filter(&self, name: &str) -> Option<&str> {
        self.query.get(name)
    }

    /// The wanted part, and the URL of the next where there is one, which keeps `filters`.
    pub fn cut<T>(&self, all: Vec<T>, filters: &[&str]) -> (Vec<T>, Option<String>) {
        let Some(limit) = self.limit else {
            return (all.into_iter().skip(self.from).collect(), None);
        };
        let end = self.from.saturating_add(limit);
        let next = (end < all.len()).then(|| self.link(limit, end, filters));
        (all.into_iter().skip(self.from).take(limit).collect(), next)
    }

    fn link(&self, limit: usize, from: usize, filters: &[&str]) -> String {
        let (limit, from) = (limit.to_string(), from.to_string());
        let mut parameters = vec![("limit", limit.as_str()), ("from", from.as_str())];
        let kept = filters
            .iter()
            .filter_map(|name| Some((*name, self.filter(name)?)));
        parameters.extend(kept);
        extended(&self.base, &parameters)
    }
}

fn limit(text: &str) -> Result<usize, Answer> {
    match text.parse() {
        Ok(limit) if limit >= 1 => Ok(limit),
        _ => Err(envelope(
            StatusCode::BAD_REQUEST,
            "VALIDATION_ERROR",
            "limit must be a whole number of at least 1.",
        )),
    }
}

fn lies_at(base: &str, url: &str) -> bool {
    let path = |url: &str| url.split('?').next().map(str::to_owned);
    path(base) == path(url)
}

/// The platform's own 404, passed on.
fn not_there(url: &str) -> Answer {
    let details = json!({ "externalError": true, "externalUrl": url });
    envelope_with(
        StatusCode::NOT_FOUND,
        "Not Found",
        "The platform knows no such page.",
        details,
    )
}
