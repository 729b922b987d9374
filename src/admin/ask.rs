//! Asks a gateway's admin listener how it is, as a probe does: from another process, in bounded
//! time and memory.

use std::error::Error;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http::header::HOST;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1::handshake;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// The longest answer that is read: ours has three short members.
const LONGEST: usize = 4096;

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question {
    /// Whether it lives at all.
    Live,
    /// Whether new work is welcome.
    Ready,
}

/// What came back, told in one line.
#[derive(Debug, PartialEq, Eq)]
pub struct Health {
    pub is_good: bool,
    pub line: String,
}

impl Question {
    pub fn path(self) -> &'static str {
        match self {
            Self::Live => "/healthz",
            Self::Ready => "/readyz",
        }
    }

    /// The member that a good answer has: another service may answer 200 as well.
    fn member(self) -> &'static str {
        match self {
            Self::Live => "healthy",
            Self::Ready => "ready",
        }
    }
}

/// Asks once. Whatever happens, the answer is here when `limit` is over.
pub async fn ask(admin: SocketAddr, question: Question, limit: Duration) -> Health {
    let url = format!("http://{admin}{}", question.path());
    let (is_good, what) = match timeout(limit, exchange(admin, question)).await {
        Ok(Ok((status, page))) => judge(question, status, &page),
        Ok(Err(cause)) => (false, format!("no answer: {cause}")),
        Err(_) => (false, format!("no answer within {limit:?}")),
    };
    let line = format!("{url}: {what}");
    Health { is_good, line }
}

fn judge(question: Question, status: StatusCode, page: &[u8]) -> (bool, String) {
    let Ok(Value::Object(page)) = serde_json::from_slice(page) else {
        return (false, format!("{status}, but not from a scoregate"));
    };
    match page.get(question.member()).and_then(Value::as_bool) {
        None => (false, format!("{status}, but not from a scoregate")),
        Some(says) => (
            says && status == StatusCode::OK,
            format!("{status} {}", Value::Object(page)),
        ),
    }
}

type Cause = Box<dyn Error + Send + Sync>;

async fn exchange(admin: SocketAddr, question: Question) -> Result<(StatusCode, Bytes), Cause> {
    let socket = TcpStream::connect(admin).await?;
    let (mut sender, connection) = handshake(TokioIo::new(socket)).await?;
    let request = Request::get(question.path())
        .header(HOST, admin.to_string())
        .body(Empty::<Bytes>::new())?;
    let answer = async { read(sender.send_request(request).await?).await };
    tokio::pin!(connection, answer);
    // A connection may end before the answer that came on it has been read to its end.
    tokio::select! {
        answer = &mut answer => answer,
        _ = &mut connection => answer.await,
    }
}

async fn read(answer: Response<Incoming>) -> Result<(StatusCode, Bytes), Cause> {
    let (head, body) = answer.into_parts();
    let page = Limited::new(body, LONGEST).collect().await?;
    Ok((head.status, page.to_bytes()))
}
