//! Latency at a steady rate: requests are due at fixed moments, whether or not the contender keeps
//! up. One thread that sleeps until something is due or has come: a thread for each connection would
//! take more of the machine than the contender does.

use std::collections::VecDeque;
use std::io::{self, Error, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use rustix::event::Timespec;
use rustix::event::epoll::{self, Event, EventData, EventFlags};

use crate::wire::head_end;

const PATIENCE: Duration = Duration::from_secs(5);

/// Requests per second over all connections, for how long.
#[derive(Clone, Copy)]
pub struct Pace {
    pub rate: f64,
    pub connections: u32,
    pub duration: Duration,
}

/// Every latency, in order of size.
pub struct Latencies(Vec<Duration>);

/// One connection, and what it owes.
struct Sender {
    stream: TcpStream,
    /// Since when the request that is under way counts.
    since: Option<Instant>,
    /// Moments that passed while an answer was waited for. They count from themselves, so that a
    /// contender which stalls does not stop the clock.
    overdue: VecDeque<Instant>,
    answer: Vec<u8>,
}

impl Pace {
    pub fn run(self, address: SocketAddr, request: &[u8]) -> io::Result<Latencies> {
        let (events, mut senders) = self.connect(address)?;
        let gap = Duration::from_secs_f64(1.0 / self.rate);
        let mut due = Instant::now();
        let end = due + self.duration;
        let mut latencies = Vec::new();
        // Each connection has its turn.
        let mut turns = (0..senders.len()).cycle();
        let mut came = Vec::with_capacity(senders.len());
        loop {
            let now = Instant::now();
            while due <= now.min(end) {
                if let Some(sender) = turns.next().and_then(|turn| senders.get_mut(turn)) {
                    sender.send_or_owe(due, request)?;
                }
                due += gap;
            }
            let is_over = now >= end;
            if is_over && senders.iter().all(|sender| sender.since.is_none()) {
                break;
            }
            if now >= end + PATIENCE {
                return Err(Error::other("answers stopped coming"));
            }
            let wait = if is_over { PATIENCE } else { due - now };
            wait_for(&events, &mut came, wait)?;
            for event in came.drain(..) {
                let sender = usize::try_from(event.data.u64()).ok();
                if let Some(sender) = sender.and_then(|place| senders.get_mut(place)) {
                    latencies.extend(sender.take_answer(request)?);
                }
            }
        }
        latencies.sort_unstable();
        Ok(Latencies(latencies))
    }

    fn connect(self, address: SocketAddr) -> io::Result<(OwnedFd, Vec<Sender>)> {
        let events = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let mut senders = Vec::new();
        for number in 0..self.connections {
            let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
            stream.set_nodelay(true)?;
            stream.set_nonblocking(true)?;
            let data = EventData::new_u64(number.into());
            epoll::add(&events, &stream, data, EventFlags::IN)?;
            senders.push(Sender {
                stream,
                since: None,
                overdue: VecDeque::new(),
                answer: Vec::with_capacity(4 * 1024),
            });
        }
        Ok((events, senders))
    }
}

/// Sleeps until answers come, or for so long.
fn wait_for(events: &OwnedFd, came: &mut Vec<Event>, wait: Duration) -> io::Result<()> {
    let wait = Timespec::try_from(wait).map_err(Error::other)?;
    let room = rustix::buffer::spare_capacity(came);
    match epoll::wait(events, room, Some(&wait)) {
        Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
        Err(cause) => Err(cause.into()),
    }
}

impl Sender {
    /// From the moment it leaves, where it leaves in time: how late this thread woke is not the
    /// contender's doing.
    fn send_or_owe(&mut self, due: Instant, request: &[u8]) -> io::Result<()> {
        match self.since {
            None => self.send(Instant::now(), request),
            Some(_) => {
                self.overdue.push_back(due);
                Ok(())
            }
        }
    }

    fn send(&mut self, since: Instant, request: &[u8]) -> io::Result<()> {
        self.since = Some(since);
        // Far less than a socket has room for.
        self.stream.write_all(request)
    }

    /// The latency, once the answer is whole; what is overdue is sent next.
    fn take_answer(&mut self, request: &[u8]) -> io::Result<Option<Duration>> {
        let mut bytes = [0; 4096];
        match self.stream.read(&mut bytes) {
            Ok(0) => return Err(Error::other("the connection was closed")),
            Ok(count) => self
                .answer
                .extend_from_slice(bytes.get(..count).unwrap_or_default()),
            Err(cause) if cause.kind() == ErrorKind::WouldBlock => return Ok(None),
            Err(cause) => return Err(cause),
        }
        if head_end(&self.answer).is_none() {
            return Ok(None);
        }
        if !self.answer.starts_with(b"HTTP/1.1 204 ") {
            return Err(Error::other("not a 204"));
        }
        self.answer.clear();
        let latency = self.since.take().map(|since| since.elapsed());
        if let Some(due) = self.overdue.pop_front() {
            self.send(due, request)?;
        }
        Ok(latency)
    }
}

impl Latencies {
    /// The latency that this share of requests stays within, in microseconds.
    pub fn quantile(&self, share: f64) -> f64 {
        let last = self.0.len().saturating_sub(1);
        let place = (last as f64 * share).round() as usize;
        self.0
            .get(place)
            .map_or(0.0, |latency| latency.as_secs_f64() * 1e6)
    }
}
