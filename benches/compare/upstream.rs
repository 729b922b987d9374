//! The upstream that every contender forwards to: answers each request with 204, and while a
//! contender is being tried also keeps what it received.

use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::{io, thread};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::runtime::Builder;

use crate::wire::{self, message};

const ANSWER: &[u8] = b"HTTP/1.1 204 No Content\r\nx-powered-by: Express\r\ndate: Wed, 25 Nov 2026 12:00:00 GMT\r\nconnection: keep-alive\r\nkeep-alive: timeout=3600\r\n\r\n";

/// A request that arrived.
pub struct Received {
    pub first_line: String,
    pub authorization: Option<String>,
    pub body: Vec<u8>,
}

#[derive(Default)]
struct Record {
    on: AtomicBool,
    received: Mutex<Vec<Received>>,
}

/// A running upstream. Its thread ends with the process.
pub struct Upstream {
    pub address: SocketAddr,
    record: Arc<Record>,
}

impl Upstream {
    pub fn start() -> io::Result<Self> {
        let socket = TcpListener::bind("127.0.0.1:0")?;
        socket.set_nonblocking(true)?;
        let address = socket.local_addr()?;
        let record = Arc::<Record>::default();
        let runtime = Builder::new_current_thread().enable_io().build()?;
        let kept = record.clone();
        thread::spawn(move || runtime.block_on(accept(socket, kept)));
        Ok(Self { address, record })
    }

    /// Starts to keep what arrives, or stops.
    pub fn keep(&self, on: bool) {
        self.record.on.store(on, Ordering::SeqCst);
    }

    /// What has arrived since the last call.
    pub fn take(&self) -> Vec<Received> {
        let mut received = self
            .record
            .received
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut received)
    }
}

async fn accept(socket: TcpListener, record: Arc<Record>) -> io::Result<()> {
    let socket = tokio::net::TcpListener::from_std(socket)?;
    loop {
        let (stream, _) = socket.accept().await?;
        tokio::spawn(answer(stream, record.clone()));
    }
}

async fn answer(mut stream: TcpStream, record: Arc<Record>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = Vec::with_capacity(16 * 1024);
    loop {
        while let Some(request) = message(&buffer) {
            let length = request.length;
            if record.on.load(Ordering::Relaxed) {
                record.keep(&request);
            }
            stream.write_all(ANSWER).await?;
            buffer.drain(..length);
        }
        if stream.read_buf(&mut buffer).await? == 0 {
            return Ok(());
        }
    }
}

impl Record {
    fn keep(&self, request: &wire::Message<'_>) {
        let mut received = self.received.lock().unwrap_or_else(PoisonError::into_inner);
        received.push(Received {
            first_line: request.first_line.to_owned(),
            authorization: wire::header(request.headers, "authorization").map(str::to_owned),
            body: request.body.clone(),
        });
    }
}
