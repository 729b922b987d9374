//! The connections to one account's LTIAAS, kept per worker so that no request crosses cores.
//! Sends a request once: as soon as a byte of it may be out, it is never sent again.

mod connection;
mod pool;
mod reply;
mod shared;

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http::{HeaderValue, Request, StatusCode};
use http_body_util::Full;
use rustls::ClientConfig;
use secrecy::SecretString;
use thiserror::Error;
use tokio::sync::SemaphorePermit;

use crate::config::{self, Account};
use crate::deadline::Deadline;
use crate::dial::dial;
use crate::meter::{Failed, UpstreamMeter};
use crate::origin::Origin;

use connection::Connection;
use pool::{Kept, Pool};
pub use reply::{Reply, ReplyBody};

pub type Outbound = Request<Full<bytes::Bytes>>;

/// How often a request that no byte of was sent moves on to another kept connection before a
/// fresh one is opened for it.
const KEPT_TRIES: usize = 3;

/// One account's LTIAAS, as one worker reaches it.
pub struct Upstream {
    origin: Origin,
    /// The value of the `host` header, where it can be one.
    host: Option<HeaderValue>,
    tls: Arc<ClientConfig>,
    settings: config::Upstream,
    pool: Arc<Pool>,
    meter: Arc<UpstreamMeter>,
    /// Which of the account's keys was accepted last.
    good_key: AtomicUsize,
}

/// Why there is no answer.
#[derive(Debug, Error)]
pub enum Unanswered {
    #[error("could not connect")]
    Connect(#[source] io::Error),
    #[error("connecting took too long")]
    ConnectTimeout,
    #[error("the protocol could not be started")]
    Handshake(#[source] hyper::Error),
    #[error("the connection closed before anything was sent")]
    Unsent(#[source] hyper::Error),
    #[error("the request has been sent before")]
    AlreadySent,
    #[error("the connection broke")]
    Broken(#[source] hyper::Error),
    #[error("the answer is not HTTP")]
    NotHttp(#[source] hyper::Error),
    #[error("the answer has an informational status of no known meaning")]
    Informational,
    #[error("the time was over before anything was sent")]
    TooLate,
    #[error("the answer took too long")]
    AnswerTimeout,
    #[error("the status `{0}` is no status of an answer")]
    Status(StatusCode),
}

impl Unanswered {
    /// Whether the upstream may have taken the request all the same.
    pub fn may_have_arrived(&self) -> bool {
        match self {
            Self::Connect(_)
            | Self::ConnectTimeout
            | Self::Handshake(_)
            | Self::Unsent(_)
            | Self::TooLate => false,
            Self::AlreadySent
            | Self::Broken(_)
            | Self::NotHttp(_)
            | Self::Informational
            | Self::AnswerTimeout
            | Self::Status(_) => true,
        }
    }

    /// As the metrics tell it apart.
    fn kind(&self) -> Failed {
        match self {
            Self::Connect(_) => Failed::Connect,
            Self::ConnectTimeout | Self::TooLate => Failed::ConnectTimeout,
            Self::Handshake(_) => Failed::Handshake,
            Self::Unsent(_) | Self::AlreadySent => Failed::Closed,
            Self::Broken(_) => Failed::Broken,
            Self::NotHttp(_) | Self::Informational | Self::Status(_) => Failed::NotHttp,
            Self::AnswerTimeout => Failed::AnswerTimeout,
        }
    }
}

impl Upstream {
    pub fn new(
        origin: Origin,
        tls: Arc<ClientConfig>,
        settings: &config::Upstream,
        meter: Arc<UpstreamMeter>,
    ) -> Self {
        let pool = Arc::new(Pool::new(settings.idle_timeout, meter.clone()));
        Self {
            host: HeaderValue::from_str(origin.authority().as_str()).ok(),
            origin,
            tls,
            settings: settings.clone(),
            pool,
            meter,
            good_key: AtomicUsize::new(0),
        }
    }

    /// Whether one made with these would connect in the same way to the same place.
    pub fn is_for(
        &self,
        origin: &Origin,
        tls: &Arc<ClientConfig>,
        settings: &config::Upstream,
    ) -> bool {
        self.origin == *origin && Arc::ptr_eq(&self.tls, tls) && self.settings == *settings
    }

    /// The account's keys to try, the one that was accepted last first: two at most.
    pub fn keys<'a>(
        &self,
        account: &'a Account,
    ) -> impl Iterator<Item = (usize, &'a SecretString)> {
        let keys = &account.api_keys;
        let first = self.good_key.load(Ordering::Relaxed) % keys.len().max(1);
        let order = (first..keys.len()).chain(0..first).take(2);
        order.filter_map(|index| Some((index, keys.get(index)?)))
    }

    /// LTIAAS has accepted this key.
    pub fn key_is_good(&self, index: usize) {
        if self.good_key.load(Ordering::Relaxed) != index {
            tracing::warn!(target: "scoregate::upstream", key = index, "LTIAAS accepts this of the account's API keys now and rejects the one before");
            self.good_key.store(index, Ordering::Relaxed);
        }
    }

    /// LTIAAS has rejected a key.
    pub fn key_is_bad(&self) {
        self.meter.key_rejected();
    }

    /// Counts how a request was answered, and how long that took.
    pub fn count(&self, answer: &Result<Reply, Unanswered>, waited: Duration) {
        match answer {
            Ok(reply) => self.meter.answered(reply.head.status, waited),
            Err(reason) => self.meter.failed(reason.kind()),
        }
    }

    /// Closes the connections that nobody has used for long enough.
    pub fn close_unused(&self) {
        self.pool.close_unused();
    }

    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The value of the `host` header, made once.
    pub fn host(&self) -> Option<HeaderValue> {
        self.host.clone()
    }

    /// Takes a request, sends it and waits for the head of its answer. Dropped midway, its
    /// connection is closed; whether the upstream took the request is then unknown.
    pub async fn send(
        &self,
        request: &mut Option<Outbound>,
        deadline: Deadline,
    ) -> Result<Reply, Unanswered> {
        let mut turn = None;
        for _ in 0..KEPT_TRIES {
            // Or it would be taken from its place, for a connection that never writes it.
            if deadline.has_passed() {
                return Err(Unanswered::TooLate);
            }
            let Some(kept) = self.pool.take() else {
                if turn.is_some() || !self.pool.shares() {
                    break;
                }
                turn = Box::pin(self.wait_for_turn(deadline)).await?;
                continue;
            };
            turn = None;
            match self.attempt(kept, request, deadline).await {
                Err(Unanswered::Unsent(_)) if request.is_some() => {}
                answer => return answer,
            }
        }
        // Boxed: rare, and many times the size of everything else on the path, which would be
        // moved with it.
        let connection = Box::pin(self.connect(deadline)).await?;
        drop(turn);
        self.attempt(connection.into(), request, deadline).await
    }

    /// Puts the request back where no byte of it was sent.
    async fn attempt(
        &self,
        kept: Kept,
        request: &mut Option<Outbound>,
        deadline: Deadline,
    ) -> Result<Reply, Unanswered> {
        let Kept {
            connection,
            mut timer,
        } = kept;
        let deadline = deadline.sooner(self.settings.answer_timeout);
        let sending = deadline.limit_by(&mut timer, connection.send(request));
        let Ok(sent) = sending.await else {
            return Err(match request {
                Some(_) => Unanswered::TooLate,
                None => Unanswered::AnswerTimeout,
            });
        };
        let (connection, answer) = sent?;
        let kept = Kept { connection, timer };
        Ok(Reply::new(answer, kept, self.pool.clone()))
    }

    /// For opening a connection that requests share.
    async fn wait_for_turn(
        &self,
        deadline: Deadline,
    ) -> Result<Option<SemaphorePermit<'_>>, Unanswered> {
        let deadline = deadline.sooner(self.settings.connect_timeout);
        let turn = deadline.limit(self.pool.turn()).await;
        turn.map_err(|_| Unanswered::ConnectTimeout)
    }

    async fn connect(&self, deadline: Deadline) -> Result<Connection, Unanswered> {
        let deadline = deadline.sooner(self.settings.connect_timeout);
        let opening = async {
            let stream = dial(&self.origin, &self.tls)
                .await
                .map_err(Unanswered::Connect)?;
            self.meter.opened();
            let connection = Connection::open(stream)
                .await
                .map_err(Unanswered::Handshake)?;
            self.pool.note_opened(&connection);
            Ok(connection)
        };
        deadline
            .limit(opening)
            .await
            .map_err(|_| Unanswered::ConnectTimeout)?
    }
}
