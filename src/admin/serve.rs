//! Serves the admin pages on their own socket. Outlives the drain, so that a probe can watch it.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

use super::Admin;

/// Connections that may be open at once: a few probes, a scraper and a person.
const MOST_CONNECTIONS: usize = 64;

/// The longest an admin connection lives.
const LIFETIME: Duration = Duration::from_secs(30);

/// Serves until it is dropped.
pub async fn serve_admin(socket: TcpListener, admin: Arc<Admin>) {
    let room = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    loop {
        let Ok(place) = room.clone().acquire_owned().await else {
            return;
        };
        let Ok((stream, _)) = socket.accept().await else {
            sleep(Duration::from_millis(50)).await;
            continue;
        };
        let admin = admin.clone();
        tokio::spawn(async move {
            let service = service_fn(|request: Request<Incoming>| {
                // No page has use for a body.
                let (head, _) = request.into_parts();
                let admin = &admin;
                async move { Ok::<_, Infallible>(admin.answer(&head).await) }
            });
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(Duration::from_secs(10))
                .serve_connection(TokioIo::new(stream), service);
            // A probe that breaks off is nobody's news.
            let _ = timeout(LIFETIME, connection).await;
            drop(place);
        });
    }
}
