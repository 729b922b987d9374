//! The record of one submission while it is on its way: the entry that the ledger will have of it,
//! and the cell that is held for it. Begun when its body is here, settled before its answer is
//! given. Refuses with LEDGER_UNAVAILABLE and OVERLOADED.
//!
//! Dropped before it is settled, nothing is recorded and the cell is free; so a submission runs in a
//! task of its own, which goes on when its caller leaves.

use std::sync::Arc;
use std::time::Instant;

use http::Response;

use crate::body::Body;
use crate::deadline::Deadline;
use crate::error::{Code, Fault, Refusal};
use crate::explanation::{self, RecordedAs, SentTo};
use crate::gateway::Shared;
use crate::handoff::{NoScore, Outgoing, Submitted};
use crate::ledger::{
    Acted, BodyDigest, Cell, Decision, Durability, Entry, Grip, Held, Json, Ledger, OnFailure,
    Receipt, Unavailable,
};
use crate::policy::{Fate, Past, ReasonsOf};
use crate::score::Score;
use crate::telemetry::Trail;
use crate::upstream::Unanswered;
use crate::verdict::Verdict;

/// The most faults of a score that its entry lists.
const MOST_FAULTS: usize = 16;

/// Nothing where there is no ledger. Boxed, as all that waits for the ledger below: a request's
/// future keeps room for it and is moved with it, ledger or not.
pub struct Record(Option<Box<Recording>>);

struct Recording {
    choice: Choice,
    entry: Entry,
    held: Option<Held>,
    /// Whether the cell is held for a report alone, which must not cost the score anything.
    is_report: bool,
    /// For its explanation.
    sent_to: Option<SentTo>,
}

/// What to do where the ledger fails.
struct Choice {
    ledger: Ledger,
    trail: Arc<Trail>,
    /// Whether it was said that this goes on without its record.
    is_told: bool,
}

impl Record {
    pub fn begin(submitted: &Submitted, shared: &Shared) -> Result<Self, Refusal> {
        let Some(ledger) = shared.lasting.ledger.as_ref().map(Ledger::for_submission) else {
            return Ok(Self(None));
        };
        let receipt = Receipt::mint(submitted.arrived)
            .map_err(|cause| Refusal::new(Code::Internal, "There is no receipt.").because(cause))?;
        Ok(Self(Some(Box::new(Recording {
            choice: Choice {
                ledger,
                trail: submitted.credentialed.routed.traced.trail.clone(),
                is_told: false,
            },
            entry: blank(receipt, submitted, shared.policy_generation),
            held: None,
            is_report: false,
            sent_to: None,
        }))))
    }

    pub fn note_score(&mut self, score: &Score) {
        if let Some(recording) = &mut self.0 {
            recording.entry.user = Some(score.user.clone());
            recording.entry.score = Some(score.clone());
        }
    }

    /// A learner whose submission is no score asks for it, too.
    pub fn note_no_score(&mut self, no_score: NoScore) -> Refusal {
        let NoScore { refusal, user } = no_score;
        if let Some(recording) = &mut self.0 {
            recording.entry.user = user;
        }
        refusal
    }

    /// Refuses what could not be recorded anyway, before anything is sent for it.
    pub fn check(&mut self) -> Result<(), Refusal> {
        let Some(recording) = &mut self.0 else {
            return Ok(());
        };
        let choice = &mut recording.choice;
        match (choice.ledger.check(), choice.ledger.on_failure()) {
            // It goes on in any case, and may yet be recorded in time.
            (Ok(()), _) | (Err(Unavailable::Late), OnFailure::Forward) => Ok(()),
            (Err(unavailable), _) => choice.or_forward(unavailable),
        }
    }

    /// Waits in line for the learner's cell, and answers with its history.
    pub async fn hold(
        &mut self,
        user: &str,
        deadline: Deadline,
    ) -> Result<Arc<Vec<Past>>, Refusal> {
        match &mut self.0 {
            Some(recording) => Box::pin(recording.hold(user, deadline)).await,
            None => Ok(Arc::default()),
        }
    }

    /// The history of the learner's cell where nobody holds it now.
    pub async fn hold_if_free(&mut self, user: &str) -> Option<Arc<Vec<Past>>> {
        match &mut self.0 {
            Some(recording) => Box::pin(recording.hold_if_free(user)).await,
            None => Some(Arc::default()),
        }
    }

    /// Called with what is about to leave. Under `durability = "always"` it is on disk afterwards.
    pub async fn note_leaving(
        &mut self,
        outgoing: &Outgoing,
        verdict: &mut Verdict,
    ) -> Result<(), Refusal> {
        match &mut self.0 {
            Some(recording) => Box::pin(recording.note_leaving(outgoing, verdict)).await,
            None => Ok(()),
        }
    }

    /// Records what became of it, good or bad; only then its answer may be given.
    pub async fn settle(
        self,
        verdict: &mut Verdict,
        answer: Result<Response<Body>, Refusal>,
    ) -> Result<Response<Body>, Refusal> {
        match self.0 {
            Some(recording) => Box::pin(recording.settle(verdict, answer)).await,
            None => answer,
        }
    }
}

impl Recording {
    fn cell(&self, user: &str) -> Cell {
        Cell {
            account: self.entry.account.clone(),
            line_item: self.entry.line_item.clone(),
            user: user.to_owned(),
        }
    }

    async fn hold_if_free(&mut self, user: &str) -> Option<Arc<Vec<Past>>> {
        let cell = self.cell(user);
        let held = self.choice.ledger.hold(cell, Instant::now()).await.ok()?;
        self.is_report = true;
        Some(self.held.insert(held).history().clone())
    }

    async fn hold(&mut self, user: &str, deadline: Deadline) -> Result<Arc<Vec<Past>>, Refusal> {
        let deadline = deadline.instant().into_std();
        match self.choice.ledger.hold(self.cell(user), deadline).await {
            Ok(held) => Ok(self.held.insert(held).history().clone()),
            Err(unavailable) => self.choice.or_forward(unavailable).map(|()| Arc::default()),
        }
    }

    async fn note_leaving(
        &mut self,
        outgoing: &Outgoing,
        verdict: &mut Verdict,
    ) -> Result<(), Refusal> {
        let done = self.intend(outgoing, verdict).await;
        if done.is_err() {
            verdict.is_unrecorded = true;
            self.withdraw();
        }
        done
    }

    async fn intend(&mut self, outgoing: &Outgoing, verdict: &Verdict) -> Result<(), Refusal> {
        self.require_cell()?;
        self.sent_to = Some(SentTo::of(&outgoing.credentialed));
        self.note_verdict(verdict);
        self.entry.sent = outgoing.body.clone().map(Json::written);
        if self.choice.ledger.durability() == Durability::Always {
            // What is never settled has an unknown fate.
            self.entry.past = self.past(verdict, Fate::Unknown);
            self.entry.explanation = self.explanation(verdict, None);
            let intended = self.choice.ledger.intend(self.entry.clone()).await;
            intended.or_else(|unavailable| self.choice.or_forward(unavailable))?;
            // That may have taken longer than the cell was held.
            self.require_cell()?;
        }
        Ok(())
    }

    /// Nothing is sent by what was known of a cell that others may have had since, whatever the operator chose:
    /// it would lower a grade. While the ledger fails and nobody else can have the cell yet, the choice stands.
    fn require_cell(&mut self) -> Result<(), Refusal> {
        let Some(held) = self.held.as_ref().filter(|_| !self.is_report) else {
            return Ok(());
        };
        match (held.grip(), self.choice.ledger.check()) {
            (Grip::Firm, _) => Ok(()),
            (Grip::Loose, Err(unavailable)) => self.choice.or_forward(unavailable),
            (Grip::Loose, Ok(())) | (Grip::Lost, _) => Err(refuse(Unavailable::CellLost)),
        }
    }

    async fn settle(
        mut self: Box<Self>,
        verdict: &mut Verdict,
        answer: Result<Response<Body>, Refusal>,
    ) -> Result<Response<Body>, Refusal> {
        self.note_verdict(verdict);
        self.note_answer(verdict, &answer);
        let left = self.entry.sent.is_some();
        self.entry.explanation = self.explanation(verdict, answer.as_ref().err());
        let receipt = self.entry.receipt.text().to_owned();
        let Self {
            mut choice,
            entry,
            held,
            is_report,
            ..
        } = *self;
        let done = match held {
            Some(held) => choice.ledger.settle(held, entry).await,
            None => choice.ledger.record(entry).await,
        };
        let done = match done {
            Err(Unavailable::Overtaken) if is_report => Ok(()),
            done => done,
        };
        if matches!(done, Ok(()) | Err(Unavailable::Overtaken)) {
            verdict.receipt = Some(receipt);
        }
        match done {
            Ok(()) => {}
            Err(unavailable) => choice
                .or_forward(unavailable)
                .inspect_err(|_| verdict.is_unrecorded = !left)?,
        }
        answer
    }

    fn note_verdict(&mut self, verdict: &Verdict) {
        self.entry.decision = verdict.decision();
        let Some(judgement) = &verdict.judgement else {
            return;
        };
        let acts = judgement.acts.iter();
        let acted = acts.map(|act| Acted {
            rule: act.rule.to_owned(),
            policy: act.policy.to_string(),
        });
        self.entry.rules = acted.collect();
        self.entry.judged = judgement.judged();
    }

    fn note_answer(&mut self, verdict: &Verdict, answer: &Result<Response<Body>, Refusal>) {
        if self.entry.sent.is_some() && answer.as_ref().is_err_and(nothing_left) {
            self.withdraw();
        }
        let was_sent = self.entry.sent.is_some();
        let fate = match answer {
            Ok(_) => Some(Fate::Confirmed),
            Err(refusal) if was_sent && refusal.may_have_arrived() => Some(Fate::Unknown),
            // A definite failure changes nothing.
            Err(_) => None,
        };
        self.entry.past = fate.and_then(|fate| self.past(verdict, fate));
        self.entry.upstream = match answer {
            Ok(answer) => was_sent.then(|| answer.status().as_u16()),
            Err(refusal) => refusal.upstream().map(|answer| answer.status.as_u16()),
        };
        self.entry.code = answer
            .as_ref()
            .err()
            .map(|refusal| refusal.code().name().to_owned());
        let duration = self.choice.trail.started.elapsed().as_millis();
        self.entry.duration_ms = i64::try_from(duration).unwrap_or(i64::MAX);
    }

    /// Its intent says otherwise, until it is settled.
    fn withdraw(&mut self) {
        self.note_nothing_left();
        if self.choice.ledger.durability() == Durability::Always {
            self.choice.ledger.withdraw(self.entry.receipt.clone());
        }
    }

    fn note_nothing_left(&mut self) {
        self.entry.sent = None;
        self.entry.past = None;
        self.sent_to = None;
    }

    /// What the entry doesn't say already.
    fn explanation(&self, verdict: &Verdict, refusal: Option<&Refusal>) -> Option<Json> {
        let reasons = verdict.effective.as_ref().zip(verdict.judgement.as_ref());
        let reported = verdict.reported.as_deref();
        let user = self.entry.user.as_deref().unwrap_or_default();
        let recorded = RecordedAs {
            reasons: reasons
                .map(|(effective, judgement)| ReasonsOf::new(effective, judgement, reported, user)),
            line_item_maximum: verdict.line_item_maximum,
            description: refusal.map(Refusal::description),
            errors: refusal.map_or_else(Vec::new, |refusal| self.kept_faults(refusal)),
            upstream_code: refusal.and_then(explanation::upstream_code),
            request: self.sent_to.as_ref(),
        };
        recorded.json()
    }

    /// Names that a caller made up are kept with a learner, so that an erasure takes them.
    fn kept_faults<'a>(&self, refusal: &'a Refusal) -> Vec<&'a Fault> {
        let faults = refusal.faults().iter();
        let is_kept = |fault: &&Fault| self.entry.user.is_some() || fault.is_of_known_member();
        faults.filter(is_kept).take(MOST_FAULTS).collect()
    }

    fn past(&self, verdict: &Verdict, fate: Fate) -> Option<Past> {
        let (judgement, score) = (verdict.judgement.as_ref()?, self.entry.score.as_ref()?);
        judgement.past(score, self.entry.time, fate)
    }
}

impl Choice {
    /// The operator decides what comes first where the ledger fails: the record or the grade. A
    /// cell that is busy is no failure; nor is one whose history can't be used, which would be judged without
    /// it for ever, nor one that was lost, whose grade only a judgement puts right.
    fn or_forward(&mut self, unavailable: Unavailable) -> Result<(), Refusal> {
        let chosen = self.ledger.on_failure();
        match (unavailable, chosen) {
            (
                Unavailable::CellBusy
                | Unavailable::CellLost
                | Unavailable::Unusable
                | Unavailable::Overtaken,
                _,
            )
            | (_, OnFailure::Refuse) => Err(refuse(unavailable)),
            (
                Unavailable::QueueFull | Unavailable::Late | Unavailable::Failing,
                OnFailure::Forward,
            ) => {
                self.tell(unavailable);
                Ok(())
            }
        }
    }

    /// Once for a submission, however often the ledger fails it.
    fn tell(&mut self, unavailable: Unavailable) {
        if std::mem::replace(&mut self.is_told, true) {
            return;
        }
        self.ledger.meter().unrecorded();
        let request_id = self.trail.id.as_str();
        tracing::error!(target: "scoregate::ledger", request_id, cause = %unavailable, "a submission goes on without its record");
    }
}

/// Whether not a byte of what was about to be sent is out.
fn nothing_left(refusal: &Refusal) -> bool {
    let unanswered = refusal.cause().and_then(|cause| cause.downcast_ref());
    unanswered.is_some_and(|unanswered: &Unanswered| !unanswered.may_have_arrived())
}

fn refuse(unavailable: Unavailable) -> Refusal {
    let (code, description) = match unavailable {
        Unavailable::CellBusy => (
            Code::Overloaded,
            "Other submissions for this learner and line item took too long (one is judged at a time).",
        ),
        Unavailable::Unusable => (
            Code::LedgerUnavailable,
            "The policy looks back, and what was recorded for this learner and line item can't be used: the gateway's log says why.",
        ),
        Unavailable::Overtaken => (
            Code::LedgerUnavailable,
            "The score was sent and recorded, but another gateway may have judged for this learner and line item meanwhile: sent again, it is judged by both.",
        ),
        Unavailable::CellLost => (
            Code::LedgerUnavailable,
            "This gateway was silent for too long, and another gateway may have judged for this learner and line item meanwhile: nothing was sent.",
        ),
        Unavailable::QueueFull | Unavailable::Late | Unavailable::Failing => (
            Code::LedgerUnavailable,
            "The submission could not be recorded, and is not answered without a record.",
        ),
    };
    Refusal::new(code, description).because(unavailable)
}

fn blank(receipt: Receipt, submitted: &Submitted, policy_generation: i64) -> Entry {
    let Submitted {
        credentialed,
        body,
        arrived,
    } = submitted;
    let item = &credentialed.routed.target.line_item;
    Entry {
        receipt,
        time: *arrived,
        account: credentialed.caller.account.name.clone(),
        caller: credentialed.caller.name.to_string(),
        line_item: item
            .as_ref()
            .map_or_else(String::new, |item| item.normalized().to_owned()),
        user: None,
        score: None,
        submission: None,
        body: BodyDigest::of(body),
        decision: Decision::Refused,
        code: None,
        rules: Vec::new(),
        judged: None,
        policy_generation,
        sent: None,
        upstream: None,
        duration_ms: 0,
        explanation: None,
        past: None,
    }
}
