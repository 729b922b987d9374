//! The worked examples of the policy catalogue, one table: their submissions are posted in order to
//! a simulated cell, which folds what took effect.

use num_rational::BigRational;
use serde::Deserialize;

use super::*;
use crate::config::policies_of;
use crate::score::{Fill, Unreadable, read_for};

#[derive(Deserialize)]
struct Vectors {
    vectors: Vec<Vector>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Vector {
    id: String,
    #[serde(rename = "why")]
    _why: String,
    config: String,
    line_item: String,
    line_item_maximum: Option<String>,
    submissions: Vec<Sample>,
    expect: Vec<Expected>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Sample {
    score_given: Option<String>,
    score_maximum: Option<String>,
    timestamp: Option<String>,
    submitted_at: Option<String>,
    grading_progress: Option<String>,
    #[serde(rename = "lms_shows_before")]
    shown: Option<serde_json::Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    #[serde(default, deserialize_with = "present")]
    cell: Option<serde_json::Value>,
    sent: Option<bool>,
    refused: Option<String>,
    decision: Option<String>,
}

/// `null` is a value here: no score.
fn present<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<serde_json::Value>, D::Error> {
    serde_json::Value::deserialize(deserializer).map(Some)
}

impl Sample {
    fn body(&self) -> String {
        let number = |name: &str, value: &Option<String>| {
            value.as_ref().map(|value| format!(r#","{name}":{value}"#))
        };
        let text = |name: &str, value: &Option<String>| {
            value
                .as_ref()
                .map(|value| format!(r#","{name}":"{value}""#))
        };
        let submitted = self.submitted_at.as_ref();
        let members = [
            number("scoreGiven", &self.score_given),
            number("scoreMaximum", &self.score_maximum),
            text("timestamp", &self.timestamp),
            submitted.map(|at| format!(r#","submission":{{"submittedAt":"{at}"}}"#)),
        ];
        let grading = self.grading_progress.as_deref().unwrap_or("FullyGraded");
        let members: String = members.into_iter().flatten().collect();
        format!(
            r#"{{"userId":"u","activityProgress":"Completed","gradingProgress":"{grading}"{members}}}"#
        )
    }

    /// What the LMS shows: what was last sent, unless a person has edited it.
    fn shown(&self, history: &[Past]) -> Shown {
        let text = |value: &serde_json::Value, name: &str| value[name].as_str().unwrap().to_owned();
        match &self.shown {
            Some(serde_json::Value::String(none)) if none == "no result" => Shown::Nothing,
            Some(value) => Shown::Result(points(
                &text(value, "scoreGiven"),
                &text(value, "scoreMaximum"),
            )),
            None => match history.iter().rev().find_map(|past| past.sent.as_ref()) {
                Some(Sent {
                    is_final: true,
                    points: Some(points),
                    ..
                }) => Shown::Result(*points),
                Some(_) | None => Shown::Nothing,
            },
        }
    }
}

/// One cell, and the policies before it.
struct Cell {
    policies: Policies,
    line_item: String,
    line_item_maximum: Decimal,
    history: Vec<Past>,
}

/// What one submission came to.
struct Outcome {
    refused: Option<&'static str>,
    sent: bool,
    decision: &'static str,
}

impl Cell {
    fn submit(&mut self, sample: &Sample, arrived: jiff::Timestamp) -> Outcome {
        let fill = match self.policies.may_fill("caller", "main", &self.line_item) {
            true => Fill::Possibly,
            false => Fill::Never,
        };
        let refused = |code| Outcome {
            refused: Some(code),
            sent: false,
            decision: "refused",
        };
        let body = sample.body();
        let score = match read_for(body.as_bytes(), UnknownMembers::Refuse, fill) {
            Ok(score) => score,
            Err(Unreadable::Malformed(_)) => return refused("MALFORMED_BODY"),
            Err(Unreadable::Invalid { .. }) => return refused("INVALID_SCORE"),
        };
        let subject = Subject {
            caller: "caller",
            account: "main",
            line_item: &self.line_item,
            score: &score,
            now: arrived,
        };
        let in_force = self.policies.effective(&subject);
        let submission = Submission {
            subject,
            line_item_maximum: Some(self.line_item_maximum),
            shown: sample.shown(&self.history),
        };
        let judgement = judge(&submission, &self.history, &in_force.enforced);
        let code = judgement.refused_by.as_ref().map(|by| match by {
            RefusedBy::Policy { .. } => "POLICY_REFUSED",
            RefusedBy::Stale { .. } => "STALE_SCORE",
            RefusedBy::MaximumMissing => "INVALID_SCORE",
        });
        self.history
            .extend(judgement.past(&score, arrived, Fate::Confirmed));
        Outcome {
            refused: code,
            sent: judgement.leaves.is_some(),
            decision: judgement.decision.as_str(),
        }
    }

    fn shows(&self) -> Option<Points> {
        let sent = self
            .history
            .iter()
            .rev()
            .find_map(|past| past.sent.as_ref());
        sent.and_then(|sent| sent.points)
    }
}

fn ratio(text: &str) -> BigRational {
    let exact = |text: &str| {
        let (digits, power) = decimal(text).parts();
        let ten = BigRational::from_integer(10.into());
        BigRational::from_integer(digits.into()) * num_traits::Pow::pow(&ten, power)
    };
    match text.split_once('/') {
        Some((over, under)) => exact(over) / exact(under),
        None => exact(text),
    }
}

fn check_cell(id: &str, expected: &serde_json::Value, shown: Option<Points>) {
    let text = |name: &str| expected[name].as_str();
    if expected.is_null() {
        return assert_eq!(shown, None, "{id}");
    }
    let shown = shown.unwrap_or_else(|| panic!("{id}: the cell is empty"));
    if let (Some(given), Some(maximum)) = (text("scoreGiven"), text("scoreMaximum")) {
        assert_eq!(shown, points(given, maximum), "{id}");
    }
    if let Some(percent) = text("percent") {
        let hundred = BigRational::from_integer(100.into());
        let shown = hundred * ratio(&shown.given.to_string()) / ratio(&shown.maximum.to_string());
        let tolerance = ratio("0.000000001") * ratio(percent);
        let distance = num_traits::Signed::abs(&(shown - ratio(percent)));
        assert!(distance <= tolerance, "{id}: {percent}");
    }
}

#[test]
fn every_worked_example_comes_out_as_written() {
    let text = include_str!("../../../tests/fixtures/policy-vectors.json");
    let vectors = serde_json::from_str::<Vectors>(text).unwrap().vectors;
    let mut count = 0;
    // Holding comes with delivery.
    for vector in vectors.iter().filter(|vector| vector.id != "hold-1") {
        count += 1;
        let mut cell = Cell {
            policies: Policies::new(policies_of(&vector.config)),
            line_item: vector.line_item.clone(),
            line_item_maximum: decimal(vector.line_item_maximum.as_deref().unwrap_or("100")),
            history: Vec::new(),
        };
        assert_eq!(vector.submissions.len(), vector.expect.len());
        for (index, (sample, expected)) in vector.submissions.iter().zip(&vector.expect).enumerate()
        {
            let id = format!("{}[{index}]", vector.id);
            let arrived = jiff::Timestamp::from_second(1_800_000_000 + index as i64).unwrap();
            let outcome = cell.submit(sample, arrived);
            assert_eq!(outcome.refused, expected.refused.as_deref(), "{id}");
            if let Some(sent) = expected.sent {
                assert_eq!(outcome.sent, sent, "{id}");
            }
            if let Some(decision) = &expected.decision {
                assert_eq!(outcome.decision, decision, "{id}");
            }
            if let Some(shown) = &expected.cell {
                check_cell(&id, shown, cell.shows());
            }
        }
    }
    assert_eq!(count, vectors.len() - 1);
}
