//! Reads a submission into a score, or says everything that is wrong with it.

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::json::{Malformed, Members, Nulls, is_null, text, text_of, write_value};
use super::member::{SCORE, SUBMISSION, TOKENS, is_extension, meant};
use super::{
    ActivityProgress, Decimal, Extension, GradingProgress, NotADecimal, Points, Score, Submission,
    Timestamp,
};
use crate::error::Fault;

/// What becomes of a member that no score has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnknownMembers {
    /// The score is refused: a misspelt `scoreGiven` would clear a grade.
    Refuse,
    /// The member is dropped.
    Drop,
}

/// Whether a policy may give a score the `scoreMaximum` that it came without.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fill {
    Never,
    /// It is kept apart (`given_alone`) until policy fills it or refuses.
    Possibly,
}

/// Why a submission is no score.
#[derive(Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// It is not one JSON object that every parser reads alike.
    Malformed(Malformed),
    Invalid {
        /// Every fault there is.
        faults: Vec<Fault>,
        /// Whose it is, where that much could be read.
        user: Option<String>,
    },
}

impl From<Malformed> for Unreadable {
    fn from(malformed: Malformed) -> Self {
        Self::Malformed(malformed)
    }
}

/// Reads the bytes of a submission whose `scoreMaximum` nothing fills.
pub fn read(body: &[u8], unknown: UnknownMembers) -> Result<Score, Unreadable> {
    read_for(body, unknown, Fill::Never)
}

/// Reads the bytes of a submission.
pub fn read_for(body: &[u8], unknown: UnknownMembers, fill: Fill) -> Result<Score, Unreadable> {
    let members = Members::read(text_of(body)?, 1)?;
    let mut reader = Reader {
        draft: Draft::default(),
        faults: Vec::new(),
        unknown,
        fill,
    };
    for (name, value) in members.0 {
        reader.member(name, value)?;
    }
    reader.finish()
}

struct Reader {
    draft: Draft,
    faults: Vec<Fault>,
    unknown: UnknownMembers,
    fill: Fill,
}

/// What has been read so far. A required member is `Some` too when it was faulty, so that it is
/// not reported as missing as well.
#[derive(Default)]
struct Draft {
    user: Option<String>,
    activity: Option<ActivityProgress>,
    grading: Option<GradingProgress>,
    given: Option<Decimal>,
    maximum: Option<Decimal>,
    comment: Option<String>,
    timestamp: Option<Timestamp>,
    submission: Submission,
    scoring_user: Option<String>,
    extensions: Vec<Extension>,
}

impl Reader {
    fn member(&mut self, name: Cow<'_, str>, value: &RawValue) -> Result<(), Malformed> {
        match &*name {
            "userId" => self.draft.user = self.user(value)?,
            "activityProgress" => {
                self.draft.activity = self.word(
                    &name,
                    value,
                    ActivityProgress::read,
                    ActivityProgress::ALLOWED,
                )?;
            }
            "gradingProgress" => {
                self.draft.grading = self.word(
                    &name,
                    value,
                    GradingProgress::read,
                    GradingProgress::ALLOWED,
                )?;
            }
            "scoreGiven" => self.draft.given = self.number(&name, value)?,
            "scoreMaximum" => self.draft.maximum = self.number(&name, value)?,
            "comment" => self.draft.comment = self.text("/comment", value)?,
            "timestamp" => self.draft.timestamp = self.time("/timestamp", value)?,
            "submission" => self.draft.submission = self.submission(value)?,
            "scoringUserId" => self.draft.scoring_user = self.scoring_user(value)?,
            token if TOKENS.contains(&token) => check(value, 1)?,
            url if is_extension(url) => {
                let mut written = Vec::new();
                write_value(value.get(), 1, Nulls::Keep, &mut written)?;
                self.draft.extensions.push(Extension {
                    name: name.into_owned(),
                    value: written,
                });
            }
            other => self.unknown_member("", other, &SCORE, value)?,
        }
        Ok(())
    }

    fn fault(&mut self, field: &str, code: &'static str, message: impl Into<String>) {
        self.faults.push(Fault {
            field: field.to_owned(),
            code: code.into(),
            message: message.into(),
        });
    }

    /// A text stays as it is; an integer becomes its digits, however many there are.
    fn user(&mut self, value: &RawValue) -> Result<Option<String>, Malformed> {
        let raw = value.get();
        let digits = raw.strip_prefix('-').unwrap_or(raw);
        if digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Ok(Some(raw.to_owned()));
        }
        if is_null(value) {
            return Ok(None);
        }
        let user = self.text("/userId", value)?;
        if user.as_deref() == Some("") {
            self.fault("/userId", "REQUIRED", "userId must not be empty.");
        }
        // Faulty, but not missing.
        Ok(user.or_else(|| Some(String::new())))
    }

    fn scoring_user(&mut self, value: &RawValue) -> Result<Option<String>, Malformed> {
        let user = self.text("/scoringUserId", value)?;
        if user.as_deref() == Some("") {
            self.fault(
                "/scoringUserId",
                "FORMAT",
                "scoringUserId must not be empty.",
            );
        }
        Ok(user)
    }

    /// `None` without a fault where the value is null.
    fn text(&mut self, field: &str, value: &RawValue) -> Result<Option<String>, Malformed> {
        if is_null(value) {
            return Ok(None);
        }
        if !value.get().starts_with('"') {
            self.fault(field, "TYPE", format!("{} must be a text.", name_of(field)));
            return check(value, depth_of(field)).map(|()| None);
        }
        text(value.get()).map(|text| Some(text.into_owned()))
    }

    fn word<T>(
        &mut self,
        name: &str,
        value: &RawValue,
        read: fn(&str) -> Option<T>,
        allowed: &str,
    ) -> Result<Option<T>, Malformed> {
        if is_null(value) {
            return Ok(None);
        }
        let word = match value.get().starts_with('"') {
            true => read(&text(value.get())?),
            false => check(value, 1).map(|()| None)?,
        };
        if word.is_none() {
            let allowed = allowed.trim_end().replace(' ', ", ");
            self.fault(
                &format!("/{name}"),
                "UNKNOWN_VALUE",
                format!("{name} must be one of {allowed}."),
            );
        }
        Ok(word)
    }

    fn number(&mut self, name: &str, value: &RawValue) -> Result<Option<Decimal>, Malformed> {
        let raw = value.get();
        let number = match raw.as_bytes().first() {
            Some(b'n') => return Ok(None),
            Some(b'"') => Decimal::from_plain(&text(raw)?),
            Some(b'-' | b'0'..=b'9') => Decimal::from_json(raw),
            _ => {
                check(value, 1)?;
                Err(NotADecimal::Form)
            }
        };
        let (code, must) = match number {
            Ok(number) => return Ok(Some(number)),
            Err(NotADecimal::Form) => ("TYPE", "must be a number"),
            Err(NotADecimal::Range) => (
                "RANGE",
                "may have 28 significant digits at most and must lie between 10^-28 and 10^28",
            ),
        };
        self.fault(&format!("/{name}"), code, format!("{name} {must}."));
        Ok(None)
    }

    fn time(&mut self, field: &str, value: &RawValue) -> Result<Option<Timestamp>, Malformed> {
        let Some(text) = self.text(field, value)? else {
            return Ok(None);
        };
        let time = Timestamp::parse(&text);
        if time.is_none() {
            let message = "must be an RFC 3339 timestamp with seconds and a zone, such as 2026-11-24T13:00:00Z.";
            self.fault(field, "FORMAT", format!("{} {message}", name_of(field)));
        }
        Ok(time)
    }

    fn submission(&mut self, value: &RawValue) -> Result<Submission, Malformed> {
        let mut submission = Submission::default();
        if is_null(value) {
            return Ok(submission);
        }
        if !value.get().starts_with('{') {
            self.fault("/submission", "TYPE", "submission must be an object.");
            return check(value, 1).map(|()| submission);
        }
        for (name, value) in Members::read(value.get(), 2)?.0 {
            match &*name {
                "startedAt" => submission.started_at = self.time("/submission/startedAt", value)?,
                "submittedAt" => {
                    submission.submitted_at = self.time("/submission/submittedAt", value)?
                }
                other => self.unknown_member("/submission", other, &SUBMISSION, value)?,
            }
        }
        Ok(submission)
    }

    fn unknown_member(
        &mut self,
        within: &str,
        name: &str,
        known: &[&str],
        value: &RawValue,
    ) -> Result<(), Malformed> {
        check(value, depth_of(within) + 1)?;
        if self.unknown == UnknownMembers::Refuse {
            let field = format!("{within}/{}", name.replace('~', "~0").replace('/', "~1"));
            let message = match meant(name, known) {
                Some(meant) => format!("A score has no such member. Did you mean {meant}?"),
                None => {
                    "A score has no such member. Extensions must be named by a full URL.".to_owned()
                }
            };
            self.fault(&field, "UNKNOWN_MEMBER", message);
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Score, Unreadable> {
        let points = self.points();
        let given_alone = self.draft.given.filter(|_| points.is_none());
        for (name, missing) in [
            ("userId", self.draft.user.is_none()),
            ("activityProgress", self.draft.activity.is_none()),
            ("gradingProgress", self.draft.grading.is_none()),
        ] {
            self.require(name, missing);
        }
        // It says nothing without a scoreGiven; but where the score is refused, it is a fault too.
        if !self.faults.is_empty() && points.is_none() && !self.is_faulty("/scoreMaximum") {
            self.check_maximum();
        }
        let Draft {
            user,
            activity,
            grading,
            given: _,
            maximum: _,
            comment,
            timestamp,
            submission,
            scoring_user,
            extensions,
        } = self.draft;
        match (user, activity, grading) {
            (Some(user), Some(activity), Some(grading)) if self.faults.is_empty() => Ok(Score {
                user,
                activity,
                grading,
                points,
                given_alone,
                comment,
                timestamp,
                submission,
                scoring_user,
                extensions,
            }),
            (user, ..) => Err(Unreadable::Invalid {
                faults: self.faults,
                user: user.filter(|user| !user.is_empty()),
            }),
        }
    }

    /// Missing, unless it is here and has its own fault already.
    fn require(&mut self, name: &str, missing: bool) {
        if !missing {
            return;
        }
        let field = format!("/{name}");
        if !self.is_faulty(&field) {
            self.fault(&field, "REQUIRED", format!("{name} is required."));
        }
    }

    fn is_faulty(&self, field: &str) -> bool {
        self.faults.iter().any(|fault| fault.field == field)
    }

    /// Without a `scoreGiven` there is no score, and a maximum says nothing.
    fn points(&mut self) -> Option<Points> {
        let (given, maximum) = (self.draft.given, self.draft.maximum);
        if given.is_none() && !self.is_faulty("/scoreGiven") {
            return None;
        }
        if given.is_some_and(Decimal::is_negative) {
            self.fault("/scoreGiven", "RANGE", "scoreGiven must not be negative.");
        }
        match maximum {
            None => self.require_maximum(),
            Some(_) => self.check_maximum(),
        }
        given
            .zip(maximum)
            .map(|(given, maximum)| Points { given, maximum })
    }

    fn check_maximum(&mut self) {
        let is_wrong = |maximum: Decimal| maximum.is_negative() || maximum.is_zero();
        if self.draft.maximum.is_some_and(is_wrong) {
            let message = "scoreMaximum must be greater than 0.";
            self.fault("/scoreMaximum", "RANGE", message);
        }
    }

    fn require_maximum(&mut self) {
        if !self.is_faulty("/scoreMaximum") && self.fill == Fill::Never {
            self.faults.push(maximum_missing());
        }
    }
}

/// What a score lacks that has a `scoreGiven` alone.
pub fn maximum_missing() -> Fault {
    Fault {
        field: "/scoreMaximum".to_owned(),
        code: "REQUIRED".into(),
        message: "scoreMaximum is required when scoreGiven is present.".to_owned(),
    }
}

fn name_of(field: &str) -> &str {
    field.trim_start_matches('/')
}

/// The depth of the object that a field stands in.
fn depth_of(field: &str) -> usize {
    field.matches('/').count()
}

/// A value that is not used must be sound all the same: another parser reads it too. `depth` is that of
/// its container.
fn check(value: &RawValue, depth: usize) -> Result<(), Malformed> {
    match value.get().as_bytes().first() {
        Some(b'{' | b'[') => write_value(value.get(), depth, Nulls::Keep, &mut Vec::new()),
        Some(b'"') => text(value.get()).map(drop),
        _ => Ok(()),
    }
}
