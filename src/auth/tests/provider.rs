//! A fake identity provider on a free port, in its own thread: it counts how often its key set is
//! read, and answers what it is told to.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{oneshot, watch};

use crate::config::IssuerKeys;

/// What a read of the key set gets.
#[derive(Clone, Debug)]
pub enum Answer {
    /// A status with a body, and further lines of the head.
    Body(u16, String, &'static str),
    /// Nothing, for as long as the answer stays this.
    Hang,
    /// A status with a body, once the answer is another.
    Late(u16, String),
    /// Part of a body, then nothing.
    HangInBody,
    /// The connection is closed.
    Close,
}

impl Answer {
    pub fn keys(set: &Value) -> Self {
        Self::Body(200, set.to_string(), "content-type: application/json\r\n")
    }

    pub fn late_keys(set: &Value) -> Self {
        Self::Late(200, set.to_string())
    }
}

pub struct Provider {
    address: SocketAddr,
    answer: watch::Sender<Answer>,
    reads: Arc<AtomicU64>,
    /// Dropped with this, which ends the thread.
    _end: oneshot::Sender<()>,
}

impl Provider {
    pub fn new(answer: Answer) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (answer, answers) = watch::channel(answer);
        let (_end, ended) = oneshot::channel();
        let reads = Arc::new(AtomicU64::new(0));
        let count = reads.clone();
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                tokio::select! {
                    () = serve(listener, answers, count) => {}
                    _ = ended => {}
                }
            });
        });
        Self {
            address,
            answer,
            reads,
            _end,
        }
    }

    pub fn keys(&self) -> IssuerKeys {
        let url = format!("http://{}/keys?v=1", self.address);
        IssuerKeys::Url(url.parse().unwrap())
    }

    pub fn set(&self, answer: Answer) {
        self.answer.send_replace(answer);
    }

    /// How many requests have arrived.
    pub fn reads(&self) -> u64 {
        self.reads.load(Ordering::SeqCst)
    }
}

async fn serve(
    listener: std::net::TcpListener,
    answers: watch::Receiver<Answer>,
    count: Arc<AtomicU64>,
) {
    listener.set_nonblocking(true).unwrap();
    let listener = TcpListener::from_std(listener).unwrap();
    loop {
        let (socket, _) = listener.accept().await.unwrap();
        tokio::spawn(answer(socket, answers.clone(), count.clone()));
    }
}

async fn answer(
    mut socket: TcpStream,
    mut answers: watch::Receiver<Answer>,
    count: Arc<AtomicU64>,
) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if socket.read_buf(&mut head).await.unwrap_or_default() == 0 {
            return;
        }
    }
    assert!(head.starts_with(b"GET /keys?v=1 HTTP/1.1\r\n"));
    count.fetch_add(1, Ordering::SeqCst);
    let now = answers.borrow_and_update().clone();
    match now {
        Answer::Body(status, body, lines) => {
            write(&mut socket, status, &body, lines).await;
        }
        Answer::Hang => drop(answers.changed().await),
        Answer::Late(status, body) => {
            drop(answers.changed().await);
            write(&mut socket, status, &body, "").await;
        }
        Answer::HangInBody => {
            let head = b"HTTP/1.1 200 OK\r\ncontent-length: 20\r\n\r\n{\"keys\": [";
            let _ = socket.write_all(head).await;
            drop(answers.changed().await);
        }
        Answer::Close => {}
    }
}

async fn write(socket: &mut TcpStream, status: u16, body: &str, lines: &str) {
    let length = body.len();
    let head = format!("HTTP/1.1 {status} x\r\ncontent-length: {length}\r\n{lines}\r\n");
    let _ = socket.write_all(head.as_bytes()).await;
    let _ = socket.write_all(body.as_bytes()).await;
}
