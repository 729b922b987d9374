//! Callers: each submits one score after another, as `record` and `stages` do it.

use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use scoregate::explanation::{RecordedAs, SentTo};
use scoregate::ledger::{
    BodyDigest, Cell, Decision, Entry, Json, Ledger, Receipt, to_the_microsecond,
};
use scoregate::policy::{
    Fate, InForceFor, Judgement, Keep, Keys, Match, Maximum, Mode, Over, Policies, Policy,
    ReasonsOf, Shown, Subject, Submission, judge,
};
use scoregate::score::{Decimal, Score, UnknownMembers, read};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc;

use crate::arguments::Arguments;

/// Learners of one line item.
const CLASS: u64 = 30;

/// The threads that callers run on, each with a runtime, as the gateway has them.
pub struct Load {
    workers: Vec<mpsc::UnboundedSender<Range<u64>>>,
    done: std::sync::mpsc::Receiver<()>,
    next: u64,
}

/// One caller's view.
#[derive(Clone)]
struct Caller {
    ledger: Option<Ledger>,
    policies: Arc<Policies>,
    attempts: u64,
    looks_back: bool,
}

impl Load {
    pub fn new(arguments: &Arguments, ledger: Option<Ledger>) -> Self {
        let caller = Caller {
            ledger,
            policies: Arc::new(Policies::new(vec![policy(&arguments.keep)])),
            attempts: arguments.attempts,
            looks_back: arguments.keep == "highest",
        };
        let (told, done) = std::sync::mpsc::channel();
        let callers = (arguments.callers / arguments.workers).max(1);
        let start = |_| {
            let (orders, mut waiting) = mpsc::unbounded_channel::<Range<u64>>();
            let (caller, told) = (caller.clone(), told.clone());
            std::thread::spawn(move || {
                let runtime = runtime();
                while let Some(range) = runtime.block_on(waiting.recv()) {
                    runtime.block_on(caller.submit_all(range, callers));
                    told.send(()).expect("somebody who waits");
                }
            });
            orders
        };
        let workers = (0..arguments.workers).map(start).collect();
        Self {
            workers,
            done,
            next: 0,
        }
    }

    /// Returns when all entries are recorded.
    pub fn run(&mut self, entries: u64) {
        let share = entries / self.workers.len() as u64;
        for worker in &self.workers {
            let range = self.next..self.next + share;
            self.next = range.end;
            worker.send(range).expect("a worker");
        }
        for _ in &self.workers {
            self.done.recv().expect("a worker that ends well");
        }
    }
}

fn runtime() -> Runtime {
    let runtime = Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime")
}

pub fn policy(keep: &str) -> Policy {
    let maximum = Maximum {
        percent: Decimal::from_plain("100").expect("a number"),
        over: Over::Cap,
    };
    let keys = Keys {
        maximum: Some(maximum),
        keep: (keep == "highest").then_some(Keep::Highest),
        ..Keys::default()
    };
    Policy {
        name: Arc::from("institution"),
        mode: Mode::Enforce,
        matching: Match::default(),
        keys,
    }
}

impl Caller {
    /// Every `callers`-th number is one caller's: attempts of one cell come at the same time, and
    /// one after another.
    async fn submit_all(&self, range: Range<u64>, callers: u64) {
        let one = |first| {
            let (caller, range) = (self.clone(), range.clone());
            tokio::spawn(async move {
                for number in (range.start + first..range.end).step_by(callers as usize) {
                    caller.submit(number).await;
                }
            })
        };
        for task in (0..callers).map(one).collect::<Vec<_>>() {
            task.await.expect("a caller that ends well");
        }
    }

    async fn submit(&self, number: u64) {
        let now = to_the_microsecond(Timestamp::now());
        let place = number / self.attempts;
        let body = body(place, number % 100);
        let item = format!(
            "https://canvas.example.edu/api/lti/courses/{}/line_items/7",
            place / CLASS
        );
        let score = read(body.as_bytes(), UnknownMembers::Refuse).expect("a good score");
        let subject = Subject {
            caller: "quiz-app",
            account: "main",
            line_item: &item,
            score: &score,
            now,
        };
        let in_force = self.policies.effective(&subject);
        let submission = Submission {
            subject,
            line_item_maximum: None,
            shown: Shown::Unread,
        };
        let Some(ledger) = &self.ledger else {
            std::hint::black_box(judge(&submission, &[], &in_force.enforced));
            return;
        };
        let done = match self.looks_back {
            true => {
                let cell = Cell {
                    account: "main".to_owned(),
                    line_item: item.clone(),
                    user: score.user.clone(),
                };
                let deadline = Instant::now() + Duration::from_secs(10);
                let held = ledger.hold(cell, deadline).await.expect("a free cell");
                let judgement = judge(&submission, held.history(), &in_force.enforced);
                let entry = entry(&body, &submission, &in_force, &judgement);
                ledger.settle(held, entry).await
            }
            false => {
                let judgement = judge(&submission, &[], &in_force.enforced);
                let entry = entry(&body, &submission, &in_force, &judgement);
                ledger.record(entry).await
            }
        };
        done.expect("a record");
    }
}

fn body(place: u64, given: u64) -> String {
    format!(
        r#"{{"userId":"learner-{place}","activityProgress":"Completed","gradingProgress":"FullyGraded","scoreGiven":{given},"scoreMaximum":100,"comment":"Well done.","timestamp":"2026-11-24T13:00:00.000Z"}}"#
    )
}

/// As `record` makes it.
fn entry(
    body: &str,
    submission: &Submission<'_>,
    in_force: &InForceFor,
    judgement: &Judgement,
) -> Entry {
    let Subject {
        line_item,
        score,
        now,
        ..
    } = submission.subject;
    Entry {
        receipt: Receipt::mint(now).expect("random numbers"),
        time: now,
        account: "main".to_owned(),
        caller: "quiz-app".to_owned(),
        line_item: line_item.to_owned(),
        user: Some(score.user.clone()),
        score: Some(score.clone()),
        submission: None,
        body: BodyDigest::of(body.as_bytes()),
        decision: Decision::Forwarded,
        code: None,
        rules: Vec::new(),
        judged: judgement.judged(),
        policy_generation: 1,
        sent: judgement.score_to_send(score.clone()).map(written),
        upstream: Some(204),
        duration_ms: 12,
        explanation: explanation(in_force, judgement, &score.user),
        past: judgement.past(score, now, Fate::Confirmed),
    }
}

fn written(score: Score) -> Json {
    Json::written(score.write())
}

fn explanation(in_force: &InForceFor, judgement: &Judgement, user: &str) -> Option<Json> {
    let sent_to = SentTo::new("LTIK-AUTH-V2", None);
    let recorded = RecordedAs {
        reasons: Some(ReasonsOf::new(&in_force.enforced, judgement, None, user)),
        line_item_maximum: None,
        description: None,
        errors: Vec::new(),
        upstream_code: None,
        request: Some(&sent_to),
    };
    recorded.json()
}
