//! The demo's submissions: what a grade book meets in its first week.

/// Who the sample claims to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum As {
    /// The demo's own caller.
    Tool,
    /// Somebody with a key that nobody knows.
    Stranger,
}

/// What the stand-in LTIAAS does with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Upstream {
    Works,
    /// Answers with a front's HTML error page.
    Breaks,
}

/// One submission and what it shows.
#[derive(Debug)]
pub struct Sample {
    pub title: &'static str,
    pub point: &'static str,
    pub caller: As,
    pub upstream: Upstream,
    pub body: &'static str,
    /// The status it must be answered with; anything else fails `demo --once`.
    pub status: u16,
}

pub const SAMPLES: &[Sample] = &[
    Sample {
        title: "A good score",
        point: "passes; the tool's key is replaced by the account's",
        caller: As::Tool,
        upstream: Upstream::Works,
        body: r#"{"userId":"ada","activityProgress":"Completed","gradingProgress":"FullyGraded","scoreGiven":83,"scoreMaximum":100}"#,
        status: 204,
    },
    Sample {
        title: "More than full marks",
        point: "the policy caps it, and the answer says which rule did",
        caller: As::Tool,
        upstream: Upstream::Works,
        body: r#"{"userId":"ada","activityProgress":"Completed","gradingProgress":"FullyGraded","scoreGiven":110,"scoreMaximum":100}"#,
        status: 204,
    },
    Sample {
        title: "Sloppy, but plain in its intent",
        point: "LTIAAS gets clean numbers, the right enum and no nulls",
        caller: As::Tool,
        upstream: Upstream::Works,
        body: r#"{"userId":42,"activityProgress":"completed","gradingProgress":"fully_graded","scoreGiven":"8.50","scoreMaximum":10.0,"comment":null}"#,
        status: 204,
    },
    Sample {
        title: "Several faults at once",
        point: "all are reported together; a misspelt scoreGiven would have cleared a grade",
        caller: As::Tool,
        upstream: Upstream::Works,
        body: r#"{"userId":"","activityProgress":"Done","gradingProgress":"FullyGraded","scoregiven":83,"scoreMaximum":-1}"#,
        status: 422,
    },
    Sample {
        title: "A wrong key",
        point: "refused before its body is read",
        caller: As::Stranger,
        upstream: Upstream::Works,
        body: r#"{"userId":"ada","activityProgress":"Completed","gradingProgress":"FullyGraded","scoreGiven":100,"scoreMaximum":100}"#,
        status: 401,
    },
    Sample {
        title: "LTIAAS answers with HTML",
        point: "the tool still reads the one error shape, and learns whether to retry",
        caller: As::Tool,
        upstream: Upstream::Breaks,
        body: r#"{"userId":"ada","activityProgress":"Completed","gradingProgress":"FullyGraded","scoreGiven":90,"scoreMaximum":100}"#,
        status: 502,
    },
];
