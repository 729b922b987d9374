//! Latency at a steady rate: each connection sends at its own fixed moments, whether or not the
//! contender keeps up.

use std::io::{self, Error, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

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

impl Pace {
    pub fn run(self, address: SocketAddr, request: &Arc<[u8]>) -> io::Result<Latencies> {
        let start = Instant::now() + Duration::from_millis(50);
        let senders: Vec<_> = (0..self.connections)
            .map(|number| {
                let request = request.clone();
                thread::spawn(move || self.send(number, start, address, &request))
            })
            .collect();
        let mut all = Vec::new();
        for sender in senders {
            let latencies = sender
                .join()
                .map_err(|_| Error::other("a sender panicked"))?;
            all.extend(latencies?);
        }
        all.sort_unstable();
        Ok(Latencies(all))
    }

    /// A moment that passes while an answer is waited for still counts from itself, so that a
    /// contender which stalls does not stop the clock.
    fn send(
        self,
        number: u32,
        start: Instant,
        address: SocketAddr,
        request: &[u8],
    ) -> io::Result<Vec<Duration>> {
        let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let gap = Duration::from_secs_f64(f64::from(self.connections) / self.rate);
        let mut due = start + gap.mul_f64(f64::from(number) / f64::from(self.connections));
        let mut latencies = Vec::new();
        while due < start + self.duration {
            let wait = due.saturating_duration_since(Instant::now());
            let late = wait.is_zero();
            thread::sleep(wait);
            let from = if late { due } else { Instant::now() };
            exchange(&mut stream, request)?;
            latencies.push(from.elapsed());
            due += gap;
        }
        Ok(latencies)
    }
}

fn exchange(stream: &mut TcpStream, request: &[u8]) -> io::Result<()> {
    stream.write_all(request)?;
    let (mut buffer, mut filled) = ([0; 4096], 0);
    while head_end(buffer.get(..filled).unwrap_or_default()).is_none() {
        let room = buffer.get_mut(filled..).unwrap_or_default();
        match stream.read(room)? {
            0 => return Err(Error::other("the connection was closed")),
            count => filled += count,
        }
    }
    match buffer.starts_with(b"HTTP/1.1 204 ") {
        true => Ok(()),
        false => Err(Error::other("not a 204")),
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
