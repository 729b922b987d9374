//! The sandbox's connections: HTTP/1.1 by hyper, until a fault takes the bare socket over.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::script::{Script, linger};
use super::service;
use super::state::State;

const MOST_CONNECTIONS: usize = 4_096;
/// The longest a head may take, the wait for its first byte on a kept connection included.
const HEAD_TIMEOUT: Duration = Duration::from_secs(75);
const GOODBYE: Duration = Duration::from_secs(1);
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Accepts until `until`; then every connection is dropped.
pub async fn accept(listener: TcpListener, state: Arc<State>, until: impl Future) {
    let mut until = pin!(until);
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            _ = &mut until => return,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept(), if connections.len() < MOST_CONNECTIONS => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(drive(stream, Arc::clone(&state)));
                }
                // Out of descriptors, most likely: others must close first.
                Err(_) => sleep(ACCEPT_PAUSE).await,
            },
        }
    }
}

async fn drive(stream: TcpStream, state: Arc<State>) {
    let _ = stream.set_nodelay(true);
    let (takeover, mut scripts) = mpsc::channel(1);
    let service = service_fn(move |request| {
        Box::pin(service::serve(
            Arc::clone(&state),
            takeover.clone(),
            request,
        ))
    });
    let mut connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .serve_connection(TokioIo::new(stream), service);
    let script = tokio::select! {
        _ = poll_fn(|context| connection.poll_without_shutdown(context)) => None,
        script = scripts.recv() => script,
    };
    close(connection.into_parts().io.into_inner(), script).await;
}

/// Plays a fault's script, or says goodbye so that the last answer is not lost to a reset.
async fn close(mut stream: TcpStream, script: Option<Script>) {
    let _ = match script {
        Some(script) => script.play(stream).await,
        None => match stream.shutdown().await {
            Ok(()) => linger(&mut stream, GOODBYE).await,
            gone => gone,
        },
    };
}
