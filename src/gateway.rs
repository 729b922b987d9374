//! What requests share: the parts that all workers use, and those that each worker has for itself.

use std::collections::HashMap;
use std::sync::Arc;

use rustls::ClientConfig;
use tokio::sync::Semaphore;

use crate::auth::Verifier;
use crate::config::{self, Account, Config};
use crate::error::{Code, Refusal};
use crate::lifecycle::Lifecycle;
use crate::lookup::Maxima;
use crate::meter::{Limit, Meters, WorkerMeter};
use crate::policy::Policies;
use crate::request_id::RequestIds;
use crate::telemetry::{AccessLog, IdKey, Recorder};
use crate::upstream::Upstream;

/// Shared by all workers.
pub struct Shared {
    pub server: config::Server,
    pub scores: config::Scores,
    pub access: AccessLog,
    pub id_key: Arc<IdKey>,
    pub meters: Arc<Meters>,
    pub verifier: Arc<Verifier>,
    pub policies: Policies,
    pub ids: Arc<RequestIds>,
    pub in_flight: Arc<Semaphore>,
    /// Line items' own maxima, read before.
    pub maxima: Maxima,
    pub lifecycle: Arc<Lifecycle>,
}

/// One worker: the shared parts, and connections of its own.
pub struct Worker {
    pub shared: Arc<Shared>,
    pub recorder: Arc<Recorder>,
    upstreams: HashMap<String, Upstream>,
}

impl Worker {
    pub fn new(
        shared: Arc<Shared>,
        meter: Arc<WorkerMeter>,
        accounts: &[Arc<Account>],
        settings: &config::Upstream,
        tls: &Arc<ClientConfig>,
    ) -> Self {
        let upstream = |account: &Arc<Account>| {
            let counts = shared.meters.upstream(&account.name, meter.number());
            let upstream = Upstream::new(account.origin.clone(), tls.clone(), settings, counts);
            (account.name.clone(), upstream)
        };
        let upstreams = accounts.iter().map(upstream).collect();
        let recorder = Recorder {
            access: shared.access,
            ids: shared.id_key.clone(),
            meter,
        };
        Self {
            shared,
            recorder: Arc::new(recorder),
            upstreams,
        }
    }

    /// The connections to a caller's account.
    pub fn upstream(&self, account: &Account) -> Result<&Upstream, Refusal> {
        let upstream = self.upstreams.get(&account.name);
        upstream
            .ok_or_else(|| Refusal::new(Code::Internal, "The caller's account has no upstream."))
    }
}

impl Shared {
    pub fn new(
        config: &Config,
        verifier: Arc<Verifier>,
        policies: Policies,
        lifecycle: Arc<Lifecycle>,
        meters: Arc<Meters>,
    ) -> Result<Self, getrandom::Error> {
        let access = match config.log.access {
            true => AccessLog::On(config.log.format),
            false => AccessLog::Off,
        };
        let most = config.server.max_in_flight;
        let in_flight = Arc::new(Semaphore::new(most));
        meters.show_limit(Limit::of_places("server.max_in_flight", &in_flight, most));
        Ok(Self {
            server: config.server.clone(),
            scores: config.scores,
            access,
            id_key: Arc::new(IdKey::new(config.log.id_key.as_deref())?),
            meters,
            verifier,
            policies,
            ids: Arc::new(RequestIds::new()?),
            in_flight,
            maxima: Maxima::default(),
            lifecycle,
        })
    }
}
