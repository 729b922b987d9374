//! Serves the admin pages on their own socket. Outlives the drain, so that a probe can watch it.
//! Where it is full, the connection that has asked for nothing for longest makes room: nobody can
//! keep a probe out by keeping connections open.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;
use tokio::time::{sleep, timeout};

use super::Admin;

/// Connections that may be open at once: a few probes, a scraper and a person.
const MOST_CONNECTIONS: usize = 64;

/// The longest that a connection waits for a request's head, its first or its next.
const HEAD: Duration = Duration::from_secs(5);

/// How long an admin connection is kept.
const LIFETIME: Duration = Duration::from_secs(30);

/// And the longest that the page which is being made then is waited for, and read.
const LAST_PAGE: Duration = Duration::from_secs(15);

/// Serves until it is dropped.
pub async fn serve_admin(socket: TcpListener, admin: Arc<Admin>) {
    let mut guests = Guests::default();
    loop {
        let Ok((stream, _)) = socket.accept().await else {
            sleep(Duration::from_millis(50)).await;
            continue;
        };
        guests.make_room();
        let guest = guests.guest();
        let serving = tokio::spawn(serve(stream, admin.clone(), guest.clone()));
        guests.open.push((guest, serving.abort_handle()));
    }
}

async fn serve(stream: TcpStream, admin: Arc<Admin>, guest: Guest) {
    let service = service_fn(|request: Request<Incoming>| {
        // No page has use for a body.
        let (head, _) = request.into_parts();
        let (admin, guest) = (&admin, &guest);
        async move {
            guest.asks();
            let page = admin.answer(&head).await;
            guest.is_answered();
            Ok::<_, Infallible>(page)
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    // A probe that breaks off is nobody's news.
    if timeout(LIFETIME, connection.as_mut()).await.is_err() {
        connection.as_mut().graceful_shutdown();
        let _ = timeout(LAST_PAGE, connection).await;
    }
}

/// Whoever is connected.
#[derive(Default)]
struct Guests {
    open: Vec<(Guest, AbortHandle)>,
    /// Counts what happens on all connections, in place of a clock.
    clock: Arc<AtomicU64>,
}

/// What is known of one connection.
#[derive(Clone)]
struct Guest(Arc<Seen>);

#[derive(Default)]
struct Seen {
    /// Whether a page is being made for it.
    is_asking: AtomicBool,
    /// When it came, or was answered last.
    last: AtomicU64,
    clock: Arc<AtomicU64>,
}

impl Guests {
    fn guest(&self) -> Guest {
        let guest = Guest(Arc::new(Seen {
            clock: self.clock.clone(),
            ..Seen::default()
        }));
        guest.is_answered();
        guest
    }

    /// For one more, at the cost of the most idle one where there is none.
    fn make_room(&mut self) {
        self.open.retain(|(_, serving)| !serving.is_finished());
        if self.open.len() < MOST_CONNECTIONS {
            return;
        }
        let guests = self.open.iter().enumerate();
        let most_idle = guests.min_by_key(|(_, (guest, _))| guest.worth());
        if let Some((place, _)) = most_idle {
            let (_, serving) = self.open.swap_remove(place);
            serving.abort();
        }
    }
}

impl Guest {
    fn asks(&self) {
        self.0.is_asking.store(true, Ordering::Relaxed);
    }

    fn is_answered(&self) {
        let now = self.0.clock.fetch_add(1, Ordering::Relaxed);
        self.0.last.store(now, Ordering::Relaxed);
        self.0.is_asking.store(false, Ordering::Relaxed);
    }

    /// Whoever waits for a page comes before whoever doesn't, then whoever was active last.
    fn worth(&self) -> (bool, u64) {
        let Seen {
            is_asking, last, ..
        } = &*self.0;
        (
            is_asking.load(Ordering::Relaxed),
            last.load(Ordering::Relaxed),
        )
    }
}
