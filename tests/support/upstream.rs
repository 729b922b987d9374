//! A scripted upstream: records each request, and answers with what a closure says.

use std::io::Write;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

use serde_json::Value;

use super::DEADLINE;
use super::message::{Failure, Message, Reader};

/// What is done with a request.
pub enum Reply {
    /// These bytes, and the connection is kept.
    Bytes(Vec<u8>),
    /// These bytes, and the connection ends.
    ThenClose(Vec<u8>),
    /// These bytes, then whatever the closure makes when it is done waiting.
    Staged(Vec<u8>, Box<dyn FnOnce() -> Vec<u8> + Send>),
    /// The first bytes, then the others again and again with a pause before each, until the gateway
    /// ends the connection.
    Endless(Vec<u8>, Vec<u8>, Duration),
    /// Nothing, until the gateway gives up.
    Hang,
}

/// One request as it arrived.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// Which connection it came on, counted from 0.
    pub connection: usize,
    pub message: Message,
}

type Script = dyn Fn(&Recorded, usize) -> Reply + Send + Sync;

#[derive(Default)]
struct Log {
    requests: Vec<Recorded>,
    connections: usize,
    closed: usize,
    malformed: Vec<String>,
}

#[derive(Clone)]
pub struct Upstream {
    pub address: SocketAddr,
    log: Arc<(Mutex<Log>, Condvar)>,
}

impl Upstream {
    /// Answers each request with what `script` makes of it and its number, counted from 0.
    pub fn start(script: impl Fn(&Recorded, usize) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let upstream = Self {
            address: listener.local_addr().unwrap(),
            log: Arc::default(),
        };
        let (serving, script): (_, Arc<Script>) = (upstream.clone(), Arc::new(script));
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (serving, script) = (serving.clone(), script.clone());
                let number = serving.note(|log| {
                    log.connections += 1;
                    log.connections - 1
                });
                thread::spawn(move || {
                    serving.serve(stream.unwrap(), number, &*script);
                    serving.note(|log| log.closed += 1);
                });
            }
        });
        upstream
    }

    /// Answers 204 to everything.
    pub fn accepting() -> Self {
        Self::start(|_, _| reply(204, "", ""))
    }

    fn note<T>(&self, change: impl FnOnce(&mut Log) -> T) -> T {
        let noted = change(&mut self.log.0.lock().unwrap());
        self.log.1.notify_all();
        noted
    }

    fn serve(&self, stream: TcpStream, connection: usize, script: &Script) {
        let mut answers = stream.try_clone().unwrap();
        let mut reader = Reader::new(stream);
        loop {
            let mut message = match reader.head() {
                Ok(message) => message,
                Err(Failure::Closed) => return,
                Err(failure) => return self.note(|log| log.malformed.push(format!("{failure:?}"))),
            };
            if let Err(failure) = reader.body(&mut message, false) {
                return self.note(|log| log.malformed.push(format!("{failure:?}")));
            }
            let recorded = Recorded {
                connection,
                message,
            };
            let number = self.note(|log| {
                log.requests.push(recorded.clone());
                log.requests.len() - 1
            });
            let sent = match script(&recorded, number) {
                Reply::Bytes(bytes) => answers.write_all(&bytes),
                Reply::Staged(first, second) => answers
                    .write_all(&first)
                    .and_then(|()| answers.write_all(&second())),
                Reply::ThenClose(bytes) => {
                    let _ = answers.write_all(&bytes);
                    return;
                }
                Reply::Endless(first, more, pause) => {
                    // Noticed by an end of what is read, where there is nothing to write.
                    let read = thread::spawn(move || reader.rest());
                    let mut sent = answers.write_all(&first);
                    while sent.is_ok() && !read.is_finished() {
                        thread::sleep(pause);
                        sent = answers.write_all(&more);
                    }
                    return;
                }
                Reply::Hang => {
                    let _ = reader.rest();
                    return;
                }
            };
            if sent.is_err() {
                return;
            }
        }
    }

    /// Every request so far. Fails where one was not HTTP.
    pub fn requests(&self) -> Vec<Recorded> {
        let log = self.log.0.lock().unwrap();
        assert!(log.malformed.is_empty(), "malformed: {:?}", log.malformed);
        log.requests.clone()
    }

    pub fn connections(&self) -> usize {
        self.log.0.lock().unwrap().connections
    }

    /// The one request that came.
    pub fn only(&self) -> Recorded {
        match self.requests().as_slice() {
            [request] => request.clone(),
            requests => panic!("{} requests: {requests:?}", requests.len()),
        }
    }

    pub fn last(&self) -> Recorded {
        self.requests().last().expect("a request").clone()
    }

    /// Waits until `count` requests have arrived.
    pub fn wait_for(&self, count: usize) {
        self.wait_until(|log| log.requests.len() >= count);
    }

    /// Waits until `count` connections have been closed from this side.
    pub fn wait_for_closed(&self, count: usize) {
        self.wait_until(|log| log.closed >= count);
    }

    fn wait_until(&self, done: impl Fn(&Log) -> bool) {
        let (log, changed) = &*self.log;
        let log = log.lock().unwrap();
        let waited = changed.wait_timeout_while(log, DEADLINE, |log| !done(log));
        let (log, waited) = waited.unwrap();
        let requests = log.requests.len();
        assert!(
            !waited.timed_out(),
            "{requests} requests, {} closed",
            log.closed
        );
    }
}

impl Recorded {
    fn word(&self, index: usize) -> &str {
        let line = &self.message.first_line;
        line.split(' ').nth(index).unwrap_or_default()
    }

    pub fn method(&self) -> &str {
        self.word(0)
    }

    pub fn target(&self) -> &str {
        self.word(1)
    }

    /// A header that stands at most once.
    pub fn header(&self, name: &str) -> Option<&str> {
        match self.message.all(name).as_slice() {
            [] => None,
            [value] => Some(value),
            several => panic!("`{name}` stands more than once: {several:?}"),
        }
    }

    pub fn body(&self) -> String {
        String::from_utf8(self.message.body.clone()).expect("a body of text")
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.message.body).expect("a body of JSON")
    }
}

/// An answer with a body of some type, its length declared.
pub fn reply(status: u16, media_type: &str, body: impl AsRef<[u8]>) -> Reply {
    let body = body.as_ref();
    let mut head = format!("HTTP/1.1 {status} Status\r\n");
    if !media_type.is_empty() {
        head.push_str(&format!("content-type: {media_type}\r\n"));
    }
    if status != 204 {
        head.push_str(&format!("content-length: {}\r\n", body.len()));
    }
    head.push_str("\r\n");
    Reply::Bytes([head.as_bytes(), body].concat())
}

pub fn json_reply(status: u16, body: impl AsRef<[u8]>) -> Reply {
    reply(status, "application/json; charset=utf-8", body)
}

/// An address that nobody listens on, held so that nobody can.
pub fn refusing_address() -> (socket2::Socket, SocketAddr) {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    let any: SocketAddr = "127.0.0.1:0".parse().unwrap();
    socket.bind(&any.into()).unwrap();
    let address = socket.local_addr().unwrap().as_socket().unwrap();
    (socket, address)
}
