//! Whole policies over whole histories: the engine against the reference, and changes that must not
//! matter.

use proptest::prelude::*;
use proptest::test_runner::Config;

use super::super::keys::Each;
use super::random::{self, Sample, Upstream};
use super::reference::{Cell, Circumstances, Outcome, Value};
use super::*;

/// What fails shrinks to something that is worth a test with a name; no file keeps it.
fn cases(cases: u32) -> Config {
    Config {
        failure_persistence: None,
        ..Config::with_cases(cases)
    }
}

/// One cell before the engine, and the LMS behind it.
struct World {
    line_item_maximum: Option<Decimal>,
    history: Vec<Past>,
    shown: Option<Points>,
}

impl World {
    fn new(line_item_maximum: Option<Decimal>) -> Self {
        Self {
            line_item_maximum,
            history: Vec::new(),
            shown: None,
        }
    }

    fn judge(&self, effective: &Effective, sample: &Sample, score: &Score) -> Judgement {
        let submission = Submission {
            subject: Subject {
                now: sample.arrived,
                ..subject(score)
            },
            line_item_maximum: self.line_item_maximum,
            shown: self.shown.map_or(Shown::Nothing, Shown::Result),
        };
        judge(&submission, &self.history, effective)
    }

    fn submit(&mut self, effective: &Effective, sample: &Sample) -> Judgement {
        self.edit(sample);
        let score = sample.score();
        let judgement = self.judge(effective, sample, &score);
        let fate = self.deliver(&judgement, sample.upstream);
        let past = fate.and_then(|fate| judgement.past(&score, sample.arrived, fate));
        self.history.extend(past);
        judgement
    }

    /// What a person puts into the LMS before.
    fn edit(&mut self, sample: &Sample) {
        if let Some(edit) = sample.edit {
            self.shown = edit;
        }
    }

    fn deliver(&mut self, judgement: &Judgement, upstream: Upstream) -> Option<Fate> {
        let Some(leaving) = &judgement.leaves else {
            return Some(Fate::Confirmed);
        };
        if matches!(upstream, Upstream::Takes | Upstream::TakesAndIsLost) {
            self.shown = leaving.points;
        }
        fate(upstream)
    }

    fn stands(&self) -> Option<Points> {
        let mut latest = self.history.iter().rev();
        latest.find(|past| past.takes_effect())?.stands
    }
}

fn fate(upstream: Upstream) -> Option<Fate> {
    match upstream {
        Upstream::Takes => Some(Fate::Confirmed),
        Upstream::Fails => None,
        Upstream::TakesAndIsLost | Upstream::IsLostBefore => Some(Fate::Unknown),
    }
}

fn effective(keys: &Keys) -> Effective {
    let mut effective = Effective::default();
    effective.overlay(&"p".into(), Mode::Enforce, keys);
    effective
}

/// What the engine said, in the words of the reference.
fn outcome(judgement: &Judgement) -> Outcome {
    let code = judgement.refused_by.as_ref().map(|by| match by {
        RefusedBy::Policy { .. } => "POLICY_REFUSED",
        RefusedBy::Stale { .. } => "STALE_SCORE",
        RefusedBy::MaximumMissing => "INVALID_SCORE",
    });
    let nanoseconds = |at: &crate::score::Timestamp| at.instant().as_nanosecond();
    Outcome {
        decision: judgement.decision.as_str(),
        code,
        rules: judgement.acts.iter().map(|act| act.rule).collect(),
        stands: judgement.stands.map(Value::from),
        leaves: judgement.leaves.as_ref().map(|leaving| {
            let submitted = leaving.submitted_at.as_ref().map(nanoseconds);
            (leaving.points.map(Value::from), submitted)
        }),
    }
}

/// All of a history, by one policy and, from some submission on, by another.
fn runs_alike(
    policies: &[Keys; 2],
    changed: usize,
    line_item_maximum: Option<Decimal>,
    samples: &[Sample],
) -> Result<(), TestCaseError> {
    let mut world = World::new(line_item_maximum);
    let mut cell = Cell::default();
    for (index, sample) in samples.iter().enumerate() {
        let keys = &policies[usize::from(index >= changed)];
        world.edit(sample);
        let shown = world.shown.map(Value::from);
        let judgement = world.submit(&effective(keys), sample);
        let leaving = judgement.leaves.as_ref();
        let about = Circumstances {
            keys,
            line_item_maximum,
            shown,
            explained: leaving.and_then(|leaving| leaving.comment.clone()),
        };
        let expected = cell.submit(&about, sample, fate(sample.upstream));
        prop_assert_eq!(outcome(&judgement), expected, "submission {}", index);
    }
    Ok(())
}

proptest! {
    #![proptest_config(cases(2_000))]

    #[test]
    fn the_engine_does_what_the_contract_says(
        one in random::keys(),
        other in random::keys(),
        changed in 1..8_usize,
        maximum in random::line_item_maximum(),
        samples in random::samples(1..7),
    ) {
        runs_alike(&[one, other], changed, maximum, &samples)?;
    }
}

const KEEPS: [Keep; 6] = [
    Keep::Latest,
    Keep::Highest,
    Keep::First,
    Keep::Average,
    Keep::Total,
    Keep::Lowest,
];

/// Each submission by one policy; what stands in the end, and what was said of each.
fn played(
    keys: &Keys,
    maximum: Option<Decimal>,
    samples: &[Sample],
) -> (Option<Points>, Vec<Outcome>) {
    let (mut world, effective) = (World::new(maximum), effective(keys));
    let judged = samples
        .iter()
        .map(|sample| outcome(&world.submit(&effective, sample)));
    let outcomes = judged.collect();
    (world.stands(), outcomes)
}

proptest! {
    #![proptest_config(cases(400))]

    #[test]
    fn a_score_that_comes_twice_counts_once(
        keys in random::keys(),
        maximum in random::line_item_maximum(),
        samples in random::clocked(1..5),
    ) {
        let twice: Vec<_> = samples.iter().flat_map(|sample| [sample.clone(), sample.clone()]).collect();
        prop_assert_eq!(played(&keys, maximum, &samples).0, played(&keys, maximum, &twice).0);
    }

    #[test]
    fn the_order_of_arrival_does_not_matter_where_the_highest_counts(
        keys in random::keys(),
        maximum in random::line_item_maximum(),
        (samples, shuffled) in random::clocked(1..6)
            .prop_flat_map(|samples| (Just(samples.clone()), Just(samples).prop_shuffle())),
    ) {
        let keys = without_order(keys);
        prop_assert_eq!(played(&keys, maximum, &samples).0, played(&keys, maximum, &shuffled).0);
    }

    #[test]
    fn the_order_of_arrival_does_not_matter_to_what_is_kept(
        keep in prop::sample::select(KEEPS.to_vec()),
        (samples, shuffled) in random::clocked(1..8)
            .prop_flat_map(|samples| (Just(samples.clone()), Just(samples).prop_shuffle())),
    ) {
        let keys = Keys { keep: Some(keep), ..Keys::default() };
        prop_assert_eq!(played(&keys, None, &samples).0, played(&keys, None, &shuffled).0);
    }

    #[test]
    fn points_and_their_maximum_grow_together(
        keys in random::keys(),
        samples in random::samples(1..5),
        factor in prop::sample::select(vec!["0.5", "3", "1.75", "10"]),
    ) {
        let keys = without_scale(keys);
        let larger: Vec<_> = samples.iter().map(|sample| grown(sample, factor)).collect();
        let (one, other) = (played(&keys, None, &samples).1, played(&keys, None, &larger).1);
        for (one, other) in one.iter().zip(&other) {
            prop_assert_eq!((one.decision, one.code, &one.rules), (other.decision, other.code, &other.rules));
            prop_assert!(is_near(one.stands.as_ref(), other.stands.as_ref()), "{:?} {:?}", one, other);
        }
    }

    #[test]
    fn a_policy_that_reports_changes_nothing_and_tells_what_it_would_do(
        keys in random::keys(),
        maximum in random::line_item_maximum(),
        samples in random::samples(1..5),
    ) {
        let reporting = Policy { mode: Mode::Report, ..policy("p", keys.clone()) };
        let policies = Policies::new(vec![reporting]);
        let mut world = World::new(maximum);
        for sample in samples.iter().filter(|sample| sample.given.is_none() || sample.maximum.is_some()) {
            world.edit(sample);
            let score = sample.score();
            let in_force = policies.effective(&Subject { now: sample.arrived, ..subject(&score) });
            let would_be = outcome(&world.judge(&effective(&keys), sample, &score));
            let reported = world.judge(&in_force.reported.unwrap(), sample, &score);
            prop_assert_eq!(outcome(&reported), would_be);

            let judgement = world.submit(&in_force.enforced, sample);
            prop_assert_eq!(judgement.decision, Decision::Forwarded);
            prop_assert_eq!(judgement.score_to_send(score.clone()).unwrap().write(), score.write());
            prop_assert_eq!(judgement.acts, []);
        }
    }

    #[test]
    fn policies_that_set_different_keys_may_stand_in_any_order(
        keys in random::keys(),
        mask in any::<u32>(),
    ) {
        let [one, other] = random::dealt(keys.clone(), mask);
        let score = score("1", "2");
        let in_force = |policies| Policies::new(policies).effective(&subject(&score)).enforced;
        let (one, other) = (policy("one", one), policy("other", other));
        let first = in_force(vec![one.clone(), other.clone()]);
        prop_assert_eq!(&first, &in_force(vec![other, one]));
        let values = |effective: &Effective| {
            let mut values = Values::default();
            effective.each_in_force(&mut values).unwrap();
            values.0
        };
        prop_assert_eq!(values(&first), values(&effective(&keys)));
    }
}

/// The values of the keys in force, whosever they are.
#[derive(Default)]
struct Values(Vec<(&'static str, serde_json::Value)>);

impl Each for Values {
    type Error = serde_json::Error;

    fn take(
        &mut self,
        key: &'static str,
        _policy: &str,
        value: &impl serde::Serialize,
    ) -> Result<(), Self::Error> {
        self.0.push((key, serde_json::to_value(value)?));
        Ok(())
    }
}

/// Nothing that goes by what came before, save that the highest counts.
fn without_order(keys: Keys) -> Keys {
    Keys {
        keep: Some(Keep::Highest),
        attempts: None,
        clear: None,
        not_final: None,
        stale: None,
        // What it refuses is no attempt, and what it sees of one may depend on the others.
        maximum: keys.maximum.map(|maximum| Maximum {
            over: Over::Cap,
            ..maximum
        }),
        ..keys
    }
}

/// Nothing that knows a point from two.
fn without_scale(keys: Keys) -> Keys {
    let late = keys.late.map(|late| match late {
        Late::PerInterval {
            percent,
            interval,
            floor_percent,
            of: _,
        } => Late::PerInterval {
            percent,
            interval,
            floor_percent,
            of: Of::Earned,
        },
        Late::Flat {
            taken: Taken::Points { points },
        } => Late::Flat {
            taken: Taken::Percent {
                percent: points,
                of: Of::Possible,
            },
        },
        other => other,
    });
    Keys {
        late,
        fill_maximum: None,
        rescale: None,
        round: None,
        ..keys
    }
}

fn grown(sample: &Sample, factor: &str) -> Sample {
    let factor = reference::exact(decimal(factor));
    let grow = |number: Decimal| {
        let grown = reference::exact(number) * &factor * reference::whole(100_000);
        Decimal::from_parts(grown.to_integer().try_into().unwrap(), -5).unwrap()
    };
    let grow_points = |points: Points| Points {
        given: grow(points.given),
        maximum: grow(points.maximum),
    };
    Sample {
        given: sample.given.map(grow),
        maximum: sample.maximum.map(grow),
        edit: sample.edit.map(|edit| edit.map(grow_points)),
        ..sample.clone()
    }
}

fn is_near(one: Option<&Value>, other: Option<&Value>) -> bool {
    let (Some(one), Some(other)) = (one, other) else {
        return one.is_none() && other.is_none();
    };
    let distance = num_traits::Signed::abs(&(one.ratio() - other.ratio()));
    distance < reference::exact(decimal("1e-20"))
}
