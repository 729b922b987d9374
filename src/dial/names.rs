//! The addresses of a host. Whoever asks gives up at a deadline; the system's look-up goes on, on a thread
//! of its own, for half a minute where no name server answers. So each worker looks a host up for all who
//! wait, and begins another look-up only where the last has taken long: else every request would begin one
//! while name servers are away, and one question that was lost would hold up all.

use std::cell::RefCell;
use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::net::lookup_host;
use tokio::sync::watch;

/// After which another look-up is begun for those who come.
const LONG: Duration = Duration::from_secs(1);

/// The most that run for a host at once, on one worker.
const MOST: usize = 3;

/// A host's name and the port that is meant.
type Place = (String, u16);

type Found = Result<Vec<SocketAddr>, Arc<io::Error>>;

/// What is being looked up, or was: until something is found, or the last look-up has failed.
struct Looking {
    found: watch::Receiver<Option<Found>>,
    teller: Teller,
    begun: Instant,
}

/// Held by each look-up that runs.
#[derive(Clone)]
struct Teller {
    found: Arc<watch::Sender<Option<Found>>>,
    running: Arc<AtomicUsize>,
}

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
    let now = Instant::now();
    found(LOOKING.with_borrow_mut(|all| join(all, place, now, look_up))).await
}

async fn look_up(place: Place) -> io::Result<Vec<SocketAddr>> {
    Ok(lookup_host(place).await?.collect())
}

/// What the look-ups that run will find; begins one where there is none, or none that is new.
fn join<F>(
    all: &mut HashMap<Place, Looking>,
    place: Place,
    now: Instant,
    look_up: impl Fn(Place) -> F,
) -> watch::Receiver<Option<Found>>
where
    F: Future<Output = io::Result<Vec<SocketAddr>>> + Send + 'static,
{
    all.retain(|_, looking| looking.found.borrow().is_none());
    let begin = |teller: Teller, place: &Place| {
        teller.running.fetch_add(1, Ordering::AcqRel);
        let looked_up = look_up(place.clone());
        // A task, so that it is there until its end, also when all who wait give up.
        tokio::spawn(async move { teller.tell(looked_up.await) });
    };
    let looking = all.entry(place.clone()).or_insert_with(|| Looking::at(now));
    let running = looking.teller.running.load(Ordering::Acquire);
    let is_old = now.saturating_duration_since(looking.begun) >= LONG;
    if running == 0 || is_old && running < MOST {
        looking.begun = now;
        begin(looking.teller.clone(), &place);
    }
    looking.found.clone()
}

impl Looking {
    fn at(now: Instant) -> Self {
        let (teller, found) = watch::channel(None);
        let teller = Teller {
            found: Arc::new(teller),
            running: Arc::default(),
        };
        Self {
            found,
            teller,
            begun: now,
        }
    }
}

impl Teller {
    /// The first that finds something tells all; a failure is told by the last.
    fn tell(self, looked_up: io::Result<Vec<SocketAddr>>) {
        let was_last = self.running.fetch_sub(1, Ordering::AcqRel) == 1;
        let looked_up = looked_up.map_err(Arc::new);
        self.found.send_if_modified(|found| {
            let is_news = found.is_none() && (looked_up.is_ok() || was_last);
            if is_news {
                *found = Some(looked_up);
            }
            is_news
        });
    }
}

async fn found(mut looking: watch::Receiver<Option<Found>>) -> io::Result<Vec<SocketAddr>> {
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
        fn join(
            &self,
            all: &mut HashMap<Place, Looking>,
            host: &str,
        ) -> watch::Receiver<Option<Found>> {
            self.join_at(Instant::now(), all, host)
        }

        fn join_at(
            &self,
            now: Instant,
            all: &mut HashMap<Place, Looking>,
            host: &str,
        ) -> watch::Receiver<Option<Found>> {
            join(all, (host.to_owned(), 443), now, |_| {
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
    async fn where_one_takes_long_others_are_begun_and_few_at_once() {
        let (names, mut all, start) = (Names::default(), HashMap::new(), Instant::now());
        let mut waiting = Vec::new();
        for (tenths, asked) in [(0, 1), (9, 1), (10, 2), (19, 2), (20, 3), (300, 3)] {
            let now = start + Duration::from_millis(100) * tenths;
            waiting.push(names.join_at(now, &mut all, "lms.example"));
            assert_eq!(names.asked(), asked, "{tenths}");
        }
        // Two fail, and nobody hears of it while one is left.
        for _ in 0..2 {
            yield_now().await;
            names.answer.notify_one();
        }
        yield_now().await;
        let first = found(waiting.remove(0));
        assert!(timeout(Duration::ZERO, first).await.is_err());
        names.answer.notify_one();
        for looking in waiting {
            assert!(found(looking).await.is_err());
        }
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
