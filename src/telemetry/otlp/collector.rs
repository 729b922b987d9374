//! The way to the collector: our own, so that the roots and limits of TLS are the same everywhere.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::header::{CONTENT_LENGTH, HOST};
use http::{HeaderValue, Request, Response, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use opentelemetry_http::{HttpClient, HttpError};
use rustls::ClientConfig;
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::CannotExport;
use crate::dial::dial;
use crate::origin::Origin;

/// A collector's answer says next to nothing.
const MOST_ANSWER: usize = 64 * 1024;

/// The way to the collector. Used by the exporter's own thread alone, whose runtime this is.
#[derive(Debug)]
pub struct Collector {
    origin: Origin,
    tls: Arc<ClientConfig>,
    timeout: Duration,
    runtime: Runtime,
}

impl Collector {
    pub fn new(url: &Uri, tls: Arc<ClientConfig>, timeout: Duration) -> Result<Self, CannotExport> {
        Ok(Self {
            origin: Origin::of(url)?,
            tls,
            timeout,
            runtime: Builder::new_current_thread().enable_all().build()?,
        })
    }

    async fn exchange(&self, mut request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let target = request.uri().path_and_query().cloned();
        *request.uri_mut() = target.map(Uri::from).unwrap_or_default();
        let host = HeaderValue::from_str(self.origin.authority().as_str())?;
        request.headers_mut().insert(HOST, host);
        let length = HeaderValue::from(request.body().len());
        request.headers_mut().insert(CONTENT_LENGTH, length);
        let stream = dial(&self.origin, &self.tls).await?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        // Ends with this exchange, also one that runs out of time.
        let mut driving = JoinSet::new();
        driving.spawn(connection);
        let answer = sender.send_request(request.map(Full::new)).await?;
        let (head, body) = answer.into_parts();
        let body = Limited::new(body, MOST_ANSWER).collect().await?.to_bytes();
        Ok(Response::from_parts(head, body))
    }
}

#[async_trait]
impl HttpClient for Collector {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let exchange = async { timeout(self.timeout, self.exchange(request)).await };
        let answer = self.runtime.block_on(exchange).map_err(HttpError::from);
        let answer = answer.and_then(|answer| answer);
        match &answer {
            Ok(answer) if answer.status().is_success() => {}
            Ok(answer) => {
                let status = answer.status().as_u16();
                tracing::warn!(target: "scoregate::traces", status, "the collector refused spans");
            }
            Err(cause) => {
                tracing::warn!(target: "scoregate::traces", %cause, "spans could not be exported");
            }
        }
        answer
    }
}
