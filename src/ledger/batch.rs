//! What the writer serves at once: what waits, sorted. Writes go first, because they free cells that
//! others open.

use super::cell::Cell;
use super::job::{Closing, Job, Opened, Reply, Write};
use super::waiter::Waiter;

#[derive(Default)]
pub struct Batch {
    pub writes: Vec<Write>,
    /// One for each write; nobody waits for some.
    pub waiters: Vec<Option<Waiter>>,
    pub opens: Vec<(Cell, Reply<Opened>)>,
    pub generations: Vec<([u8; 32], Reply<i64>)>,
    pub closing: Option<Closing>,
}

impl Batch {
    pub fn add(&mut self, job: Job) {
        match job {
            // Who asked is gone, and nothing was sent: no intent may be left.
            Job::Write(Write::Intend(_), waiter) if waiter.is_gone() => {}
            Job::Write(write, waiter) => self.add_write(write, Some(waiter)),
            Job::Open(_, reply) if reply.is_closed() => {}
            Job::Open(cell, reply) => self.opens.push((cell, reply)),
            Job::Generation(hash, reply) => self.generations.push((hash, reply)),
            Job::Free(fingerprint) => self.add_write(Write::Free(fingerprint), None),
            Job::Withdraw(receipt) => self.add_write(Write::Withdraw(receipt), None),
            Job::Close(closing) => self.closing = Some(closing),
        }
    }

    fn add_write(&mut self, write: Write, waiter: Option<Waiter>) {
        self.writes.push(write);
        self.waiters.push(waiter);
    }
}
