//! Conditions in CEL: the only place that knows the expression language. A condition is bounded in
//! length, depth and loops, since evaluation has no time budget; its names are resolved when it is
//! compiled, and it is tried on sample scores, whole and side by side.

mod extension;
mod functions;
mod names;
mod parts;
mod patterns;
mod places;
mod samples;
mod sides;
mod times;

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, LazyLock};

use cel::objects::{Key, Map};
use cel::{Context, Env, IdedExpr, Program, Value};
use serde::{Serialize, Serializer};
use thiserror::Error;

use self::patterns::Patterns;
use self::sides::Sides;
use super::Subject;
use super::worth::Worth;
use crate::score::{Extension, Points, Score, Timestamp};

/// The most bytes a condition may have.
pub const LONGEST: usize = 1_024;

/// What a condition may name, for people.
const NAMES: &str = "`score`, `caller.name`, `caller.account`, `line_item` and `now`";

/// Why a condition is none though it can be evaluated.
const NO_TRUTH: &str = "it gives neither true nor false";

const MIXES: &str = "it mixes types, such as a double and an integer (write 60.0, not 60), or compares what is no number";

const TEXT_FOR_TIME: &str = "it takes a text for a time; members that are times are texts: write `timestamp(score.timestamp)`, as well as `timestamp(\"2026-03-01T12:00:00Z\")`";

const EVALUATOR_FAILED: &str = "the evaluator failed";

/// The standard functions, made once.
static STANDARD: LazyLock<Arc<Env>> = LazyLock::new(|| Arc::new(Env::stdlib()));

/// A compiled condition.
#[derive(Clone)]
pub struct Condition {
    text: Arc<str>,
    program: Arc<Program>,
    patterns: Patterns,
    /// Others need not be read for it, which may be long.
    sees_extensions: bool,
}

/// Why a text is no condition. Repeats nothing of it but names of members and functions: it may name
/// a learner.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BadCondition {
    #[error("it is longer than {LONGEST} bytes")]
    TooLong,
    #[error("it is nested too deeply")]
    TooDeep,
    #[error("it is no CEL expression; the first fault is at line {line}, column {column}")]
    Syntax { line: isize, column: isize },
    #[error("it loops within a loop")]
    NestedLoop,
    #[error(
        "it calls `matches` within a loop, which looks at the text for each element; join the parts of one pattern with `|` and call it once, or use `contains`, `startsWith` or `endsWith`"
    )]
    MatchesInLoop,
    #[error(
        "it calls `matches` with a pattern that is not written into it as one text, so that how long it takes is for others to choose"
    )]
    PatternNotWritten,
    #[error("the pattern of a `matches` in it is no regular expression")]
    NoPattern,
    #[error(
        "its patterns are too slow for a long comment: a match may be at {places} places of them at once, and {} are the most; begin with `^`, so that it starts at one place alone, give lengths by `size()`, or look for whole texts with `in [\"…\", \"…\"]` and for parts with `[\"…\", \"…\"].exists(part, score.userId.contains(part))`",
        places::MOST
    )]
    SlowPatterns { places: usize },
    #[error(
        "its patterns take more than {} MiB of memory: a class such as `\\w` holds the letters of all scripts, once for each repetition; write `[A-Za-z0-9_]`, give lengths by `size()`, or look for whole texts with `in [\"…\", \"…\"]`",
        patterns::MOST_MEMORY
    )]
    LargePatterns,
    #[error("it names something that does not exist; there are {NAMES}")]
    UnknownName,
    #[error("`….{name}` does not exist; there are `{}`", .known.join("`, `"))]
    UnknownMember {
        name: String,
        /// What there is in its place.
        known: &'static [&'static str],
    },
    #[error("`{name}()` does not exist; there are `{}`", functions::names())]
    UnknownFunction { name: String },
    #[error("`{name}()` is called on a value, as in `score.userId.{name}(…)`")]
    CalledAlone { name: String },
    #[error("`{name}()` is called with the value in its brackets, as in `{name}(score.userId)`")]
    CalledOnValue { name: String },
    #[error("`{name}()` is called with too many values, or too few")]
    ValueCount { name: String },
    #[error("`{name}()` fails for every score, by the values that are written into it")]
    AlwaysFails { name: String },
    #[error(
        "the part of it around line {line}, column {column} can't be evaluated on any sample score: {reason}"
    )]
    SideFails {
        line: usize,
        column: usize,
        reason: &'static str,
    },
    #[error("it can't be evaluated on any sample score: {0}")]
    NeverHolds(&'static str),
}

/// Why a condition is neither true nor false for a score. Says nothing of the score itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct EvaluationFailed(pub &'static str);

impl Condition {
    /// Compiles a condition, and tries it on sample scores.
    pub fn compile(text: &str) -> Result<Self, BadCondition> {
        if text.len() > LONGEST {
            return Err(BadCondition::TooLong);
        }
        names::check_nesting(text)?;
        let program = Program::compile(text).map_err(|errors| syntax(&errors))?;
        let seen = names::check(program.expression())?;
        let (sees_extensions, patterns) = (seen.whole_score, Patterns::read(seen.patterns)?);
        let condition = Self {
            text: text.into(),
            program: Arc::new(program),
            patterns,
            sees_extensions,
        };
        condition.try_on_samples()?;
        Ok(condition)
    }

    /// Whether it compares a time with a text, letter by letter, and is none the worse for it in the eyes
    /// of the evaluator.
    pub fn compares_times_as_texts(&self) -> bool {
        times::compares_texts(self.program.expression())
    }

    /// The same without its text.
    pub fn untold(&self) -> Self {
        Self {
            text: "***".into(),
            ..self.clone()
        }
    }

    /// Whether the condition holds for a submission as it came.
    pub fn holds(&self, subject: &Subject<'_>) -> Result<bool, EvaluationFailed> {
        self.holds_for(subject, subject.score.points)
    }

    /// Whether the condition holds for a submission of these points: with the maximum, perhaps, that
    /// it came without.
    pub fn holds_for(
        &self,
        subject: &Subject<'_>,
        points: Option<Points>,
    ) -> Result<bool, EvaluationFailed> {
        match caught(|| self.evaluate(subject, points)) {
            Some(Ok(Value::Bool(holds))) => Ok(holds),
            Some(Ok(_)) => Err(EvaluationFailed(NO_TRUTH)),
            Some(Err(failed)) => Err(failed),
            None => Err(EvaluationFailed(EVALUATOR_FAILED)),
        }
    }

    fn evaluate(
        &self,
        subject: &Subject<'_>,
        points: Option<Points>,
    ) -> Result<Value, EvaluationFailed> {
        let context = self.context(subject, points)?;
        let evaluated = self.program.execute(&context);
        evaluated.map_err(|error| EvaluationFailed(cause(&error)))
    }

    fn context<'v>(
        &self,
        subject: &Subject<'_>,
        points: Option<Points>,
    ) -> Result<Context<'static, 'v>, EvaluationFailed> {
        let Subject {
            caller,
            account,
            line_item,
            score,
            now,
        } = *subject;
        let mut members = members_of(score, points);
        if self.sees_extensions {
            members.extend(extensions_of(score)?);
        }
        let mut context = Context::with_env(STANDARD.clone());
        self.patterns.add_to(&mut context);
        let who = [("name", caller.into()), ("account", account.into())];
        context.add_variable_from_value("caller", table(who));
        context.add_variable_from_value("score", map(members));
        context.add_variable_from_value("line_item", line_item);
        if let Some(now) = instant(now) {
            context.add_variable_from_value("now", now);
        }
        Ok(context)
    }

    fn try_on_samples(&self) -> Result<(), BadCondition> {
        let scores = samples::scores();
        self.try_sides(&scores)?;
        let mut failure = None;
        for score in scores {
            match self.holds(&samples::subject(&score)) {
                Ok(_) => return Ok(()),
                Err(failed) => failure = failure.or(Some(failed)),
            }
        }
        let EvaluationFailed(reason) = failure.unwrap_or(EvaluationFailed(EVALUATOR_FAILED));
        let reason = advised(reason, self.program.expression());
        Err(BadCondition::NeverHolds(reason))
    }

    fn try_sides(&self, scores: &[Score]) -> Result<(), BadCondition> {
        let context = |score| self.context(&samples::subject(score), score.points).ok();
        let samples: Vec<_> = scores.iter().filter_map(context).collect();
        let sides = Sides {
            samples: &samples,
            place: &|id| self.place(id),
        };
        sides.try_in(self.program.expression())
    }

    /// Where a part of the text stands: its line and column.
    fn place(&self, id: u64) -> Option<(usize, usize)> {
        let (start, _) = self.program.source_info().offset_for(id)?;
        let before = self.text.get(..usize::try_from(start).ok()?)?;
        let line = before.rsplit('\n').next().unwrap_or_default();
        Some((before.matches('\n').count() + 1, line.chars().count() + 1))
    }
}

/// A fault of the evaluator must cost this one condition and no more: nothing where it panics.
fn caught<T>(evaluate: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(evaluate)).ok()
}

/// The evaluator's own words may quote a score, so its errors are named anew.
fn cause(error: &cel::ExecutionError) -> &'static str {
    use cel::ExecutionError as E;
    match error {
        E::NoSuchKey(_) => {
            "a member that it names is absent; guard it with has(), or an extension with `\"…\" in score && …`"
        }
        E::UndeclaredReference(_) => "it names something that does not exist",
        E::NoSuchOverload(_)
        | E::UnsupportedBinaryOperator(..)
        | E::UnexpectedType { .. }
        | E::ValuesNotComparable(..) => MIXES,
        E::DivisionByZero(_) | E::RemainderByZero(_) => "it divides by zero",
        E::FunctionError { .. } => "a function in it failed",
        _ => "it can't be evaluated",
    }
}

/// What most likely is behind it, where something is always wrong.
fn advised(reason: &'static str, part: &IdedExpr) -> &'static str {
    match reason == MIXES && times::takes_text_for_time(part) {
        true => TEXT_FOR_TIME,
        false => reason,
    }
}

/// The parser's own words quote the text, so the place alone is told.
fn syntax(errors: &cel::ParseErrors) -> BadCondition {
    let mut places = errors.errors.iter().map(|error| error.pos);
    let first = places.find(|(line, _)| *line > 0);
    let (line, column) = first.unwrap_or((1, 1));
    BadCondition::Syntax { line, column }
}

fn instant(now: jiff::Timestamp) -> Option<Value> {
    let nanoseconds = u32::try_from(now.subsec_nanosecond()).ok()?;
    let now = chrono::DateTime::from_timestamp(now.as_second(), nanoseconds)?;
    Some(Value::Timestamp(now.fixed_offset()))
}

/// Under the wire's names; an absent member is left out, save `submission`: otherwise
/// `has(score.submission.submittedAt)` would err where it is to guard.
fn members_of(score: &Score, points: Option<Points>) -> HashMap<Key, Value> {
    let text = |text: &Option<String>| text.as_deref().map(Value::from);
    let time = |time: &Option<Timestamp>| time.as_ref().map(|time| Value::from(time.text()));
    let worth = points.map(Worth::from);
    let given = score
        .given_alone
        .map(|given| super::exact::Exact::from(given).to_float());
    let given = worth.as_ref().map(|worth| worth.given.to_float()).or(given);
    let submission = table_of([
        ("startedAt", time(&score.submission.started_at)),
        ("submittedAt", time(&score.submission.submitted_at)),
    ]);
    let float = |number: Option<f64>| number.map(Value::Float);
    members([
        ("userId", Some(Value::from(score.user.as_str()))),
        (
            "activityProgress",
            Some(Value::from(score.activity.as_str())),
        ),
        ("gradingProgress", Some(Value::from(score.grading.as_str()))),
        ("scoreGiven", float(given)),
        (
            "scoreMaximum",
            float(worth.as_ref().map(|worth| worth.maximum.to_float())),
        ),
        ("percent", float(worth.as_ref().map(percent))),
        ("comment", text(&score.comment)),
        ("timestamp", time(&score.timestamp)),
        ("scoringUserId", text(&score.scoring_user)),
        ("submission", Some(submission)),
    ])
}

fn extensions_of(score: &Score) -> Result<Vec<(Key, Value)>, EvaluationFailed> {
    let read = |extension: &Extension| {
        let value = extension::value(&extension.value);
        let value = value.ok_or(EvaluationFailed("an extension can't be read"))?;
        Ok((extension.name.as_str().into(), value))
    };
    score.extensions.iter().map(read).collect()
}

fn percent(worth: &Worth) -> f64 {
    (worth.ratio() * super::exact::Exact::from(100_i64)).to_float()
}

fn table<const N: usize>(members: [(&str, Value); N]) -> Value {
    table_of(members.map(|(name, value)| (name, Some(value))))
}

fn table_of<const N: usize>(list: [(&str, Option<Value>); N]) -> Value {
    map(members(list))
}

fn members<const N: usize>(list: [(&str, Option<Value>); N]) -> HashMap<Key, Value> {
    let present = list.into_iter();
    present
        .filter_map(|(name, value)| Some((name.into(), value?)))
        .collect()
}

fn map(members: HashMap<Key, Value>) -> Value {
    Value::Map(Map {
        map: Arc::new(members),
    })
}

impl PartialEq for Condition {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl std::fmt::Debug for Condition {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.text.fmt(f)
    }
}

/// As it was written.
impl Serialize for Condition {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

#[cfg(test)]
mod tests;
