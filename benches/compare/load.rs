//! Load at saturation: each connection sends its next request as soon as it has the answer to the
//! last. One thread; bounded in connections and time.

use std::io::{self, Error};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::try_join_all;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;

use crate::wire::head_end;

/// How long connecting, or a last answer, may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Connections to one contender.
pub struct Load {
    runtime: Runtime,
    connections: Vec<Connection>,
}

struct Connection {
    stream: TcpStream,
    request: Arc<[u8]>,
    buffer: Vec<u8>,
}

/// What was done in a stretch of load.
pub struct Done {
    pub requests: u64,
    pub elapsed: Duration,
}

impl Load {
    pub fn connect(address: SocketAddr, count: usize, request: &Arc<[u8]>) -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let connecting = (0..count).map(|_| Connection::open(address, request.clone()));
        let connections = runtime
            .block_on(async { timeout(PATIENCE, try_join_all(connecting)).await })
            .map_err(|_| Error::other("connecting took too long"))??;
        Ok(Self {
            runtime,
            connections,
        })
    }

    /// Sends for that long, and waits for the last answers. Each must be a 204.
    pub fn run(&mut self, duration: Duration) -> io::Result<Done> {
        let Self {
            runtime,
            connections,
        } = self;
        let started = Instant::now();
        let end = started + duration;
        let sending = connections
            .drain(..)
            .map(|connection| connection.send_until(end));
        let finished = runtime
            .block_on(async { timeout(duration + PATIENCE, join(sending)).await })
            .map_err(|_| Error::other("answers stopped coming"))??;
        let elapsed = started.elapsed();
        let requests = finished.iter().map(|(_, sent)| sent).sum();
        connections.extend(finished.into_iter().map(|(connection, _)| connection));
        Ok(Done { requests, elapsed })
    }

    /// One request on each connection, and no two at once: what then stays is idle.
    pub fn one_after_another(&mut self) -> io::Result<()> {
        let Self {
            runtime,
            connections,
        } = self;
        let sending = async {
            for connection in connections {
                connection.exchange().await?;
            }
            Ok(())
        };
        let finished = runtime.block_on(async { timeout(PATIENCE, sending).await });
        finished.map_err(|_| Error::other("answers stopped coming"))?
    }
}

/// As tasks: a woken one is polled alone, not all of them.
async fn join(
    sending: impl Iterator<Item = impl Future<Output = io::Result<(Connection, u64)>> + Send + 'static>,
) -> io::Result<Vec<(Connection, u64)>> {
    let tasks: Vec<_> = sending.map(tokio::spawn).collect();
    let mut finished = Vec::with_capacity(tasks.len());
    for task in tasks {
        finished.push(task.await.map_err(Error::other)??);
    }
    Ok(finished)
}

impl Connection {
    async fn open(address: SocketAddr, request: Arc<[u8]>) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let buffer = Vec::with_capacity(4 * 1024);
        Ok(Self {
            stream,
            request,
            buffer,
        })
    }

    async fn send_until(mut self, end: Instant) -> io::Result<(Self, u64)> {
        let mut sent = 0;
        loop {
            self.exchange().await?;
            sent += 1;
            if Instant::now() >= end {
                return Ok((self, sent));
            }
        }
    }

    async fn exchange(&mut self) -> io::Result<()> {
        self.stream.write_all(&self.request).await?;
        self.buffer.clear();
        while head_end(&self.buffer).is_none() {
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Err(Error::other("the connection was closed"));
            }
        }
        match self.buffer.starts_with(b"HTTP/1.1 204 ") {
            true => Ok(()),
            false => Err(Error::other(format!(
                "not a 204: {}",
                String::from_utf8_lossy(&self.buffer)
            ))),
        }
    }
}
