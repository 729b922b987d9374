//! The addresses of a host. Whoever asks gives up at a deadline; the system's look-up goes on, on a thread
//! of its own, for half a minute where no name server answers. So each worker looks a host up once at a
//! time, for all who wait: else every request would begin another while name servers are away.

use std::cell::RefCell;
use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use tokio::net::lookup_host;
use tokio::sync::watch;

/// A host's name and the port that is meant.
type Place = (String, u16);

type Found = Result<Vec<SocketAddr>, Arc<io::Error>>;

/// What is being looked up, or was: its sender is there until the look-up ends.
type Looking = watch::Receiver<Option<Found>>;

thread_local! {
    /// This worker's. One for each host that is configured, at most.
    static LOOKING: RefCell<HashMap<Place, Looking>> = RefCell::default();
}

/// The addresses to try, one after another. The caller of this gives it a deadline.
pub async fn addresses(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(address, port)]);
    }
    let place = (host.to_owned(), port);
    found(LOOKING.with_borrow_mut(|all| join(all, place, look_up))).await
}

async fn look_up(place: Place) -> io::Result<Vec<SocketAddr>> {
    Ok(lookup_host(place).await?.collect())
}

/// The look-up that runs, or a new one.
fn join<F>(all: &mut HashMap<Place, Looking>, place: Place, look_up: impl Fn(Place) -> F) -> Looking
where
    F: Future<Output = io::Result<Vec<SocketAddr>>> + Send + 'static,
{
    all.retain(|_, looking| runs(looking));
    let begin = |place: &Place| {
        let (sender, looking) = watch::channel(None);
        let looked_up = look_up(place.clone());
        // A task, so that it is there until its end, also when all who wait give up.
        tokio::spawn(async move {
            sender.send_replace(Some(looked_up.await.map_err(Arc::new)));
        });
        looking
    };
    let entry = all.entry(place);
    let looking = entry.or_insert_with_key(begin);
    looking.clone()
}

fn runs(looking: &Looking) -> bool {
    looking.has_changed().is_ok()
}

async fn found(mut looking: Looking) -> io::Result<Vec<SocketAddr>> {
    let found = looking.wait_for(Option::is_some).await;
    // It has no end where the process has one.
    let found = found.map_err(io::Error::other)?.clone();
    match found {
        Some(Ok(addresses)) => Ok(addresses),
        Some(Err(cause)) => Err(io::Error::new(cause.kind(), cause)),
        None => Ok(Vec::new()),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use tokio::sync::Notify;
    use tokio::task::yield_now;
    use tokio::time::timeout;

    use super::*;

    /// Name servers that answer when they are told to.
    #[derive(Clone, Default)]
    struct Names {
        asked: Arc<AtomicUsize>,
        answer: Arc<Notify>,
    }

    impl Names {
        fn join(&self, all: &mut HashMap<Place, Looking>, host: &str) -> Looking {
            join(all, (host.to_owned(), 443), |_| {
                self.asked.fetch_add(1, Ordering::Relaxed);
                let answer = self.answer.clone();
                async move {
                    answer.notified().await;
                    Err(io::Error::new(io::ErrorKind::NotFound, "no such name"))
                }
            })
        }

        fn asked(&self) -> usize {
            self.asked.load(Ordering::Relaxed)
        }
    }

    #[tokio::test]
    async fn however_many_wait_or_give_up_a_host_is_looked_up_once_at_a_time() {
        let (names, mut all) = (Names::default(), HashMap::new());
        for _ in 0..100 {
            let waiting = found(names.join(&mut all, "lms.example"));
            assert!(timeout(Duration::ZERO, waiting).await.is_err());
        }
        assert_eq!(names.asked(), 1);
        let waiting = [(); 2].map(|()| names.join(&mut all, "lms.example"));
        names.answer.notify_one();
        for looking in waiting {
            let failed = found(looking).await.unwrap_err();
            assert_eq!(failed.kind(), io::ErrorKind::NotFound);
            assert_eq!(failed.to_string(), "no such name");
        }
        assert_eq!(names.asked(), 1);
    }

    #[tokio::test]
    async fn what_has_ended_is_looked_up_anew_and_other_hosts_beside_it() {
        let (names, mut all) = (Names::default(), HashMap::new());
        let first = names.join(&mut all, "lms.example");
        drop(names.join(&mut all, "other.example"));
        assert_eq!((names.asked(), all.len()), (2, 2));
        names.answer.notify_waiters();
        yield_now().await;
        names.answer.notify_waiters();
        assert!(found(first).await.is_err());
        yield_now().await;
        drop(names.join(&mut all, "lms.example"));
        assert_eq!((names.asked(), all.len()), (3, 1));
    }

    #[tokio::test]
    async fn an_address_is_its_own() {
        for (host, address) in [("127.0.0.1", "127.0.0.1:80"), ("::1", "[::1]:80")] {
            let found = addresses(host, 80).await.unwrap();
            assert_eq!(found, [address.parse().unwrap()]);
        }
        let found = addresses("localhost", 80).await.unwrap();
        assert!(found.iter().all(|address| address.ip().is_loopback()));
        assert!(!found.is_empty());
    }
}
