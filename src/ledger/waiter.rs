//! Whoever waits until something is written. To wake a runtime of another thread is a system call,
//! to wake a task of one's own is none: so of all that a transaction wrote, the writer tells one
//! waiter of each thread, and with it goes, to be told there, who else waits on that thread.

use std::thread::{self, ThreadId};

use tokio::sync::oneshot;

use super::fault::Unavailable;

type Told = Result<(), Unavailable>;

/// Whom the writer tells, and the thread it asked on.
pub struct Waiter {
    teller: oneshot::Sender<News>,
    thread: ThreadId,
}

/// What comes back. Whoever drops it, read or not, tells the others.
pub struct News {
    told: Told,
    others: Vec<Waiter>,
}

impl Waiter {
    /// For somebody on this thread.
    pub fn new() -> (Self, oneshot::Receiver<News>) {
        let (teller, news) = oneshot::channel();
        let thread = thread::current().id();
        (Self { teller, thread }, news)
    }

    /// Whether whoever asked has given up.
    pub fn is_gone(&self) -> bool {
        self.teller.is_closed()
    }

    /// Whether it was still there to be told.
    pub fn tell(self, told: Told) -> bool {
        self.tell_with(told, Vec::new())
    }

    fn tell_with(self, told: Told, others: Vec<Waiter>) -> bool {
        // News that nobody takes is dropped here.
        self.teller.send(News { told, others }).is_ok()
    }
}

impl News {
    pub fn told(&self) -> Told {
        self.told
    }
}

impl Drop for News {
    fn drop(&mut self) {
        for other in self.others.drain(..) {
            other.tell(self.told);
        }
    }
}

/// Tells all the same, with one wake for each thread.
pub fn tell_all(waiters: Vec<Waiter>, told: Told) {
    let mut threads: Vec<(Waiter, Vec<Waiter>)> = Vec::new();
    for waiter in waiters {
        let of_its_thread = threads
            .iter_mut()
            .find(|(first, _)| first.thread == waiter.thread);
        match of_its_thread {
            Some((_, others)) => others.push(waiter),
            None => threads.push((waiter, Vec::new())),
        }
    }
    for (first, others) in threads {
        first.tell_with(told, others);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_are_told_also_where_the_first_has_given_up() {
        for gone in [None, Some(0), Some(1), Some(2)] {
            let (waiters, mut waiting): (Vec<_>, Vec<_>) = (0..3).map(|_| Waiter::new()).unzip();
            if let Some(gone) = gone {
                drop(waiting.remove(gone));
            }
            tell_all(waiters, Err(Unavailable::Failing));
            let told = waiting
                .into_iter()
                .map(|news| news.blocking_recv().unwrap().told());
            assert!(
                told.into_iter()
                    .all(|told| told == Err(Unavailable::Failing))
            );
        }
    }

    #[test]
    fn one_of_each_thread_is_told_at_once_and_the_others_by_it() {
        let (first, mut waiting) = Waiter::new();
        let (second, mut other) = Waiter::new();
        let elsewhere = thread::spawn(Waiter::new).join().unwrap();
        tell_all(vec![first, second, elsewhere.0], Ok(()));
        let mut elsewhere = elsewhere.1;
        assert!(elsewhere.try_recv().is_ok());
        assert!(other.try_recv().is_err());
        assert_eq!(waiting.try_recv().unwrap().told(), Ok(()));
        assert!(other.try_recv().is_ok());
    }

    /// Dropping with the news inside, as where a wait ends in that very moment.
    #[test]
    fn news_that_came_too_late_reach_the_others() {
        let (first, waiting) = Waiter::new();
        let (second, mut other) = Waiter::new();
        tell_all(vec![first, second], Ok(()));
        drop(waiting);
        assert_eq!(other.try_recv().unwrap().told(), Ok(()));
    }
}
