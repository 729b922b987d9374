//! All meters of a gateway. Workers take theirs when they start and hold it; only a scrape, or a
//! caller's first request, comes here.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use super::callers::{Callers, NONE};
use super::upstream::Sums;
use super::{
    ConfigurationMeter, Fill, HandshakeMeter, Limit, Page, Process, Snapshot, SpanMeter,
    UpstreamMeter, WorkerMeter, list,
};
use crate::routing::Operation;

/// By account and worker.
type Upstreams = BTreeMap<(Box<str>, usize), Arc<UpstreamMeter>>;

/// Shared by everything that counts or shows counts.
#[derive(Debug)]
pub struct Meters {
    /// Told of each configuration.
    pub configuration: ConfigurationMeter,
    /// Told of each handshake that fails.
    pub handshakes: HandshakeMeter,
    /// Held by what exports spans.
    pub spans: Arc<SpanMeter>,
    callers: Arc<Callers>,
    workers: Vec<Arc<WorkerMeter>>,
    upstreams: Mutex<Upstreams>,
    limits: Mutex<Vec<Limit>>,
    started: SystemTime,
}

impl Meters {
    pub fn new(workers: usize) -> Self {
        let callers = Arc::new(Callers::new(workers));
        let worker = |number| Arc::new(WorkerMeter::new(number, &callers));
        Self {
            workers: (0..workers).map(worker).collect(),
            callers,
            configuration: ConfigurationMeter::default(),
            handshakes: HandshakeMeter::default(),
            spans: Arc::default(),
            upstreams: Mutex::default(),
            limits: Mutex::default(),
            started: SystemTime::now(),
        }
    }

    /// One for each worker.
    pub fn workers(&self) -> &[Arc<WorkerMeter>] {
        &self.workers
    }

    /// A worker's meter of an account, the same across reloads.
    pub fn upstream(&self, account: &str, worker: usize) -> Arc<UpstreamMeter> {
        let mut upstreams = lock(&self.upstreams);
        upstreams
            .entry((account.into(), worker))
            .or_default()
            .clone()
    }

    /// Shows a limit from now on, in place of one of the same name.
    pub fn show_limit(&self, limit: Limit) {
        let mut limits = lock(&self.limits);
        limits.retain(|other| other.name != limit.name);
        limits.push(limit);
    }

    /// Writes what is counted here; `more` are limits that their owner looks at.
    pub fn write(&self, page: &mut Page, more: &[(&str, Fill)]) {
        self.write_requests(page);
        self.write_decisions(page);
        self.write_upstreams(page);
        self.write_limits(page, more);
        self.handshakes.write(page);
        self.spans.write(page);
        self.configuration.write(page);
        let version = env!("CARGO_PKG_VERSION");
        page.family(&list::BUILD).sample(&[version], 1);
        Process::look().write(page);
        let started = self.started.duration_since(UNIX_EPOCH);
        page.family(&list::PROCESS_START)
            .sample(&[], started.map_or(0.0, |since| since.as_secs_f64()));
    }

    fn write_requests(&self, page: &mut Page) {
        let mut family = page.family(&list::REQUESTS);
        for caller in self.callers.all() {
            for (operation, outcome, count) in caller.requests() {
                family.sample(&[operation, caller.label(), outcome.name()], count);
            }
        }
        let mut family = page.family(&list::REQUEST_DURATION);
        for (operation, times) in self.times(WorkerMeter::whole) {
            family.histogram(&[operation], &times);
        }
        let mut family = page.family(&list::OWN_DURATION);
        for (operation, times) in self.times(WorkerMeter::own) {
            family.histogram(&[operation], &times);
        }
    }

    /// Each operation's times, the workers' added up.
    fn times(
        &self,
        of: impl Fn(&WorkerMeter, usize) -> Option<Snapshot>,
    ) -> Vec<(&'static str, Snapshot)> {
        let names = Operation::ALL.iter().map(|operation| operation.name());
        let names = names.chain([NONE]).enumerate();
        let times = names.filter_map(|(place, name)| {
            let parts = self.workers.iter().filter_map(|worker| of(worker, place));
            let sum = parts.reduce(|mut sum, part| {
                sum.add(&part);
                sum
            });
            Some((name, sum?))
        });
        times.collect()
    }

    fn write_decisions(&self, page: &mut Page) {
        let mut family = page.family(&list::DECISIONS);
        for caller in self.callers.all() {
            for (decision, count) in caller.decisions() {
                family.sample(&[caller.label(), decision], count);
            }
        }
        let mut acts = BTreeMap::new();
        for worker in &self.workers {
            worker.rules.add_to(&mut acts);
        }
        let mut family = page.family(&list::RULE_ACTS);
        for (act, count) in acts {
            let labels = [&act.policy, act.rule, act.mode.name(), act.effect.name()];
            family.sample(&labels, count);
        }
    }

    fn write_upstreams(&self, page: &mut Page) {
        let accounts = self.sums();
        let mut family = page.family(&list::UPSTREAM_DURATION);
        for (account, sums) in &accounts {
            family.histogram(&[account], &sums.waits);
        }
        let mut family = page.family(&list::UPSTREAM_ANSWERS);
        for (account, sums) in &accounts {
            for (class, count) in &sums.answers {
                family.sample(&[account, class], count);
            }
        }
        let mut family = page.family(&list::UPSTREAM_ERRORS);
        for (account, sums) in &accounts {
            for (reason, count) in &sums.failures {
                family.sample(&[account, reason], count);
            }
        }
        let mut each = |metric, value: fn(&Sums) -> u64| {
            let mut family = page.family(metric);
            for (account, sums) in &accounts {
                family.sample(&[account], value(sums));
            }
        };
        each(&list::UPSTREAM_KEY_REJECTIONS, |sums| sums.keys_rejected);
        each(&list::UPSTREAM_CONNECTIONS, |sums| sums.opened);
        each(&list::UPSTREAM_IDLE, |sums| sums.idle);
    }

    fn sums(&self) -> Vec<(String, Sums)> {
        let upstreams = lock(&self.upstreams);
        let mut accounts: BTreeMap<&str, Vec<&UpstreamMeter>> = BTreeMap::new();
        for ((account, _), meter) in &*upstreams {
            accounts.entry(account).or_default().push(meter);
        }
        let sums = accounts.into_iter();
        sums.map(|(account, meters)| (account.to_owned(), Sums::of(&meters)))
            .collect()
    }

    fn write_limits(&self, page: &mut Page, more: &[(&str, Fill)]) {
        let limits = lock(&self.limits);
        let own = limits.iter().map(|limit| (limit.name, limit.look()));
        let fills: Vec<_> = own.chain(more.iter().copied()).collect();
        let mut family = page.family(&list::LIMIT);
        for (name, fill) in &fills {
            family.sample(&[name], fill.most);
        }
        let mut family = page.family(&list::LIMIT_USED);
        for (name, fill) in &fills {
            family.sample(&[name], fill.used);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
