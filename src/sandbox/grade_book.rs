//! The platform's grade book behind LTIAAS: line items and their cells, by the rules of AGS or
//! with the habits of Canvas or Moodle. A result is computed when it is read, so that a changed
//! line item rescales what it shows.

use std::collections::{BTreeMap, BTreeSet};

use clap::ValueEnum;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde_json::value::RawValue;

use super::body::Members;
use super::number::Number;
use super::score::{Maximum, Score};

const MOST_ITEMS: usize = 10_000;
const MOST_CELLS: usize = 100_000;

/// Whose habits the grade book has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Lms {
    /// AGS to the letter: any progress stores its score, an absent score clears the cell.
    #[default]
    Ags,
    /// Any progress but FullyGraded and PendingManual empties the cell.
    Canvas,
    /// Any progress but FullyGraded empties the cell; two posts in one second collide.
    Moodle,
}

/// Why the platform did not do what it was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    NoSuchLineItem,
    /// It can't live on any platform: not an https URL.
    NotALineItem,
    MaximumMissing,
    Stale,
    Full,
}

#[derive(Debug, Default)]
pub struct GradeBook {
    items: BTreeMap<String, Item>,
    deleted: BTreeSet<String>,
    created: u64,
    cells: usize,
}

#[derive(Debug)]
struct Item {
    members: Members,
    maximum: Number,
    cells: BTreeMap<String, Cell>,
}

#[derive(Debug)]
struct Cell {
    given: Option<(Number, Number)>,
    comment: Option<String>,
    activity: String,
    grading: String,
    timestamp: Timestamp,
    posts: u64,
}

/// One cell as the platform shows it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Grade {
    pub line_item: String,
    pub user_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result_score: Option<Number>,
    pub result_maximum: Number,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    pub activity_progress: String,
    pub grading_progress: String,
    pub timestamp: String,
    /// How many scores were posted to it.
    pub posts: u64,
}

impl GradeBook {
    /// Adds a line item under a new id on `platform`.
    pub fn create(&mut self, platform: &str, members: Members) -> Result<Members, Refused> {
        self.created += 1;
        let id = format!("{platform}/api/lti/courses/1/line_items/{}", self.created);
        self.put(&id, members)
    }

    /// Puts a line item's members in place of all that it had; its cells stay.
    pub fn replace(&mut self, id: &str, members: Members) -> Result<Members, Refused> {
        self.item(id)?;
        self.put(id, members)
    }

    pub fn read(&mut self, id: &str) -> Result<Members, Refused> {
        Ok(self.item(id)?.members.clone())
    }

    pub fn delete(&mut self, id: &str) -> Result<(), Refused> {
        let item = self.items.remove(id).ok_or(Refused::NoSuchLineItem)?;
        self.cells -= item.cells.len();
        self.deleted.insert(id.to_owned());
        Ok(())
    }

    pub fn line_items(&self) -> Vec<Members> {
        self.items
            .values()
            .map(|item| item.members.clone())
            .collect()
    }

    /// Takes a score in at `now`, the time that ltijs stamps on it.
    pub fn post(
        &mut self,
        id: &str,
        score: Score,
        lms: Lms,
        now: Timestamp,
    ) -> Result<(), Refused> {
        let full = self.cells >= MOST_CELLS;
        let item = self.item(id)?;
        let given = points(&score, &item.maximum)?;
        let before = item.cells.get(&score.user);
        if full && before.is_none() {
            return Err(Refused::Full);
        }
        let cell = Cell {
            given: given.filter(|_| stores(lms, &score.grading)),
            comment: score.comment.filter(|comment| !comment.trim().is_empty()),
            activity: score.activity,
            grading: score.grading,
            timestamp: stamped(lms, before, now)?,
            posts: before.map_or(0, |cell| cell.posts) + 1,
        };
        let added = item.cells.insert(score.user, cell).is_none();
        self.cells += usize::from(added);
        Ok(())
    }

    /// The cells of a line item.
    pub fn grades_of(&mut self, id: &str, lms: Lms) -> Result<Vec<Grade>, Refused> {
        self.item(id)?;
        Ok(self
            .items
            .get(id)
            .map_or_else(Vec::new, |item| shown(id, item, lms)))
    }

    /// Every cell.
    pub fn grades(&self, lms: Lms) -> Vec<Grade> {
        let items = self.items.iter();
        items.flat_map(|(id, item)| shown(id, item, lms)).collect()
    }

    /// A line item, made on first use. A deleted one stays away.
    fn item(&mut self, id: &str) -> Result<&mut Item, Refused> {
        if self.deleted.contains(id) {
            return Err(Refused::NoSuchLineItem);
        }
        if !id.starts_with("https://") {
            return Err(Refused::NotALineItem);
        }
        if !self.items.contains_key(id) {
            self.put(id, unlabelled())?;
        }
        self.items.get_mut(id).ok_or(Refused::NoSuchLineItem)
    }

    fn put(&mut self, id: &str, mut members: Members) -> Result<Members, Refused> {
        let full = self.items.len() + self.deleted.len() >= MOST_ITEMS;
        if full && !self.items.contains_key(id) {
            return Err(Refused::Full);
        }
        let maximum = members
            .get("scoreMaximum")
            .and_then(|value| Number::read(value));
        let maximum = maximum.ok_or(Refused::MaximumMissing)?;
        members.retain(|_, value| value.get() != "null");
        members.insert("id".into(), raw(id));
        let before = self.items.remove(id);
        let item = Item {
            members: members.clone(),
            maximum,
            cells: before.map(|item| item.cells).unwrap_or_default(),
        };
        self.items.insert(id.to_owned(), item);
        Ok(members)
    }
}

fn raw(value: impl Serialize) -> Box<RawValue> {
    serde_json::value::to_raw_value(&value).unwrap_or_default()
}

fn unlabelled() -> Members {
    let label = ("label".to_owned(), raw("Line item"));
    Members::from([label, ("scoreMaximum".to_owned(), raw(100))])
}

/// Given and maximum; a maximum that was never said is the line item's.
fn points(score: &Score, item: &Number) -> Result<Option<(Number, Number)>, Refused> {
    let Some(given) = score.given.clone() else {
        return Ok(None);
    };
    match &score.maximum {
        Maximum::Of(maximum) => Ok(Some((given, maximum.clone()))),
        Maximum::Unsaid => Ok(Some((given, item.clone()))),
        Maximum::Null => Err(Refused::MaximumMissing),
    }
}

fn stores(lms: Lms, grading: &str) -> bool {
    match lms {
        Lms::Ags => true,
        Lms::Canvas => matches!(grading, "FullyGraded" | "PendingManual"),
        Lms::Moodle => grading == "FullyGraded",
    }
}

/// Timestamps of a cell strictly increase. Moodle compares whole seconds and refuses; elsewhere
/// the next millisecond stands for a clock that has not moved.
fn stamped(lms: Lms, before: Option<&Cell>, now: Timestamp) -> Result<Timestamp, Refused> {
    let Some(last) = before.map(|cell| cell.timestamp) else {
        return Ok(now);
    };
    if lms == Lms::Moodle && now.as_second() <= last.as_second() {
        return Err(Refused::Stale);
    }
    let next = last.checked_add(SignedDuration::from_millis(1));
    Ok(next.map_or(now, |next| now.max(next)))
}

fn shown(id: &str, item: &Item, lms: Lms) -> Vec<Grade> {
    // Moodle rounds to five decimals.
    let digits = if lms == Lms::Moodle { 5 } else { 20 };
    let grade = |(user, cell): (&String, &Cell)| Grade {
        line_item: id.to_owned(),
        user_id: user.clone(),
        result_score: cell
            .given
            .as_ref()
            .and_then(|(given, maximum)| given.rescaled(maximum, &item.maximum, digits)),
        result_maximum: item.maximum.clone(),
        comment: cell.comment.clone(),
        activity_progress: cell.activity.clone(),
        grading_progress: cell.grading.clone(),
        timestamp: format!("{:.3}", cell.timestamp),
        posts: cell.posts,
    };
    item.cells.iter().map(grade).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const ID: &str = "https://lms.example.com/line_items/1";

    fn score(body: Value) -> Score {
        let mut whole = json!({
            "userId": "u", "activityProgress": "Completed", "gradingProgress": "FullyGraded"
        });
        whole
            .as_object_mut()
            .unwrap()
            .extend(body.as_object().unwrap().clone());
        Score::read(&serde_json::from_str(&whole.to_string()).unwrap()).unwrap()
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    /// What the one cell shows after these posts, a second apart.
    fn shown_after(lms: Lms, posts: &[Value]) -> Value {
        let mut book = GradeBook::default();
        for (second, body) in (0..).zip(posts) {
            book.post(ID, score(body.clone()), lms, at(second)).unwrap();
        }
        serde_json::to_value(&book.grades(lms)[0]).unwrap()["resultScore"].clone()
    }

    #[test]
    fn the_last_score_stands_scaled_to_the_line_item() {
        let good = json!({ "scoreGiven": 8.5, "scoreMaximum": 10 });
        assert_eq!(
            shown_after(
                Lms::Ags,
                &[json!({"scoreGiven": 1, "scoreMaximum": 1}), good]
            ),
            json!(85)
        );
        assert_eq!(
            shown_after(Lms::Ags, &[json!({ "scoreGiven": 7 })]),
            json!(7)
        );
    }

    #[test]
    fn no_score_clears_and_zero_does_not() {
        let full = json!({ "scoreGiven": 9, "scoreMaximum": 9 });
        assert_eq!(
            shown_after(Lms::Ags, &[full.clone(), json!({})]),
            Value::Null
        );
        assert_eq!(
            shown_after(Lms::Ags, &[full.clone(), json!({"scoreGiven": null})]),
            Value::Null
        );
        let zero = json!({ "scoreGiven": 0, "scoreMaximum": 9 });
        assert_eq!(shown_after(Lms::Ags, &[full, zero]), json!(0));
    }

    #[test]
    fn progress_that_is_not_final_is_stored_or_empties_the_cell_as_the_lms_does() {
        for (progress, ags, canvas, moodle) in [
            ("FullyGraded", json!(50), json!(50), json!(50)),
            ("PendingManual", json!(50), json!(50), Value::Null),
            ("Pending", json!(50), Value::Null, Value::Null),
        ] {
            let before = json!({ "scoreGiven": 9, "scoreMaximum": 9 });
            let post = json!({ "scoreGiven": 1, "scoreMaximum": 2, "gradingProgress": progress });
            for (lms, expected) in [
                (Lms::Ags, ags),
                (Lms::Canvas, canvas),
                (Lms::Moodle, moodle),
            ] {
                assert_eq!(
                    shown_after(lms, &[before.clone(), post.clone()]),
                    expected,
                    "{lms:?}"
                );
            }
        }
    }

    #[test]
    fn a_null_maximum_is_refused_and_changes_nothing() {
        let mut book = GradeBook::default();
        let null = score(json!({ "scoreGiven": 5, "scoreMaximum": null }));
        assert_eq!(
            book.post(ID, null, Lms::Ags, at(0)),
            Err(Refused::MaximumMissing)
        );
        assert!(book.grades(Lms::Ags).is_empty());
    }

    #[test]
    fn moodle_refuses_a_second_post_within_the_second() {
        let mut book = GradeBook::default();
        let post = || score(json!({ "scoreGiven": 5, "scoreMaximum": 10 }));
        book.post(ID, post(), Lms::Moodle, at(0)).unwrap();
        assert_eq!(
            book.post(ID, post(), Lms::Moodle, at(0)),
            Err(Refused::Stale)
        );
        assert_eq!(book.post(ID, post(), Lms::Moodle, at(1)), Ok(()));
    }

    #[test]
    fn timestamps_of_a_cell_strictly_increase() {
        let mut book = GradeBook::default();
        for expected in ["2027-01-15T08:00:00.000Z", "2027-01-15T08:00:00.001Z"] {
            book.post(ID, score(json!({})), Lms::Ags, at(0)).unwrap();
            assert_eq!(book.grades(Lms::Ags)[0].timestamp, expected);
        }
    }

    #[test]
    fn a_deleted_line_item_stays_away_and_a_non_https_one_never_comes() {
        let mut book = GradeBook::default();
        book.read(ID).unwrap();
        book.delete(ID).unwrap();
        assert_eq!(book.read(ID).unwrap_err(), Refused::NoSuchLineItem);
        assert_eq!(
            book.read("http://lms/1").unwrap_err(),
            Refused::NotALineItem
        );
    }

    #[test]
    fn a_replaced_line_item_keeps_its_cells_and_rescales_them() {
        let mut book = GradeBook::default();
        book.post(
            ID,
            score(json!({ "scoreGiven": 5, "scoreMaximum": 10 })),
            Lms::Ags,
            at(0),
        )
        .unwrap();
        let members =
            serde_json::from_str(r#"{"label":"Quiz","scoreMaximum":20,"tag":null}"#).unwrap();
        let replaced = book.replace(ID, members).unwrap();
        assert_eq!(
            replaced.keys().collect::<Vec<_>>(),
            ["id", "label", "scoreMaximum"]
        );
        let shown = serde_json::to_value(&book.grades_of(ID, Lms::Ags).unwrap()[0]).unwrap();
        assert_eq!(
            (&shown["resultScore"], &shown["resultMaximum"]),
            (&json!(10), &json!(20))
        );
    }
}
