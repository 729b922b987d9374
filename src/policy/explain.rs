//! An explanation: a judgement told rule by rule, as JSON (the members of `explain --json` that
//! concern policy) and as text.

use std::fmt;

use serde::ser::{Serialize, SerializeMap, Serializer};

use super::Mode;
use super::judgement::{Act, Decision, Judgement, Marks};
use super::keys::{Effective, InForce};
use crate::score::Score;

/// Why a submission became what it became.
#[derive(Debug, serde::Serialize)]
pub struct Explanation<'a> {
    pub decision: Decision,
    score: Came<'a>,
    effective: InForceKeys,
    rules: Vec<Told<'a>>,
    /// What stands once it takes effect; absent where nothing does.
    #[serde(skip_serializing_if = "Option::is_none")]
    judged: Option<Marks>,
    report: Report<'a>,
}

/// What report policies would have done.
#[derive(Debug, serde::Serialize)]
struct Report<'a> {
    rules: Vec<Told<'a>>,
}

/// A score as it came, as JSON.
#[derive(Debug)]
struct Came<'a>(&'a Score);

/// Keys with their origins, as one table.
#[derive(Debug)]
struct InForceKeys(Vec<InForce>);

/// A rule that acted.
#[derive(Debug, serde::Serialize)]
struct Told<'a> {
    rule: &'static str,
    policy: &'a str,
    input: Marks,
    #[serde(skip_serializing_if = "Option::is_none")]
    output: Option<Marks>,
    reason: &'a str,
}

#[derive(serde::Serialize)]
struct Origin<'a> {
    policy: &'a str,
    value: &'a serde_json::value::RawValue,
}

impl<'a> Explanation<'a> {
    /// `reported` is the judgement under report policies, where there are any.
    pub fn new(
        score: &'a Score,
        effective: &Effective,
        judgement: &'a Judgement,
        reported: Option<&'a Judgement>,
    ) -> Self {
        let of_report = reported.into_iter().flat_map(|judgement| &judgement.acts);
        let of_report = of_report.filter(|act| act.mode == Mode::Report);
        Self {
            decision: judgement.decision,
            score: Came(score),
            effective: InForceKeys(effective.in_force()),
            rules: judgement.acts.iter().map(told).collect(),
            judged: judgement.stands.map(Marks::from),
            report: Report {
                rules: of_report.map(told).collect(),
            },
        }
    }
}

fn told(act: &Act) -> Told<'_> {
    Told {
        rule: act.rule,
        policy: &act.policy,
        input: act.input,
        output: act.output,
        reason: &act.reason,
    }
}

impl Serialize for Came<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Score {
            user,
            points: _,
            given_alone: _,
            comment,
            timestamp,
            submission,
            activity,
            grading,
            scoring_user: _,
            extensions: _,
        } = self.0;
        let marks = Marks::of(self.0);
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("userId", user)?;
        map.serialize_entry("activityProgress", activity.as_str())?;
        map.serialize_entry("gradingProgress", grading.as_str())?;
        for (name, number) in [("scoreGiven", marks.given), ("scoreMaximum", marks.maximum)] {
            if let Some(number) = number {
                map.serialize_entry(name, &number)?;
            }
        }
        if let Some(comment) = comment {
            map.serialize_entry("comment", comment)?;
        }
        if let Some(timestamp) = timestamp {
            map.serialize_entry("timestamp", timestamp)?;
        }
        if let Some(at) = &submission.submitted_at {
            map.serialize_entry(
                "submission",
                &[("submittedAt", at)]
                    .into_iter()
                    .collect::<std::collections::BTreeMap<_, _>>(),
            )?;
        }
        map.end()
    }
}

impl Serialize for InForceKeys {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for InForce { key, policy, value } in &self.0 {
            map.serialize_entry(key, &Origin { policy, value })?;
        }
        map.end()
    }
}

/// `83 of 100`, or `no score`.
impl fmt::Display for Marks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.given, self.maximum) {
            (None, _) => f.write_str("no score"),
            (Some(given), None) => write!(f, "{given}"),
            (Some(given), Some(maximum)) => write!(f, "{given} of {maximum}"),
        }
    }
}

impl fmt::Display for Told<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}): {}", self.rule, self.policy, self.input)?;
        match self.output {
            Some(output) => write!(f, " -> {output}. {}", self.reason),
            None => write!(f, " -> refused. {}", self.reason),
        }
    }
}

/// For an instructor: what came, what each rule did and why, what stands.
impl fmt::Display for Explanation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "came: {}", Marks::of(self.score.0))?;
        for InForce { key, policy, value } in &self.effective.0 {
            writeln!(f, "in force: {key} = {value} ({policy})")?;
        }
        for rule in &self.rules {
            writeln!(f, "{rule}")?;
        }
        for rule in &self.report.rules {
            writeln!(f, "would have: {rule}")?;
        }
        let judged = self.judged.unwrap_or_default();
        write!(f, "{}: {judged}", self.decision.as_str())
    }
}
