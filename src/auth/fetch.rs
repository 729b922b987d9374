//! Reads a key set's URL: one GET, no redirects, 1 MiB at most. Its caller gives it a deadline.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{ACCEPT, HOST, USER_AGENT};
use http::{Request, StatusCode, Uri};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use thiserror::Error;
use tokio::task::JoinSet;

use crate::dial::dial;
use crate::error::Cause;
use crate::key_set::MOST;
use crate::origin::Origin;

/// Why a read failed.
#[derive(Debug, Error)]
pub enum NotRead {
    #[error("could not connect")]
    Connect(#[source] std::io::Error),
    #[error("the exchange broke off")]
    Broken(#[from] hyper::Error),
    #[error("the request can't be built")]
    Request(#[from] http::Error),
    #[error("the answer has status {0}")]
    Status(StatusCode),
    #[error("the answer is too large, or broke off")]
    Body(#[source] Cause),
}

/// The bytes behind `url`.
pub async fn fetch(url: &Uri, origin: &Origin, tls: &Arc<ClientConfig>) -> Result<Bytes, NotRead> {
    let stream = dial(origin, tls).await.map_err(NotRead::Connect)?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    // Ends with this read, also one that runs out of time.
    let mut driving = JoinSet::new();
    driving.spawn(connection);
    let request = Request::get(url.path_and_query().map_or("/", |target| target.as_str()))
        .header(HOST, origin.authority().as_str())
        .header(ACCEPT, "application/json")
        .header(USER_AGENT, concat!("scoregate/", env!("CARGO_PKG_VERSION")))
        .body(Empty::<Bytes>::new())?;
    let answer = sender.send_request(request).await?;
    if answer.status() != StatusCode::OK {
        return Err(NotRead::Status(answer.status()));
    }
    let body = Limited::new(answer.into_body(), MOST)
        .collect()
        .await
        .map_err(NotRead::Body)?;
    Ok(body.to_bytes())
}
