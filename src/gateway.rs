//! What requests share: what outlives every configuration, what follows from the one in force, and
//! what each worker has for itself. A request takes its worker once, at its start, and so sees one
//! configuration to its end.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use arc_swap::ArcSwap;
use secrecy::SecretString;
use thiserror::Error;
use tokio::sync::Semaphore;

use crate::auth::{CannotVerify, Verifier};
use crate::config::{self, Account, Config};
use crate::error::{Code, Refusal};
use crate::ledger::{Ledger, OnFailure, Unavailable};
use crate::lifecycle::Lifecycle;
use crate::maxima::Maxima;
use crate::meter::{Limit, Meters, WorkerMeter};
use crate::policy::Policies;
use crate::recording::Recording;
use crate::request_id::RequestIds;
use crate::routing::Spellings;
use crate::seldom::Seldom;
use crate::telemetry::{AccessLog, FailedConditions, IdKey, Recorder};
use crate::tls::{TlsUnusable, Trust, first_expiry};
use crate::upstream::Upstream;

/// What no reload changes.
pub struct Lasting {
    pub ids: Arc<RequestIds>,
    pub in_flight: Arc<Semaphore>,
    /// One place for each submission until it is recorded, its caller there or not.
    pub recording: Recording,
    /// How many requests may be in flight.
    most: usize,
    pub lifecycle: Arc<Lifecycle>,
    pub meters: Arc<Meters>,
    /// `None`: nothing is recorded.
    pub ledger: Option<Ledger>,
    /// Keys the hashes of ids where no key is configured.
    id_key: Arc<IdKey>,
    #[cfg(feature = "otlp")]
    pub traces: Option<Arc<crate::telemetry::Traces>>,
}

/// What follows from one configuration, for all workers.
pub struct Shared {
    pub lasting: Arc<Lasting>,
    pub server: config::Server,
    pub scores: config::Scores,
    pub access: AccessLog,
    pub id_key: Arc<IdKey>,
    pub admin_token: Option<SecretString>,
    pub verifier: Verifier,
    pub policies: Policies,
    pub failed_conditions: FailedConditions,
    /// Their number in the ledger.
    pub policy_generation: i64,
    /// Line items' own maxima, read before.
    pub maxima: Maxima,
    /// When certificates of the configuration expire, in seconds since 1970.
    pub expiries: Vec<(&'static str, u64)>,
    accounts: Vec<Arc<Account>>,
    /// By account. Made anew, because the keys of a new configuration may be others.
    rejected_keys: HashMap<String, Seldom>,
    upstream: config::Upstream,
    trust: Trust,
}

/// Why a configuration can't be served, though nothing is wrong with its text.
#[derive(Debug, Error)]
pub enum CannotServe {
    #[error(transparent)]
    Tls(#[from] TlsUnusable),
    #[error(transparent)]
    Verifier(#[from] CannotVerify),
    #[error("the system gives no random numbers")]
    Random(#[from] getrandom::Error),
    #[cfg(feature = "otlp")]
    #[error(transparent)]
    Traces(#[from] crate::telemetry::CannotExport),
    #[error("the ledger has no number for these policies")]
    Ledger(#[from] Unavailable),
}

/// One worker under one configuration: the shared parts, and connections of its own.
pub struct Worker {
    pub shared: Arc<Shared>,
    pub recorder: Arc<Recorder>,
    /// Targets read before.
    pub spellings: Spellings,
    upstreams: HashMap<String, Arc<Upstream>>,
}

/// Where a worker's requests find it.
pub struct Slot(ArcSwap<Worker>);

impl Lasting {
    /// Nobody waits for an answer, and nothing is being recorded.
    pub fn is_quiet(&self) -> bool {
        self.in_flight.available_permits() == self.most && self.recording.is_quiet()
    }

    /// Nothing is to be recorded, or it can be.
    pub fn can_record(&self) -> bool {
        self.ledger.as_ref().is_none_or(Ledger::is_healthy)
    }

    /// For readiness: submissions are taken, recorded or, where the operator would rather have it so,
    /// not.
    pub fn takes_submissions(&self) -> bool {
        let forwards = |ledger: &Ledger| ledger.on_failure() == OnFailure::Forward;
        self.can_record() || self.ledger.as_ref().is_some_and(forwards)
    }

    pub fn new(
        server: &config::Server,
        workers: usize,
        ledger: Option<Ledger>,
    ) -> Result<Self, getrandom::Error> {
        let most = server.max_in_flight;
        let (in_flight, meters) = (Arc::new(Semaphore::new(most)), Meters::new(workers));
        meters.show_limit(Limit::of_places("server.max_in_flight", &in_flight, most));
        Ok(Self {
            ids: Arc::new(RequestIds::new()?),
            in_flight,
            recording: Recording::new(most),
            most,
            lifecycle: Arc::default(),
            meters: Arc::new(meters),
            ledger,
            id_key: Arc::new(IdKey::new(None)?),
            #[cfg(feature = "otlp")]
            traces: None,
        })
    }

    /// Exports spans from now on, where a collector is configured.
    #[cfg(feature = "otlp")]
    pub fn exporting(mut self, config: &Config) -> Result<Self, CannotServe> {
        if let Some(url) = &config.traces.url {
            let ca_file = config.upstream.ca_file.as_deref();
            let tls = crate::tls::client_config(ca_file, &["http/1.1"])?;
            let traces =
                crate::telemetry::Traces::new(&config.traces, url, tls, &self.meters.spans)?;
            self.traces = Some(Arc::new(traces));
        }
        Ok(self)
    }
}

impl Shared {
    /// Takes the place of `before`, and keeps of it what has not changed: key sets and trust.
    pub fn new(
        config: &Config,
        policy_generation: i64,
        lasting: Arc<Lasting>,
        before: Option<&Self>,
    ) -> Result<Self, CannotServe> {
        let access = match config.log.access {
            true => AccessLog::On(config.log.format),
            false => AccessLog::Off,
        };
        let id_key = match config.log.id_key.as_deref() {
            Some(key) => Arc::new(IdKey::new(Some(key))?),
            None => lasting.id_key.clone(),
        };
        let ca_file = config.upstream.ca_file.as_deref();
        let trust = Trust::new(
            ca_file,
            config.upstream.http2,
            before.map(|before| &before.trust),
        )?;
        let before = before.map(|before| &before.verifier);
        Ok(Self {
            lasting,
            server: config.server.clone(),
            scores: config.scores,
            access,
            id_key,
            admin_token: config.admin.token.clone(),
            verifier: Verifier::new(config, &trust.key_sets, before)?,
            policies: Policies::new(config.policies.clone()),
            failed_conditions: FailedConditions::new(&config.policies),
            policy_generation,
            maxima: Maxima::default(),
            expiries: expiries(config),
            accounts: config.accounts.clone(),
            rejected_keys: config.accounts.iter().map(untold).collect(),
            upstream: config.upstream.clone(),
            trust,
        })
    }

    /// LTIAAS rejects every key of an account: told here and not by the request that met it, which
    /// is one of many.
    pub fn report_rejected_keys(&self, account: &str) {
        let rejected = self.rejected_keys.get(account);
        if let Some(requests) = rejected.and_then(|seldom| seldom.note(Instant::now())) {
            tracing::error!(target: "scoregate::upstream", account, requests, "LTIAAS rejects the account's API key");
        }
    }
}

fn untold(account: &Arc<Account>) -> (String, Seldom) {
    (account.name.clone(), Seldom::default())
}

/// Of each file of certificates that is configured, by its key.
fn expiries(config: &Config) -> Vec<(&'static str, u64)> {
    let tls = config.server.tls.as_ref();
    let files = [
        ("server.tls.cert_file", tls.map(|tls| &tls.cert_file)),
        (
            "server.tls.client_ca_file",
            tls.and_then(|tls| tls.client_ca_file.as_ref()),
        ),
        ("upstream.ca_file", config.upstream.ca_file.as_ref()),
    ];
    let expiry = |(key, file): (_, Option<&PathBuf>)| Some((key, first_expiry(file?)?));
    files.into_iter().filter_map(expiry).collect()
}

impl Worker {
    /// Takes the place of `before`, and keeps its connections to accounts that have not moved.
    pub fn new(shared: Arc<Shared>, meter: Arc<WorkerMeter>, before: Option<&Self>) -> Self {
        let upstream = |account: &Arc<Account>| {
            let kept = before.and_then(|before| before.upstreams.get(&account.name));
            let (origin, tls) = (&account.origin, &shared.trust.upstream);
            let kept = kept.filter(|kept| kept.is_for(origin, tls, &shared.upstream));
            let made = || {
                let meters = &shared.lasting.meters;
                let meter = meters.upstream(&account.name, meter.number());
                let (origin, tls) = (origin.clone(), tls.clone());
                Arc::new(Upstream::new(origin, tls, &shared.upstream, meter))
            };
            (account.name.clone(), kept.cloned().unwrap_or_else(made))
        };
        let upstreams = shared.accounts.iter().map(upstream).collect();
        let recorder = Recorder {
            access: shared.access,
            ids: shared.id_key.clone(),
            meter,
            #[cfg(feature = "otlp")]
            traces: shared.lasting.traces.clone(),
        };
        Self {
            shared,
            recorder: Arc::new(recorder),
            spellings: Spellings::default(),
            upstreams,
        }
    }

    /// Closes the connections to accounts that nobody has used for long enough.
    pub fn close_unused(&self) {
        self.upstreams
            .values()
            .for_each(|upstream| upstream.close_unused());
    }

    /// The connections to a caller's account.
    pub fn upstream(&self, account: &Account) -> Result<&Upstream, Refusal> {
        let upstream = self.upstreams.get(&account.name);
        upstream
            .map(Arc::as_ref)
            .ok_or_else(|| Refusal::new(Code::Internal, "The caller's account has no upstream."))
    }
}

impl Slot {
    pub fn new(worker: Worker) -> Self {
        Self(ArcSwap::from_pointee(worker))
    }

    /// The worker as of now.
    pub fn worker(&self) -> Arc<Worker> {
        self.0.load_full()
    }

    /// From now on, requests find the worker that the new configuration makes of the present one.
    pub fn renew(&self, shared: &Arc<Shared>) {
        let before = self.worker();
        let meter = before.recorder.meter.clone();
        let worker = Worker::new(shared.clone(), meter, Some(&before));
        self.0.store(Arc::new(worker));
    }
}
