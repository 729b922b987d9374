//! `/ledger` and `/ledger/RECEIPT`: what `scoregate ledger list` and `show` print, without saying
//! who a learner is or what they were told (`masked`). Only read, on threads of their own and on a
//! connection of its own each: a page holds up neither the control thread nor the writer.

mod masked;
mod question;

use std::sync::Arc;
use std::time::{Duration, Instant};

use http::header::RETRY_AFTER;
use http::{HeaderValue, StatusCode};
use serde::Serialize;
use serde_json::json;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use self::masked::masked;
use self::question::{BadQuestion, Question, parameters};
use super::pages::{Page, page, show};
use crate::error::chain;
use crate::ledger::{Browse, CannotOpen, Fault, Reader, Receipt, Settings, Shown};
use crate::telemetry::IdKey;

/// Pages that are read at once.
const READERS: usize = 2;

/// The longest that a page waits for its turn.
const TURN: Duration = Duration::from_secs(2);

/// The longest that a page goes on looking for entries that match.
const LOOK: Duration = Duration::from_secs(2);

/// The longest that a page is waited for, once it is its turn: it asks a database that may be slow many times.
const READ: Duration = Duration::from_secs(10);

/// The pages of the ledger.
pub struct LedgerPages {
    turns: Arc<Semaphore>,
}

/// Why there is no page.
enum NoPage {
    Question(BadQuestion),
    UnknownReceipt,
    Busy,
    Unreadable(String),
    /// What was written can't be understood: trying again changes nothing.
    Broken(String),
}

impl Default for LedgerPages {
    fn default() -> Self {
        Self {
            turns: Arc::new(Semaphore::new(READERS)),
        }
    }
}

impl LedgerPages {
    /// `/ledger?…`
    pub(super) async fn list(&self, ledger: Settings, query: &str, ids: Arc<IdKey>) -> Page {
        let question = match Question::read(query) {
            Ok(question) => question,
            Err(cause) => return NoPage::Question(cause).page(),
        };
        self.read(ledger, move |reader| list(reader, &question, &ids))
            .await
    }

    /// `/ledger/RECEIPT`
    pub(super) async fn entry(&self, ledger: Settings, receipt: &str, ids: Arc<IdKey>) -> Page {
        let Ok(receipt) = Receipt::parse(receipt) else {
            return NoPage::UnknownReceipt.page();
        };
        self.read(ledger, move |reader| entry(reader, &receipt, &ids))
            .await
    }

    /// A page that is no longer waited for is read to its end all the same, in its turn.
    async fn read(
        &self,
        ledger: Settings,
        read: impl FnOnce(&mut Reader) -> Result<String, NoPage> + Send + 'static,
    ) -> Page {
        let Ok(Ok(turn)) = timeout(TURN, self.turns.clone().acquire_owned()).await else {
            return NoPage::Busy.page();
        };
        let reading = spawn_blocking(move || in_turn(turn, &ledger, read));
        let Ok(done) = timeout(READ, reading).await else {
            return NoPage::Unreadable("it answers too slowly".to_owned()).page();
        };
        match done {
            Ok(Ok(text)) => show(StatusCode::OK, "application/json", text),
            Ok(Err(cause)) => cause.page(),
            // The panic itself is in the log.
            Err(_) => NoPage::Broken("a defect".to_owned()).page(),
        }
    }
}

fn in_turn(
    turn: OwnedSemaphorePermit,
    settings: &Settings,
    read: impl FnOnce(&mut Reader) -> Result<String, NoPage>,
) -> Result<String, NoPage> {
    let mut reader = Reader::open_briefly(settings)?;
    let text = read(&mut reader);
    // The connection is gone before another one is made.
    drop(reader);
    drop(turn);
    text
}

#[derive(Serialize)]
struct List<'a> {
    entries: Vec<Shown<'a>>,
    /// Entries that somebody has changed so that they can't be shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    unreadable: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

fn list(reader: &mut Reader, question: &Question, ids: &IdKey) -> Result<String, NoPage> {
    let is_meant = question
        .user_hash
        .as_deref()
        .map(|hash| move |user: &str| ids.hash(user).to_string() == hash);
    let browse = Browse {
        filter: &question.filter,
        order: question.order,
        after: question.after.as_ref(),
        most: question.limit,
        until: Instant::now() + LOOK,
        is_meant: is_meant
            .as_ref()
            .map(|is_meant| is_meant as &dyn Fn(&str) -> bool),
    };
    let leaf = reader.browse(&browse)?;
    let leaf = leaf.ok_or(NoPage::Question(BadQuestion::NoEntry))?;
    let entries = leaf.entries.iter().map(|kept| masked(kept, ids));
    written(&List {
        entries: entries.collect::<Result<_, _>>()?,
        unreadable: (leaf.unreadable > 0).then_some(leaf.unreadable),
        next: leaf.next.map(|receipt| question.next(&receipt, ids)),
    })
}

fn entry(reader: &mut Reader, receipt: &Receipt, ids: &IdKey) -> Result<String, NoPage> {
    let kept = reader.find(receipt)?.ok_or(NoPage::UnknownReceipt)?;
    written(&masked(&kept, ids)?)
}

fn written(page: &impl Serialize) -> Result<String, NoPage> {
    Ok(serde_json::to_string_pretty(page)? + "\n")
}

impl NoPage {
    fn page(self) -> Page {
        match self {
            Self::Question(cause) => page(
                StatusCode::BAD_REQUEST,
                &json!({"error": cause.to_string(), "parameters": parameters().collect::<Vec<_>>()}),
            ),
            Self::UnknownReceipt => page(
                StatusCode::NOT_FOUND,
                &json!({"error": "the ledger has no entry with this receipt"}),
            ),
            Self::Busy => later("others are reading the ledger"),
            Self::Unreadable(cause) => {
                tracing::warn!(target: "scoregate::admin", cause, "the ledger can't be read");
                later("the ledger can't be read; the log has the reason")
            }
            Self::Broken(cause) => {
                tracing::warn!(target: "scoregate::admin", cause, "an entry can't be read");
                page(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    &json!({"error": "an entry can't be read: run `scoregate ledger verify`"}),
                )
            }
        }
    }
}

fn later(error: &str) -> Page {
    let mut page = page(StatusCode::SERVICE_UNAVAILABLE, &json!({"error": error}));
    page.headers_mut()
        .insert(RETRY_AFTER, HeaderValue::from_static("1"));
    page
}

impl From<CannotOpen> for NoPage {
    fn from(cause: CannotOpen) -> Self {
        Self::Unreadable(crate::error::chain(&cause))
    }
}

impl From<Fault> for NoPage {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Lost(_) => Self::Unreadable(chain(&fault)),
            Fault::Refused(_) => Self::Broken(chain(&fault)),
        }
    }
}

impl From<serde_json::Error> for NoPage {
    /// Its text may repeat what was read.
    fn from(_: serde_json::Error) -> Self {
        Self::Broken("it is not the JSON that was written".to_owned())
    }
}
