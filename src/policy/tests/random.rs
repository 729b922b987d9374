//! Random policies with any of the keys, and random submissions of one cell. Few and telling values,
//! so that boundaries and repetitions are met often.

use std::sync::Arc;

use jiff::Timestamp as Instant;
use proptest::option::weighted;
use proptest::prelude::*;
use proptest::sample::select;

use super::{decimal, points, score};
use crate::policy::*;
use crate::score::{Decimal, GradingProgress, Points, Score, Timestamp};

/// One submission, and what the world makes of it.
#[derive(Clone, Debug)]
pub struct Sample {
    pub given: Option<Decimal>,
    /// Without it, a `scoreGiven` is alone.
    pub maximum: Option<Decimal>,
    pub timestamp: Option<Timestamp>,
    pub submitted: Option<Timestamp>,
    pub arrived: Instant,
    pub grading: GradingProgress,
    pub comment: Option<&'static str>,
    pub upstream: Upstream,
    /// A person has put this into the LMS before.
    pub edit: Option<Option<Points>>,
}

/// What becomes of what leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Upstream {
    Takes,
    Fails,
    TakesAndIsLost,
    IsLostBefore,
}

const MARKUP: &str = "<b>Well</b> done";

/// `has(score.comment) || score.percent >= 25.0`, see `meets_requirement`.
const REQUIREMENT: &str = "has(score.comment) || score.percent >= 25.0";

impl Sample {
    pub fn score(&self) -> Score {
        let mut score = score("1", "1");
        score.points = self
            .given
            .zip(self.maximum)
            .map(|(given, maximum)| Points { given, maximum });
        score.given_alone = self.given.filter(|_| self.maximum.is_none());
        score.timestamp = self.timestamp.clone();
        score.submission.submitted_at = self.submitted.clone();
        score.grading = self.grading;
        score.comment = self.comment.map(str::to_owned);
        score
    }

    /// `REQUIREMENT`, in which the percentage of a score without points is an error. `raw` is with the
    /// maximum that was filled.
    pub fn meets_requirement(&self, raw: Option<&super::reference::Value>) -> bool {
        let ratio = raw.map(super::reference::Value::ratio);
        let quarter = super::reference::whole(1) / super::reference::whole(4);
        self.comment.is_some() || ratio.is_some_and(|ratio| ratio >= quarter)
    }

    pub fn comment_has_markup(&self) -> bool {
        self.comment == Some(MARKUP)
    }

    /// The comment as `comment` leaves it, but for the explanation.
    pub fn plain_comment(&self, set: Option<&Comment>) -> Option<String> {
        let own = self.comment?;
        let Some(set) = set else {
            return Some(own.to_owned());
        };
        let text = match set.html {
            Html::Strip if own == MARKUP => "Well done",
            Html::Strip | Html::Keep | Html::Refuse => own,
        };
        let most = set.max_chars.unwrap_or(usize::MAX);
        Some(text.chars().take(most).collect())
    }
}

fn percent() -> impl Strategy<Value = Decimal> {
    select(vec![
        "0", "10", "25", "33.3", "50", "60", "80", "100", "110",
    ])
    .prop_map(decimal)
}

fn given() -> impl Strategy<Value = Decimal> {
    let some = select(vec![
        "0", "0.5", "1", "2.345", "3", "5", "7", "9.99", "10", "12",
    ]);
    prop_oneof![
        some.prop_map(decimal),
        (0..=120_u32).prop_map(|given| decimal(&given.to_string()))
    ]
}

fn maximum() -> impl Strategy<Value = Decimal> {
    select(vec!["10", "100", "1", "3", "7", "20", "12.5"]).prop_map(decimal)
}

/// Milliseconds around a due date.
const TIMES: &[i64] = &[
    0,
    1,
    999,
    1_000,
    59_000,
    60_000,
    60_999,
    61_000,
    3_600_000,
    86_399_999,
    86_400_000,
    86_400_999,
    86_401_000,
    172_800_000,
    172_801_000,
    259_200_000,
];

fn at(milliseconds: i64) -> Instant {
    Instant::from_millisecond(1_700_000_000_000 + milliseconds).unwrap()
}

fn instant() -> impl Strategy<Value = Timestamp> {
    select(TIMES).prop_map(|time| Timestamp::at(at(time)))
}

fn span() -> impl Strategy<Value = Span> {
    select(vec![(60, "60s"), (1, "1s"), (3_600, "1h"), (86_400, "1d")])
        .prop_map(|(seconds, text)| Span::new(seconds, text))
}

fn of() -> impl Strategy<Value = Of> {
    select(vec![Of::Possible, Of::Earned])
}

fn late() -> impl Strategy<Value = Late> {
    let per_interval = (percent(), span(), weighted(0.4, percent()), of());
    let steps = (percent(), percent(), of());
    prop_oneof![
        per_interval.prop_map(|(percent, interval, floor_percent, of)| Late::PerInterval {
            percent,
            interval,
            floor_percent,
            of
        }),
        steps.prop_map(|(first, second, of)| {
            let row = |seconds, text, percent| LateStep {
                up_to: Span::new(seconds, text),
                percent,
            };
            let steps = [row(60, "60s", first), row(86_400, "24h", second)];
            Late::Steps {
                steps: Arc::new(steps),
                of,
            }
        }),
        (percent(), of()).prop_map(|(percent, of)| Late::Flat {
            taken: Taken::Percent { percent, of }
        }),
        given().prop_map(|points| Late::Flat {
            taken: Taken::Points { points }
        }),
        percent().prop_map(|percent| Late::Ceiling { percent }),
        percent().prop_map(|percent| Late::NewlyEarned { percent }),
    ]
}

fn target() -> impl Strategy<Value = Target> {
    prop_oneof![maximum().prop_map(Target::Number), Just(Target::LineItem)]
}

/// Any part of the order, in any order.
fn order() -> impl Strategy<Value = Order> {
    let steps = Just(Step::ALL.to_vec()).prop_shuffle();
    (steps, 0..=Step::ALL.len()).prop_map(|(steps, count)| Order::complete(&steps[..count]))
}

fn protection() -> impl Strategy<Value = Protection> {
    use Protection::{Forward, Protect, Refuse};
    select(vec![Forward, Protect, Refuse])
}

/// The keys that make one value of another.
fn rules() -> impl Strategy<Value = Keys> {
    let limit = (
        percent(),
        select(vec![Over::Cap, Over::Refuse, Over::Allow]),
    );
    let rounding = {
        use Rounding::{Down, HalfEven, HalfUp, Up};
        (0..=3_u32, select(vec![HalfUp, HalfEven, Down, Up]))
    };
    let keep = {
        use Keep::{Average, First, Highest, Latest, Lowest, Total};
        select(vec![Latest, Highest, First, Average, Total, Lowest])
    };
    let keys = (
        weighted(0.3, order()),
        weighted(0.5, target()),
        weighted(0.3, target()),
        weighted(0.6, late()),
        weighted(0.2, percent()),
        weighted(0.3, limit),
        weighted(0.1, percent()),
        weighted(0.3, rounding),
        weighted(0.7, keep),
    );
    keys.prop_map(
        |(order, fill_maximum, rescale, late, minimum, maximum, pass, round, keep)| Keys {
            order,
            fill_maximum,
            rescale: rescale.map(|to| Rescale { to }),
            late,
            minimum: minimum.map(|percent| Minimum { percent }),
            maximum: maximum.map(|(percent, over)| Maximum { percent, over }),
            pass: pass.map(|percent| Pass { percent }),
            round: round.map(|(digits, mode)| Round { digits, mode }),
            keep,
            ..Keys::default()
        },
    )
}

/// The keys of the window; `due` mostly stands, so that something is late.
fn window() -> impl Strategy<Value = Keys> {
    let extension = (select(vec!["u", "v"]), instant()).prop_map(|(user, due)| Extension {
        users: vec![user.to_owned()],
        due,
    });
    let extensions = prop::collection::vec(extension, 1..3);
    let keys = (
        weighted(0.1, instant()),
        weighted(0.8, instant()),
        weighted(0.3, span()),
        weighted(0.1, instant()),
        weighted(0.2, extensions),
    );
    keys.prop_map(|(opens, due, grace, closes, extensions)| Keys {
        opens,
        due,
        grace,
        closes,
        extensions: extensions.map(|all| Extensions(all.into())),
        ..Keys::default()
    })
}

/// The keys that decide what becomes of a submission.
fn settings() -> impl Strategy<Value = Keys> {
    let over = select(vec![OverLimit::Refuse, OverLimit::Ignore]);
    let attempts = (1..=3_usize, over).prop_map(|(max, over)| Attempts { max, over });
    let stale = select(vec![Stale::Forward, Stale::Ignore, Stale::Refuse]);
    let unchanged = select(vec![Unchanged::Forward, Unchanged::Skip]);
    let tolerance = select(vec!["0", "0.001", "0.05"]).prop_map(decimal);
    let html = select(vec![Html::Strip, Html::Keep, Html::Refuse]);
    let comment = (html, weighted(0.3, Just(4_usize)), any::<bool>());
    let overriding = select(vec![
        Override::ToolWins,
        Override::Protect,
        Override::RaiseOnly,
    ]);
    let keys = (
        weighted(0.3, attempts),
        weighted(0.4, protection()),
        weighted(0.3, protection()),
        weighted(0.3, stale),
        weighted(0.4, unchanged),
        weighted(0.3, tolerance),
        weighted(0.3, comment),
        weighted(0.1, Just(())),
        weighted(0.4, overriding),
    );
    keys.prop_map(
        |(
            attempts,
            clear,
            not_final,
            stale,
            unchanged,
            tolerance,
            comment,
            require,
            overriding,
        )| {
            let comment = comment.map(|(html, max_chars, explain)| Comment {
                html,
                max_chars,
                // What is compared with what was last sent is known to the engine alone.
                explain: explain && unchanged != Some(Unchanged::Skip),
            });
            Keys {
                attempts,
                clear,
                not_final,
                stale,
                unchanged,
                tolerance,
                comment,
                require: require.map(|()| requirement()),
                overriding,
                ..Keys::default()
            }
        },
    )
}

fn requirement() -> Requirements {
    let when = Condition::compile(REQUIREMENT).unwrap();
    let message = "More is needed.".to_owned();
    Requirements([Requirement { when, message }].into())
}

/// A policy with any of the keys.
pub fn keys() -> impl Strategy<Value = Keys> {
    (rules(), window(), settings()).prop_map(|(rules, window, settings)| {
        let mut keys = rules;
        lay(&mut keys, window);
        lay(&mut keys, settings);
        keys
    })
}

/// Lays the keys of one policy over those of another.
pub fn lay(under: &mut Keys, over: Keys) {
    macro_rules! lay {
        ($($key:ident)*) => {{
            // Whole, so that a new key is not forgotten.
            let Keys { $($key),* } = over;
            $(under.$key = $key.or(under.$key.take());)*
        }};
    }
    lay!(order fill_maximum rescale opens due grace closes extensions late minimum maximum pass
        round keep attempts clear not_final stale unchanged tolerance comment require overriding);
}

/// The keys of a policy dealt out to two, each to one.
pub fn dealt(keys: Keys, mask: u32) -> [Keys; 2] {
    let mut two = [Keys::default(), Keys::default()];
    macro_rules! deal {
        ($($key:ident)*) => {{
            let Keys { $($key),* } = keys;
            let mut mask = mask;
            $(two[(mask & 1) as usize].$key = $key; mask >>= 1;)*
            let _ = mask;
        }};
    }
    deal!(order fill_maximum rescale opens due grace closes extensions late minimum maximum pass
        round keep attempts clear not_final stale unchanged tolerance comment require overriding);
    two
}

pub fn line_item_maximum() -> impl Strategy<Value = Option<Decimal>> {
    weighted(0.9, select(vec!["100", "10", "30", "0"]).prop_map(decimal))
}

fn sample() -> impl Strategy<Value = (Sample, i64)> {
    use GradingProgress::{FullyGraded, Pending};
    use Upstream::{Fails, IsLostBefore, Takes, TakesAndIsLost};
    let upstream = select(vec![
        Takes,
        Takes,
        Takes,
        Takes,
        Takes,
        Fails,
        TakesAndIsLost,
        IsLostBefore,
    ]);
    let comment = select(vec!["Well done", MARKUP, ""]);
    let edited = select(vec![("5", "10"), ("100", "100"), ("0", "10")]);
    let edit =
        weighted(0.7, edited).prop_map(|edit| edit.map(|(given, maximum)| points(given, maximum)));
    let fields = (
        weighted(0.85, given()),
        weighted(0.85, maximum()),
        weighted(0.7, instant()),
        weighted(0.6, instant()),
        select(vec![FullyGraded, FullyGraded, FullyGraded, Pending]),
        weighted(0.3, comment),
        upstream,
        weighted(0.15, edit),
        select(vec![0_i64, 1, 1_000, 86_400_000]),
    );
    fields.prop_map(
        |(given, maximum, timestamp, submitted, grading, comment, upstream, edit, gap)| {
            let sample = Sample {
                given,
                // A maximum alone counts as none.
                maximum: given.and(maximum),
                timestamp,
                submitted,
                arrived: at(0),
                grading,
                comment,
                upstream,
                edit,
            };
            (sample, gap)
        },
    )
}

/// The submissions of one cell, in the order of their arrival.
pub fn samples(count: std::ops::Range<usize>) -> impl Strategy<Value = Vec<Sample>> {
    prop::collection::vec(sample(), count).prop_map(|samples| {
        let mut now = 0;
        let arriving = samples.into_iter().map(|(sample, gap)| {
            now += gap;
            Sample {
                arrived: at(now),
                ..sample
            }
        });
        arriving.collect()
    })
}

/// Attempts that were all submitted and stamped by their tool at instants of their own.
pub fn clocked(count: std::ops::Range<usize>) -> impl Strategy<Value = Vec<Sample>> {
    let clock = |index: usize| Some(Timestamp::at(at(TIMES[index])));
    let order = Just((0..TIMES.len()).collect::<Vec<_>>()).prop_shuffle();
    (samples(count), order).prop_map(move |(samples, order)| {
        let clocked = samples
            .into_iter()
            .zip(order)
            .map(|(sample, index)| Sample {
                given: sample.given.or(Some(Decimal::ONE)),
                maximum: sample.maximum.or(Some(decimal("10"))),
                timestamp: clock(index),
                submitted: clock(index),
                upstream: Upstream::Takes,
                edit: None,
                ..sample
            });
        clocked.collect()
    })
}
