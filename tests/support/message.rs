//! One HTTP/1.1 message from a stream, read strictly.

use std::io::{ErrorKind, Read};

/// Why a message is not whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The stream ended before its first byte.
    Closed,
    /// The stream ended within it. Holds what had come.
    Cut(Vec<u8>),
    /// Nothing came in time. Holds what had come.
    Late(Vec<u8>),
    /// It is not HTTP.
    Malformed(String),
}

/// What is left over of a stream, and the stream.
pub struct Reader<S> {
    pub stream: S,
    buffer: Vec<u8>,
}

/// A message: its first line, its headers with their names as they came, its body.
#[derive(Clone, Debug)]
pub struct Message {
    pub head: String,
    pub first_line: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl<S: Read> Reader<S> {
    pub fn new(stream: S) -> Self {
        let buffer = Vec::new();
        Self { stream, buffer }
    }

    /// Reads more; `false` at the end of the stream.
    fn fill(&mut self) -> Result<bool, Failure> {
        let mut bytes = [0; 16 * 1024];
        let read = loop {
            match self.stream.read(&mut bytes) {
                // A process that is stopped and goes on, or a machine, breaks a read with a time limit.
                Err(cause) if cause.kind() == ErrorKind::Interrupted => {}
                read => break read,
            }
        };
        match read {
            Ok(0) => Ok(false),
            Ok(count) => {
                self.buffer.extend_from_slice(&bytes[..count]);
                Ok(true)
            }
            Err(cause) if matches!(cause.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                Err(Failure::Late(self.buffer.clone()))
            }
            // A reset is an end like any other.
            Err(_) => Ok(false),
        }
    }

    fn more(&mut self) -> Result<(), Failure> {
        match self.fill()? {
            true => Ok(()),
            false if self.buffer.is_empty() => Err(Failure::Closed),
            false => Err(Failure::Cut(self.buffer.clone())),
        }
    }

    /// The head, up to its empty line.
    pub fn head(&mut self) -> Result<Message, Failure> {
        let end = loop {
            match find(&self.buffer, b"\r\n\r\n") {
                Some(end) => break end,
                None => self.more()?,
            }
        };
        let head: Vec<u8> = self.buffer.drain(..end + 4).collect();
        parse(&head[..end])
    }

    /// The body that the head announces. `bodiless`: there is none whatever it says.
    pub fn body(&mut self, message: &mut Message, bodiless: bool) -> Result<(), Failure> {
        let length = message.only("content-length")?;
        let coding = message.only("transfer-encoding")?;
        match (length, coding) {
            _ if bodiless => Ok(()),
            (None, None) => Ok(()),
            (Some(length), None) => {
                let length = length.parse().map_err(|_| bad("content-length"))?;
                message.body = self.take(length)?;
                Ok(())
            }
            (None, Some(coding)) if coding.eq_ignore_ascii_case("chunked") => {
                self.chunks(&mut message.body)
            }
            _ => Err(bad("framing")),
        }
    }

    fn chunks(&mut self, body: &mut Vec<u8>) -> Result<(), Failure> {
        loop {
            let line = self.line()?;
            let size = usize::from_str_radix(&line, 16).map_err(|_| bad("chunk size"))?;
            if size == 0 {
                while !self.line()?.is_empty() {}
                return Ok(());
            }
            body.extend(self.take(size)?);
            match self.take(2)?.as_slice() {
                b"\r\n" => {}
                _ => return Err(bad("chunk end")),
            }
        }
    }

    fn line(&mut self) -> Result<String, Failure> {
        let end = loop {
            match find(&self.buffer, b"\r\n") {
                Some(end) => break end,
                None => self.more()?,
            }
        };
        let line: Vec<u8> = self.buffer.drain(..end + 2).take(end).collect();
        String::from_utf8(line).map_err(|_| bad("line"))
    }

    fn take(&mut self, count: usize) -> Result<Vec<u8>, Failure> {
        while self.buffer.len() < count {
            match self.fill()? {
                true => {}
                false => return Err(Failure::Cut(self.buffer.clone())),
            }
        }
        Ok(self.buffer.drain(..count).collect())
    }

    /// Everything up to the end of the stream, `None` where it doesn't end in time.
    pub fn rest(&mut self) -> Option<Vec<u8>> {
        loop {
            match self.fill() {
                Ok(true) => {}
                Ok(false) => return Some(std::mem::take(&mut self.buffer)),
                Err(_) => return None,
            }
        }
    }

    /// What has come and is not read yet, after waiting for at least one byte.
    pub fn some(&mut self) -> Result<Vec<u8>, Failure> {
        if self.buffer.is_empty() {
            self.more()?;
        }
        Ok(std::mem::take(&mut self.buffer))
    }
}

impl Message {
    /// Every value of a header, in order.
    pub fn all(&self, name: &str) -> Vec<&str> {
        let named = |entry: &&(String, String)| entry.0.eq_ignore_ascii_case(name);
        let values = self.headers.iter().filter(named);
        values.map(|(_, value)| value.as_str()).collect()
    }

    /// A header that may stand once.
    fn only(&self, name: &str) -> Result<Option<String>, Failure> {
        match self.all(name).as_slice() {
            [] => Ok(None),
            [value] => Ok(Some((*value).to_owned())),
            _ => Err(bad(name)),
        }
    }
}

fn parse(head: &[u8]) -> Result<Message, Failure> {
    let head = String::from_utf8_lossy(head).into_owned();
    let mut lines = head.split("\r\n");
    let first_line = lines.next().unwrap_or_default().to_owned();
    let mut headers = Vec::new();
    for line in lines {
        let (name, value) = line.split_once(':').ok_or_else(|| bad(line))?;
        if name.is_empty() || name.contains([' ', '\t']) || line.contains(['\n', '\r']) {
            return Err(bad(line));
        }
        headers.push((name.to_owned(), value.trim().to_owned()));
    }
    Ok(Message {
        first_line,
        headers,
        body: Vec::new(),
        head,
    })
}

fn bad(what: &str) -> Failure {
    Failure::Malformed(what.to_owned())
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|part| part == wanted)
}
