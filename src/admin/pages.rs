//! The admin listener's pages. Read-only.

use std::sync::Arc;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use bytes::Bytes;
use http::header::{ALLOW, AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, WWW_AUTHENTICATE};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use http_body_util::Full;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::ledger::LedgerPages;
use crate::generation::Generations;
use crate::ledger::Settings;
use crate::meter::Page as MetricsPage;
use crate::telemetry::IdKey;

/// The pages, of whatever generation is in force.
pub struct Admin {
    pub(super) generations: Arc<Generations>,
    ledger: LedgerPages,
}

/// Every page there is.
const PAGES: [&str; 6] = [
    "/healthz",
    "/readyz",
    "/metrics",
    "/config",
    LIST,
    "/ledger/RECEIPT",
];

const LIST: &str = "/ledger";

/// In any case (RFC 9110 section 11.1).
const SCHEME: &[u8] = b"Bearer ";

pub(super) type Page = Response<Full<Bytes>>;

impl Admin {
    pub fn new(generations: Arc<Generations>) -> Self {
        Self {
            generations,
            ledger: LedgerPages::default(),
        }
    }

    /// The page for a request.
    pub async fn answer(&self, request: &Parts) -> Page {
        let path = request.uri.path();
        let is_open = matches!(path, "/healthz" | "/readyz");
        if !is_open && !self.is_authorized(&request.headers) {
            return unauthorized();
        }
        let receipt = path.strip_prefix("/ledger/");
        if !PAGES.contains(&path) && receipt.is_none() {
            return page(
                StatusCode::NOT_FOUND,
                &json!({"error": "no such page", "pages": PAGES}),
            );
        }
        if !matches!(request.method, Method::GET | Method::HEAD) {
            return wrong_method();
        }
        match path {
            LIST => self.list(request.uri.query().unwrap_or_default()).await,
            "/healthz" => page(StatusCode::OK, &json!({"healthy": true})),
            "/readyz" => self.readiness(),
            "/metrics" => show(StatusCode::OK, MetricsPage::MEDIA_TYPE, self.metrics()),
            "/config" => page(StatusCode::OK, &self.generations.page()),
            _ => self.entry(receipt.unwrap_or_default()).await,
        }
    }

    async fn list(&self, query: &str) -> Page {
        match self.recorded() {
            Some(ledger) => self.ledger.list(ledger, query, self.ids()).await,
            None => unrecorded(),
        }
    }

    async fn entry(&self, receipt: &str) -> Page {
        match self.recorded() {
            Some(ledger) => self.ledger.entry(ledger, receipt, self.ids()).await,
            None => unrecorded(),
        }
    }

    /// Where entries are, by the password in force. `None`: nothing is recorded.
    fn recorded(&self) -> Option<Settings> {
        self.generations.current().ledger.clone()
    }

    fn ids(&self) -> Arc<IdKey> {
        self.generations.current().shared.id_key.clone()
    }

    /// Ready: every listener is bound, no drain has begun, every required issuer's keys are here, and
    /// the ledger can be written, or `on_failure` says that scores go on without it.
    fn readiness(&self) -> Page {
        let current = self.generations.current();
        let lasting = &current.shared.lasting;
        let serving = lasting.lifecycle.is_serving();
        let keys = current.shared.verifier.is_ready();
        let ledger = lasting.can_record();
        let ready = serving && keys && lasting.takes_submissions();
        let status = match ready {
            true => StatusCode::OK,
            false => StatusCode::SERVICE_UNAVAILABLE,
        };
        page(
            status,
            &json!({"ready": ready, "serving": serving, "key_sets": keys, "ledger": ledger}),
        )
    }

    fn is_authorized(&self, headers: &HeaderMap) -> bool {
        let current = self.generations.current();
        let Some(token) = &current.shared.admin_token else {
            return true;
        };
        let mut given = headers.get_all(AUTHORIZATION).iter();
        let (Some(value), None) = (given.next(), given.next()) else {
            return false;
        };
        let Some((scheme, given)) = value.as_bytes().split_at_checked(SCHEME.len()) else {
            return false;
        };
        let expected = token.expose_secret().as_bytes();
        scheme.eq_ignore_ascii_case(SCHEME) && verify_slices_are_equal(given, expected).is_ok()
    }
}

pub(super) fn page(status: StatusCode, content: &Value) -> Page {
    show(status, "application/json", format!("{content:#}\n"))
}

pub(super) fn show(status: StatusCode, media_type: &'static str, text: String) -> Page {
    let mut page = Response::new(Full::new(Bytes::from(text)));
    *page.status_mut() = status;
    page.headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    page.headers_mut()
        .insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    page
}

fn unrecorded() -> Page {
    page(
        StatusCode::NOT_FOUND,
        &json!({"error": "`ledger.url` is \"none\": nothing is recorded"}),
    )
}

fn unauthorized() -> Page {
    let mut page = page(
        StatusCode::UNAUTHORIZED,
        &json!({"error": "send authorization: Bearer with the admin token"}),
    );
    page.headers_mut().insert(
        WWW_AUTHENTICATE,
        HeaderValue::from_static("Bearer realm=\"scoregate admin\""),
    );
    page
}

fn wrong_method() -> Page {
    let mut page = page(
        StatusCode::METHOD_NOT_ALLOWED,
        &json!({"error": "pages are read with GET"}),
    );
    page.headers_mut()
        .insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
    page
}
