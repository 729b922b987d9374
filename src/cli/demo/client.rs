//! A tool's side of the demo: one POST over a fresh connection.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use http::{HeaderMap, Request};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::Cause;

/// What came back.
pub struct Answer {
    pub status: u16,
    pub reason: &'static str,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// Posts a score as a tool would.
pub async fn post(
    to: SocketAddr,
    target: &str,
    authorization: &str,
    body: &'static str,
) -> Result<Answer, Cause> {
    timeout(
        Duration::from_secs(30),
        exchange(to, target, authorization, body),
    )
    .await?
}

async fn exchange(
    to: SocketAddr,
    target: &str,
    authorization: &str,
    body: &'static str,
) -> Result<Answer, Cause> {
    let stream = TcpStream::connect(to).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let driving = tokio::spawn(connection);
    let request = Request::post(target)
        .header(HOST, to.to_string())
        .header(AUTHORIZATION, authorization)
        .header(CONTENT_TYPE, "application/json")
        .body(Full::new(Bytes::from_static(body.as_bytes())))?;
    let (head, body) = sender.send_request(request).await?.into_parts();
    let body = body.collect().await?.to_bytes();
    driving.abort();
    Ok(Answer {
        status: head.status.as_u16(),
        reason: head.status.canonical_reason().unwrap_or_default(),
        headers: head.headers,
        body,
    })
}
