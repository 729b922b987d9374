//! A second policy engine, slow and plain, written from the contract (section 6) and the policy
//! catalogue, sharing nothing with the first but the types of its input. What the two disagree on
//! is decided by the contract.

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{One, Pow, Signed, Zero};

use super::random::Sample;
use crate::policy::{
    Extensions, Fate, Html, Keep, Keys, Late, Of, Over, OverLimit, Override, Protection, Rounding,
    Stale, Step, Taken, Target, Unchanged,
};
use crate::score::{Decimal, GradingProgress, Points, Timestamp};

pub type Number = BigRational;

pub fn whole(number: i64) -> Number {
    BigRational::from_integer(BigInt::from(number))
}

pub fn exact(decimal: Decimal) -> Number {
    let (digits, power) = decimal.parts();
    let ten = BigRational::from_integer(10.into());
    BigRational::from_integer(digits.into()) * Pow::pow(&ten, power)
}

/// Given, and of how much.
#[derive(Clone, Debug, PartialEq)]
pub struct Value {
    pub given: Number,
    pub maximum: Number,
}

impl From<Points> for Value {
    fn from(points: Points) -> Self {
        Self {
            given: exact(points.given),
            maximum: exact(points.maximum),
        }
    }
}

impl Value {
    pub fn ratio(&self) -> Number {
        &self.given / &self.maximum
    }

    fn share(&self, percent: Decimal) -> Number {
        &self.maximum * exact(percent) / whole(100)
    }

    /// "A result without a finite decimal is sent half-up to 28 significant digits."
    fn sent(&self) -> Self {
        Self {
            given: to_28_digits(&self.given),
            maximum: to_28_digits(&self.maximum),
        }
    }
}

fn to_28_digits(number: &Number) -> Number {
    if number.is_zero() {
        return number.clone();
    }
    let ten = whole(10);
    let (most, least) = (Pow::pow(&ten, 28_i32), Pow::pow(&ten, 27_i32));
    let (mut scaled, mut scale) = (number.abs(), Number::one());
    while scaled < least {
        (scaled, scale) = (scaled * &ten, scale * &ten);
    }
    while scaled >= most {
        (scaled, scale) = (scaled / &ten, scale / &ten);
    }
    scaled.round() / scale * number.signum()
}

/// `round`, and the deduction of `per_interval`.
fn rounded(number: &Number, digits: u32, mode: Rounding) -> Number {
    let scale = Pow::pow(whole(10), digits);
    let scaled = number * &scale;
    let (below, above) = (scaled.floor(), scaled.ceil());
    let half = Number::new(1.into(), 2.into());
    let is_even = |whole: &Number| (whole.to_integer() % BigInt::from(2)).is_zero();
    let nearer_or = |at_half: Number| match (&scaled - &below).cmp(&half) {
        std::cmp::Ordering::Less => below.clone(),
        std::cmp::Ordering::Equal => at_half,
        std::cmp::Ordering::Greater => above.clone(),
    };
    // Scores are never negative: away from zero is up.
    let result = match mode {
        Rounding::HalfUp => nearer_or(above.clone()),
        Rounding::HalfEven if is_even(&below) => nearer_or(below.clone()),
        Rounding::HalfEven => nearer_or(above.clone()),
        Rounding::Down => below.clone(),
        Rounding::Up => above.clone(),
    };
    result / scale
}

/// An instant in nanoseconds.
fn nanoseconds(timestamp: &Timestamp) -> i128 {
    timestamp.instant().as_nanosecond()
}

/// One attempt, raw.
#[derive(Clone, Debug)]
struct Attempt {
    value: Value,
    /// `submittedAt`, else the caller's own `timestamp`; without either it is like no other.
    identity: Option<i128>,
    /// What lateness is counted from.
    time: i128,
    /// Its own `timestamp`, or its stamp; then its arrival among all submissions.
    place: (i128, usize),
    submitted: Option<i128>,
    /// The arrival with which it was taken; until then it uses up none.
    taken: Option<usize>,
    was_in_doubt: bool,
}

/// What left, and whether it surely arrived.
#[derive(Clone, Debug)]
struct Sent {
    value: Option<Value>,
    comment: Option<String>,
    is_certain: bool,
    is_final: bool,
}

/// One square of the grade book, as the contract sees it.
#[derive(Clone, Debug, Default)]
pub struct Cell {
    attempts: Vec<Attempt>,
    score: Option<Value>,
    /// Of what took effect.
    newest: Option<i128>,
    /// Of all that was recorded, so that a stamp is later than any.
    newest_stamp: Option<i128>,
    sent: Vec<Sent>,
    arrivals: usize,
}

/// What the contract says of one submission.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    pub decision: &'static str,
    pub code: Option<&'static str>,
    /// The rules that changed or refused the score, or kept it from being sent, in order.
    pub rules: Vec<&'static str>,
    /// What stands in the cell afterwards, should it take effect.
    pub stands: Option<Value>,
    /// What leaves: its points, and its `submittedAt`.
    pub leaves: Option<(Option<Value>, Option<i128>)>,
}

/// What a submission is judged by, beside its cell.
pub struct Circumstances<'a> {
    pub keys: &'a Keys,
    pub line_item_maximum: Option<Decimal>,
    /// What the LMS shows.
    pub shown: Option<Value>,
    /// The comment that leaves, for where `explain` adds sentences that only the engine knows.
    pub explained: Option<String>,
}

/// The submission at hand.
struct Case<'a> {
    about: &'a Circumstances<'a>,
    sample: &'a Sample,
    raw: Option<Value>,
    rules: Vec<&'static str>,
    /// As it leaves.
    comment: Option<String>,
}

/// Why it goes no further.
enum Stop {
    Refused(&'static str, Option<&'static str>),
    Kept(&'static str),
}

const POLICY: &str = "POLICY_REFUSED";

impl Cell {
    /// Judges, and, unless it surely failed upstream, takes the submission into the cell.
    pub fn submit(
        &mut self,
        about: &Circumstances<'_>,
        sample: &Sample,
        fate: Option<Fate>,
    ) -> Outcome {
        let raw = match (sample.given, sample.maximum) {
            (Some(given), Some(maximum)) => Some(Value {
                given: exact(given),
                maximum: exact(maximum),
            }),
            _ => None,
        };
        let case = Case {
            about,
            sample,
            raw,
            rules: Vec::new(),
            comment: None,
        };
        self.judge(case, fate)
    }

    fn judge(&mut self, mut case: Case<'_>, fate: Option<Fate>) -> Outcome {
        let arrival = self.arrivals;
        let filled = case.fill();
        let stopped = match case.about.keys.fill_maximum {
            Some(_) => case.gates(self, filled),
            None => filled.and_then(|()| case.gates(self, Ok(()))),
        };
        match stopped {
            Err(Stop::Refused(code, rule)) => {
                case.rules.extend(rule);
                return self.nothing("refused", Some(code), case.rules);
            }
            Err(Stop::Kept(rule)) => {
                case.rules.push(rule);
                self.set_aside(&case);
                return self.nothing("kept", None, case.rules);
            }
            Ok(()) => {}
        }
        let stamp = case.stamp(self);
        let Some(raw) = case.raw.clone() else {
            return self.clear(case, fate, stamp);
        };
        let at_hand = case.attempt(raw, stamp, arrival);
        let mut attempts = self.attempts.clone();
        match attempts
            .iter_mut()
            .find(|known| known.identity.is_some() && known.identity == at_hand.identity)
        {
            // A regrade: it replaces the attempt. One of unknown fate uses up none.
            Some(known) => {
                *known = Attempt {
                    taken: known.taken.or(at_hand.taken),
                    was_in_doubt: known.was_in_doubt,
                    ..at_hand.clone()
                }
            }
            None => attempts.push(at_hand.clone()),
        }
        let (value, standing) = match case.fold(&attempts, &at_hand) {
            Ok(fold) => fold,
            Err(rule) => {
                case.rules.push(rule);
                return self.nothing("refused", Some(POLICY), case.rules);
            }
        };
        let value = value.sent();
        let is_commented = case.note_comment();
        let is_older = standing.place.1 != arrival;
        let is_there = is_older && self.shows(&case, &value);
        let leaves = !(is_there || self.holds_back(&mut case, Some(&value)));
        if leaves && is_commented {
            case.rules.push("comment");
        }
        let came = case.came();
        let decision = match leaves {
            false => "kept",
            true if came == (Some(value.given.clone()), Some(value.maximum.clone())) => "forwarded",
            true => "adjusted",
        };
        if let Some(fate) = fate.or((!leaves).then_some(Fate::Confirmed)) {
            // Whether it counts is known only now.
            let known = self
                .attempts
                .iter_mut()
                .find(|known| known.identity.is_some() && known.identity == at_hand.identity);
            let is_taken = fate == Fate::Confirmed || !leaves;
            let taken = is_taken.then_some(arrival);
            match known {
                Some(known) => {
                    *known = Attempt {
                        taken: known.taken.or(taken),
                        was_in_doubt: known.was_in_doubt,
                        ..at_hand
                    }
                }
                None => self.attempts.push(Attempt {
                    taken,
                    was_in_doubt: !is_taken,
                    ..at_hand
                }),
            }
            let sent = leaves.then(|| (Some(value.clone()), fate));
            self.take(&case, stamp, Some(value.clone()), sent);
        }
        Outcome {
            decision,
            code: None,
            rules: case.rules,
            leaves: leaves.then(|| (Some(value.clone()), standing.submitted)),
            stands: Some(value),
        }
    }

    /// No score, and no rule acts on none.
    fn clear(&mut self, mut case: Case<'_>, fate: Option<Fate>, stamp: i128) -> Outcome {
        let is_commented = case.note_comment();
        if self.is_overridden(&case, None) {
            case.rules.push("override");
            self.set_aside(&case);
            return self.nothing("kept", None, case.rules);
        }
        if is_commented {
            case.rules.push("comment");
        }
        if let Some(fate) = fate {
            self.take(&case, stamp, None, Some((None, fate)));
        }
        let submitted = case.sample.submitted.as_ref().map(nanoseconds);
        Outcome {
            decision: "forwarded",
            code: None,
            rules: case.rules,
            stands: None,
            leaves: Some((None, submitted)),
        }
    }

    fn nothing(
        &self,
        decision: &'static str,
        code: Option<&'static str>,
        rules: Vec<&'static str>,
    ) -> Outcome {
        Outcome {
            decision,
            code,
            rules,
            stands: self.score.clone(),
            leaves: None,
        }
    }

    /// Recorded and nothing else.
    fn set_aside(&mut self, case: &Case<'_>) {
        self.newest_stamp = self.newest_stamp.max(Some(case.stamp(self)));
        self.arrivals += 1;
    }

    fn take(
        &mut self,
        case: &Case<'_>,
        stamp: i128,
        stands: Option<Value>,
        sent: Option<(Option<Value>, Fate)>,
    ) {
        self.newest = self.newest.max(Some(stamp));
        self.newest_stamp = self.newest_stamp.max(Some(stamp));
        self.arrivals += 1;
        self.score = stands;
        self.sent.extend(sent.map(|(value, fate)| Sent {
            value,
            comment: case.comment.clone(),
            is_certain: fate == Fate::Confirmed,
            is_final: case.is_final(),
        }));
    }

    /// Whether the cell shows this value already, for certain.
    fn shows(&self, case: &Case<'_>, value: &Value) -> bool {
        let last = self.sent.last().filter(|sent| sent.is_certain);
        let last = last.filter(|sent| sent.is_final || !case.is_final());
        last.and_then(|sent| sent.value.as_ref()) == Some(value)
    }

    fn holds_back(&self, case: &mut Case<'_>, value: Option<&Value>) -> bool {
        let rule = match () {
            () if self.is_unchanged(case, value) => "unchanged",
            () if self.is_overridden(case, value) => "override",
            () => return false,
        };
        case.rules.push(rule);
        true
    }

    /// "Skipped when equal or nearer than `tolerance` and the comment is the one last sent; never
    /// for full marks over less, nor for a first score of zero."
    fn is_unchanged(&self, case: &Case<'_>, value: Option<&Value>) -> bool {
        let keys = case.about.keys;
        if keys.unchanged != Some(Unchanged::Skip) {
            return false;
        }
        let last = self.sent.last().filter(|sent| sent.is_certain);
        let Some((last, old)) = last.and_then(|sent| Some((sent, sent.value.as_ref()?.ratio())))
        else {
            return false;
        };
        let new = value.unwrap().ratio();
        let one = Number::one();
        let is_full_over_less = new >= one && old < one;
        let tolerance = keys.tolerance.map_or(Number::zero(), exact);
        let is_near = new == old || (new - old).abs() < tolerance;
        let makes_final = case.is_final() && !last.is_final;
        is_near && !is_full_over_less && !makes_final && last.comment == case.comment
    }

    /// "It was edited when its ratio differs from the last sent by ≥ 0.001, an absent result
    /// counting as 0; with nothing sent yet, any existing result is an edit." What may or may not
    /// have arrived explains what is shown as well as what surely arrived before it does.
    fn is_overridden(&self, case: &Case<'_>, value: Option<&Value>) -> bool {
        let shown = case.about.shown.as_ref().map(Value::ratio);
        let shown_or_zero = shown.clone().unwrap_or(Number::zero());
        let thousandth = Number::new(1.into(), 1000.into());
        let differs = |sent: &Sent| {
            let sent = sent.value.as_ref().map_or(Number::zero(), Value::ratio);
            (&shown_or_zero - sent).abs() >= thousandth
        };
        let certain = self.sent.iter().rposition(|sent| sent.is_certain);
        let differs_from_certain = match certain {
            None => shown.is_some(),
            Some(at) => differs(&self.sent[at]),
        };
        let doubtful = &self.sent[certain.map_or(0, |at| at + 1)..];
        let is_edited = differs_from_certain && doubtful.iter().all(differs);
        match case.about.keys.overriding {
            None | Some(Override::ToolWins) => false,
            Some(Override::Protect) => is_edited,
            Some(Override::RaiseOnly) => {
                is_edited && value.is_none_or(|value| value.ratio() <= shown_or_zero)
            }
        }
    }
}

impl Case<'_> {
    fn is_final(&self) -> bool {
        self.sample.grading == GradingProgress::FullyGraded
    }

    /// What came, as numbers.
    fn came(&self) -> (Option<Number>, Option<Number>) {
        let given = self.sample.given.map(exact);
        (given.clone(), given.and(self.sample.maximum).map(exact))
    }

    fn fill(&mut self) -> Result<(), Stop> {
        let (Some(given), None) = (self.sample.given, self.sample.maximum) else {
            return Ok(());
        };
        let maximum = self
            .about
            .keys
            .fill_maximum
            .and_then(|target| self.target(target));
        let maximum = maximum.filter(|maximum| maximum.is_positive());
        let maximum = maximum.ok_or(Stop::Refused("INVALID_SCORE", None))?;
        self.rules.push("fill_maximum");
        let given = exact(given);
        self.raw = Some(Value { given, maximum });
        Ok(())
    }

    fn target(&self, target: Target) -> Option<Number> {
        match target {
            Target::Number(number) => Some(exact(number)),
            Target::LineItem => self.about.line_item_maximum.map(exact),
        }
    }

    /// `submission.submittedAt`, else `timestamp`, else arrival.
    fn time(&self) -> i128 {
        let own = self
            .sample
            .submitted
            .as_ref()
            .or(self.sample.timestamp.as_ref());
        own.map_or(self.sample.arrived.as_nanosecond(), nanoseconds)
    }

    /// Its own `timestamp`, or its arrival, yet a millisecond after the newest of its cell.
    fn stamp(&self, cell: &Cell) -> i128 {
        let arrived = self.sample.arrived.as_nanosecond();
        let later = cell.newest_stamp.map_or(arrived, |at| at + 1_000_000);
        let own = self.sample.timestamp.as_ref().map(nanoseconds);
        own.unwrap_or(arrived.max(later))
    }

    fn attempt(&self, value: Value, stamp: i128, arrival: usize) -> Attempt {
        let submitted = self.sample.submitted.as_ref().map(nanoseconds);
        let own = self.sample.timestamp.as_ref().map(nanoseconds);
        Attempt {
            value,
            identity: submitted.or(own),
            time: self.time(),
            place: (stamp, arrival),
            submitted,
            taken: Some(arrival),
            was_in_doubt: false,
        }
    }

    /// The first that stops it decides, a missing maximum where it might first be looked at.
    fn gates(&self, cell: &Cell, filled: Result<(), Stop>) -> Result<(), Stop> {
        let keys = self.about.keys;
        let refuse = |rule| Err(Stop::Refused(POLICY, Some(rule)));
        let millisecond = |instant: i128| instant.div_euclid(1_000_000);
        let time = millisecond(self.time());
        let is_before = |opens: &Timestamp| time < millisecond(nanoseconds(opens));
        if keys.opens.as_ref().is_some_and(is_before) {
            return refuse("opens");
        }
        let is_after = |closes: &Timestamp| time > millisecond(nanoseconds(closes));
        if keys.closes.as_ref().is_some_and(is_after) {
            return refuse("closes");
        }
        let (filled, later) = match keys.require {
            Some(_) => (filled, Ok(())),
            None => (Ok(()), filled),
        };
        filled?;
        if keys.require.is_some() && !self.sample.meets_requirement(self.raw.as_ref()) {
            return refuse("require");
        }
        let html = keys.comment.as_ref().map(|comment| comment.html);
        if html == Some(Html::Refuse) && self.sample.comment_has_markup() {
            return refuse("comment");
        }
        self.stale(cell)?;
        self.protection(cell)?;
        later?;
        self.limit(cell)
    }

    fn stale(&self, cell: &Cell) -> Result<(), Stop> {
        let own = self.sample.timestamp.as_ref().map(nanoseconds);
        let is_stale = own.is_some_and(|own| cell.newest.is_some_and(|newest| own < newest));
        match self.about.keys.stale {
            Some(Stale::Ignore) if is_stale => Err(Stop::Kept("stale")),
            Some(Stale::Refuse) if is_stale => Err(Stop::Refused("STALE_SCORE", Some("stale"))),
            _ => Ok(()),
        }
    }

    fn protection(&self, cell: &Cell) -> Result<(), Stop> {
        let keys = self.about.keys;
        if cell.score.is_none() {
            return Ok(());
        }
        let clear = keys.clear.filter(|_| self.sample.given.is_none());
        let not_final = keys
            .not_final
            .filter(|_| self.sample.grading != GradingProgress::FullyGraded);
        let strictness = |of: Option<Protection>| match of {
            None | Some(Protection::Forward) => 0,
            Some(Protection::Protect) => 1,
            Some(Protection::Refuse) => 2,
        };
        let (rule, protection) = match strictness(clear) >= strictness(not_final) {
            true => ("clear", clear),
            false => ("not_final", not_final),
        };
        match protection {
            None | Some(Protection::Forward) => Ok(()),
            Some(Protection::Protect) => Err(Stop::Kept(rule)),
            Some(Protection::Refuse) => Err(Stop::Refused(POLICY, Some(rule))),
        }
    }

    fn limit(&self, cell: &Cell) -> Result<(), Stop> {
        let Some(limit) = self.about.keys.attempts.filter(|_| self.raw.is_some()) else {
            return Ok(());
        };
        let submitted = self.sample.submitted.as_ref();
        let identity = submitted
            .or(self.sample.timestamp.as_ref())
            .map(nanoseconds);
        let is_regrade = identity.is_some()
            && cell
                .attempts
                .iter()
                .any(|attempt| attempt.identity == identity);
        let used = cell
            .attempts
            .iter()
            .filter(|attempt| attempt.taken.is_some())
            .count();
        match limit.over {
            _ if is_regrade || used < limit.max => Ok(()),
            OverLimit::Refuse => Err(Stop::Refused(POLICY, Some("attempts"))),
            OverLimit::Ignore => Err(Stop::Kept("attempts")),
        }
    }

    /// All that `order` says, in full: "a rule that an `order` leaves out follows the one it follows
    /// by default" is tried where it is made.
    fn steps(&self) -> Vec<Step> {
        let order = self.about.keys.order.as_ref();
        order.map_or(Step::ALL.to_vec(), |order| order.steps().to_vec())
    }

    /// What stands, and the attempt whose time counts; or the rule that refuses.
    fn fold(
        &mut self,
        attempts: &[Attempt],
        at_hand: &Attempt,
    ) -> Result<(Value, Attempt), &'static str> {
        let attempts = self.that_count(attempts);
        let steps = self.steps();
        let at = steps.iter().position(|step| *step == Step::Keep).unwrap();
        let (before, after) = (&steps[..at], &steps[at + 1..]);
        let mut rules = Vec::new();
        let folded = self.folded(&attempts, at_hand, (before, after), &mut rules);
        self.rules.extend(rules);
        folded
    }

    fn folded(
        &self,
        attempts: &[Attempt],
        at_hand: &Attempt,
        (before, after): (&[Step], &[Step]),
        rules: &mut Vec<&'static str>,
    ) -> Result<(Value, Attempt), &'static str> {
        let judge = |attempt: &Attempt, rules: &mut Vec<_>| {
            self.applied(attempts, before, attempt, &attempt.value, rules)
        };
        let mut value = judge(at_hand, rules)?;
        let mut standing = at_hand.clone();
        if let Some(keep) = self.about.keys.keep {
            let judged = attempts
                .iter()
                .filter_map(|attempt| Some((attempt, judge(attempt, &mut Vec::new()).ok()?)));
            if let Some((kept, attempt)) = kept(keep, &judged.collect::<Vec<_>>()) {
                if kept != value || attempt.place != at_hand.place {
                    rules.push("keep");
                }
                (value, standing) = (kept, attempt);
            }
        }
        let value = self.applied(attempts, after, &standing, &value, rules)?;
        Ok((value, standing))
    }

    /// "The first `max` by arrival count."
    fn that_count(&self, attempts: &[Attempt]) -> Vec<Attempt> {
        let most = self
            .about
            .keys
            .attempts
            .map_or(usize::MAX, |limit| limit.max);
        let earlier = |at: usize| attempts.iter().filter(move |other| other.taken < Some(at));
        let fits = |attempt: &&Attempt| match attempt.taken {
            Some(at) if !attempt.was_in_doubt => {
                earlier(at).filter(|other| other.taken.is_some()).count() < most
            }
            _ => true,
        };
        attempts.iter().filter(fits).cloned().collect()
    }

    fn applied(
        &self,
        attempts: &[Attempt],
        steps: &[Step],
        attempt: &Attempt,
        value: &Value,
        rules: &mut Vec<&'static str>,
    ) -> Result<Value, &'static str> {
        let mut value = value.clone();
        for step in steps {
            let next = self.step(attempts, *step, attempt, &value)?;
            if next != value {
                rules.push(step.name());
            }
            value = next;
        }
        Ok(value)
    }

    fn step(
        &self,
        attempts: &[Attempt],
        step: Step,
        attempt: &Attempt,
        value: &Value,
    ) -> Result<Value, &'static str> {
        let keys = self.about.keys;
        let given = |given: Number| Value {
            given,
            maximum: value.maximum.clone(),
        };
        let Value {
            given: had,
            maximum,
        } = value;
        let same = || Ok(value.clone());
        match step {
            Step::Keep => same(),
            Step::Rescale => match keys.rescale.as_ref() {
                None => same(),
                Some(rescale) => match self.target(rescale.to) {
                    None => Err("rescale"),
                    Some(to) if !to.is_positive() => same(),
                    Some(to) => Ok(Value {
                        given: had * &to / maximum,
                        maximum: to,
                    }),
                },
            },
            Step::Late => match &keys.late {
                Some(late) if self.lateness(attempt) > 0 => {
                    let deduction = self.deduction(attempts, late, attempt, value);
                    Ok(given((had - deduction).max(Number::zero())))
                }
                _ => same(),
            },
            Step::Minimum => match &keys.minimum {
                Some(minimum) => Ok(given(had.clone().max(value.share(minimum.percent)))),
                None => same(),
            },
            Step::Maximum => match &keys.maximum {
                Some(limit) if *had > value.share(limit.percent) => match limit.over {
                    Over::Cap => Ok(given(value.share(limit.percent))),
                    Over::Refuse => Err("maximum"),
                    Over::Allow => same(),
                },
                _ => same(),
            },
            Step::Pass => match &keys.pass {
                Some(pass) if *had >= value.share(pass.percent) => Ok(given(maximum.clone())),
                Some(_) => Ok(given(Number::zero())),
                None => same(),
            },
            Step::Round => match &keys.round {
                Some(round) => Ok(given(rounded(had, round.digits, round.mode))),
                None => same(),
            },
        }
    }

    /// Whole elapsed seconds since `due`, rounded down; none within `grace`.
    fn lateness(&self, attempt: &Attempt) -> i128 {
        let keys = self.about.keys;
        let extended = keys.extensions.as_ref().and_then(own_due);
        let Some(due) = extended.or(keys.due.as_ref()) else {
            return 0;
        };
        let seconds = (attempt.time - nanoseconds(due)).div_euclid(1_000_000_000);
        let grace = keys
            .grace
            .as_ref()
            .map_or(0, |grace| i128::from(grace.seconds));
        match seconds <= grace.max(0) {
            true => 0,
            false => seconds,
        }
    }

    fn deduction(
        &self,
        attempts: &[Attempt],
        late: &Late,
        attempt: &Attempt,
        value: &Value,
    ) -> Number {
        let lateness = self.lateness(attempt);
        let of = |of: &Of, percent: Decimal| match of {
            Of::Possible => value.share(percent),
            Of::Earned => &value.given * exact(percent) / whole(100),
        };
        let above = |percent: Decimal| (&value.given - value.share(percent)).max(Number::zero());
        match late {
            Late::PerInterval {
                percent,
                interval,
                floor_percent,
                of: part,
            } => {
                let interval = i128::from(interval.seconds);
                let count = lateness / interval + i128::from(lateness % interval > 0);
                let mut deduction = of(part, *percent) * BigInt::from(count);
                if let Some(floor) = floor_percent {
                    deduction = deduction.min(above(*floor));
                }
                match part {
                    Of::Possible => rounded(&deduction, 2, Rounding::HalfUp),
                    Of::Earned => deduction,
                }
            }
            Late::Steps { steps, of: part } => {
                let covers = |seconds: u64| lateness <= i128::from(seconds);
                let row = steps.iter().find(|row| covers(row.up_to.seconds));
                of(part, row.or(steps.last()).unwrap().percent)
            }
            Late::Flat {
                taken: Taken::Percent { percent, of: part },
            } => of(part, *percent),
            Late::Flat {
                taken: Taken::Points { points },
            } => exact(*points),
            Late::Ceiling { percent } => above(*percent),
            Late::NewlyEarned { percent } => {
                let base = self.best_on_time(attempts) * &value.maximum;
                let gain = (&value.given - base).max(Number::zero());
                gain * exact(*percent) / whole(100)
            }
        }
    }

    /// The highest ratio among on-time attempts as it reaches `late`; 0 without one.
    fn best_on_time(&self, attempts: &[Attempt]) -> Number {
        let steps = self.steps();
        let before: Vec<_> = steps
            .into_iter()
            .take_while(|step| *step != Step::Late)
            .collect();
        let on_time = attempts
            .iter()
            .filter(|attempt| self.lateness(attempt) == 0);
        let reaching = on_time.filter_map(|attempt| {
            self.applied(attempts, &before, attempt, &attempt.value, &mut Vec::new())
                .ok()
        });
        reaching
            .map(|value| value.ratio())
            .fold(Number::zero(), Number::max)
    }

    /// The comment as it would leave; whether that is another than came.
    fn note_comment(&mut self) -> bool {
        let set = self.about.keys.comment.as_ref();
        let explains = set.is_some_and(|set| set.explain) && !self.rules.is_empty();
        self.comment = match explains {
            true => self.about.explained.clone(),
            false => self.sample.plain_comment(set),
        };
        explains || self.comment.as_deref() != self.sample.comment
    }
}

/// The learner's own `due`; the first that names them counts.
fn own_due(extensions: &Extensions) -> Option<&Timestamp> {
    let named = |users: &[String]| users.iter().any(|user| user == "u");
    let own = extensions
        .0
        .iter()
        .find(|extension| named(&extension.users))?;
    Some(&own.due)
}

/// What stands of several attempts, and the one whose time counts.
fn kept(keep: Keep, judged: &[(&Attempt, Value)]) -> Option<(Value, Attempt)> {
    // In the order of `timestamp`, then arrival.
    let mut judged = judged.to_vec();
    judged.sort_by_key(|(attempt, _)| attempt.place);
    let newest = judged.last()?.0.clone();
    let one = |(attempt, value): &(&Attempt, Value)| Some((value.clone(), (*attempt).clone()));
    let mut best = judged[0].clone();
    for next in &judged[1..] {
        let (old, new) = (best.1.ratio(), next.1.ratio());
        let is_better = match keep {
            Keep::Highest => new >= old,
            Keep::Lowest => new <= old,
            Keep::Latest => true,
            Keep::First | Keep::Average | Keep::Total => false,
        };
        if is_better {
            best = next.clone();
        }
    }
    let sum = |of: fn(&Value) -> Number| {
        judged
            .iter()
            .fold(Number::zero(), |sum, (_, value)| sum + of(value))
    };
    match keep {
        Keep::Highest | Keep::Lowest | Keep::Latest | Keep::First => one(&best),
        Keep::Average => {
            let maxima = judged.iter().map(|(_, value)| value.maximum.clone());
            let maximum = maxima.max()?;
            let mean = sum(Value::ratio) / whole(judged.len() as i64);
            let given = mean * &maximum;
            Some((Value { given, maximum }, newest))
        }
        Keep::Total => {
            let (given, maximum) = (
                sum(|value| value.given.clone()),
                sum(|value| value.maximum.clone()),
            );
            Some((Value { given, maximum }, newest))
        }
    }
}
