//! What a cell's history gains by an entry, kept as what of it differs from what came: mostly nothing, and written in
//! full it would be a third of the entry.

use std::borrow::Cow;

use jiff::Timestamp as Instant;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::content::{
    FateContent, RoleContent, fate_word, read_numbers, read_optional, read_timestamp, role_word,
};
use super::object::Object;
use crate::policy::{Fate, Past, Role, Sent};
use crate::score::{GradingProgress, Points, Score, Timestamp};

/// What came, as far as a past repeats it.
pub struct Came<'a> {
    points: Option<Points>,
    timestamp: Option<Cow<'a, Timestamp>>,
    submitted_at: Option<Cow<'a, Timestamp>>,
    comment: Option<Cow<'a, str>>,
    is_final: bool,
    /// As it is kept.
    arrived: Instant,
}

impl<'a> Came<'a> {
    pub fn of(score: &'a Score, arrived: Instant) -> Self {
        Self {
            points: score.points,
            timestamp: score.timestamp.as_ref().map(Cow::Borrowed),
            submitted_at: score.submission.submitted_at.as_ref().map(Cow::Borrowed),
            comment: score.comment.as_deref().map(Cow::Borrowed),
            is_final: score.grading == GradingProgress::FullyGraded,
            arrived,
        }
    }

    /// From the canonical score. Not by the reader of submissions, which may become stricter than it was.
    pub fn read(submission: &'a RawValue, arrived: Instant) -> Option<Self> {
        let content: ScoreContent = serde_json::from_str(submission.get()).ok()?;
        let points = match content.given.zip(content.maximum) {
            Some((given, maximum)) => Some(read_numbers(given, maximum)?),
            None => None,
        };
        let times = content.submission;
        let submitted_at = times
            .as_ref()
            .and_then(|times| times.submitted_at.as_deref());
        Some(Self {
            points,
            timestamp: read_timestamp(content.timestamp.as_deref())?.map(Cow::Owned),
            submitted_at: read_timestamp(submitted_at)?.map(Cow::Owned),
            comment: content.comment,
            is_final: content.grading == GradingProgress::FullyGraded.as_str(),
            arrived,
        })
    }
}

/// Of a canonical score, as far as a past repeats it.
#[derive(Deserialize)]
struct ScoreContent<'a> {
    #[serde(borrow, rename = "scoreGiven")]
    given: Option<&'a RawValue>,
    #[serde(borrow, rename = "scoreMaximum")]
    maximum: Option<&'a RawValue>,
    #[serde(borrow)]
    timestamp: Option<Cow<'a, str>>,
    #[serde(borrow)]
    comment: Option<Cow<'a, str>>,
    #[serde(borrow, rename = "gradingProgress")]
    grading: Cow<'a, str>,
    #[serde(borrow)]
    submission: Option<TimesContent<'a>>,
}

#[derive(Deserialize)]
struct TimesContent<'a> {
    #[serde(borrow, rename = "submittedAt")]
    submitted_at: Option<Cow<'a, str>>,
}

/// What differs: what is absent is as it came, what is `null` is not there.
#[derive(Deserialize)]
pub struct Gains {
    #[serde(default, deserialize_with = "some")]
    points: Option<Option<Box<RawValue>>>,
    #[serde(default, deserialize_with = "some")]
    timestamp: Option<Option<String>>,
    #[serde(default)]
    is_stamped: bool,
    #[serde(default, deserialize_with = "some")]
    submitted_at: Option<Option<String>>,
    arrived: Option<Instant>,
    role: Option<RoleContent>,
    fate: Option<FateContent>,
    /// As `points` mostly.
    #[serde(default, deserialize_with = "some")]
    stands: Option<Option<Box<RawValue>>>,
    #[serde(default, deserialize_with = "some")]
    sent: Option<Option<SentGains>>,
}

#[derive(Default, Deserialize)]
struct SentGains {
    /// As what stands mostly.
    #[serde(default, deserialize_with = "some")]
    points: Option<Option<Box<RawValue>>>,
    #[serde(default, deserialize_with = "some")]
    comment: Option<Option<String>>,
    is_final: Option<bool>,
}

/// Tells what is `null` from what is absent.
fn some<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Option<T>, D::Error> {
    T::deserialize(from).map(Some)
}

impl Gains {
    /// `None` where a value can't be what this or an older version wrote.
    pub fn read(&self, came: &Came<'_>) -> Option<Past> {
        let points = points_or(self.points.as_ref(), came.points)?;
        let stands = points_or(self.stands.as_ref(), points)?;
        let sent = match &self.sent {
            None => Some(SentGains::default().read(came, stands)?),
            Some(None) => None,
            Some(Some(sent)) => Some(sent.read(came, stands)?),
        };
        Some(Past {
            points,
            timestamp: time_or(self.timestamp.as_ref(), came.timestamp.as_deref())?,
            is_stamped: self.is_stamped,
            submitted_at: time_or(self.submitted_at.as_ref(), came.submitted_at.as_deref())?,
            arrived: self.arrived.unwrap_or(came.arrived),
            role: self.role.map_or(Role::Attempt, Role::from),
            fate: self.fate.map_or(Fate::Confirmed, Fate::from),
            stands,
            sent,
        })
    }
}

impl SentGains {
    fn read(&self, came: &Came<'_>, stands: Option<Points>) -> Option<Sent> {
        Some(Sent {
            points: points_or(self.points.as_ref(), stands)?,
            comment: match &self.comment {
                None => came.comment.as_deref().map(str::to_owned),
                Some(comment) => comment.clone(),
            },
            is_final: self.is_final.unwrap_or(came.is_final),
        })
    }
}

fn points_or(
    json: Option<&Option<Box<RawValue>>>,
    usual: Option<Points>,
) -> Option<Option<Points>> {
    json.map_or(Some(usual), |json| read_optional(json.as_deref()))
}

fn time_or(text: Option<&Option<String>>, usual: Option<&Timestamp>) -> Option<Option<Timestamp>> {
    text.map_or_else(
        || Some(usual.cloned()),
        |text| read_timestamp(text.as_deref()),
    )
}

/// What `Gains` reads.
pub fn write(past: &Past, came: &Came<'_>, out: Vec<u8>) -> Vec<u8> {
    let Past {
        points,
        timestamp,
        is_stamped,
        submitted_at,
        arrived,
        role,
        fate,
        stands,
        sent,
    } = past;
    let mut object = Object::begin(out);
    object.points_unless("points", points.as_ref(), came.points.as_ref());
    object.time_unless("timestamp", timestamp.as_ref(), came.timestamp.as_deref());
    object.flag("is_stamped", *is_stamped);
    object.time_unless(
        "submitted_at",
        submitted_at.as_ref(),
        came.submitted_at.as_deref(),
    );
    let other_time = (*arrived != came.arrived).then(|| arrived.to_string());
    object.text("arrived", other_time.as_deref());
    object.text("role", (*role != Role::Attempt).then(|| role_word(*role)));
    object.text("fate", (*fate != Fate::Confirmed).then(|| fate_word(*fate)));
    object.points_unless("stands", stands.as_ref(), points.as_ref());
    match sent {
        None => object.null("sent"),
        Some(sent) if is_usual(sent, came, *stands) => {}
        Some(sent) => object.member("sent", Some(sent), |sent, out| {
            write_sent(sent, came, *stands, out)
        }),
    }
    object.end()
}

fn is_usual(sent: &Sent, came: &Came<'_>, stands: Option<Points>) -> bool {
    let Sent {
        points,
        comment,
        is_final,
    } = sent;
    *points == stands && comment.as_deref() == came.comment.as_deref() && *is_final == came.is_final
}

fn write_sent(sent: &Sent, came: &Came<'_>, stands: Option<Points>, out: Vec<u8>) -> Vec<u8> {
    let mut object = Object::begin(out);
    object.points_unless("points", sent.points.as_ref(), stands.as_ref());
    match sent.comment.as_deref() {
        same if same == came.comment.as_deref() => {}
        None => object.null("comment"),
        comment => object.text("comment", comment),
    }
    let is_final = (sent.is_final != came.is_final).then_some(sent.is_final);
    object.member("is_final", is_final, |is_final, mut out| {
        out.extend_from_slice(if is_final { b"true" } else { b"false" });
        out
    });
    object.end()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ledger::Json;
    use crate::ledger::tests::sample::points;
    use crate::score::{ActivityProgress, Submission};

    fn some_points() -> impl Strategy<Value = Option<Points>> {
        let numbers = prop_oneof![Just("0"), Just("7"), Just("0.1"), Just("10")];
        prop::option::of((numbers.clone(), numbers).prop_map(|(given, of)| points(given, of)))
    }

    /// The same instant twice, and another.
    fn some_time() -> impl Strategy<Value = Option<Timestamp>> {
        let texts = prop_oneof![
            Just("2026-01-01T00:00:00Z"),
            Just("2026-01-01T00:00:00.000Z"),
            Just("2026-02-01T12:30:00+01:00")
        ];
        prop::option::of(texts.prop_map(|text| Timestamp::parse(text).unwrap()))
    }

    fn some_comment() -> impl Strategy<Value = Option<String>> {
        prop::option::of(prop_oneof![
            Just(String::new()),
            Just("\"well\" \\ done\n".to_owned())
        ])
    }

    fn some_grading() -> impl Strategy<Value = GradingProgress> {
        prop_oneof![
            Just(GradingProgress::FullyGraded),
            Just(GradingProgress::Pending)
        ]
    }

    fn scores() -> impl Strategy<Value = Score> {
        (
            some_points(),
            some_time(),
            some_time(),
            some_comment(),
            some_grading(),
        )
            .prop_map(
                |(points, timestamp, submitted_at, comment, grading)| Score {
                    user: "u".to_owned(),
                    activity: ActivityProgress::Completed,
                    grading,
                    points,
                    given_alone: points.is_none().then_some(crate::score::Decimal::ONE),
                    comment,
                    timestamp,
                    submission: Submission {
                        started_at: None,
                        submitted_at,
                    },
                    scoring_user: None,
                    extensions: Vec::new(),
                },
            )
    }

    fn sent() -> impl Strategy<Value = Option<Sent>> {
        let parts = (some_points(), some_comment(), any::<bool>());
        prop::option::of(parts.prop_map(|(points, comment, is_final)| Sent {
            points,
            comment,
            is_final,
        }))
    }

    fn pasts() -> impl Strategy<Value = Past> {
        let roles = prop_oneof![Just(Role::Attempt), Just(Role::Clear), Just(Role::Aside)];
        let fates = prop_oneof![Just(Fate::Confirmed), Just(Fate::Unknown)];
        let times = (some_time(), any::<bool>(), some_time(), 0..3_i64);
        (some_points(), times, roles, fates, some_points(), sent()).prop_map(
            |(points, (timestamp, is_stamped, submitted_at, arrived), role, fate, stands, sent)| {
                Past {
                    points,
                    timestamp,
                    is_stamped,
                    submitted_at,
                    arrived: Instant::from_nanosecond(i128::from(arrived) * 500).unwrap(),
                    role,
                    fate,
                    stands,
                    sent,
                }
            },
        )
    }

    fn as_read(past: &Past, score: &Score, arrived: Instant) -> (String, Past) {
        let written = write(past, &Came::of(score, arrived), Vec::new());
        let gains: Gains = serde_json::from_slice(&written).unwrap();
        let submission = Json::written(score.write());
        let came = Came::read(submission.raw().unwrap(), arrived).unwrap();
        (
            String::from_utf8(written).unwrap(),
            gains.read(&came).unwrap(),
        )
    }

    proptest! {
        #[test]
        fn is_read_as_it_was(past in pasts(), score in scores(), arrived in 0..3_i64) {
            let arrived = Instant::from_microsecond(arrived).unwrap();
            prop_assert_eq!(as_read(&past, &score, arrived).1, past);
        }

        #[test]
        fn is_nothing_where_all_went_as_it_came(score in scores(), arrived in 0..3_i64) {
            let arrived = Instant::from_microsecond(arrived).unwrap();
            let past = Past {
                points: score.points,
                timestamp: score.timestamp.clone(),
                is_stamped: false,
                submitted_at: score.submission.submitted_at.clone(),
                arrived,
                role: Role::Attempt,
                fate: Fate::Confirmed,
                stands: score.points,
                sent: Some(Sent {
                    points: score.points,
                    comment: score.comment.clone(),
                    is_final: score.grading == GradingProgress::FullyGraded,
                }),
            };
            prop_assert_eq!(as_read(&past, &score, arrived), ("{}".to_owned(), past));
        }
    }
}
