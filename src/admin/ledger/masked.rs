//! An entry without what says who its learner is, or what was said to them. A list of what may be
//! shown, so that what is added to scores some day is not shown by mistake.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};

use crate::ledger::{Kept, Learner, Shown};
use crate::telemetry::IdKey;

/// Of a score: neither ids nor the comment, nor members that are somebody else's.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct Score<'a> {
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    timestamp: Option<&'a RawValue>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    activity_progress: Option<&'a RawValue>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    grading_progress: Option<&'a RawValue>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    score_given: Option<&'a RawValue>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    score_maximum: Option<&'a RawValue>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    submission: Option<Submission<'a>>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct Submission<'a> {
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    started_at: Option<&'a RawValue>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    submitted_at: Option<&'a RawValue>,
}

/// The entry, its learner as in access lines.
pub fn masked<'a>(kept: &'a Kept, ids: &IdKey) -> serde_json::Result<Shown<'a>> {
    let mut shown = kept.shown();
    if kept.learner == Learner::Known {
        let hash = |user: Cow<'_, str>| Cow::Owned(ids.hash(&user).to_string());
        shown.user = shown.user.map(hash);
    }
    shown.submission = shown.submission.as_deref().map(score).transpose()?;
    shown.sent = shown.sent.as_deref().map(score).transpose()?;
    Ok(shown)
}

fn score<'a>(whole: &RawValue) -> serde_json::Result<Cow<'a, RawValue>> {
    let score: Score<'_> = serde_json::from_str(whole.get())?;
    Ok(Cow::Owned(to_raw_value(&score)?))
}
