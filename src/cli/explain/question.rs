//! A score that might be submitted → what would happen to it: the stages of the request path, one
//! after the other, with the ledger read and nothing sent.

use std::io::{self, Write};

use jiff::Timestamp;

use super::super::stop::Stop;
use super::origin::Caller;
use crate::authorization::LTIK_SCHEME;
use crate::config::Config;
use crate::error::{Code, Refusal, chain};
use crate::explanation::{Explanation, Request, SentTo, json};
use crate::ledger::{CannotOpen, Cell, Reader};
use crate::line_item::LineItem;
use crate::policy::{
    ConditionFailed, Effective, InForceFor, Judgement, Past, Policies, Reasons, Shown, Subject,
    Submission, judge,
};
use crate::routing::{self, scores_target};
use crate::score::{Decimal, Score, Unreadable};
use crate::stages::{
    LONGEST_BODY, Origin, body_too_large, configured_launch, invalid, read_score, refuse,
};

pub struct Question<'a> {
    pub config: &'a Config,
    pub caller: &'a str,
    pub line_item: &'a LineItem,
    pub at: Timestamp,
    pub line_item_maximum: Option<Decimal>,
    pub body: &'a [u8],
}

impl Question<'_> {
    pub fn answer(&self) -> Result<Explanation, Stop> {
        let unknown = || {
            Stop::Usage(format!(
                "`{}` is no caller of this configuration",
                self.caller
            ))
        };
        let caller = Caller::find(self.config, self.caller).ok_or_else(unknown)?;
        let target =
            scores_target(self.line_item).map_err(|cause| Stop::Usage(cause.to_string()))?;
        let policies = Policies::new(self.config.policies.clone());
        match self.normalized(&caller, &target, &policies) {
            Ok(score) => self.judged(&caller, &target, &policies, &score),
            Err(refusal) => Ok(Explanation::refused(&refusal)),
        }
    }

    fn normalized(
        &self,
        caller: &Caller<'_>,
        target: &routing::Target,
        policies: &Policies,
    ) -> Result<Score, Refusal> {
        caller.rights().check(target)?;
        if self.body.len() > LONGEST_BODY {
            return Err(body_too_large());
        }
        let origin = Origin {
            caller: caller.name,
            account: &caller.account.name,
            line_item: self.line_item.normalized(),
        };
        read_score(self.body, &origin, &self.config.scores, policies).map_err(refuse_unreadable)
    }

    fn judged(
        &self,
        caller: &Caller<'_>,
        target: &routing::Target,
        policies: &Policies,
        score: &Score,
    ) -> Result<Explanation, Stop> {
        let subject = Subject {
            caller: caller.name,
            account: &caller.account.name,
            line_item: self.line_item.normalized(),
            score,
            now: self.at,
        };
        let in_force = policies.effective(&subject);
        in_force.failures.iter().try_for_each(warn)?;
        self.check_maximum(&in_force, score)?;
        let history = self.history(&subject, &in_force)?;
        let judge_by = |effective: &Effective| {
            let submission = Submission {
                subject,
                line_item_maximum: self.line_item_maximum,
                // Nobody asks the LMS: as though no person had edited what it shows.
                shown: Shown::Unread,
            };
            judge(&submission, &history, effective)
        };
        let judgement = judge_by(&in_force.enforced);
        let reported = in_force.reported.as_deref().map(judge_by);
        let reasons = Reasons::of(
            &in_force.enforced,
            &judgement,
            reported.as_ref(),
            &score.user,
        );
        let reasons = reasons.map_err(|cause| Stop::finding(&cause))?;
        let mut explanation = Explanation::of(score, &judgement, reasons);
        explanation.line_item_maximum = self.line_item_maximum;
        if let Some(by) = &judgement.refused_by {
            explanation.refuse(&refuse(by));
        }
        explanation.request = self.request(caller, target, score, &judgement);
        Ok(explanation)
    }

    /// A judgement without what the gateway would have read is another.
    fn check_maximum(&self, in_force: &InForceFor, score: &Score) -> Result<(), Stop> {
        let mut asking = [Some(&in_force.enforced), in_force.reported.as_ref()]
            .into_iter()
            .flatten();
        let is_asked = asking.any(|effective| effective.asks_line_item(score));
        match is_asked && self.line_item_maximum.is_none() {
            true => Err(Stop::usage(
                "a policy that matches asks for the line item's own maximum: give it with --line-item-maximum",
            )),
            false => Ok(()),
        }
    }

    /// The cell's. A ledger that nobody has written yet has none.
    fn history(&self, subject: &Subject<'_>, in_force: &InForceFor) -> Result<Vec<Past>, Stop> {
        let Some(settings) = self
            .config
            .ledger
            .as_ref()
            .filter(|_| in_force.needs().history)
        else {
            return Ok(Vec::new());
        };
        let mut reader = match Reader::open(settings) {
            Ok(reader) => reader,
            Err(CannotOpen::Missing(_) | CannotOpen::Unused) => return Ok(Vec::new()),
            Err(cause) => return Err(Stop::finding(&cause)),
        };
        let cell = Cell {
            account: subject.account.to_owned(),
            line_item: subject.line_item.to_owned(),
            user: subject.score.user.clone(),
        };
        reader.history(&cell).map_err(|cause| Stop::finding(&cause))
    }

    fn request(
        &self,
        caller: &Caller<'_>,
        target: &routing::Target,
        score: &Score,
        judgement: &Judgement,
    ) -> Option<Request> {
        let body = judgement.score_to_send(score.clone())?.write();
        let launch = configured_launch(caller.account, self.line_item);
        // Without a configured service key a caller brings a launch of its own, an ltik mostly.
        let scheme = launch.map_or(LTIK_SCHEME, |launch| launch.scheme());
        let sent = SentTo::new(scheme, Some(target.upstream.to_string()));
        Some(Request::of(sent, self.line_item.normalized(), json(body)))
    }
}

/// Nothing is kept from whoever has the configuration.
fn refuse_unreadable(fault: Unreadable) -> Refusal {
    match fault {
        Unreadable::Malformed(fault) => Refusal::new(Code::MalformedBody, fault.to_string()),
        Unreadable::Invalid { faults, .. } => invalid(faults.len(), faults),
    }
}

/// A `require` that fails stands in the explanation.
fn warn(failed: &ConditionFailed) -> io::Result<()> {
    let ConditionFailed {
        policy,
        key: _,
        failure,
    } = failed;
    let cause = chain(failure);
    writeln!(
        io::stderr(),
        "scoregate: the policy `{policy}` does not match, since its `when` can't be evaluated: {cause}"
    )
}
