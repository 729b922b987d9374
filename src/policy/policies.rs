//! All policies, and which of them are in force for one score. Looked up by the fixed beginning of
//! their line item patterns, by caller or by account, so that a score's cost doesn't grow with the
//! number of policies for others.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use super::condition::EvaluationFailed;
use super::keys::{Effective, Keys, Needs};
use super::matching::{Match, Subject};
use super::prefixes::Prefixes;

/// Whether a policy acts, or only says what it would do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    #[default]
    Enforce,
    Report,
}

/// One `[[policy]]`: for which scores, and the keys it sets.
#[derive(Clone, Debug)]
pub struct Policy {
    pub name: Arc<str>,
    pub mode: Mode,
    pub matching: Match,
    pub keys: Keys,
}

impl Policy {
    fn may_fill(&self) -> bool {
        self.mode == Mode::Enforce && self.keys.fill_maximum.is_some()
    }
}

/// All policies, in the order of the file.
#[derive(Clone, Debug, Default)]
pub struct Policies {
    all: Vec<Policy>,
    by_line_item: Prefixes,
    by_caller: HashMap<String, Vec<usize>>,
    by_account: HashMap<String, Vec<usize>>,
    for_any: Vec<usize>,
    /// What is in force where nothing matches.
    nothing: Arc<Effective>,
    /// What is in force where a policy is the only one that matches, by its place; made when first
    /// asked for.
    alone: Vec<OnceLock<Arc<Effective>>>,
    /// Whether any of them fills a missing maximum.
    may_fill: bool,
}

/// What is in force for one score.
#[derive(Clone, Debug)]
pub struct InForceFor {
    pub enforced: Arc<Effective>,
    /// What the report policies that match would put in force; `None` without any.
    pub reported: Option<Arc<Effective>>,
    /// Policies whose `when` could not be evaluated, so that they don't match.
    pub failures: Vec<ConditionFailed>,
}

/// A condition that could not be evaluated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConditionFailed {
    pub policy: Arc<str>,
    pub key: ConditionKey,
    pub failure: EvaluationFailed,
}

/// Which of a policy's keys a condition stands under.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ConditionKey {
    /// `match.when`: where it can't be evaluated, the policy does not match.
    When,
    /// `require`: where one can't be evaluated, it is unmet.
    Require,
}

impl ConditionKey {
    pub const fn name(self) -> &'static str {
        match self {
            Self::When => "match.when",
            Self::Require => "require",
        }
    }
}

impl InForceFor {
    /// What must be read to judge, in both modes.
    pub fn needs(&self) -> Needs {
        let reported = self.reported.as_ref();
        let reported = reported.map_or(Needs::default(), |effective| effective.needs());
        self.enforced.needs().and(reported)
    }
}

impl Policies {
    pub fn new(all: Vec<Policy>) -> Self {
        let mut policies = Self::default();
        let mut beginnings = Vec::new();
        for (index, policy) in all.iter().enumerate() {
            policies.enter(index, &policy.matching, &mut beginnings);
        }
        policies.by_line_item = Prefixes::new(beginnings);
        policies.may_fill = all.iter().any(Policy::may_fill);
        policies.alone = all.iter().map(|_| OnceLock::new()).collect();
        policies.all = all;
        policies
    }

    /// Under the most telling of what it matches by.
    fn enter(&mut self, index: usize, matching: &Match, beginnings: &mut Vec<(String, usize)>) {
        let literal = || {
            matching
                .line_items
                .iter()
                .map(|item| item.literal_beginning())
        };
        let is_literal = !matching.line_items.is_empty() && literal().all(|text| !text.is_empty());
        if is_literal {
            beginnings.extend(literal().map(|text| (text.to_owned(), index)));
        } else if !matching.callers.is_empty() {
            enter_under(&mut self.by_caller, &matching.callers, index);
        } else if !matching.accounts.is_empty() {
            enter_under(&mut self.by_account, &matching.accounts, index);
        } else {
            self.for_any.push(index);
        }
    }

    /// What is in force for one score when all matching policies are merged key by key: a later one
    /// wins, and each key remembers whose it is. Report policies are merged over the others.
    pub fn effective(&self, subject: &Subject<'_>) -> InForceFor {
        let mut failures = Vec::new();
        let candidates = self.covering(subject.caller, subject.account, subject.line_item);
        let (mut enforced, mut reported) = (Vec::new(), Vec::new());
        for place in candidates {
            let Some(policy) = self.all.get(place) else {
                continue;
            };
            if holds(policy, subject, &mut failures) {
                match policy.mode {
                    Mode::Enforce => enforced.push(place),
                    Mode::Report => reported.push(place),
                }
            }
        }
        let enforced = match enforced.as_slice() {
            [] => self.nothing.clone(),
            [place] => self.alone(*place),
            places => self.overlaid(&self.nothing, places),
        };
        let reported = (!reported.is_empty()).then(|| self.overlaid(&enforced, &reported));
        InForceFor {
            enforced,
            reported,
            failures,
        }
    }

    /// What is in force by one policy and no other: most scores have one.
    fn alone(&self, place: usize) -> Arc<Effective> {
        let made = || self.overlaid(&self.nothing, &[place]);
        match self.alone.get(place) {
            Some(kept) => kept.get_or_init(made).clone(),
            None => made(),
        }
    }

    fn overlaid(&self, base: &Effective, places: &[usize]) -> Arc<Effective> {
        let mut effective = base.clone();
        for policy in places.iter().filter_map(|place| self.all.get(*place)) {
            effective.overlay(&policy.name, policy.mode, &policy.keys);
        }
        Arc::new(effective)
    }

    /// Whether a `scoreMaximum` that is missing may be filled for a score of this origin. Only once
    /// the score is read it is known whether the policy's `when` holds.
    pub fn may_fill(&self, caller: &str, account: &str, line_item: &str) -> bool {
        let fills = |place: usize| self.all.get(place).is_some_and(Policy::may_fill);
        self.may_fill && self.covering(caller, account, line_item).any(fills)
    }

    /// The places of the policies that match but for their `when`, in the order of the file.
    fn covering<'a>(
        &'a self,
        caller: &'a str,
        account: &'a str,
        line_item: &'a str,
    ) -> impl Iterator<Item = usize> {
        let under =
            |map: &'a HashMap<String, Vec<usize>>, name| map.get(name).into_iter().flatten();
        let mut indexes: Vec<usize> = Vec::new();
        if !self.all.is_empty() {
            indexes.extend(self.by_line_item.of(line_item));
            indexes.extend(under(&self.by_caller, caller));
            indexes.extend(under(&self.by_account, account));
            indexes.extend(&self.for_any);
            indexes.sort_unstable();
            indexes.dedup();
        }
        indexes.into_iter().filter(move |index| {
            let policy = self.all.get(*index);
            policy.is_some_and(|policy| policy.matching.covers(caller, account, line_item))
        })
    }
}

fn enter_under(map: &mut HashMap<String, Vec<usize>>, names: &[String], index: usize) {
    for name in names {
        map.entry(name.clone()).or_default().push(index);
    }
}

fn holds(policy: &Policy, subject: &Subject<'_>, failures: &mut Vec<ConditionFailed>) -> bool {
    policy.matching.holds(subject).unwrap_or_else(|failure| {
        failures.push(ConditionFailed {
            policy: policy.name.clone(),
            key: ConditionKey::When,
            failure,
        });
        false
    })
}
