//! A score as LTIAAS documents it: read from a body's members, all faults reported together.
//! Null is absent, except that a null maximum is not filled in, as in ltijs.

use serde::Serialize;
use serde_json::value::RawValue;

use super::body::Members;
use super::number::Number;

/// One posted score.
#[derive(Debug)]
pub struct Score {
    pub user: String,
    pub activity: String,
    pub grading: String,
    pub given: Option<Number>,
    pub maximum: Maximum,
    pub comment: Option<String>,
}

/// What was said of the maximum.
#[derive(Debug)]
pub enum Maximum {
    Of(Number),
    /// ltijs takes the line item's.
    Unsaid,
    /// ltijs passes the null on, and the platform refuses it.
    Null,
}

/// One flaw of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Flaw {
    pub field: &'static str,
    pub message: &'static str,
}

const ACTIVITY: &[&str] = &[
    "Initiated",
    "Initialized",
    "Started",
    "InProgress",
    "Submitted",
    "Completed",
];
const GRADING: &[&str] = &[
    "FullyGraded",
    "Pending",
    "PendingManual",
    "Failed",
    "NotReady",
];

impl Score {
    pub fn read(members: &Members) -> Result<Self, Vec<Flaw>> {
        let mut faults = Vec::new();
        let mut fault = |field, message| faults.push(Flaw { field, message });
        let user = text(members, "userId").filter(|user| !user.is_empty());
        if user.is_none() {
            fault("userId", "userId is required and must be a string.");
        }
        let activity = one_of(members, "activityProgress", ACTIVITY);
        if activity.is_none() {
            fault(
                "activityProgress",
                "activityProgress is required and must be a known value.",
            );
        }
        let grading = one_of(members, "gradingProgress", GRADING);
        if grading.is_none() {
            fault(
                "gradingProgress",
                "gradingProgress is required and must be a known value.",
            );
        }
        let given = number(members, "scoreGiven", |number| !number.is_negative());
        if given.is_err() {
            fault("scoreGiven", "scoreGiven must be a number of at least 0.");
        }
        let maximum = number(members, "scoreMaximum", Number::is_positive);
        if maximum.is_err() {
            fault("scoreMaximum", "scoreMaximum must be a number above 0.");
        }
        let comment = optional_text(members, "comment");
        if comment.is_err() {
            fault("comment", "comment must be a string.");
        }
        match (user, activity, grading, given, maximum, comment) {
            (Some(user), Some(activity), Some(grading), Ok(given), Ok(maximum), Ok(comment)) => {
                Ok(Self {
                    user,
                    activity,
                    grading,
                    given,
                    maximum: said(members, maximum),
                    comment,
                })
            }
            _ => Err(faults),
        }
    }
}

fn said(members: &Members, maximum: Option<Number>) -> Maximum {
    match maximum {
        Some(maximum) => Maximum::Of(maximum),
        None if members.contains_key("scoreMaximum") => Maximum::Null,
        None => Maximum::Unsaid,
    }
}

/// A member's text; `None` for any other type.
pub fn text(members: &Members, name: &str) -> Option<String> {
    serde_json::from_str(members.get(name)?.get()).ok()
}

struct WrongType;

fn present<'a>(members: &'a Members, name: &str) -> Option<&'a RawValue> {
    let value: &RawValue = members.get(name)?;
    (value.get() != "null").then_some(value)
}

fn optional_text(members: &Members, name: &str) -> Result<Option<String>, WrongType> {
    match present(members, name) {
        Some(value) => serde_json::from_str(value.get()).map_err(|_| WrongType),
        None => Ok(None),
    }
}

fn one_of(members: &Members, name: &str, known: &[&str]) -> Option<String> {
    text(members, name).filter(|value| known.contains(&value.as_str()))
}

fn number(
    members: &Members,
    name: &str,
    good: impl Fn(&Number) -> bool,
) -> Result<Option<Number>, WrongType> {
    let Some(value) = present(members, name) else {
        return Ok(None);
    };
    match Number::read(value) {
        Some(number) if good(&number) => Ok(Some(number)),
        // `JSON.parse` makes infinity of it, and `JSON.stringify` then null.
        None if is_number(value) => Ok(None),
        _ => Err(WrongType),
    }
}

fn is_number(value: &RawValue) -> bool {
    value
        .get()
        .starts_with(|first: char| first == '-' || first.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Score, Vec<&'static str>> {
        Score::read(&serde_json::from_str(text).unwrap())
            .map_err(|faults| faults.iter().map(|fault| fault.field).collect())
    }

    #[test]
    fn reports_every_fault_at_once() {
        let all = [
            "userId",
            "activityProgress",
            "gradingProgress",
            "scoreGiven",
            "scoreMaximum",
        ];
        let bad =
            r#"{"userId":42,"activityProgress":"completed","scoreGiven":"83","scoreMaximum":0}"#;
        assert_eq!(read(bad).unwrap_err(), all);
        assert_eq!(read("{}").unwrap_err(), all[..3]);
    }

    #[test]
    fn tells_a_null_maximum_from_none_and_infinity_from_a_score() {
        let with = |members: &str| {
            read(&format!(
                r#"{{"userId":"u","activityProgress":"Initiated","gradingProgress":"NotReady"{members}}}"#
            ))
            .unwrap()
        };
        assert!(matches!(with("").maximum, Maximum::Unsaid));
        assert!(matches!(
            with(r#","scoreMaximum":null"#).maximum,
            Maximum::Null
        ));
        assert!(matches!(
            with(r#","scoreMaximum":10"#).maximum,
            Maximum::Of(_)
        ));
        assert!(with(r#","scoreGiven":1e400"#).given.is_none());
        assert!(with(r#","scoreGiven":0"#).given.is_some());
    }
}
