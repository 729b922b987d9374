//! Starts a gateway from a configuration: binds its sockets, runs its threads, and stops it.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use thiserror::Error;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{Semaphore, mpsc};
use tokio::time::{Instant, interval, timeout, timeout_at};

use crate::admin::{Admin, serve_admin};
use crate::auth::Readers;
use crate::config::{Loaded, Server};
use crate::file_limit;
use crate::gateway::{CannotServe, Lasting, Slot};
use crate::generation::Generations;
use crate::ledger::{CannotOpen, Ledger};
use crate::meter::Limit;
use crate::pipeline::pipeline;
use crate::reload::{Source, follow};
use crate::server::{Acceptor, Answers, CannotListen, listen, listen_alone, serve};
use crate::telemetry::flush_access_lines;

/// The longest that the last spans may hold up the end.
#[cfg(feature = "otlp")]
const LAST_EXPORT: Duration = Duration::from_secs(2);

/// The longest that the ledger may hold up the end where requests took all the time there was.
const LAST_WRITES: Duration = Duration::from_secs(1);

/// The longest that workers may take to drop what is left of them.
const CUT_OFF: Duration = Duration::from_secs(1);

/// How often waiting access lines are handed over.
const FLUSH: Duration = Duration::from_millis(100);

/// How often connections to LTIAAS are looked through for those that nobody uses any more.
const LOOK: Duration = Duration::from_secs(1);

/// A running gateway. Its threads end with the process, or after `shut_down`.
pub struct Gateway {
    pub listen: SocketAddr,
    pub admin: SocketAddr,
    generations: Arc<Generations>,
    /// Each worker holds a sender: when none is left, all have ended.
    workers: mpsc::Receiver<()>,
}

/// Why a gateway doesn't start.
#[derive(Debug, Error)]
pub enum CannotStart {
    #[error(transparent)]
    Listen(#[from] CannotListen),
    #[error(transparent)]
    Ledger(#[from] CannotOpen),
    #[error(transparent)]
    Configuration(#[from] CannotServe),
    #[error("a thread or its runtime can't be started")]
    Thread(#[from] io::Error),
    #[error("the system gives no random numbers")]
    Random(#[from] getrandom::Error),
}

impl Gateway {
    /// Starts serving. Blocks, so not within a runtime. Every socket is bound when this returns. With a `source` it follows what
    /// becomes of the configuration.
    pub fn start(loaded: Loaded, source: Option<Source>) -> Result<Self, CannotStart> {
        let (server, admin) = (loaded.config.server.clone(), loaded.config.admin.listen);
        let size = workers(server.workers);
        // Before anything is opened.
        let connections = most_connections(&server, size);
        let room = Arc::new(Semaphore::new(connections));
        // Before any socket: whoever may not have the ledger takes no port either.
        let recorded = loaded.config.ledger.as_ref();
        let ledger = recorded.map(Ledger::open).transpose()?;
        let lasting = Lasting::new(&server, size, ledger)?;
        #[cfg(feature = "otlp")]
        let lasting = lasting.exporting(&loaded.config)?;
        lasting.meters.show_limit(Limit::of_places(
            "server.max_connections",
            &room,
            connections,
        ));
        let generations = runtime()?.block_on(Generations::first(loaded, lasting))?;
        let generations = Arc::new(generations);
        let sockets = listen(server.listen, size)?;
        let admin_socket = listen_alone(admin)?;
        let listen = sockets
            .first()
            .map_or(Ok(server.listen), TcpListener::local_addr)?;
        let admin = admin_socket.local_addr()?;

        let pages = Admin::new(generations.clone());
        start_control(admin_socket, pages, generations.clone(), source)?;
        let workers = start_workers(sockets, room, &generations)?;
        generations.current().shared.lasting.lifecycle.serving();
        Ok(Self {
            listen,
            admin,
            generations,
            workers,
        })
    }

    /// Resolves if every worker has ended, which none does by itself.
    pub async fn ended(&mut self) {
        while self.workers.recv().await.is_some() {}
    }

    /// Takes readiness down, serves on for `drain_delay` so that load balancers notice, then
    /// refuses new work and waits for what is in flight, until `drain_deadline`; then records what
    /// is still on its way as of unknown fate, and closes the ledger. Says whether all that was in
    /// flight finished.
    pub async fn shut_down(&mut self) -> bool {
        let shared = self.generations.current().shared.clone();
        shared.lasting.lifecycle.leave();
        tokio::time::sleep(shared.server.drain_delay).await;
        shared.lasting.lifecycle.drain();
        let until = Instant::now() + shared.server.drain_deadline;
        let ended = timeout_at(until, self.ended()).await.is_ok();
        // Where there is little time, connections without a request may outlast it.
        let finished = ended || shared.lasting.is_quiet();
        if let Some(ledger) = &shared.lasting.ledger {
            // After the requests, whose last entries may still wait.
            let until = until.max(Instant::now() + LAST_WRITES);
            if !finished {
                // What is cut off here may have reached LTIAAS, which the record has to say.
                shared.lasting.lifecycle.end();
                let _ = timeout_at(until, shared.lasting.recording.quiet()).await;
            }
            ledger.close(until.into_std()).await;
        }
        #[cfg(feature = "otlp")]
        export_the_rest(&shared.lasting).await;
        finished
    }

    /// Drops what is left of the workers, at once. Each request that was in flight has its access
    /// line then, and so has every one before it.
    pub async fn cut_off(mut self) {
        self.generations
            .current()
            .shared
            .lasting
            .lifecycle
            .cut_off();
        let _ = timeout(CUT_OFF, self.ended()).await;
    }
}

/// Spans that still wait. On another thread, because it blocks, and signals must be heard.
#[cfg(feature = "otlp")]
async fn export_the_rest(lasting: &Lasting) {
    if let Some(traces) = lasting.traces.clone() {
        let exporting = tokio::task::spawn_blocking(move || traces.finish(LAST_EXPORT));
        // A defect there is logged, and stops nothing.
        let _ = exporting.await;
    }
}

/// The admin listener, the key sets' readers and reloads have a thread of their own: workers do
/// nothing but requests, and a busy worker delays no probe.
fn start_control(
    socket: TcpListener,
    pages: Admin,
    generations: Arc<Generations>,
    source: Option<Source>,
) -> io::Result<()> {
    let runtime = runtime()?;
    let serving = async move {
        match tokio::net::TcpListener::from_std(socket) {
            Ok(socket) => {
                tokio::spawn(keep_current(source, generations));
                serve_admin(socket, Arc::new(pages)).await;
            }
            Err(cause) => {
                tracing::error!(target: "scoregate::admin", %cause, "the admin listener can't be used")
            }
        }
    };
    thread::Builder::new()
        .name("control".into())
        .spawn(move || runtime.block_on(serving))?;
    Ok(())
}

/// Keeps key sets, and where there is a source the configuration, current. Ends when it is
/// dropped.
async fn keep_current(source: Option<Source>, generations: Arc<Generations>) {
    let mut readers = Readers::default();
    readers.follow(&generations.current().shared.verifier);
    match source {
        Some(source) => follow(source, generations, readers).await,
        None => std::future::pending().await,
    }
}

/// One thread, one runtime and one set of upstream connections per socket, so that a request
/// never changes cores.
fn start_workers(
    sockets: Vec<TcpListener>,
    room: Arc<Semaphore>,
    generations: &Generations,
) -> io::Result<mpsc::Receiver<()>> {
    let (alive, workers) = mpsc::channel(1);
    let lasting = generations.current().shared.lasting.clone();
    let acceptor = Acceptor {
        front: generations.front.clone(),
        room,
        lifecycle: lasting.lifecycle.clone(),
        meters: lasting.meters.clone(),
    };
    for (number, (socket, slot)) in sockets.into_iter().zip(&generations.slots).enumerate() {
        let path = pipeline(slot.clone(), &lasting);
        let (runtime, acceptor, alive) = (runtime()?, acceptor.clone(), alive.clone());
        let (slot, lasting) = (slot.clone(), lasting.clone());
        let run = move || {
            let working = async {
                work(socket, acceptor, slot, path).await;
                // Submissions whose callers have left.
                lasting.recording.quiet().await;
            };
            runtime.block_on(async {
                tokio::select! {
                    () = working => {}
                    () = lasting.lifecycle.is_cut_off() => {}
                }
            });
            // Drops what is left, and waits for no look-up of a name.
            runtime.shutdown_background();
            flush_access_lines();
            drop(alive);
        };
        thread::Builder::new()
            .name(format!("worker-{number}"))
            .spawn(run)?;
    }
    Ok(workers)
}

async fn work(socket: TcpListener, acceptor: Acceptor, slot: Arc<Slot>, path: impl Answers) {
    tokio::spawn(every(FLUSH, flush_access_lines));
    tokio::spawn(every(LOOK, move || slot.worker().close_unused()));
    if let Err(cause) = serve(socket, acceptor, path).await {
        tracing::error!(target: "scoregate::server", %cause, "a worker can't serve");
    }
}

async fn every(period: Duration, act: impl Fn()) {
    let mut ticks = interval(period);
    loop {
        ticks.tick().await;
        act();
    }
}

fn workers(configured: usize) -> usize {
    match configured {
        0 => thread::available_parallelism().map_or(1, usize::from),
        count => count,
    }
}

/// How many callers' connections may be open: as configured, or as file descriptors allow.
fn most_connections(server: &Server, workers: usize) -> usize {
    let (files, wanted) = (file_limit::raise(), server.max_connections);
    let most = file_limit::room(files, wanted, server.max_in_flight, workers);
    if most < wanted {
        tracing::warn!(target: "scoregate::server", files, wanted, most, "too few file descriptors for `server.max_connections`: fewer may be open at once");
    }
    most
}

fn runtime() -> io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}
