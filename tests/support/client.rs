//! A raw client: sends bytes as they are, reads one answer strictly.

use std::io::Write;
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

use super::DEADLINE;
pub use super::message::Failure;
use super::message::{Message, Reader};

/// One connection to the gateway.
pub struct Client {
    reader: Reader<TcpStream>,
}

/// One answer of the gateway.
#[derive(Clone, Debug)]
pub struct Response {
    pub status: u16,
    pub message: Message,
}

impl Client {
    pub fn connect(address: SocketAddr) -> Self {
        Self::try_connect(address).expect("the gateway takes connections")
    }

    pub fn try_connect(address: SocketAddr) -> std::io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(DEADLINE))?;
        stream.set_write_timeout(Some(DEADLINE))?;
        stream.set_nodelay(true)?;
        let reader = Reader::new(stream);
        Ok(Self { reader })
    }

    /// How long a read may wait from now on.
    pub fn patience(&mut self, patience: Duration) {
        let stream = &self.reader.stream;
        stream.set_read_timeout(Some(patience)).unwrap();
    }

    /// Sends what the other end may already refuse to read.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) -> &mut Self {
        let _ = self.try_send(bytes);
        self
    }

    pub fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> std::io::Result<()> {
        self.reader.stream.write_all(bytes.as_ref())
    }

    /// Ends the sending half.
    pub fn finish(&mut self) {
        let _ = self.reader.stream.shutdown(Shutdown::Write);
    }

    /// The next answer, interim ones skipped.
    pub fn try_response(&mut self) -> Result<Response, Failure> {
        loop {
            let response = self.try_head()?;
            if !(100..200).contains(&response.status) {
                return self.try_body(response);
            }
        }
    }

    /// The head of the next answer alone.
    pub fn try_head(&mut self) -> Result<Response, Failure> {
        let message = self.reader.head()?;
        let status = status(&message.first_line)?;
        Ok(Response { status, message })
    }

    pub fn try_body(&mut self, mut response: Response) -> Result<Response, Failure> {
        let bodiless = matches!(response.status, 204 | 304);
        self.reader.body(&mut response.message, bodiless)?;
        Ok(response)
    }

    pub fn response(&mut self) -> Response {
        self.try_response()
            .unwrap_or_else(|failure| panic!("no whole answer: {failure:?}"))
    }

    /// Some bytes of a body, as they come.
    pub fn some(&mut self) -> Result<Vec<u8>, Failure> {
        self.reader.some()
    }

    /// Whether the gateway ends the connection in time, without another byte.
    pub fn is_closed(&mut self) -> bool {
        self.reader.rest().is_some_and(|rest| rest.is_empty())
    }
}

impl Response {
    /// A header that stands at most once.
    pub fn header(&self, name: &str) -> Option<&str> {
        match self.message.all(name).as_slice() {
            [] => None,
            [value] => Some(value),
            several => panic!("`{name}` stands more than once: {several:?}"),
        }
    }

    pub fn text(&self) -> String {
        String::from_utf8(self.message.body.clone()).expect("a body of text")
    }

    pub fn json(&self) -> Value {
        let text = self.text();
        serde_json::from_str(&text).unwrap_or_else(|cause| panic!("{cause}: {text}"))
    }

    /// The whole answer as text, for what must not stand in it.
    pub fn everything(&self) -> String {
        let body = String::from_utf8_lossy(&self.message.body);
        format!("{}\r\n\r\n{body}", self.message.head)
    }
}

fn status(line: &str) -> Result<u16, Failure> {
    let bad = || Failure::Malformed(line.to_owned());
    let rest = line.strip_prefix("HTTP/1.1 ").ok_or_else(bad);
    // HTTP/1.0 requests are answered in kind.
    let rest = rest.or_else(|_| line.strip_prefix("HTTP/1.0 ").ok_or_else(bad))?;
    let (digits, after) = rest.split_at_checked(3).ok_or_else(bad)?;
    match after.is_empty() || after.starts_with(' ') {
        true => digits.parse().map_err(|_| bad()),
        false => Err(bad()),
    }
}
