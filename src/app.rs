//! Starts a gateway from a configuration: binds its sockets, runs its threads, and stops it.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use rustls::ClientConfig;
use secrecy::SecretString;
use serde_json::Value;
use thiserror::Error;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{Semaphore, mpsc};
use tokio::time::{interval, timeout};

use crate::admin::{Admin, serve_admin};
use crate::auth::{CannotVerify, Verifier};
use crate::config::{self, Config};
use crate::gateway::{Shared, Worker};
use crate::lifecycle::Lifecycle;
use crate::meter::{Limit, Meters};
use crate::pipeline::pipeline;
use crate::policy::Policies;
use crate::server::{Acceptor, Answers, CannotListen, listen, listen_alone, serve};
use crate::telemetry::flush_access_lines;
use crate::tls::{TlsUnusable, client_config, server_config};

/// How often waiting access lines are written out.
const FLUSH: Duration = Duration::from_millis(100);

/// A running gateway. Its threads end with the process, or after `shut_down`.
pub struct Gateway {
    pub listen: SocketAddr,
    pub admin: SocketAddr,
    lifecycle: Arc<Lifecycle>,
    /// Each worker holds a sender: when none is left, all have ended.
    workers: mpsc::Receiver<()>,
}

/// Why a gateway doesn't start.
#[derive(Debug, Error)]
pub enum CannotStart {
    #[error(transparent)]
    Listen(#[from] CannotListen),
    #[error(transparent)]
    Tls(#[from] TlsUnusable),
    #[error(transparent)]
    Verifier(#[from] CannotVerify),
    #[error("a thread or its runtime can't be started")]
    Thread(#[from] io::Error),
    #[error("the system gives no random numbers")]
    Random(#[from] getrandom::Error),
}

impl Gateway {
    /// Starts serving. Every socket is bound when this returns. `applied` is what `/config` shows.
    pub fn start(config: &Config, applied: Value) -> Result<Self, CannotStart> {
        let lifecycle = Arc::new(Lifecycle::default());
        let verifier = Arc::new(Verifier::new(config)?);
        let meters = Arc::new(Meters::new(workers(config.server.workers)));
        let acceptor = acceptor(&config.server, &lifecycle, &meters)?;
        let crew = Crew::new(config, &verifier, &lifecycle, &meters)?;
        let sockets = listen(config.server.listen, crew.size())?;
        let admin_socket = listen_alone(config.admin.listen)?;
        let listen = sockets
            .first()
            .map_or(Ok(config.server.listen), TcpListener::local_addr)?;
        let admin = admin_socket.local_addr()?;

        let page = Admin {
            token: token(config),
            lifecycle: lifecycle.clone(),
            verifier: verifier.clone(),
            applied,
            meters: meters.clone(),
        };
        start_control(admin_socket, page, verifier)?;
        let workers = crew.start(sockets, &acceptor)?;
        meters.configuration.applied(1);
        lifecycle.serving();
        Ok(Self {
            listen,
            admin,
            lifecycle,
            workers,
        })
    }

    /// Resolves if every worker has ended, which none does by itself.
    pub async fn ended(&mut self) {
        while self.workers.recv().await.is_some() {}
    }

    /// Takes readiness down, serves on for `delay` so that load balancers notice, then refuses new
    /// work and waits for what is in flight, until `deadline`. Says whether all of it finished.
    pub async fn shut_down(mut self, delay: Duration, deadline: Duration) -> bool {
        self.lifecycle.leave();
        tokio::time::sleep(delay).await;
        self.lifecycle.drain();
        timeout(deadline, self.ended()).await.is_ok()
    }
}

fn token(config: &Config) -> Option<SecretString> {
    config.admin.token.clone()
}

fn acceptor(
    server: &config::Server,
    lifecycle: &Arc<Lifecycle>,
    meters: &Meters,
) -> Result<Acceptor, TlsUnusable> {
    let tls = server.tls.as_ref();
    let tls = tls
        .map(|tls| server_config(&tls.cert_file, &tls.key_file))
        .transpose()?;
    let room = Arc::new(Semaphore::new(server.max_connections));
    meters.show_limit(Limit::of_places(
        "server.max_connections",
        &room,
        server.max_connections,
    ));
    Ok(Acceptor::new(server, tls, room, lifecycle.clone()))
}

/// The admin listener and the key sets' refresh have a thread of their own: workers do nothing
/// but requests, and a busy worker delays no probe.
fn start_control(socket: TcpListener, page: Admin, verifier: Arc<Verifier>) -> io::Result<()> {
    let runtime = runtime()?;
    let serving = async move {
        match tokio::net::TcpListener::from_std(socket) {
            Ok(socket) => {
                tokio::spawn(verifier.maintain());
                serve_admin(socket, Arc::new(page)).await;
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

/// What every worker is made from.
struct Crew {
    shared: Arc<Shared>,
    accounts: Vec<Arc<config::Account>>,
    upstream: config::Upstream,
    tls: Arc<ClientConfig>,
}

impl Crew {
    fn new(
        config: &Config,
        verifier: &Arc<Verifier>,
        lifecycle: &Arc<Lifecycle>,
        meters: &Arc<Meters>,
    ) -> Result<Self, CannotStart> {
        let policies = Policies::new(config.policies.clone());
        Ok(Self {
            shared: Arc::new(Shared::new(
                config,
                verifier.clone(),
                policies,
                lifecycle.clone(),
                meters.clone(),
            )?),
            accounts: config.accounts.clone(),
            upstream: config.upstream.clone(),
            tls: client_config(config.upstream.ca_file.as_deref(), &["h2", "http/1.1"])?,
        })
    }

    fn size(&self) -> usize {
        self.shared.meters.workers().len()
    }

    /// One thread, one runtime and one set of upstream connections per socket, so that a request
    /// never changes cores.
    fn start(
        &self,
        sockets: Vec<TcpListener>,
        acceptor: &Acceptor,
    ) -> io::Result<mpsc::Receiver<()>> {
        let (alive, workers) = mpsc::channel(1);
        for (socket, meter) in sockets.into_iter().zip(self.shared.meters.workers()) {
            let name = format!("worker-{}", meter.number());
            let worker = Worker::new(
                self.shared.clone(),
                meter.clone(),
                &self.accounts,
                &self.upstream,
                &self.tls,
            );
            let (path, acceptor) = (pipeline(Arc::new(worker)), acceptor.clone());
            let (runtime, alive) = (runtime()?, alive.clone());
            let run = move || {
                runtime.block_on(work(socket, acceptor, path));
                flush_access_lines();
                drop(alive);
            };
            thread::Builder::new().name(name).spawn(run)?;
        }
        Ok(workers)
    }
}

async fn work(socket: TcpListener, acceptor: Acceptor, path: impl Answers) {
    tokio::spawn(async {
        let mut ticks = interval(FLUSH);
        loop {
            ticks.tick().await;
            flush_access_lines();
        }
    });
    if let Err(cause) = serve(socket, acceptor, path).await {
        tracing::error!(target: "scoregate::server", %cause, "a worker can't serve");
    }
}

fn workers(configured: usize) -> usize {
    match configured {
        0 => thread::available_parallelism().map_or(1, usize::from),
        count => count,
    }
}

fn runtime() -> io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}
