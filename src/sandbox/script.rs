//! Bytes played on the bare socket, for answers that no HTTP library would write.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use super::answer::{Answer, reason};

/// Nobody waits longer for a peer to close.
const PATIENCE: Duration = Duration::from_secs(600);
const ENDLESS_CHUNK: usize = 8 * 1024;
/// Where endless ends: 1 GiB.
const ENDLESS_CHUNKS: usize = 128 * 1024;

/// What happens on the socket, in order. After the last step it is closed.
#[derive(Clone, Debug)]
pub struct Script(pub Vec<Step>);

#[derive(Clone, Debug)]
pub enum Step {
    Send(Bytes),
    /// Byte by byte, with this pause after each.
    Drip(Bytes, Duration),
    /// Chunks without end.
    Flood,
    /// Waits until the peer closes; what it sends is thrown away.
    Linger,
    /// Makes the close a reset.
    Reset,
}

impl Script {
    /// Plays to the end, or until the peer is gone.
    pub async fn play(self, mut stream: TcpStream) -> io::Result<()> {
        for step in self.0 {
            step.play(&mut stream).await?;
        }
        stream.shutdown().await
    }
}

impl Step {
    async fn play(self, stream: &mut TcpStream) -> io::Result<()> {
        match self {
            Self::Send(bytes) => stream.write_all(&bytes).await,
            Self::Drip(bytes, pause) => drip(stream, &bytes, pause).await,
            Self::Flood => flood(stream).await,
            Self::Linger => linger(stream, PATIENCE).await,
            Self::Reset => SockRef::from(&*stream).set_linger(Some(Duration::ZERO)),
        }
    }
}

async fn drip(stream: &mut TcpStream, bytes: &[u8], pause: Duration) -> io::Result<()> {
    for byte in bytes {
        stream.write_u8(*byte).await?;
        sleep(pause).await;
    }
    Ok(())
}

async fn flood(stream: &mut TcpStream) -> io::Result<()> {
    let chunk = format!("{ENDLESS_CHUNK:x}\r\n{}\r\n", " ".repeat(ENDLESS_CHUNK));
    for _ in 0..ENDLESS_CHUNKS {
        stream.write_all(chunk.as_bytes()).await?;
    }
    Ok(())
}

/// Reads until the peer closes, at most for `patience`.
pub async fn linger(stream: &mut TcpStream, patience: Duration) -> io::Result<()> {
    let drain = async {
        let mut buffer = [0; 4096];
        while stream.read(&mut buffer).await? > 0 {}
        Ok(())
    };
    timeout(patience, drain).await.unwrap_or(Ok(()))
}

/// An answer as bytes, with its `content-length` where a status may have one.
pub fn written(answer: &Answer) -> Bytes {
    let length = match answer.status().as_u16() {
        204 | 304 => String::new(),
        _ => format!("content-length: {}\r\n", answer.body().len()),
    };
    let mut bytes = head(answer, &length);
    bytes.extend_from_slice(answer.body());
    bytes.into()
}

/// An answer's head, its framing left to `framing`: whole header lines.
pub fn head(answer: &Answer, framing: &str) -> Vec<u8> {
    let status = answer.status();
    let mut head = format!("HTTP/1.1 {} {}\r\n", status.as_u16(), reason(status)).into_bytes();
    for (name, value) in answer.headers() {
        head.extend_from_slice(name.as_str().as_bytes());
        head.extend_from_slice(b": ");
        head.extend_from_slice(value.as_bytes());
        head.extend_from_slice(b"\r\n");
    }
    head.extend_from_slice(framing.as_bytes());
    head.extend_from_slice(b"\r\n");
    head
}
