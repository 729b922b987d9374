//! One cell, submission by submission: the keys that look at what came before, each at its
//! boundaries, and one test for each fault that random histories found.

use super::*;
use crate::config::policies_of;
use crate::score::{Fill, read_for};

/// One cell before the engine. It is noon, and nobody has edited what the LMS shows.
pub(super) struct Cell {
    policies: Policies,
    line_item_maximum: Option<Decimal>,
    shown: Option<Shown>,
    now: jiff::Timestamp,
    history: Vec<Past>,
}

impl Cell {
    pub(super) fn under(keys: &str) -> Self {
        Self {
            policies: Policies::new(policies_of(&format!("[[policy]]\nname = 'p'\n{keys}\n"))),
            line_item_maximum: None,
            shown: None,
            now: "2026-03-01T12:00:00Z".parse().unwrap(),
            history: Vec::new(),
        }
    }

    /// The line item's own maximum is known.
    fn of(self, maximum: &str) -> Self {
        Self {
            line_item_maximum: Some(decimal(maximum)),
            ..self
        }
    }

    /// From now on the LMS shows this.
    pub(super) fn shows(&mut self, given: &str, maximum: &str) {
        self.shown = Some(Shown::Result(points(given, maximum)));
    }

    /// From now on another policy holds.
    fn comes_under(&mut self, keys: &str) {
        self.policies = Self::under(keys).policies;
    }

    /// Delivered, and what was said of it.
    fn submit(&mut self, members: &str) -> String {
        self.take(members, Fate::Confirmed)
    }

    /// What left may or may not have arrived.
    fn lose(&mut self, members: &str) -> String {
        self.take(members, Fate::Unknown)
    }

    fn take(&mut self, members: &str, fate: Fate) -> String {
        said(&self.judge(members, fate))
    }

    pub(super) fn judge(&mut self, members: &str, fate: Fate) -> Judgement {
        let score = body(members);
        let subject = Subject {
            now: self.now,
            ..subject(&score)
        };
        let sent = self.history.iter().rev().find_map(|past| past.sent.clone());
        let shown = sent.and_then(|sent| sent.points);
        let submission = Submission {
            subject,
            line_item_maximum: self.line_item_maximum,
            shown: self
                .shown
                .unwrap_or(shown.map_or(Shown::Nothing, Shown::Result)),
        };
        let effective = self.policies.effective(&subject).enforced;
        let judgement = judge(&submission, &self.history, &effective);
        self.history.extend(judgement.past(&score, self.now, fate));
        judgement
    }
}

fn body(members: &str) -> Score {
    let grading = match members.contains("gradingProgress") {
        true => "",
        false => r#""gradingProgress":"FullyGraded","#,
    };
    let user = match members.contains("userId") {
        true => "",
        false => r#""userId":"u","#,
    };
    let body = format!(r#"{{{user}{grading}"activityProgress":"Completed"{members}}}"#);
    read_for(body.as_bytes(), UnknownMembers::Refuse, Fill::Possibly).unwrap()
}

/// Points of 100.
fn given(given: &str) -> String {
    format!(r#","scoreGiven":{given},"scoreMaximum":100"#)
}

/// Points of 100, with the tool's `timestamp`, by its hour of the day.
fn stamped(points: &str, hour: &str) -> String {
    let points = given(points);
    format!(r#"{points},"timestamp":"2026-03-01T{hour}Z""#)
}

/// Points of 100, by the hour of the day at which the learner submitted.
fn submitted(points: &str, hour: &str) -> String {
    let points = given(points);
    format!(r#"{points},"submission":{{"submittedAt":"2026-03-01T{hour}Z"}}"#)
}

const CLEAR: &str = "";
pub(super) const PENDING: &str = r#","gradingProgress":"Pending""#;

/// `adjusted by late: 80 of 100`, `kept by stale`, `refused by stale: STALE_SCORE`.
pub(super) fn said(judgement: &Judgement) -> String {
    let by = judgement
        .rules()
        .map_or(String::new(), |rules| format!(" by {rules}"));
    let outcome = match (&judgement.refused_by, &judgement.leaves) {
        (Some(RefusedBy::Policy { .. }), _) => ": POLICY_REFUSED".to_owned(),
        (Some(RefusedBy::Stale { .. }), _) => ": STALE_SCORE".to_owned(),
        (Some(RefusedBy::MaximumMissing), _) => ": INVALID_SCORE".to_owned(),
        (None, Some(leaving)) => format!(": {}", Marks::from(leaving.points)),
        (None, None) => String::new(),
    };
    format!("{}{by}{outcome}", judgement.decision.as_str())
}

#[test]
fn raise_only_sends_above_the_edit_alone() {
    let mut cell = Cell::under("override = 'raise_only'");
    assert_eq!(cell.submit(&given("50")), "forwarded: 50 of 100");
    // Nearer than a thousandth is the LMS's rounding.
    cell.shows("50.0999", "100");
    assert_eq!(cell.submit(&given("40")), "forwarded: 40 of 100");
    cell.shows("8", "10");
    assert_eq!(cell.submit(&given("79.9")), "kept by override");
    assert_eq!(cell.submit(&given("80")), "kept by override");
    assert_eq!(cell.submit(CLEAR), "kept by override");
    assert_eq!(cell.submit(&given("80.1")), "forwarded: 80.1 of 100");
}

#[test]
fn an_edit_differs_from_what_was_sent_by_a_thousandth() {
    for (shown, said) in [
        ("49.9", "kept by override"),
        ("49.9001", "forwarded: 90 of 100"),
        ("50.0999", "forwarded: 90 of 100"),
        ("50.1", "kept by override"),
    ] {
        let mut cell = Cell::under("override = 'protect'");
        cell.submit(&given("50"));
        cell.shows(shown, "100");
        assert_eq!(cell.submit(&given("90")), said, "{shown}");
    }
}

#[test]
fn an_absent_result_counts_as_zero_and_any_is_an_edit_where_nothing_was_sent() {
    let mut cell = Cell::under("override = 'protect'");
    cell.submit(&given("0"));
    cell.shown = Some(Shown::Nothing);
    assert_eq!(cell.submit(&given("5")), "forwarded: 5 of 100");
    assert_eq!(cell.submit(&given("6")), "kept by override");

    let mut cell = Cell::under("override = 'protect'");
    cell.shows("0", "100");
    assert_eq!(cell.submit(&given("5")), "kept by override");
    cell.comes_under("override = 'raise_only'");
    assert_eq!(cell.submit(&given("0")), "kept by override");
    assert_eq!(cell.submit(&given("5")), "forwarded: 5 of 100");
}

/// What was lost on its way and never arrived leaves the LMS as it was, which is no edit.
#[test]
fn what_may_not_have_arrived_is_no_edit_when_it_did_not() {
    let mut cell = Cell::under("override = 'protect'");
    cell.shown = Some(Shown::Nothing);
    cell.lose(&given("50"));
    assert_eq!(cell.lose(&given("60")), "forwarded: 60 of 100");
    // Either may have arrived, or none.
    for shown in ["50", "60"] {
        cell.shows(shown, "100");
        assert_eq!(cell.lose(&given("70")), "forwarded: 70 of 100", "{shown}");
    }
    cell.shows("55", "100");
    assert_eq!(cell.submit(&given("80")), "kept by override");

    let mut cell = Cell::under("override = 'protect'");
    cell.submit(&given("50"));
    cell.lose(&given("60"));
    cell.shows("50", "100");
    assert_eq!(cell.submit(&given("70")), "forwarded: 70 of 100");
    // That one did arrive, so what was there before it explains nothing any more.
    assert_eq!(cell.submit(&given("80")), "kept by override");
}

#[test]
fn a_stale_score_is_ignored_refused_or_forwarded() {
    for (stale, said) in [
        ("ignore", "kept by stale"),
        ("refuse", "refused by stale: STALE_SCORE"),
        ("forward", "forwarded: 70 of 100"),
    ] {
        let mut cell = Cell::under(&format!("stale = '{stale}'"));
        cell.submit(&stamped("80", "10:00:00"));
        assert_eq!(cell.submit(&stamped("70", "09:59:59.999")), said);
        // An equal one is not older, nor is one of later arrival without any.
        assert_eq!(
            cell.submit(&stamped("60", "10:00:00")),
            "forwarded: 60 of 100"
        );
        assert_eq!(cell.submit(&given("50")), "forwarded: 50 of 100");
    }
}

#[test]
fn only_what_took_effect_makes_another_stale() {
    let mut cell = Cell::under("stale = 'refuse'\nattempts = { max = 1, over = 'ignore' }");
    cell.submit(&stamped("80", "08:00:00"));
    assert_eq!(cell.submit(&stamped("90", "11:00:00")), "kept by attempts");
    assert_eq!(cell.submit(&stamped("85", "09:00:00")), "kept by attempts");
    cell.comes_under("stale = 'refuse'");
    assert_eq!(
        cell.submit(&stamped("85", "09:00:00")),
        "forwarded: 85 of 100"
    );
}

#[test]
fn a_cell_that_has_a_score_is_cleared_as_far_as_policy_lets() {
    for (clear, said) in [
        ("protect", "kept by clear"),
        ("refuse", "refused by clear: POLICY_REFUSED"),
        ("forward", "forwarded: no score"),
    ] {
        let mut cell = Cell::under(&format!("clear = '{clear}'"));
        // Where there is nothing, there is nothing to protect.
        assert_eq!(cell.submit(CLEAR), "forwarded: no score");
        cell.submit(&given("80"));
        assert_eq!(cell.submit(CLEAR), said);
        // A zero is a score.
        assert_eq!(cell.submit(&given("0")), "forwarded: 0 of 100");
        assert_eq!(cell.submit(CLEAR), said);
    }
}

#[test]
fn what_is_not_final_obeys_the_stricter_of_two() {
    let pending = PENDING.to_owned() + &given("70");
    for (not_final, said) in [
        ("protect", "kept by not_final"),
        ("refuse", "refused by not_final: POLICY_REFUSED"),
        ("forward", "forwarded: 70 of 100"),
    ] {
        let mut cell = Cell::under(&format!("not_final = '{not_final}'"));
        assert_eq!(cell.submit(&pending), "forwarded: 70 of 100");
        assert_eq!(cell.submit(&pending), said);
    }
    for (clear, not_final, said) in [
        ("protect", "refuse", "refused by not_final: POLICY_REFUSED"),
        ("refuse", "protect", "refused by clear: POLICY_REFUSED"),
        ("forward", "protect", "kept by not_final"),
        ("protect", "forward", "kept by clear"),
    ] {
        let mut cell = Cell::under(&format!("clear = '{clear}'\nnot_final = '{not_final}'"));
        cell.submit(&given("80"));
        assert_eq!(cell.submit(PENDING), said, "{clear} {not_final}");
    }
}

#[test]
fn what_is_protected_is_no_attempt() {
    let mut cell = Cell::under("not_final = 'protect'\nattempts = { max = 2 }\nkeep = 'latest'");
    cell.submit(&submitted("80", "08:00:00"));
    let pending = PENDING.to_owned() + &submitted("10", "09:00:00");
    assert_eq!(cell.submit(&pending), "kept by not_final");
    assert_eq!(
        cell.submit(&submitted("70", "10:00:00")),
        "forwarded: 70 of 100"
    );
    assert_eq!(
        cell.submit(&submitted("60", "11:00:00")),
        "refused by attempts: POLICY_REFUSED"
    );
}

#[test]
fn a_clear_leaves_the_attempts_for_the_next_score() {
    let mut cell = Cell::under("keep = 'highest'");
    cell.submit(&submitted("80", "08:00:00"));
    assert_eq!(cell.submit(CLEAR), "forwarded: no score");
    assert_eq!(
        cell.submit(&submitted("70", "09:00:00")),
        "adjusted by keep: 80 of 100"
    );
}

const EXTENDED: &str = "due = '2026-03-01T08:00:00Z'\ngrace = '60s'\ncloses = '2026-03-01T10:00:00Z'
late = { kind = 'flat', percent = 10 }
extensions = [{ users = ['u', 'v'], due = '2026-03-01T09:00:00Z' }, { users = ['v'], due = '2026-03-01T11:00:00Z' }]";

#[test]
fn an_extension_moves_due_for_those_it_names_and_the_window_for_nobody() {
    let for_user = |user: &str, hour: &str| {
        let members = submitted("80", hour) + &format!(r#","userId":"{user}""#);
        Cell::under(EXTENDED).submit(&members)
    };
    for (user, hour, said) in [
        ("w", "08:01:00", "forwarded: 80 of 100"),
        ("w", "08:01:01", "adjusted by late: 70 of 100"),
        ("u", "08:01:01", "forwarded: 80 of 100"),
        // `grace` is for it too.
        ("u", "09:01:00", "forwarded: 80 of 100"),
        ("u", "09:01:01", "adjusted by late: 70 of 100"),
        // The first that names a learner counts.
        ("v", "09:01:01", "adjusted by late: 70 of 100"),
        ("u", "10:00:00", "adjusted by late: 70 of 100"),
        ("u", "10:00:00.001", "refused by closes: POLICY_REFUSED"),
    ] {
        assert_eq!(for_user(user, hour), said, "{user} {hour}");
    }
}

/// The learner's due date lies behind the end of the window: being on time doesn't open it.
#[test]
fn an_extension_beyond_a_closed_window_opens_it_for_nobody() {
    let extended = EXTENDED.replace("due = '2026-03-01T09", "due = '2026-03-01T23");
    let mut cell = Cell::under(&extended);
    assert_eq!(
        cell.submit(&submitted("80", "11:00:00")),
        "refused by closes: POLICY_REFUSED"
    );
    assert_eq!(
        cell.submit(&submitted("80", "09:59:59")),
        "forwarded: 80 of 100"
    );
}

#[test]
fn an_extension_gives_a_due_date_where_there_is_no_other() {
    let alone = "late = { kind = 'flat', percent = 10 }\nextensions = [{ users = ['u'], due = '2026-03-01T09:00:00Z' }]";
    let mut cell = Cell::under(alone);
    assert_eq!(
        cell.submit(&submitted("80", "09:00:01")),
        "adjusted by late: 70 of 100"
    );
    let other = submitted("80", "09:00:01") + r#","userId":"w""#;
    assert_eq!(Cell::under(alone).submit(&other), "forwarded: 80 of 100");
}

#[test]
fn what_may_have_arrived_counts_as_an_attempt_and_uses_up_none() {
    let mut cell = Cell::under("keep = 'highest'\nattempts = { max = 1 }");
    cell.lose(&submitted("90", "08:00:00"));
    // It stands, yet the next is sent: what the cell shows is not certain.
    assert_eq!(
        cell.submit(&submitted("50", "09:00:00")),
        "adjusted by keep: 90 of 100"
    );
    assert_eq!(
        cell.submit(&submitted("99", "10:00:00")),
        "refused by attempts: POLICY_REFUSED"
    );
}

/// The tool sends again what was lost, as it should, and another attempt was taken in between:
/// neither is thrown out for the other.
#[test]
fn what_was_lost_and_is_sent_again_pushes_out_nothing_that_was_taken() {
    let mut cell = Cell::under("keep = 'highest'\nattempts = { max = 1 }");
    cell.lose(&submitted("30", "08:00:00"));
    cell.submit(&submitted("80", "09:00:00"));
    assert_eq!(cell.submit(&submitted("40", "08:00:00")), "kept by keep");
    assert_eq!(
        cell.submit(&submitted("85", "09:00:00")),
        "forwarded: 85 of 100"
    );
    assert_eq!(
        cell.submit(&submitted("95", "08:00:00")),
        "forwarded: 95 of 100"
    );
    assert_eq!(
        cell.submit(&submitted("99", "10:00:00")),
        "refused by attempts: POLICY_REFUSED"
    );
    let mut cell = Cell::under("keep = 'latest'\nattempts = { max = 2 }");
    cell.lose(&submitted("70", "08:00:00"));
    cell.submit(&submitted("80", "09:00:00"));
    cell.submit(&submitted("90", "10:00:00"));
    // Without a timestamp it goes by its arrival, and is the latest.
    assert_eq!(
        cell.submit(&submitted("70", "08:00:00")),
        "forwarded: 70 of 100"
    );
    assert_eq!(
        cell.submit(&submitted("95", "10:00:00")),
        "forwarded: 95 of 100"
    );
}

/// Some LMSs count only what is final, so that the same value is another grade then.
#[test]
fn what_becomes_final_is_sent_though_its_value_is_there() {
    let pending = format!("{}{PENDING}", given("80"));
    let mut cell = Cell::under("unchanged = 'skip'");
    cell.submit(&pending);
    assert_eq!(cell.submit(&pending), "kept by unchanged");
    assert_eq!(cell.submit(&given("80")), "forwarded: 80 of 100");
    assert_eq!(cell.submit(&given("80")), "kept by unchanged");
    assert_eq!(cell.submit(&pending), "kept by unchanged");
    let mut cell = Cell::under("keep = 'highest'");
    cell.submit(&pending);
    assert_eq!(cell.submit(&given("60")), "adjusted by keep: 80 of 100");
    assert_eq!(cell.submit(&given("60")), "kept by keep");
}

/// When it was started is the newest submission's, when it was submitted that of the attempt that stands.
#[test]
fn what_leaves_was_not_submitted_before_it_was_started() {
    let mut cell = Cell::under("keep = 'highest'");
    let times = |points, started, submitted| {
        let points = given(points);
        format!(
            r#"{points},"submission":{{"startedAt":"2026-03-01T{started}:00:00Z","submittedAt":"2026-03-01T{submitted}:00:00Z"}}"#
        )
    };
    cell.lose(&times("90", "06", "07"));
    let second = times("50", "08", "09");
    let sent = cell
        .judge(&second, Fate::Confirmed)
        .score_to_send(body(&second));
    let sent = String::from_utf8(sent.unwrap().write()).unwrap();
    assert!(
        sent.contains("T07:00:00") && !sent.contains("startedAt"),
        "{sent}"
    );
    let first = times("95", "06", "07");
    let sent = cell
        .judge(&first, Fate::Confirmed)
        .score_to_send(body(&first));
    let sent = String::from_utf8(sent.unwrap().write()).unwrap();
    assert!(
        sent.contains("T06:00:00") && sent.contains("T07:00:00"),
        "{sent}"
    );
}

#[test]
fn what_is_filled_is_what_a_requirement_sees() {
    let keys =
        "fill_maximum = 100\nrequire = [{ when = 'score.percent >= 10.0', message = 'too low' }]";
    let alone = |given| format!(r#","scoreGiven":{given}"#);
    assert_eq!(
        Cell::under(keys).submit(&alone(95)),
        "adjusted by fill_maximum: 95 of 100"
    );
    assert_eq!(
        Cell::under(keys).submit(&alone(9)),
        "refused by fill_maximum, require: POLICY_REFUSED"
    );
}

#[test]
fn a_guard_guards_whether_there_is_a_submission_or_not() {
    let keys = "require = [{ when = '!has(score.submission.submittedAt)', message = 'no' }]";
    assert_eq!(
        Cell::under(keys).submit(&given("90")),
        "forwarded: 90 of 100"
    );
    assert_eq!(
        Cell::under(keys).submit(&submitted("90", "08:00:00")),
        "refused by require: POLICY_REFUSED"
    );
}

#[test]
fn what_holds_a_score_back_is_explained_by_what_would_have_left_and_what_stays() {
    let mut cell = Cell::under(
        "due = '2026-03-01T06:00:00Z'\nlate = { kind = 'flat', percent = 10 }\noverride = 'protect'",
    );
    cell.submit(&submitted("80", "08:00:00"));
    cell.shows("95", "100");
    let judged = cell.judge(&submitted("90", "08:00:00"), Fate::Confirmed);
    let acts = judged.acts.iter().map(|act| {
        let output = act.output.map(|marks| marks.to_string());
        (act.rule, act.input.to_string(), output.unwrap_or_default())
    });
    assert_eq!(
        acts.collect::<Vec<_>>(),
        [
            ("late", "90 of 100".to_owned(), "80 of 100".to_owned()),
            ("override", "80 of 100".to_owned(), "95 of 100".to_owned()),
        ]
    );
}

#[test]
fn a_comment_that_stays_here_is_not_said_to_have_changed() {
    let mut cell = Cell::under("unchanged = 'skip'\ncomment = { html = 'strip' }");
    let marked = format!(r#"{},"comment":"<b>x</b>""#, given("80"));
    assert_eq!(cell.submit(&marked), "forwarded by comment: 80 of 100");
    assert_eq!(cell.submit(&marked), "kept by unchanged");
}

#[test]
fn what_may_have_arrived_is_sent_again_though_it_changes_nothing() {
    let mut cell = Cell::under("unchanged = 'skip'");
    cell.lose(&given("80"));
    assert_eq!(cell.submit(&given("80")), "forwarded: 80 of 100");
    assert_eq!(cell.submit(&given("80")), "kept by unchanged");
}

/// A tool that writes "never": nothing is later, and what comes after it is no earlier.
#[test]
fn behind_the_last_instant_there_is_a_score_is_stamped_with_it() {
    let mut cell = Cell::under("keep = 'latest'\nstale = 'refuse'");
    let last = format!(r#"{},"timestamp":"9999-12-31T23:59:59Z""#, given("80"));
    assert_eq!(cell.submit(&last), "forwarded: 80 of 100");
    assert_eq!(cell.submit(&given("70")), "forwarded: 70 of 100");
}

#[test]
fn without_a_timestamp_a_score_is_stamped_behind_all_others() {
    let mut cell = Cell::under("keep = 'latest'\nstale = 'refuse'");
    // The tool's clock is ahead of ours by an hour.
    cell.submit(&stamped("80", "13:00:00"));
    assert_eq!(cell.submit(&given("70")), "forwarded: 70 of 100");
    assert_eq!(
        cell.history[1].timestamp.as_ref().map(|at| at.text()),
        Some("2026-03-01T13:00:00.001Z")
    );
    assert_eq!(
        cell.submit(&stamped("60", "13:00:00")),
        "refused by stale: STALE_SCORE"
    );
    // Two in one millisecond are two attempts, in the order of their arrival.
    assert_eq!(cell.submit(&given("50")), "forwarded: 50 of 100");
    assert_eq!(cell.submit(&given("40")), "forwarded: 40 of 100");
}

/// A stamp says where a score stands among the others, and not when it was submitted.
#[test]
fn a_stamp_makes_nothing_late() {
    let keys =
        "due = '2026-03-01T12:30:00Z'\nlate = { kind = 'flat', percent = 10 }\nkeep = 'highest'";
    let mut cell = Cell::under(keys);
    // The tool's clock is ahead of ours by an hour, so that this seems late.
    assert_eq!(
        cell.submit(&stamped("50", "13:00:00")),
        "adjusted by late: 40 of 100"
    );
    assert_eq!(cell.submit(&given("90")), "forwarded: 90 of 100");
    // That one arrived on time, for ever.
    assert_eq!(cell.submit(&given("10")), "kept by keep");
}

/// A tool's `timestamp` that happens to be another score's stamp names another attempt.
#[test]
fn a_stamp_makes_no_regrade() {
    let mut cell = Cell::under("keep = 'highest'\nattempts = { max = 2 }");
    cell.submit(&stamped("50", "13:00:00"));
    cell.submit(&given("90"));
    assert_eq!(
        cell.submit(&stamped("10", "13:00:00.001")),
        "refused by attempts: POLICY_REFUSED"
    );
}

#[test]
fn a_missing_maximum_is_filled_before_any_rule_looks() {
    let alone = |given: &str| format!(r#","scoreGiven":{given}"#);
    let mut number = Cell::under("fill_maximum = 20\nmaximum = { percent = 100 }");
    assert_eq!(
        number.submit(&alone("15")),
        "adjusted by fill_maximum: 15 of 20"
    );
    assert_eq!(
        number.submit(&alone("25")),
        "adjusted by fill_maximum, maximum: 20 of 20"
    );
    // One that came with its own keeps it.
    assert_eq!(number.submit(&given("25")), "forwarded: 25 of 100");

    let of_item = "fill_maximum = 'line_item'";
    assert_eq!(
        Cell::under(of_item).of("50").submit(&alone("15")),
        "adjusted by fill_maximum: 15 of 50"
    );
    for maximum in [None, Some("0")] {
        let mut cell = Cell::under(of_item);
        cell.line_item_maximum = maximum.map(decimal);
        assert_eq!(cell.submit(&alone("15")), "refused: INVALID_SCORE");
        assert_eq!(cell.submit(&given("15")), "forwarded: 15 of 100");
    }
    assert_eq!(
        Cell::under("keep = 'latest'").submit(&alone("15")),
        "refused: INVALID_SCORE"
    );
}

/// What can be told without the maximum is told where there is none.
#[test]
fn a_missing_maximum_hides_no_refusal_that_needs_none() {
    let alone = |more: &str| format!(r#","scoreGiven":15{more}"#);
    let of_item = |keys: &str| Cell::under(&format!("fill_maximum = 'line_item'\n{keys}"));
    for (keys, more, said) in [
        (
            "opens = '2026-03-02T00:00:00Z'",
            "",
            "refused by opens: POLICY_REFUSED",
        ),
        (
            "closes = '2026-02-28T00:00:00Z'",
            "",
            "refused by closes: POLICY_REFUSED",
        ),
        (
            "comment = { html = 'refuse' }",
            r#","comment":"<b>x</b>""#,
            "refused by comment: POLICY_REFUSED",
        ),
        // Whether this holds may depend on the maximum, and so does what comes after it.
        (
            "require = [{ when = 'has(score.comment)', message = 'no' }]\ncomment = { html = 'refuse' }",
            r#","comment":"<b>x</b>""#,
            "refused: INVALID_SCORE",
        ),
        ("attempts = { max = 1 }", "", "refused: INVALID_SCORE"),
        // It is no clear.
        ("clear = 'refuse'", "", "refused: INVALID_SCORE"),
    ] {
        assert_eq!(of_item(keys).submit(&alone(more)), said, "{keys}");
    }
    for (keys, more, said) in [
        (
            "stale = 'ignore'",
            r#","timestamp":"2026-03-01T07:00:00Z""#,
            "kept by stale",
        ),
        (
            "not_final = 'refuse'",
            PENDING,
            "refused by not_final: POLICY_REFUSED",
        ),
        ("clear = 'refuse'", "", "refused: INVALID_SCORE"),
    ] {
        let mut cell = of_item(keys);
        cell.submit(&stamped("50", "08:00:00"));
        assert_eq!(cell.submit(&alone(more)), said, "{keys}");
    }
    // A fault of the score where nothing was to fill it.
    let mut cell = Cell::under("closes = '2026-02-28T00:00:00Z'\n");
    assert_eq!(cell.submit(&alone("")), "refused: INVALID_SCORE");
    let mut cell = of_item("closes = '2026-02-28T00:00:00Z'");
    let judgement = cell.judge(&alone(""), Fate::Confirmed);
    assert_eq!(judgement.acts[0].input.to_string(), "15");
}

#[test]
fn what_was_filled_stays_so_when_the_policy_changes() {
    let mut cell = Cell::under("fill_maximum = 20\nkeep = 'highest'");
    cell.submit(r#","scoreGiven":15,"submission":{"submittedAt":"2026-03-01T08:00:00Z"}"#);
    cell.comes_under("fill_maximum = 100\nkeep = 'highest'");
    assert_eq!(
        cell.submit(r#","scoreGiven":30,"submission":{"submittedAt":"2026-03-01T09:00:00Z"}"#),
        "kept by fill_maximum, keep"
    );
}

/// 10^28 is the most that a score may be; beyond it, nothing of it could be written.
#[test]
fn a_score_that_no_number_can_hold_is_refused_and_never_becomes_another() {
    let huge = r#","scoreGiven":1e28,"scoreMaximum":1e28"#;
    let tiny = r#","scoreGiven":1e28,"scoreMaximum":1"#;
    let mut cell = Cell::under("rescale = { to = 100 }");
    assert_eq!(cell.submit(huge), "adjusted by rescale: 100 of 100");
    assert_eq!(cell.submit(tiny), "refused by rescale: POLICY_REFUSED");
    let mut cell = Cell::under("minimum = { percent = 200 }");
    assert_eq!(cell.submit(huge), "refused by minimum: POLICY_REFUSED");
    let mut cell = Cell::under("keep = 'total'");
    assert_eq!(
        cell.submit(huge),
        "forwarded: 10000000000000000000000000000 of 10000000000000000000000000000"
    );
    assert_eq!(cell.submit(huge), "refused by keep: POLICY_REFUSED");
    // The attempts that are there still stand.
    cell.comes_under("keep = 'average'");
    assert_eq!(
        cell.submit(&given("0")),
        "adjusted by keep: 5000000000000000000000000000 of 10000000000000000000000000000"
    );
}

/// What goes into the comment is for a small box in a grade book.
#[test]
fn the_comment_says_each_reason_in_short() {
    let keys = "due = '2026-03-01T10:00:00Z'\nlate = { kind = 'ceiling', percent = 80 }
rescale = { to = 30 }\nminimum = { percent = 90 }\ncomment = { explain = true }";
    let mut cell = Cell::under(keys);
    let members = r#","scoreGiven":19,"scoreMaximum":21"#;
    let judgement = cell.judge(members, Fate::Confirmed);
    let leaving = judgement.leaves.as_ref().unwrap();
    assert_eq!(
        leaving.comment.as_deref(),
        Some(
            "Put on the scale of 30: about 27.14 of 30. 2 hours late: no more than 80 % counts. The score was raised to 27."
        )
    );
    let full = &judgement.acts[2].reason;
    assert!(full.contains("90 % of its maximum"), "{full}");
}

/// Whoever reads it takes it for the rule: 10 % of 100 is 10, whatever the score is.
#[test]
fn a_sentence_says_the_exact_deduction() {
    let keys = "due = '2026-02-28T12:00:00Z'\nrescale = { to = 100 }
late = { kind = 'per_interval', percent = 10, interval = '24h' }\ncomment = { explain = true }";
    let mut cell = Cell::under(keys);
    let at = r#","submission":{"submittedAt":"2026-03-01T12:00:00Z"}"#;
    let members = format!(r#","scoreGiven":5,"scoreMaximum":7{at}"#);
    let judgement = cell.judge(&members, Fate::Confirmed);
    let comment = judgement.leaves.as_ref().unwrap().comment.as_deref();
    assert_eq!(
        comment,
        Some("Put on the scale of 100: about 71.43 of 100. 1 day late: 10 points off.")
    );
    // What leaves is exact as ever.
    assert_eq!(
        said(&judgement),
        "adjusted by rescale, late, comment: 61.42857142857142857142857143 of 100"
    );
}

#[test]
fn a_sentence_has_few_digits_and_says_where_they_are_rounded() {
    for (keys, sentence) in [
        (
            "late = { kind = 'flat', percent = 10, of = 'earned' }\ndue = '2026-02-28T12:00:00Z'",
            "1 day late: about 7.143 points off.",
        ),
        (
            "late = { kind = 'ceiling', percent = 50.00005 }\ndue = '2026-02-28T12:00:00Z'",
            "1 day late: no more than 50.00005 % counts, which is about 50.",
        ),
        (
            "maximum = { percent = 66.66666 }",
            "The score was lowered to about 66.67, which is 66.66666 % of its maximum and the most it may be.",
        ),
        (
            "minimum = { percent = 99.00001 }",
            "The score was raised to about 99, which is 99.00001 % of its maximum and the least it may be.",
        ),
        (
            "round = { digits = 6 }",
            "Rounded to 6 decimals: 71.428571.",
        ),
    ] {
        let mut cell = Cell::under(&format!("rescale = {{ to = 100 }}\n{keys}"));
        let at = r#","submission":{"submittedAt":"2026-03-01T12:00:00Z"}"#;
        let members = format!(r#","scoreGiven":5,"scoreMaximum":7{at}"#);
        let judgement = cell.judge(&members, Fate::Confirmed);
        assert_eq!(judgement.acts.last().unwrap().reason, sentence);
    }
    let mut cell = Cell::under("rescale = { to = 100 }\nkeep = 'average'");
    cell.submit(r#","scoreGiven":5,"scoreMaximum":7"#);
    let judgement = cell.judge(r#","scoreGiven":1,"scoreMaximum":3"#, Fate::Confirmed);
    assert_eq!(
        judgement.acts.last().unwrap().reason,
        "The average of all attempts counts: about 52.38 of 100."
    );
}
