//! Puts configurations in force: the first at the start, each later one in the place of the one
//! before. Whatever can fail happens before anything is swapped, so a configuration that can't be
//! served changes nothing; but where only the ledger is in its way, its password is the one tried next.

use std::sync::Arc;

use arc_swap::{ArcSwap, ArcSwapOption};
use jiff::Timestamp;
use serde_json::{Value, json};
use thiserror::Error;

use crate::config::{Compared, Loaded, Problems, needs_restart};
use crate::error::chain;
use crate::gateway::{CannotServe, Lasting, Shared, Slot, Worker};
use crate::ledger::{Place, Settings};
use crate::meter::WorkerMeter;
use crate::server::Front;
use crate::telemetry::set_log_level;
use crate::tls::TlsUnusable;

/// A configuration that is, or was, in force.
pub struct Generation {
    number: u64,
    hash: String,
    applied_at: Timestamp,
    /// Secrets and learners' ids as `***`.
    view: Value,
    /// What tells them from others; names learners.
    policies: Value,
    /// Where entries are recorded. `None`: nothing is. No later generation can change it, but for
    /// a password.
    pub ledger: Option<Settings>,
    pub shared: Arc<Shared>,
}

/// The generation in force, and everybody's way to it.
pub struct Generations {
    current: ArcSwap<Generation>,
    /// Why the last reload was refused, if it was.
    last_error: ArcSwapOption<String>,
    pub front: Arc<ArcSwap<Front>>,
    /// One for each worker.
    pub slots: Vec<Arc<Slot>>,
}

/// Why a configuration is not put in force.
#[derive(Debug, Error)]
pub enum CannotApply {
    /// Not as a source: a chain of causes would tell them twice.
    #[error("{}", one_line(.0))]
    Problems(Problems),
    #[error("only a restart can change {}", .0.join(", "))]
    NeedsRestart(Vec<&'static str>),
    #[error(transparent)]
    Serve(#[from] CannotServe),
}

impl CannotApply {
    /// Whether nothing is wrong with it but that the ledger can't be used now.
    pub fn is_for_the_ledger(&self) -> bool {
        matches!(self, Self::Serve(CannotServe::Ledger(_)))
    }
}

fn one_line(problems: &Problems) -> String {
    let problems: Vec<_> = problems.problems.iter().map(ToString::to_string).collect();
    problems.join("; ")
}

impl From<Problems> for CannotApply {
    fn from(problems: Problems) -> Self {
        Self::Problems(problems)
    }
}

impl From<TlsUnusable> for CannotApply {
    fn from(cause: TlsUnusable) -> Self {
        Self::Serve(cause.into())
    }
}

impl Generation {
    fn new(number: u64, loaded: Loaded, shared: Arc<Shared>) -> Self {
        Self {
            number,
            hash: loaded.hash,
            applied_at: Timestamp::now(),
            view: loaded.view,
            policies: loaded.policies,
            ledger: loaded.config.ledger,
            shared,
        }
    }

    /// What only a restart could change to get there.
    fn needs_restart(&self, loaded: &Loaded) -> Vec<&'static str> {
        let before = Compared {
            view: &self.view,
            ledger: place(self.ledger.as_ref()),
        };
        let after = Compared {
            view: &loaded.view,
            ledger: place(loaded.config.ledger.as_ref()),
        };
        needs_restart(before, after)
    }

    fn has_policies_of(&self, loaded: &Loaded) -> bool {
        self.policies == loaded.policies
    }
}

fn place(ledger: Option<&Settings>) -> Option<&Place> {
    ledger.map(|ledger| &ledger.place)
}

/// Its next connection is made as these say.
fn renew_ledger(lasting: &Lasting, settings: Option<&Settings>) {
    if let Some((ledger, place)) = lasting.ledger.as_ref().zip(place(settings)) {
        ledger.renew(place);
    }
}

/// The number that the ledger has for these policies, the same whenever they are in force; 0 where
/// nothing is recorded.
async fn policy_generation(lasting: &Lasting, loaded: &Loaded) -> Result<i64, CannotServe> {
    let Some(ledger) = &lasting.ledger else {
        return Ok(0);
    };
    Ok(ledger.generation(&loaded.policies.to_string()).await?)
}

impl Generations {
    pub async fn first(loaded: Loaded, lasting: Lasting) -> Result<Self, CannotServe> {
        let front = Front::new(&loaded.config.server)?;
        let number = policy_generation(&lasting, &loaded).await?;
        let shared = Shared::new(&loaded.config, number, Arc::new(lasting), None)?;
        let shared = Arc::new(shared);
        let meters = &shared.lasting.meters;
        let slot =
            |meter: &Arc<WorkerMeter>| Slot::new(Worker::new(shared.clone(), meter.clone(), None));
        let slots = meters.workers().iter().map(slot).map(Arc::new).collect();
        meters.configuration.applied(1);
        Ok(Self {
            front: Arc::new(ArcSwap::from_pointee(front)),
            slots,
            current: ArcSwap::from_pointee(Generation::new(1, loaded, shared)),
            last_error: ArcSwapOption::empty(),
        })
    }

    pub fn current(&self) -> Arc<Generation> {
        self.current.load_full()
    }

    /// Puts a configuration in force, or leaves everything as it is. Requests that have begun end
    /// under the configuration they began with. Called by one task alone.
    pub async fn apply(&self, loaded: Loaded) -> Result<(), CannotApply> {
        let before = self.current();
        let fixed = before.needs_restart(&loaded);
        if !fixed.is_empty() {
            return Err(CannotApply::NeedsRestart(fixed));
        }
        let front = Front::new(&loaded.config.server)?;
        let lasting = before.shared.lasting.clone();
        // Before the ledger is asked for anything, and kept where it can't be: a new password must be taken while
        // it can't be used for want of it. Nothing else of it can differ.
        renew_ledger(&lasting, loaded.config.ledger.as_ref());
        // Known already where they are the same.
        let policies = match before.has_policies_of(&loaded) {
            true => before.shared.policy_generation,
            false => policy_generation(&lasting, &loaded).await?,
        };
        let shared = Shared::new(&loaded.config, policies, lasting, Some(&before.shared));
        let shared =
            shared.inspect_err(|_| renew_ledger(&before.shared.lasting, before.ledger.as_ref()))?;
        let shared = Arc::new(shared);
        // From here on nothing fails.
        set_log_level(loaded.config.log.level);
        self.front.store(Arc::new(front));
        self.slots.iter().for_each(|slot| slot.renew(&shared));
        let number = before.number + 1;
        shared.lasting.meters.configuration.applied(number);
        let generation = Generation::new(number, loaded, shared);
        let hash = generation.hash.clone();
        self.current.store(Arc::new(generation));
        self.last_error.store(None);
        tracing::info!(target: "scoregate::config", generation = number, hash, "a new configuration is in force");
        Ok(())
    }

    /// Keeps what is in force, and says why.
    pub fn refuse(&self, cause: &CannotApply) {
        let cause = chain(cause);
        tracing::error!(target: "scoregate::config", cause, "a new configuration was refused; the one before stays in force");
        self.current().shared.lasting.meters.configuration.refused();
        self.last_error.store(Some(Arc::new(cause)));
    }

    /// What `/config` shows.
    pub fn page(&self) -> Value {
        let current = self.current();
        json!({
            "generation": current.number,
            "hash": current.hash,
            "applied_at": current.applied_at.to_string(),
            "last_error": self.last_error.load_full().as_deref(),
            "config": current.view,
        })
    }
}
